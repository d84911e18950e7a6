/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_turn.h - whose turn it is to be rotated, and which interval's.
 *
 * A host with a new saveset in .sync takes part in what is rotated, all others are
 * held out (run_rotate.h).
 */
#ifndef SS_RUN_TURN_H
#define SS_RUN_TURN_H

#include "run/run.h"

/*
 * Mark the hosts whose new saveset lies only in .sync, left there by an earlier
 * run: they wait, or a guard holds them (run_guard.h).  Number of those that may
 * be rotated, or -1 after reporting.
 */
long run_turn_waiting(struct run *r);

/*
 * Of the hosts that are wanted or accepted, get the savesets that wait out of the way: rotate
 * them first.  0, or -1: the exit code is set.
 */
int run_turn_make_way(struct run *r);

/* The intervals of --rotate, in their order.  0, or -1 after reporting. */
int run_turn_asked(struct run *r);

/*
 * After the hosts' turn: for those with a new saveset rotate the larger intervals
 * that are due, the largest first, then the lowest.  The exit code becomes worse
 * where that fails.
 */
void run_turn_due(struct run *r);

#endif
