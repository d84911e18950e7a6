/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_offline.h - a run whose catalog cannot be reached or written: that must not cost a
 * backup.  Markers keep what is needed, and the next run, or ss-catalog reconcile, catches
 * up (catchup.h).  A server that is away is an outage; all else (a full disk, a damaged file,
 * a server that refuses us) is a failure to be mended.
 */
#ifndef SS_RUN_OFFLINE_H
#define SS_RUN_OFFLINE_H

#include "base/mem.h"
#include "run/run.h"

/*
 * Something with the catalog failed: does the run go on without it?  1 yes; 0: the run is
 * stopped; or the catalog works, but has not accepted this disk.
 */
int run_offline(struct run *r);

#define RUN_HOST_UNTOLD (-2)

/*
 * As run_host_waits(), by the markers: also where a catalog is there that does not know what
 * waits.  RUN_HOST_UNTOLD after reporting that the host's marker cannot be read.
 */
int run_offline_waits(struct run *r, const char *host);

/*
 * Does the marker in .sync leave open who made the tree: without a seal of ours, or saying
 * so itself?  1: why is appended (escaped); 0 no, or there is none; -1 after reporting.
 */
int run_offline_strange(struct run *r, const char *host, struct buf *why);

/* Mark the host's tree in .sync as a saveset.  NULL, or why it is none, malloc'd. */
char *run_offline_record(struct run *r, const char *host, int partial);

#endif
