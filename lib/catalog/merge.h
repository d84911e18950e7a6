/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * merge.h - a tree on disk beside what the catalog says of it, path by path.
 */
#ifndef SS_MERGE_H
#define SS_MERGE_H

#include "catalog/rows.h"
#include "tree/walk.h"

enum merge_verdict {
	MERGE_SAME,		/* nothing changed */
	MERGE_RELABEL,		/* the same inode and content; mode or owner differ */
	MERGE_OVERWRITE,	/* the same inode; size or time differ */
	MERGE_OTHER,		/* something else lies at this path */
	MERGE_ADDED,		/* only on disk */
	MERGE_REMOVED,		/* only in the catalog */
};

/*
 * Compare what disk and row say of one path.  A regular file is known by inode
 * and birth time; where one of the two is missing its birth time, by inode,
 * size and modification time.  Pure.
 */
enum merge_verdict merge_compare(const struct entry *disk, const struct row *row);

/* Called for each path with disk, row or both; what != 0 returned ends the merge. */
typedef int merge_fn(enum merge_verdict v, const struct entry *disk, const struct row *row, void *arg);

/*
 * Read both in step, in path order.  0, the first non-zero that fn returned, or
 * after reporting MERGE_UNREAD, if it is the tree that cannot be read, or -1.
 */
#define MERGE_UNREAD (-2)
int merge_run(struct walk *w, struct rows *r, merge_fn *fn, void *arg);

#endif
