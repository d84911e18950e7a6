/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * generation.h - in which state is the disk?  ROOT/.secondshot/generation.
 *
 *	secondshot-generation 1
 *	17 1f0c...e2 1795392000
 *	16 88b1...07 1795305600
 *	end
 *
 * Each run that changes the disk gives it a new stamp: a number that grows, an id that
 * nobody else has, and the time.  The newest ones are kept, the newest first, here and in
 * the catalog.  A bit copy of the disk has the same volume id and the same stamps, until
 * one of the two gets a stamp that the other does not know.
 */
#ifndef SS_GENERATION_H
#define SS_GENERATION_H

#include <stddef.h>
#include <stdint.h>
#include "tree/volume.h"

#define GENERATION_KEPT 100

struct stamp {
	int64_t n;
	char id[ID_LEN + 1];
	int64_t at;		/* seconds since 1970 */
};

struct generation {
	struct stamp stamp[GENERATION_KEPT];	/* the newest first: their n falls */
	size_t n;
};

enum generation_order {
	GENERATION_SAME,	/* both end with the same stamp, or the catalog has none */
	GENERATION_AHEAD,	/* the disk has all that the catalog has, and newer stamps */
	GENERATION_BEHIND,	/* the disk's newest stamp is one of the catalog's older ones */
	GENERATION_FORKED,	/* each has newer stamps than the last that both have */
	GENERATION_UNRELATED,	/* no stamp is known to both, and none tells which is newer */
};

/* How is what the disk has to what the catalog has?  Pure. */
enum generation_order generation_compare(const struct generation *disk, const struct generation *catalog);

/*
 * Read the record of v: 1, 0 there is none (*g is empty), -1 with errno as record_read(),
 * silent.
 */
int generation_read(const struct volume *v, struct generation *g);

/*
 * Put one more stamp before those of g, made at the time at, with a number above above, and
 * write the record.  Only the holder of the volume's lock may.  Behind a number that leaves
 * none above it, which somebody made up, it is 1, and those of g are forgotten.  0, or -1
 * after reporting: g and the disk are as they were.
 */
int generation_raise(const struct volume *v, struct generation *g, int64_t above, int64_t at);

#endif
