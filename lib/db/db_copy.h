/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_copy.h - what the copy of a whole catalog needs of the seam beside db.h:
 * values whose kind is known at run time, and one state of everything.
 */
#ifndef SS_DB_COPY_H
#define SS_DB_COPY_H

#include "db/db.h"

/* A value; db_bind() and its like take an array of them by the letter c. */
struct db_cell {
	enum { DB_CELL_NULL, DB_CELL_INT, DB_CELL_BYTES } kind;
	int64_t n;
	const void *p;		/* bytes; the caller's */
	size_t len;
};

/*
 * Run fn(arg), for which db stands still: whatever others commit meanwhile, its
 * statements read the state there was at the beginning.  It must not write to db.
 * Never tried again, since another try would be another state.  A SQLite file's
 * other users can read meanwhile, but wait with their commits.
 * What fn returns, or -1 after reporting.
 */
int db_snapshot(struct db *db, int (*fn)(void *arg), void *arg);

#endif
