/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_rotate.h - the rotations of a run.
 *
 * rsnapshot moves whole locations; a host without a new saveset would lose its
 * oldest generation to a hole.  So only the hosts that are marked as moving take
 * part; everything else in the locations concerned is held out (held.h).
 */
#ifndef SS_RUN_ROTATE_H
#define SS_RUN_ROTATE_H

#include "run/run.h"

/*
 * Rotate an interval (0 = the lowest) through rsnapshot for the hosts that are
 * moving, of a larger interval those that have a tree to take over; judged by what
 * is on disk; and bring the catalog into step.  It is on record for those whose turn it
 * is.  why: for the log.  1; 0 no host has one; -1 after reporting: some hosts may have moved.
 * Where a copy fails (link_dest 0) those hosts alone are left out whose fault it is: they
 * have failed, and do not move any more; 0 if all.
 */
int run_rotate(struct run *r, size_t interval, const char *why);

/*
 * The same of a larger interval that is not due, for those of the moving hosts that
 * missed its last promotion (missed.h); 0 where there are none.
 */
int run_rotate_late(struct run *r, size_t interval);

/* What goes into slot 0 of an interval: the name of a location, malloc'd. */
char *run_rotate_feeder(const struct rsnap *rs, size_t interval);

#endif
