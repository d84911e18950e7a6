/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_volume.h - several disks in turn under one snapshot root: those that are
 * away are no error, until they have been for too long (key max-age).
 *
 * A volume's age is that of its newest complete saveset, of whatever host, or, if
 * it has none, of the volume itself.
 */
#ifndef SS_RUN_VOLUME_H
#define SS_RUN_VOLUME_H

#include "run/run.h"

/*
 * No volume is at the root.  SS_OK, after saying so; SS_FINDINGS after naming the
 * volumes of this root that are older than max-age; SS_FAIL after reporting.
 */
int run_volume_away(struct run *r);

/* At the end of a run: name the other volumes of this root that are older than max-age. */
void run_volume_others(struct run *r);

/* At the end of a run: count the trees that the catalog has lost (catalog/unclaimed.h), and say so in a line. */
void run_volume_unclaimed(struct run *r);

#endif
