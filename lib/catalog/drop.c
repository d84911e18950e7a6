/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/drop.h"

#include <stdlib.h>

#include "base/mem.h"

#define BATCH 4096

struct key {
	int64_t dir, first, ino, since, sub;
	size_t name, len;	/* in drop.names */
};

enum what { BETWEEN, SINCE, CLOSED };

struct drop {
	struct catalog *cat;
	enum what what;
	int64_t series, before, seq, after;
	int64_t dir;		/* nothing is left behind this one */
	struct key *key;
	size_t n;
	struct buf names;
};

static struct db_stmt *ask(const struct drop *d)
{
	struct db *db = d->cat->db;
	int64_t batch = BATCH;

	switch (d->what) {
	case BETWEEN:
		return db_bind(db, SQL_PRUNE_ROWS, "iiiiii", d->series, d->dir, d->before, d->seq,
			       d->after, batch);
	case SINCE:
		return db_bind(db, SQL_UNDO_ROWS, "iiii", d->series, d->dir, d->seq, batch);
	default:
		return db_bind(db, SQL_UNDO_CLOSED, "iiii", d->series, d->dir, d->seq, batch);
	}
}

/*
 * Collect the next batch.  0 or -1.  From the highest directory down: what lies in one goes
 * before the row that leads to it, so that none is lost meanwhile.
 */
static int collect(struct drop *d)
{
	struct db_stmt *st = ask(d);
	enum db_got got = DB_FAIL;

	d->n = 0;
	buf_reset(&d->names);
	while (st && (got = db_step(st)) == DB_ROW && d->n < BATCH) {
		struct key *k = &d->key[d->n++];
		const void *name = db_bytes(st, 1, &k->len);

		k->name = d->names.len;
		buf_add(&d->names, name, k->len);
		k->dir = d->dir = db_int(st, 0);
		k->first = db_int(st, 2);
		k->ino = db_int(st, 3);
		k->since = db_int(st, 4);
		k->sub = db_int(st, 5);
	}
	if (got == DB_ROW)
		db_reset(st);
	return got == DB_FAIL ? -1 : 0;
}

static const void *name_of(const struct drop *d, const struct key *k)
{
	return d->names.p ? d->names.p + k->name : "";
}

/* Transaction: the collected rows are open again. */
static int open_batch(void *arg)
{
	struct drop *d = arg;

	for (size_t i = 0; i < d->n; i++) {
		const struct key *k = &d->key[i];

		if (db_queue(d->cat->db, NULL, SQL_ROW_CLOSE, "niibi", d->series, k->dir,
			     name_of(d, k), k->len, k->first) < 0)
			return -1;
	}
	return 0;
}

/* Transaction: delete the collected rows and what hung on them alone. */
static int delete_batch(void *arg)
{
	struct drop *d = arg;
	struct db *db = d->cat->db;

	for (size_t i = 0; i < d->n; i++) {
		const struct key *k = &d->key[i];

		if (db_queue(db, NULL, SQL_PRUNE_ROW, "iibi", d->series, k->dir, name_of(d, k),
			     k->len, k->first) < 0)
			return -1;
	}
	/* What hung on them looks whether any row is left. */
	if (db_flush(db) < 0)
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		const struct key *k = &d->key[i];

		if (k->since && db_queue(db, NULL, SQL_PRUNE_INODE, "iii", d->series, k->ino,
					 k->since) < 0)
			return -1;
		if (k->sub && db_queue(db, NULL, SQL_PRUNE_DIR, "ii", d->series, k->sub) < 0)
			return -1;
	}
	return 0;
}

/* One batch after the other; *rows (or NULL) counts them.  0 or -1. */
static int each_batch(struct drop *d, enum what what, int64_t *rows)
{
	int rc;

	d->what = what;
	d->dir = INT64_MAX;
	d->key = mem_array(NULL, BATCH, sizeof(*d->key));
	while ((rc = collect(d)) == 0 && d->n > 0) {
		rc = db_transaction(d->cat->db, what == CLOSED ? open_batch : delete_batch, d);
		if (rc < 0)
			break;
		if (rows)
			*rows += (int64_t)d->n;
	}
	free(d->key);
	buf_free(&d->names);
	return rc;
}

int drop_between(struct catalog *cat, int64_t series, int64_t before, int64_t seq, int64_t after,
		 int64_t *rows)
{
	struct drop d = { .cat = cat, .series = series, .before = before, .seq = seq, .after = after };

	return each_batch(&d, BETWEEN, rows);
}

/* In this order: a path never has two open rows. */
int drop_since(struct catalog *cat, int64_t series, int64_t seq, int64_t *rows)
{
	struct drop d = { .cat = cat, .series = series, .seq = seq };

	return each_batch(&d, SINCE, rows) < 0 || each_batch(&d, CLOSED, NULL) < 0 ? -1 : 0;
}
