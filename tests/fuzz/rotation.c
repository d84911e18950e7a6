/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rotation.c - the journal of a rotation on a strange disk (rsnap/rotate.h), and the plan that
 * is made of it: whatever the journal says, nothing is renamed but a location of this root.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "frame.h"
#include "rsnap/rotate.h"
#include "world.h"

static struct volume v = { .fd = -1, .own = 0, .root = (char[]){ "/srv" } };

void fuzz_begin(void)
{
}

static void check_names(const struct rotate *r)
{
	char **host;
	size_t i;

	CHECK(fuzz_is_name(r->interval) && fuzz_is_name(r->feeder));
	for (i = 0; i < r->before.n; i++)
		CHECK(fuzz_is_name(r->before.slot[i].name));
	for (host = r->missed; host && *host; host++)
		CHECK(fuzz_is_name(*host));
}

/* Write it as rotate_begin() does, and read it. */
static void check_again(const struct rotate *r)
{
	struct buf b = { 0 };
	struct rotate again;
	char **host;
	size_t i;

	buf_printf(&b, "secondshot-rotation 1\ninterval %s %s %s %" PRId64 "\n%s", r->interval, r->feeder,
		   r->copy ? "copy" : "rename", r->when, r->late ? "late\n" : "");
	for (host = r->missed; host && *host; host++)
		buf_printf(&b, "missed %s\n", *host);
	for (i = 0; i < r->before.n; i++)
		buf_printf(&b, "at %s %" PRIu64 " %" PRId64 "\n", r->before.slot[i].name, r->before.slot[i].ino,
			   r->before.slot[i].btime);
	buf_str(&b, "end\n");
	world_file(b.p, b.len);
	buf_free(&b);
	CHECK(rotate_read(&v, &again) == 1 && !world_said());
	CHECK(!strcmp(again.interval, r->interval) && !strcmp(again.feeder, r->feeder));
	CHECK(again.copy == r->copy && again.when == r->when && again.late == r->late);
	for (i = 0; r->missed && r->missed[i]; i++)
		CHECK(again.missed && again.missed[i] && !strcmp(again.missed[i], r->missed[i]));
	CHECK(again.before.n == r->before.n);
	for (i = 0; i < r->before.n; i++)
		CHECK(!strcmp(again.before.slot[i].name, r->before.slot[i].name) &&
		      again.before.slot[i].ino == r->before.slot[i].ino &&
		      again.before.slot[i].btime == r->before.slot[i].btime);
	rotate_free(&again);
}

/* The second half of the slots have moved up by one. */
static void check_plan(const struct rotate *r)
{
	struct rotate_list now = { mem_array(NULL, r->before.n + 1, sizeof(*now.slot)), r->before.n };
	struct rotate_plan p;
	size_t i;

	if (now.n > 0)
		memcpy(now.slot, r->before.slot, now.n * sizeof(*now.slot));
	for (i = now.n / 2; i + 1 < now.n; i++)
		memcpy(now.slot[i].name, r->before.slot[i + 1].name, ROTATE_NAME);
	rotate_plan(r, &now, &p);
	CHECK(p.n <= r->before.n + 1);
	for (i = 0; i < p.n; i++)
		CHECK(fuzz_is_name(p.step[i].from) && (!*p.step[i].to || fuzz_is_name(p.step[i].to)));
	rotate_plan_free(&p);
	rotate_list_free(&now);
}

int fuzz_one(char *text, size_t len)
{
	struct rotate r;
	int got;

	world_file(text, len);
	got = rotate_read(&v, &r);
	CHECK(got == (world_said() ? -1 : 1));
	if (got == 1) {
		check_names(&r);
		check_plan(&r);
		check_again(&r);
	}
	rotate_free(&r);
	return got == 1;
}
