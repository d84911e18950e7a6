/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * space.h - is there room on a volume for what a run will write?
 *
 * ROOT/.secondshot/space keeps what the last run took.  A run must find as much,
 * and then still min-free percent, of bytes and of inodes.
 *
 *	secondshot-space 1
 *	of 8c2f01aa93b4d7e5
 *	bytes 68719476
 *	inodes 1200
 *	end
 *
 * Several configurations may have hosts on one root: each has figures of its own, behind a
 * line with its word.  Figures without such a line are of an older version.
 */
#ifndef SS_SPACE_H
#define SS_SPACE_H

#include <stdint.h>
#include "base/mem.h"
#include "tree/volume.h"

/* What a file system has, as df(1) tells it; inodes 0: it does not count them. */
struct space {
	uint64_t bytes, bytes_free;
	uint64_t inodes, inodes_free;
};

struct space_used {
	uint64_t bytes, inodes;
};

enum space_verdict {
	SPACE_OK,
	SPACE_TIGHT,	/* enough now, but not once a run took as much as the last one */
	SPACE_FULL,	/* less than min_free percent now */
};

/* Judge; min_free 0 = there is always enough.  Figures are appended to why unless it is SPACE_OK.  Pure. */
enum space_verdict space_judge(const struct space *s, const struct space_used *last, int min_free,
			       struct buf *why);

/* Before minus after; what became free counts as nothing.  Pure. */
struct space_used space_taken(const struct space *before, const struct space *after);

/* What the volume's file system has.  0, or -1 after reporting. */
int space_look(const struct volume *v, struct space *s);

/*
 * What space_guard() would judge, and nothing said or kept: an enum space_verdict and why, or
 * -1 after reporting.  of: the word of the configuration, rsnap_word().
 */
int space_ask(const struct volume *v, const char *of, int min_free, struct buf *why);

/*
 * May a run begin?  0; 1 after saying why not and what to do; -1 after reporting.
 * A last run that took a lot must not stop all others for ever: each time that
 * nothing but its figure stands in the way, half of it is kept.
 */
int space_guard(const struct volume *v, const char *of, int min_free);

/* Keep what was taken since before.  0, or -1 after reporting. */
int space_note(const struct volume *v, const char *of, const struct space *before);

#endif
