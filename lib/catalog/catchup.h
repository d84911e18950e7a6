/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * catchup.h - savesets that were taken while the catalog could not be reached.
 *
 * Their markers say "waiting": the tree is whole, but the catalog does not know
 * it yet.  They are catalogued where they lie by now, the oldest first.
 */
#ifndef SS_CATCHUP_H
#define SS_CATCHUP_H

#include "catalog/catalog.h"
#include "tree/volume.h"

/*
 * Catalogue them; their digests are left to "ss-catalog pending".  The caller
 * holds the volume's lock, and the catalog knows the locations of all others.
 * *n: how many.  0, or -1 after reporting.
 */
int catchup_run(struct catalog *cat, const struct conf *c, const struct volume *v, size_t *n);

#endif
