/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * findings.h - what a verification found, told to people and programs.
 */
#ifndef SS_FINDINGS_H
#define SS_FINDINGS_H

#include "catalog/catalog.h"
#include "catalog/verdict.h"

struct findings;

struct findings *findings_new(struct catalog *cat, int json);

/* s is verified from here on: what concerns it is not told again as another's. */
void findings_saveset(struct findings *f, const struct saveset *s);

/* Tell one: CLASS, saveset, path and why (NULL: nothing to add), on stdout. */
void findings_add(struct findings *f, const struct saveset *s, enum verdict v, const char *path,
		  size_t len, const char *why);

/* So many things could not be looked at; each was reported on stderr. */
void findings_unread(struct findings *f, unsigned long n);

/* The inode (ino, since) of a series is rotten. */
void findings_rotten(struct findings *f, int64_t series, uint64_t ino, int64_t since);

/* Tell the paths of rotten inodes in all savesets that were not verified.  0 or -1. */
int findings_finish(struct findings *f);

/* A JSON object of the type "summary": so many of n savesets were verified, with so many findings. */
void findings_summary(size_t done, size_t n, size_t findings);

size_t findings_count(const struct findings *f);
void findings_free(struct findings *f);	/* NULL is a no-op */

#endif
