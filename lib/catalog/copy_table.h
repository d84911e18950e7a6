/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy_table.h - the catalog's tables as they are, row by row in the order of
 * their primary keys, a bounded number of rows at a time.
 */
#ifndef SS_COPY_TABLE_H
#define SS_COPY_TABLE_H

#include "base/mem.h"
#include "db/db_copy.h"

struct copy_table;

/* All tables but those that say what the database itself is up to, parents first; NULL behind the last. */
const struct copy_table *copy_table(size_t i);
const char *copy_table_name(const struct copy_table *t);

#define COPY_KEYS 4		/* columns of the longest primary key */

/* Rows of one table.  All zero is one of no table; copy_table_free() frees its memory. */
struct copy_batch {
	const struct copy_table *table;
	struct db_cell *cell;		/* rows one after the other */
	size_t rows;
	struct buf bytes;		/* of the cells */
	struct db_cell key[COPY_KEYS];	/* of the last row */
	struct buf key_bytes;
};

/* Stand before the first row of t. */
void copy_table_start(struct copy_batch *b, const struct copy_table *t);
void copy_table_free(struct copy_batch *b);

/* Replace b's rows by the next ones of db.  How many; 0 there are no more; -1 after reporting. */
int copy_table_read(struct copy_batch *b, struct db *db);

/* Queue the rows, or their deletion, in a transaction of db.  0 or -1 after reporting. */
int copy_table_write(const struct copy_batch *b, struct db *db);
int copy_table_delete(const struct copy_batch *b, struct db *db);

/* How many rows db says its table has, in *rows.  0 or -1 after reporting. */
int copy_table_count(const struct copy_table *t, struct db *db, int64_t *rows);

/*
 * The rows as bytes without a doubt, appended to to: of each value its kind (a
 * zero byte for NULL, "i", "b"), the number or the length (eight bytes, the highest
 * first), and the bytes.
 */
void copy_table_bytes(const struct copy_batch *b, struct buf *to);

#endif
