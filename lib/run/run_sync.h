/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_sync.h - the transfer of one host: rsnapshot sync for each of its
 * destinations, one after the other, and what they amount to.
 */
#ifndef SS_RUN_SYNC_H
#define SS_RUN_SYNC_H

#include "base/child.h"
#include "rsnap/rsnap_job.h"
#include "run/run.h"

struct run_sync {
	struct run_host *host;
	struct child child;		/* the rsnapshot at work */
	size_t point;			/* whose destination it syncs */
	enum rsnap_judged judged;
	unsigned long vanished;
	int64_t began;			/* on clock_ms() */
	int64_t waited;			/* ms since then that were not its own: host-limit passes over them */
	int stale;			/* rsnapshot put an old copy in its place */
	int keep;			/* it failed, but what is in .sync is true, and may be accepted */
	char *why;			/* it failed, or is partial; malloc'd */
};

/*
 * Clear the place in .sync and start the first transfer of h.  1 it is under way
 * (s->child); 0 it is over (in a dry run: printed).
 */
int run_sync_start(struct run *r, struct run_host *h, struct run_sync *s);

/* The child was waited for: judge it, start the next one.  1 and 0 as above. */
int run_sync_next(struct run *r, struct run_sync *s);

#endif
