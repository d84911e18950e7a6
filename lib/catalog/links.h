/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* links.h - to which inode of the catalog do new rows of files with several names belong? */
#ifndef SS_LINKS_H
#define SS_LINKS_H

#include "catalog/catalog.h"
#include "tree/entry.h"

/* A name that is new, of a regular file that has several; or had none but this when it was met. */
struct link {
	const struct entry *e;
	size_t turn;		/* among them; whoever comes first brings the inode */
	int sole;		/* it had one: it brings its inode anyway, and others met later may join it */
	/* out */
	int64_t since;		/* with e->ino the key of its inode */
	int make;		/* that is to be added with this name; if not, it is there or another's to make */
	int shared;		/* if it is: others of these belong to it as well */
	int want;		/* it is known from an earlier saveset, and has no digest; once for each */
};

/*
 * Find out for n names in saveset seq of series, in a write transaction; they come
 * back in another order.  The same file is who has the same inode number, birth time,
 * size and mtime; inodes from before saveset oldest (where there is no birth time:
 * before seq) are not looked at, nor are those that no saveset holds which lies
 * somewhere.  Those found are marked as shared, which is queued.
 * 0, or -1 after reporting.
 */
int links_find(struct catalog *cat, int64_t series, int64_t seq, int64_t oldest,
	       struct link *link, size_t n);

#endif
