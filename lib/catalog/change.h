/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * change.h - what became of the regular files of a saveset in a later one.
 *
 * A file is changed if size or modification time differ, which is what makes
 * rsync fetch it anew; another mode, owner or inode alone is no change.
 */
#ifndef SS_CHANGE_H
#define SS_CHANGE_H

#include "catalog/catalog.h"
#include "tree/entry.h"

struct change {
	int64_t changed;	/* a regular file before and after, with other content */
	int64_t removed;	/* was one, and is gone or none any more */
	int64_t added;		/* is one, and was not */
};

/*
 * What became of one path: is lies there now, was did before; either may be NULL.
 * Counts it in c.  1 if there was something to count, else 0.  Pure.
 */
int change_count(struct change *c, const struct entry *is, const struct entry *was);

#define CHANGE_DIRS 10
#define CHANGE_NAMES 3

/* A directory, and what became of the files right in it. */
struct change_dir {
	char *path;		/* raw bytes, no slash at its end; "" is the host's top */
	size_t len;
	struct change n;
	char *name[CHANGE_NAMES];	/* the first ones that are counted, escaped; NULL = no more */
};

/* The directories with most changes, most of all first; all zero is an empty one. */
struct change_top {
	struct change_dir dir[CHANGE_DIRS];
	size_t n;
};

void change_top_free(struct change_top *t);	/* what it holds; t itself is the caller's */

/* The directories being counted, in path order; memory is that of the way to the last path. */
struct change_path;

struct change_path *change_path_new(struct change_top *t);

/* The next path, counted in its directory. */
void change_path_add(struct change_path *p, const struct entry *is, const struct entry *was);
void change_path_end(struct change_path *p);	/* no more come; frees it */

/*
 * Compare what the catalog says of two savesets of a series, was and is, by
 * their sequence numbers.  top may be NULL.  0, or -1 after reporting.
 */
int change_between(struct catalog *cat, int64_t series, int64_t was, int64_t is, struct change *c,
		   struct change_top *top);

#endif
