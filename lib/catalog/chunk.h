/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* chunk.h - rows that came from one statement, in the order of the catalog. */
#ifndef SS_CHUNK_H
#define SS_CHUNK_H

#include "base/mem.h"
#include "catalog/rows.h"

/* How many rows are asked for at once. */
#define CHUNK_MIN 64
#define CHUNK_MAX 4096

/* Whole directories from `from` on, all that have a number below `next`. */
struct chunk {
	int refs;
	struct row *row;	/* e.path is not set */
	size_t n;
	int64_t from, next;
	int whole;		/* there are none behind them */
	int torn;		/* there is one only, and it has more rows */
	struct buf bytes;	/* names and data of the rows */
};

/*
 * Read what st, started, gives: rows from directory `from` on, at most limit.  Of the
 * last directory, which may have more, no row is kept, unless it is the only one.
 * NULL after reporting.
 */
struct chunk *chunk_read(struct db_stmt *st, int64_t from, int64_t limit);
void chunk_unref(struct chunk *c);	/* NULL is a no-op */

/* Index of the first row of directory dir, or of the first behind it. */
size_t chunk_find(const struct chunk *c, int64_t dir);

/* Does the chunk hold all rows of dir, or at least the first ones?  NULL holds none. */
int chunk_covers(const struct chunk *c, int64_t dir);

#endif
