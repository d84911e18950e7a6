/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* same_disk.c - is the disk in the state in which the catalog saw it last? */
#include "catalog/same_disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/generation.h"
#include "tree/record.h"

#define RECORD "/" MARKER_DIR "/generation"

struct entering {
	struct catalog *cat;
	const struct volume *v;
	const struct generation *g;
	int64_t above;		/* stamps of g with a larger number */
	int anew;		/* and no other ones: their numbers have begun anew */
};

/* What the catalog knows of v.  0, or -1 after reporting. */
static int known(struct catalog *cat, const struct volume *v, struct generation *g)
{
	struct db_stmt *st = db_bind(cat->db, SQL_GENERATIONS, "si", v->id, (int64_t)GENERATION_KEPT);
	enum db_got got = DB_FAIL;

	*g = (struct generation){ .n = 0 };
	while (st && (got = db_step(st)) == DB_ROW && g->n < GENERATION_KEPT) {
		struct stamp *s = &g->stamp[g->n++];
		char *id = db_strdup(st, 1);

		s->n = db_int(st, 0);
		snprintf(s->id, sizeof(s->id), "%s", id);
		s->at = db_int(st, 2);
		free(id);
	}
	if (got == DB_ROW)
		db_reset(st);
	return got == DB_FAIL ? -1 : 0;
}

/* What v has on record, or nothing: what cannot be read is said. */
static void on_disk(const struct volume *v, struct generation *g)
{
	if (generation_read(v, g) >= 0)
		return;
	const char *why = record_error();
	msg_warn("%s" RECORD ": %s; it is written anew", escape_name(v->root), why);
}

/* volume_each: 1 if the marker of the saveset lies here. */
static int lies_here(const char *location, int fd, void *arg)
{
	const struct saveset *s = arg;

	(void)location;
	return marker_has_id(fd, s->host, s->uid);
}

/* Does the newest saveset that the catalog has of v lie there?  1 (also if it has none), 0, -1 after reporting. */
static int newest_is_there(struct catalog *cat, const struct volume *v)
{
	struct saveset s;
	int got = catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_ON_DISK, "s", v->id), &s);

	if (got != 0)
		return got;
	got = volume_each(v, lies_here, &s);
	saveset_free(&s);
	return got;
}

/* "number 17, of 2026-11-22T13:05:00Z", or that there is none; malloc'd. */
static char *newest_text(const struct generation *g)
{
	char at[CLOCK_TEXT];

	return g->n == 0 ? mem_strdup("none on record")
		: mem_printf("number %" PRId64 ", of %s", g->stamp[0].n, clock_text(g->stamp[0].at, at));
}

/* Why v is not the one; malloc'd. */
static char *tell(const struct volume *v, enum generation_order order, const struct generation *disk,
		  const struct generation *catalog)
{
	char *on = newest_text(disk), *in = newest_text(catalog), *text;
	const char *what = order == GENERATION_BEHIND ? "an older state of the volume, or a copy of it"
		: order == GENERATION_FORKED ? "another copy of the volume, which went on by itself"
					     : "an older state of the volume, or another copy of it";

	text = mem_printf("%s holds %s: the last run on this disk is %s, the last run that the catalog"
			  " knows is %s", escape_name(v->root), what, on, in);
	free(on);
	free(in);
	return text;
}

/* Read both and compare, as same_disk_ask(). */
static int look(struct catalog *cat, const struct volume *v, struct generation *disk,
		struct generation *catalog, char **why)
{
	enum generation_order order;
	int there;

	*why = NULL;
	if (known(cat, v, catalog) < 0)
		return -1;
	on_disk(v, disk);
	order = generation_compare(disk, catalog);
	if (order == GENERATION_SAME || order == GENERATION_AHEAD)
		return 0;
	there = order == GENERATION_UNRELATED ? newest_is_there(cat, v) : 0;
	if (there == 0)
		*why = tell(v, order, disk, catalog);
	return there < 0 ? -1 : !there;
}

int same_disk_ask(struct catalog *cat, const struct volume *v, char **why)
{
	struct generation disk, catalog;

	return look(cat, v, &disk, &catalog, why);
}

/* As same_disk_check(). */
static int check(struct catalog *cat, const struct volume *v, struct generation *disk,
		 struct generation *catalog)
{
	char *why;
	int got = look(cat, v, disk, catalog, &why);

	if (got > 0)
		msg_error("volume offline: %s.  Nothing was changed.  Insert the right disk; or, if this one"
			  " is to count from now on, run 'ss-catalog reconcile --accept'", why);
	free(why);
	return got;
}

int same_disk_check(struct catalog *cat, const struct volume *v)
{
	struct generation disk, catalog;

	return check(cat, v, &disk, &catalog);
}

/* Transaction: the catalog knows the stamps of g with numbers above one, and no more than are kept. */
static int enter(void *arg)
{
	const struct entering *e = arg;
	struct db *db = e->cat->db;
	int64_t oldest;

	if (e->anew && db_run(db, SQL_GENERATION_FORGET, "si", e->v->id, INT64_MAX) < 0)
		return -1;
	for (size_t i = 0; i < e->g->n && e->g->stamp[i].n > e->above; i++) {
		const struct stamp *s = &e->g->stamp[i];

		if (db_run(db, SQL_GENERATION_ADD, "sisi", e->v->id, s->n, s->id, s->at) < 0)
			return -1;
	}
	int got = db_value(db, &oldest, SQL_GENERATION_OLDEST, "si", e->v->id, (int64_t)GENERATION_KEPT);
	if (got <= 0)
		return got;
	return db_run(db, SQL_GENERATION_FORGET, "si", e->v->id, oldest) < 0 ? -1 : 0;
}

/* The number of the newest stamp, 0 = there is none. */
static int64_t newest(const struct generation *g)
{
	return g->n > 0 ? g->stamp[0].n : 0;
}

int same_disk_enter(struct catalog *cat, const struct volume *v)
{
	struct generation disk, catalog;
	struct entering e = { cat, v, &disk, 0, 0 };
	int got = check(cat, v, &disk, &catalog);

	e.above = newest(&catalog);
	return got != 0 || newest(&disk) <= e.above ? got : db_transaction(cat->db, enter, &e);
}

/* As same_disk_raise(): only the new stamp is told to the catalog, which has the others, or must not have them. */
static int raise_stamp(struct catalog *cat, const struct volume *v)
{
	struct generation disk, catalog = { .n = 0 };

	if (cat && known(cat, v, &catalog) < 0)
		return -1;
	generation_read(v, &disk);
	if (generation_raise(v, &disk, newest(&catalog), clock_now()) != 0)
		return -1;
	struct entering e = { cat, v, &disk, newest(&disk) - 1, newest(&disk) <= newest(&catalog) };
	return cat ? db_transaction(cat->db, enter, &e) : 0;
}

int same_disk_raise(struct catalog *cat, const struct volume *v)
{
	return cat && same_disk_enter(cat, v) != 0 ? -1 : raise_stamp(cat, v);
}

int same_disk_accept(struct catalog *cat, const struct volume *v)
{
	return raise_stamp(cat, v);
}
