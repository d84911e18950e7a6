/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rows.h - what the catalog says a saveset holds, in path order.
 *
 * Rows are read ahead in chunks, each a statement of its own that is finished
 * before the first row of it is returned: nothing is locked in between, and the
 * caller may write to the catalog or to a pipe.  Directories get their numbers
 * in path order, so a chunk mostly holds just what comes next.
 */
#ifndef SS_ROWS_H
#define SS_ROWS_H

#include "base/mem.h"
#include "catalog/catalog.h"
#include "tree/entry.h"

struct row {
	struct entry e;		/* path as in walk.h; nlink is 0 */
	int64_t dir;		/* number of the directory it lies in */
	const char *name;	/* last component of the path */
	size_t name_len;
	int64_t first, last;	/* sequence numbers; last 0 = still */
	int64_t sub;		/* of a directory: the number of its contents */
	int shared;		/* more than one path of the series had this inode */
	int64_t verified;	/* seconds since 1970, 0 = never */
	int verdict;		/* of that time: an enum verdict of verdict.h */
	int expected;		/* e's digest is only what the content is expected to have: it was never read */
};

#define ROWS_TOP 1		/* number of the host's top directory */

struct rows;

/* The rows of the saveset with sequence number seq of a series. */
struct rows *rows_open(struct catalog *cat, int64_t series, int64_t seq);

/*
 * Nobody uses the database for anything else before rows_close(): it may look for the
 * next chunk while this one is worked through.
 */
void rows_alone(struct rows *r);

/* Has the content of this regular file been read, and its digest stored? */
int row_is_hashed(const struct row *row);

/* 1 and *row (valid until the next call), 0 at the end, -1 after reporting. */
int rows_next(struct rows *r, const struct row **row);
void rows_close(struct rows *r);	/* NULL is a no-op */

/* Append the path of directory dir of a series, with a slash behind it, to path.  0, or -1 after reporting. */
int rows_dir_path(struct catalog *cat, int64_t series, int64_t dir, struct buf *path);

#endif
