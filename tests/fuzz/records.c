/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * records.c - the other small files of a volume: promoted, missed, volume, space, generation.  Each input
 * is shown to all their readers; its first line says to which of them it belongs.
 */
#include <string.h>

#include "frame.h"
#include "rsnap/missed.h"
#include "rsnap/promoted.h"
#include "tree/generation.h"
#include "tree/space.h"
#include "tree/volume.h"
#include "world.h"

#define NEW "new"		/* no seed has an interval or host of this name */

static struct volume v = { .own = 0, .root = (char[]){ "/srv" } };
static const char *root;

void fuzz_begin(void)
{
	v.fd = world_volume(&root);
}

static int promoted(void)
{
	struct promoted p, again;
	size_t i;

	promoted_read(&v, &p);
	if (world_said())
		CHECK(p.n == 0);
	if (p.n == 0)
		return 0;
	CHECK(promoted_write(&v, &p) == 0);
	promoted_read(&v, &again);
	CHECK(!world_said() && again.n == p.n);
	for (i = 0; i < p.n; i++) {
		CHECK(fuzz_is_name(p.entry[i].interval) && !strcmp(p.entry[i].interval, again.entry[i].interval));
		CHECK(!*p.entry[i].host || fuzz_is_name(p.entry[i].host));
		CHECK(!strcmp(p.entry[i].host, again.entry[i].host));
		CHECK(p.entry[i].when == again.entry[i].when && p.entry[i].seen == again.entry[i].seen);
		CHECK(promoted_last(&p, p.entry[i].interval, p.entry[i].host, 1000) <= 1000);
	}
	promoted_free(&again);
	promoted_free(&p);
	return 1;
}

static int missed(void)
{
	char *nobody[] = { NULL }, *host[] = { (char[]){ NEW }, NULL };
	struct missed m, again;
	size_t i;

	missed_read(&v, &m);
	if (world_said())
		CHECK(m.n == 0);
	/* Another interval's entry comes behind them, and goes. */
	if (m.n > 0 && missed_set(&v, NEW, NULL, nobody) == 0 && missed_set(&v, NEW, NULL, host) == 0) {
		missed_read(&v, &again);
		CHECK(!world_said() && missed_has(&again, NEW, NEW));
		for (i = 0; i < m.n; i++) {
			CHECK(fuzz_is_name(m.entry[i].interval) && fuzz_is_name(m.entry[i].host));
			CHECK(!strcmp(m.entry[i].interval, NEW) ||
			      missed_has(&again, m.entry[i].interval, m.entry[i].host));
		}
		missed_free(&again);
	}
	i = m.n;
	missed_free(&m);
	return i > 0;
}

static int volume(void)
{
	struct volume other;
	int got = volume_open(&other, root);

	CHECK(world_said() == (got != 0));
	if (got == 0)
		CHECK(fuzz_is_hex(other.id, ID_LEN));
	volume_close(&other);
	return got == 0;
}

static int space(void)
{
	struct space before;
	struct buf why = { 0 };
	int got = space_ask(&v, NEW, 1, &why);

	CHECK(got >= SPACE_OK && got <= SPACE_FULL && (why.len > 0) == (got != SPACE_OK));
	buf_free(&why);
	if (world_said())
		return 0;
	CHECK(space_look(&v, &before) == 0 && space_note(&v, NEW, &before) == 0);
	CHECK(space_ask(&v, NEW, 0, &why) == SPACE_OK && !world_said());
	return 1;
}

static int generation(void)
{
	struct generation g, again;
	size_t i;

	if (generation_read(&v, &g) <= 0 || g.n == 0)
		return 0;
	for (i = 0; i < g.n; i++) {
		CHECK(fuzz_is_hex(g.stamp[i].id, ID_LEN) && g.stamp[i].n > 0);
		CHECK(i == 0 || g.stamp[i].n < g.stamp[i - 1].n);
	}
	again = g;
	if (generation_raise(&v, &again, 0, 1) != 0)
		return 1;
	CHECK(generation_read(&v, &again) > 0 && again.n > 0 && again.stamp[0].n > g.stamp[0].n);
	CHECK(generation_compare(&again, &g) == GENERATION_AHEAD && generation_compare(&g, &again) == GENERATION_BEHIND);
	return 1;
}

int fuzz_one(char *text, size_t len)
{
	static int (*const reader[])(void) = { promoted, missed, volume, space, generation };
	int accepted = 0;
	size_t i;

	for (i = 0; i < sizeof(reader) / sizeof(reader[0]); i++) {
		world_file(text, len);
		accepted += reader[i]();
	}
	CHECK(accepted <= 1);
	return accepted;
}
