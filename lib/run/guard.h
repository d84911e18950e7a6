/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.h - a saveset that changed or lost so much against its predecessor that
 * somebody should look before it is rotated: encrypted by malware, the wrong disk
 * mounted, a source half empty.
 *
 * Nothing of a judgement is remembered: it is made of what catalog and markers
 * say, each time that the saveset could be rotated.
 */
#ifndef SS_GUARD_H
#define SS_GUARD_H

#include "base/mem.h"
#include "catalog/catalog.h"
#include "catalog/change.h"
#include "rsnap/rsnap.h"

struct guard_facts {
	int64_t was_files, was_bytes;	/* of the predecessor; -1 = not known */
	int64_t files, bytes;		/* of the saveset; -1 = not known */
	int64_t changed, removed;	/* of the predecessor's files; -1 = not known */
};

/*
 * Judge by max_change (files changed or removed, percent of the predecessor's)
 * and max_shrink (fewer files, or bytes, percent of the predecessor's); 0 = no
 * such limit.  What is not known is not judged.  1 it is held back, and why: the
 * figures and the limits passed, as a sentence without its full stop; or 0.  Pure.
 */
int guard_judge(const struct guard_facts *f, int max_change, int max_shrink, struct buf *why);

/*
 * Judge the published saveset s by its predecessor, the newest complete or partial
 * one before it that still lies somewhere; without one it passes.  1 it is held
 * back, 0 it may be rotated, -1 after reporting.
 */
int guard_saveset(struct catalog *cat, const struct conf *c, const struct saveset *s, struct buf *why);

/*
 * The same for what lies in .sync while no catalog can be asked: its files are
 * counted and compared with the counts of the newest marker in a numbered
 * location that has them; changes cannot be judged.
 */
int guard_unseen(const struct volume *v, const struct rsnap *rs, const struct conf *c,
		 const char *host, struct buf *why);

/* Tell by msg_warn what changed in s since its predecessor: counts, and where most of it is.  0, or -1 after reporting. */
int guard_report(struct catalog *cat, const struct saveset *s);

#endif
