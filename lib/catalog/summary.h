/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * summary.h - what a saveset amounts to: its counts and its two digests.
 *
 * Both digests are SHA-256 over one line an entry, in path order, the line being
 *
 *   TYPE MODE UID GID SIZE MTIME LINKED ALGO DIGEST DATA PATH
 *
 * with a tab between the fields and a newline at its end; numbers, DATA (target
 * of a link, MAJOR:MINOR of a device) and PATH as in secondshot-stream(5).
 * LINKED is 0, or for a further path of an inode that this saveset had before,
 * the number (from 1) of the line with its first path.  ALGO and DIGEST are "-"
 * in the metadata digest, and for all that is no regular file.
 */
#ifndef SS_SUMMARY_H
#define SS_SUMMARY_H

#include "catalog/rows.h"

struct summary {
	int64_t entries, files, dirs, others;	/* paths; the top directory counts too */
	int64_t bytes, blocks;	/* of regular files, each inode once; blocks of 512 */
	int64_t unhashed;	/* regular files without a digest */
	char metadata[65], full[65];	/* hex; full is "" while unhashed > 0 */
};

/* A summary in the making. */
struct summing;

/* Which digests are wanted; the other one becomes "". */
enum summary_wanted { SUMMARY_FULL = 1, SUMMARY_BOTH };

/* Begin, add every entry in path order, and end, which frees it and gives 0, or -1 after reporting. */
struct summing *summary_begin(enum summary_wanted wanted);

/* shared: more than one path may have this inode, which ino and since tell. */
void summary_add(struct summing *m, const struct entry *e, int shared);

/* The same for an entry that has the inode of this row; a digest that is only expected is none. */
void summary_row(struct summing *m, const struct row *row, const struct entry *e);
int summary_end(struct summing *m, struct summary *sum);	/* NULL is a no-op; sum may be NULL */

/* Read the rows of the saveset seq of series and sum them up.  0, or -1 after reporting. */
int summary_make(struct catalog *cat, int64_t series, int64_t seq, enum summary_wanted wanted,
		 struct summary *sum);

#endif
