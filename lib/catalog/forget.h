/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * forget.h - savesets leave: from disk, and from the catalog.
 *
 * Each step may be the last one before a power cut.  On disk the marker goes
 * first, so that half a tree is never a saveset; in the catalog the saveset is
 * `gone' before its first row is deleted, and its own record is the last to go.
 */
#ifndef SS_FORGET_H
#define SS_FORGET_H

#include "catalog/catalog.h"

/*
 * Delete from the catalog the saveset s, which lies nowhere any more, and the
 * rows and inodes that no other saveset of its series covers.  *rows counts
 * the rows deleted.  0, or -1 after reporting.
 */
int forget_saveset(struct catalog *cat, const struct saveset *s, int64_t *rows);

struct forget_options {
	int dry;		/* only say what would be done */
	int json;
};

/*
 * Forget every saveset of volume v that is gone, and the attempts (failed,
 * stale) of which two complete savesets came later.  *n = how many.  0, or -1
 * after reporting.
 */
int forget_gone(struct catalog *cat, const struct conf *c, const struct volume *v,
		const struct forget_options *o, size_t *n);

/*
 * May s be deleted?  Not the newest complete saveset of its series, unless it was
 * meant (named itself, and alone), waits in .sync and is not the only one; and not the newest
 * one besides it while that is held back (waiting.h).  Savesets whose markers v does not
 * attest do not count as others.  0, or -1 after reporting.
 */
int forget_allowed(struct catalog *cat, const struct conf *c, const struct volume *v,
		   const struct saveset *s, int meant);

/*
 * Delete the trees of saveset s, for which that was asked, from volume v, then forget it.  A
 * tree whose marker v does not attest stays.  0, or -1 after reporting.
 */
int forget_delete(struct catalog *cat, const struct volume *v, const struct saveset *s,
		  const struct forget_options *o);

/*
 * The volume called name, of c's backup host, is gone for good: forget it, with all its savesets.
 * Not if it is there.  May be killed at any point and run again.  0, or -1 after reporting.
 */
int forget_volume(struct catalog *cat, const struct conf *c, const char *name,
		  const struct forget_options *o);

#endif
