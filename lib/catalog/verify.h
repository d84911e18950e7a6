/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify.h - stored trees against what the catalog recorded of them.
 *
 * An inode that several of the savesets share is read once in a run.  Verdicts
 * go to the inodes in the catalog.  Findings are lines on stdout, or JSON
 * objects: for a rotten inode one for every path in every saveset that has it,
 * also in those that nobody asked for.
 */
#ifndef SS_VERIFY_H
#define SS_VERIFY_H

#include "catalog/catalog.h"

struct verify_options {
	enum hash_read how;
	int structure;		/* do not read contents */
	int fresh;		/* read only contents that never were, or were rotten then */
	int json;
	int quiet;
	unsigned threads;
};

struct verify;

struct verify *verify_new(struct catalog *cat, const struct verify_options *o);

/* s is going to be verified: how much there is to read, for who watches. */
void verify_expect(struct verify *v, const struct saveset *s);

/*
 * Compare the saveset s with its tree.  0, or -1 after reporting that it could
 * not be done: volume offline, tree moved or deleted meanwhile.
 */
int verify_saveset(struct verify *v, const struct saveset *s);

/* Report the other savesets that share what was found rotten, and the totals.  0 or -1. */
int verify_finish(struct verify *v);

size_t verify_findings(const struct verify *v);
void verify_free(struct verify *v);	/* NULL is a no-op */

#endif
