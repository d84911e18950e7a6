/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * promoted.h - when each interval was last promoted into: ROOT/.secondshot/promoted.
 *
 *	secondshot-promoted 1
 *	weeksago 1795305600
 *	daysago 1795392000 1795380000
 *	end
 *
 * Seconds since 1970.  A second number stands where a run found the first one in
 * the future: the time of that run.  Which of the two clocks was wrong nobody can
 * tell: the second one counts as long as the first still is in the future.  Only
 * the holder of the volume's lock writes.
 */
#ifndef SS_PROMOTED_H
#define SS_PROMOTED_H

#include <stddef.h>
#include <stdint.h>
#include "tree/volume.h"

struct promoted_entry {
	char *interval;
	int64_t when, seen;	/* seen 0 = there is none */
};

struct promoted {
	struct promoted_entry *entry;
	size_t n;
};

/*
 * Read the record of v.  What is damaged, or cannot be read, is said, and is as
 * good as none.  promoted_free() afterwards.
 */
void promoted_read(const struct volume *v, struct promoted *p);
void promoted_free(struct promoted *p);

/* When was it, by a clock that shows now?  0 = there is no record of the interval. */
int64_t promoted_last(const struct promoted *p, const char *interval, int64_t now);

/* The same, of what v has on record. */
int64_t promoted_when(const struct volume *v, const char *interval, int64_t now);

/* Enter into p that it was at when; where p has a time later than that, and keep is not 0, beside it. */
void promoted_enter(struct promoted *p, const char *interval, int64_t when, int keep);

/* Put p in place of v's record.  0, or -1 after reporting. */
int promoted_write(const struct volume *v, const struct promoted *p);

/*
 * Note that the interval was promoted into, by a run whose time is when: the now
 * of the due_list() that found it due, not the end of the rotation, which comes
 * later by what the copying took.  To be called before the journal of that
 * rotation is removed, and by whoever finds a journal of a rotation that was done.
 * 0, or -1 after reporting.
 */
int promoted_set(const struct volume *v, const char *interval, int64_t when);

#endif
