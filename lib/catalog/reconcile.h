/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reconcile.h - the disk is the truth for where savesets lie.
 *
 * Reads every marker of the volume and corrects the catalog's locations, after a
 * rotation, a crash, or a run of rsnapshot by hand.  A marker that was last
 * known in .sync, or that is found more than once, or whose saveset was gone, is
 * believed only where a walk finds the very tree that the catalog knows.
 * A marker that cannot be read is written anew where the walk shows whose it was; else its
 * saveset, and what lies where the disk cannot be read, stay in the catalog as they are.
 * Nothing else on disk changes but temporary files that a killed process left.
 */
#ifndef SS_RECONCILE_H
#define SS_RECONCILE_H

#include "catalog/catalog.h"

/*
 * Bring the catalog in line with volume v; each correction is reported.
 * *changed = how many savesets were corrected, *damaged = how many markers could
 * not be read, mended or not, and trees that could not.  0, or -1 after reporting: the
 * catalog is then unchanged.  dry: report, and leave the catalog as it is.
 */
int reconcile_run(struct catalog *cat, const struct conf *c, const struct volume *v, int dry,
		  size_t *changed, size_t *damaged);

#endif
