/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verdict.h - what a re-read file amounts to.  Pure.
 */
#ifndef SS_VERDICT_H
#define SS_VERDICT_H

#include "catalog/rows.h"
#include "tree/hash.h"

enum verdict {			/* values are stored in the catalog */
	VERDICT_OK = 1,
	VERDICT_CORRUPT = 2,	/* bytes differ; size and time are as recorded: rot */
	VERDICT_CHANGED = 3,	/* size, time, owner, mode, type or target differ */
	VERDICT_MISSING = 4,
	VERDICT_EXTRA = 5,
	VERDICT_UNREADABLE = 6,
	VERDICT_UNHASHED = 7,	/* there is no digest to compare with */
};

const char *verdict_name(enum verdict v);

/*
 * Append to why how disk differs from what was recorded ("mode 0644, was 0600;
 * ..."), nothing if it does not.  1 if size, time or type differ, so that its
 * content need not be compared, else 0.
 */
int verdict_structure(const struct entry *disk, const struct entry *was, struct buf *why);

/* What a job that was hashed says of the file that was recorded as was. */
enum verdict verdict_content(const struct hash_job *job, const struct entry *was);

#endif
