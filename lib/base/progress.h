/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * progress.h - how far the work is, for who sits before a terminal.
 *
 * One line on stderr that overwrites itself: files, bytes, rate and, if the
 * total is known, time left.  It shows only on a terminal (no TERM=dumb), as wide
 * as that is at the moment, and only when the work has taken longer than a second.  It uses no colour, so NO_COLOR has
 * nothing to switch off.
 */
#ifndef SS_PROGRESS_H
#define SS_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress {
	int on, shown;			/* may show; does show */
	uint64_t files, bytes;		/* done so far */
	uint64_t all_files, all_bytes;	/* to be done, 0 = not known */
	int64_t begun, next;		/* nanoseconds of the monotonic clock */
};

/* Begin; quiet: never show anything.  all_files and all_bytes may be set afterwards. */
void progress_begin(struct progress *p, int quiet);

/* So much more is done.  Cheap: it may be called for each file. */
void progress_add(struct progress *p, uint64_t files, uint64_t bytes);

/* Take the line away, before other output or at the end. */
void progress_clear(struct progress *p);

/* A number of bytes for people, three digits or so, into to: "831 B", "12.3 MiB". */
void progress_bytes(char *to, size_t size, double n);

#endif
