/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * promoted.h - when each interval was last promoted into: ROOT/.secondshot/promoted.
 *
 *	secondshot-promoted 1
 *	weeksago 1795305600
 *	daysago 1795392000 0 alpha
 *	daysago 1795392000 1795380000 beta
 *	end
 *
 * A line for each interval and host: several configurations may share one root, and
 * what one of them promotes is no turn of the other's hosts.  A line without a host is
 * of an older version; it counts for hosts that have none of their own.
 *
 * Seconds since 1970.  The second number is not 0 where a run found the first one in
 * the future: it is the time of that run.  Which of the two clocks was wrong nobody can
 * tell: the second one counts as long as the first still is in the future.  Only
 * the holder of the volume's lock writes.
 */
#ifndef SS_PROMOTED_H
#define SS_PROMOTED_H

#include <stddef.h>
#include <stdint.h>
#include "tree/volume.h"

struct promoted_entry {
	char *interval, *host;	/* host "" = of those without an entry */
	int64_t when, seen;	/* seen 0 = there is none */
};

struct promoted {
	struct promoted_entry *entry;
	size_t n;
	size_t sorted;		/* of them are in order; those behind were entered since */
};

/*
 * Read the record of v.  What is damaged, or cannot be read, is said, and is as
 * good as none.  promoted_free() afterwards.
 */
void promoted_read(const struct volume *v, struct promoted *p);
void promoted_free(struct promoted *p);

/*
 * When was it, for this host ("" = for those without an entry), by a clock that shows
 * now?  0 = there is no such entry.
 */
int64_t promoted_last(const struct promoted *p, const char *interval, const char *host, int64_t now);

/*
 * Enter into p, once for each interval and host, that it was at when; where p has a time
 * later than that, and keep is not 0, beside it.  promoted_last() does not see what is new
 * until it is written.
 */
void promoted_enter(struct promoted *p, const char *interval, const char *host, int64_t when, int keep);

/* Put p in place of v's record.  0, or -1 after reporting. */
int promoted_write(const struct volume *v, struct promoted *p);

/*
 * Note that the interval was promoted into, by a run whose time is when: the now
 * of the due_list() that found it due, not the end of the rotation, which comes
 * later by what the copying took.  host: whose turn it was, NULL-ended; NULL, nobody
 * knows: everybody's.  To be called before the journal of that rotation is removed, and by
 * whoever finds a journal of a rotation that was done.  0, or -1 after reporting.
 */
int promoted_set(const struct volume *v, const char *interval, char *const *host, int64_t when);

#endif
