/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_summary.h - what a run tells of itself: of each host and each rotation when
 * it is done with, of the whole at the end; see LOG in ss-run(8) for the events and
 * --json there for the object.
 */
#ifndef SS_RUN_SUMMARY_H
#define SS_RUN_SUMMARY_H

#include <jansson.h>
#include "run/run.h"

/* complete, partial, failed, stale, held, waiting, interrupted, "not tried". */
const char *run_summary_status(const struct run_host *h);

/* The run is done with h: note what it became, and say so. */
void run_summary_host(struct run *r, struct run_host *h);

/* A rotation of moved hosts came to result (as run_rotate()) since start (on clock_ms()); say so. */
void run_summary_rotation(struct run *r, const char *interval, const char *why, size_t moved,
			  int result, int64_t start);

/* The run ends with code: say so, of the hosts that were not done with one by one. */
void run_summary_end(const struct run *r, int code);

/* The whole as an object, "type": "run".  The caller's. */
json_t *run_summary(struct run *r, int code);

#endif
