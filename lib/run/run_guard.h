/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_guard.h - what stops a run, or one host's part of it, because it looks wrong:
 * savesets that somebody should look at, and a volume without room.
 */
#ifndef SS_RUN_GUARD_H
#define SS_RUN_GUARD_H

#include "run/run.h"
#include "tree/space.h"

/* Are the hosts of --accept configured?  0, or -1 after reporting. */
int run_guard_options(const struct run *r);

/*
 * Is it the disk that the catalog, if it can be asked, knows by this volume's name, and in
 * the state in which it was then (same_disk.h)?  0, or -1 after reporting.
 */
int run_guard_volume(struct run *r);

/* Was the host given to --accept?  That is for what waits when the run begins. */
int run_guard_accepts(const struct run *r, const char *host);

/*
 * Judge the host's saveset in .sync.  1: it is RUN_HELD now, h->why tells why, it
 * was said, in full the first time, and r's exit code is a finding's at least; 0 it
 * may be rotated; -1 after reporting.
 */
int run_guard(struct run *r, struct run_host *h);

/* Is there room for a run?  0, or -1 after reporting. */
int run_guard_space(const struct run *r);

/*
 * What the syncs take is kept for the next run's estimate, if every host got a new
 * saveset and none of them is new: a first copy tells nothing of the next one.
 * Before them: 1 it is measured, else 0; then, if so, after them.
 */
int run_guard_measure(const struct run *r, struct space *before);
void run_guard_measured(const struct run *r, const struct space *before);

#endif
