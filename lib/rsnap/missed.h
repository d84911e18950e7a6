/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * missed.h - hosts that an interval's last promotion left where they were, though
 * the slot that feeds it has a tree of theirs: ROOT/.secondshot/missed.
 *
 *	secondshot-missed 1
 *	weeksago beta
 *	daysago beta
 *	end
 *
 * When such a host has a new saveset its turn is made up for: otherwise what waits
 * in the feeder would be rotated out, for one night on which the host was away.
 * Only the holder of the volume's lock writes.
 */
#ifndef SS_MISSED_H
#define SS_MISSED_H

#include <stddef.h>
#include "tree/volume.h"

struct missed_entry {
	char *interval, *host;
};

struct missed {
	struct missed_entry *entry;
	size_t n;
};

/* Read the record of v; what is damaged, or cannot be read, is said, and is as good as none. */
void missed_read(const struct volume *v, struct missed *m);
void missed_free(struct missed *m);

/* 1 or 0. */
int missed_has(const struct missed *m, const char *interval, const char *host);

/*
 * The interval was promoted into.  Of the hosts whose turn that was (turn, NULL-ended; NULL:
 * everybody's) those of missed (NULL-ended), and no others, have missed it from now on; what
 * the record says of other hosts stays.  0, or -1 after reporting.
 */
int missed_set(const struct volume *v, const char *interval, char *const *turn, char *const *missed);

#endif
