/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * catchup.h - savesets that were taken while the catalog could not be reached.
 *
 * Their markers say "waiting": the tree is whole, but the catalog does not know
 * it yet.  They are catalogued where they lie by now, the oldest first.
 *
 * So are those whose add had come to its end, but could not publish: the marker says
 * "complete", and the catalog that they are still being made.  And those that the catalog had
 * once, and does not know since an older copy of it was put back: they are newer than all that
 * it knows of their host, and sealed with this machine's key.
 */
#ifndef SS_CATCHUP_H
#define SS_CATCHUP_H

#include "catalog/catalog.h"
#include "tree/volume.h"

/*
 * Have the marker say "waiting" of what was not published and is the tree that add had
 * seen.  What add left in the catalog is still there; the caller takes it back, then
 * calls the other.  0, or -1 after reporting.
 */
int catchup_claim(struct catalog *cat, const struct volume *v, int64_t volume);

/*
 * Catalogue them; their digests are left to "ss-catalog pending".  The caller
 * holds the volume's lock, and the catalog knows the locations of all others.
 * *n: how many; *left: how many could not be, as was reported: they stay as they are.  0, or
 * -1 after reporting that the catalog is what failed.
 */
int catchup_run(struct catalog *cat, const struct conf *c, const struct volume *v, size_t *n, size_t *left);

#endif
