/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * walk.h - what a tree on disk holds, in path order.
 *
 * The walk holds descriptors of directories, so that a tree renamed meanwhile
 * is followed; it follows no link, crosses no file system, needs no stack for
 * depth and no more descriptors than a handful.  Its memory is the names of the
 * directories on the way to where it is.
 */
#ifndef SS_WALK_H
#define SS_WALK_H

#include "tree/entry.h"

struct walk;

/*
 * Walk the tree whose top directory is open as top (stays the caller's; at: its
 * name for messages).  NULL after reporting.
 */
struct walk *walk_open(int top, const char *at);

/*
 * The next entry, the top directory (path "") first; valid until the next call.
 * 1 an entry, 0 the end, -1 after reporting: the walk cannot go on.
 */
int walk_next(struct walk *w, const struct entry **e);

/*
 * A number the caller gives to the directory just returned, and the number of
 * the directory that the entry just returned lies in (0: none was given).
 */
void walk_set_dir(struct walk *w, int64_t number);
int64_t walk_dir(const struct walk *w);

/*
 * Things passed over so far, each one reported: directories that could not be
 * read, entries that vanished or changed under the walk, mount points.
 */
unsigned long walk_problems(const struct walk *w);

/*
 * Was the path, which comes before the entry just returned and after the one
 * before that, or any directory it lies in, passed over?  Then nothing is known
 * of it: it is not missing.
 */
int walk_skipped(const struct walk *w, const char *path, size_t len);

void walk_close(struct walk *w);	/* NULL is a no-op */

/* The entry for the open file fd's status, everything but its path and data; for walk and verify. */
struct statx;
void walk_entry(struct entry *e, const struct statx *sx);

#endif
