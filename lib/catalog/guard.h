/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.h - a saveset that changed or lost so much against its predecessor that
 * somebody should look before it is rotated: encrypted by malware, the wrong disk
 * mounted, a source half empty.
 *
 * Nothing of a judgement is remembered: it is made of what catalog and markers
 * say, each time that the saveset could be rotated.  What is held back is in waiting.h.
 */
#ifndef SS_GUARD_H
#define SS_GUARD_H

#include "base/mem.h"
#include "catalog/catalog.h"
#include "catalog/change.h"

/* What one host's saveset may change or lose before it is held back: its keys in secondshot.conf(5). */
struct guard_limits {
	int max_change;		/* percent of the files, 0 = no limit; so are the next two */
	int max_shrink;
	int max_shrink_bytes;	/* percent of the bytes */
	int min_change;		/* fewer files than this changed or gone hold nothing back */
};

/* The host's own limits, or the general ones, as c has them. */
struct guard_limits guard_limits(const struct conf *c, const char *host);

struct guard_facts {
	int64_t was_files, was_bytes;	/* of the predecessor; -1 = not known */
	int64_t files, bytes;		/* of the saveset; -1 = not known */
	int64_t changed, removed;	/* of the predecessor's files; -1 = not known */
};

/*
 * Judge: more than max_change percent of the predecessor's files are changed or removed;
 * max_shrink percent fewer files, or fewer bytes where that many files are changed or removed,
 * too, since one large file that was deleted says nothing; max_shrink_bytes percent fewer
 * bytes, whatever the files.  Fewer files than min_change are no reason for the first two,
 * unless none is left.  What is not known is not judged.  1 it is held back, and why: the
 * figures and the limits passed, as a sentence without its full stop; or 0.  Pure.
 */
int guard_judge(const struct guard_facts *f, const struct guard_limits *l, struct buf *why);

/*
 * Judge the published saveset s by its predecessor, the newest complete or partial
 * one before it that still lies somewhere; without one it passes.  What is unattested does
 * not.  1 it is held back, 0 it may be rotated, -1 after reporting.
 */
int guard_saveset(struct catalog *cat, const struct conf *c, const struct saveset *s, struct buf *why);

/* Tell by msg_warn what changed in s since its predecessor: counts, and where most of it is.  0, or -1 after reporting. */
int guard_report(struct catalog *cat, const struct saveset *s);

#endif
