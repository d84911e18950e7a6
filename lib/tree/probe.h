/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe.h - can the file system of a volume do what a run needs of it?
 *
 * Each ability is tried in a directory of our own, which is removed again.
 */
#ifndef SS_PROBE_H
#define SS_PROBE_H

#include "tree/volume.h"

/* What the lack of an ability costs. */
enum probe_cost {
	PROBE_NOTHING,		/* a run goes another way */
	PROBE_SOME,		/* backups are made, and lack something or take more room */
	PROBE_ALL,		/* a run fails */
};

/*
 * Called for what the file system cannot do: what that is, why (an errno, or 0: it did
 * something else than it was asked for), what it means, in a clause.
 */
typedef void probe_lack_fn(const char *what, int error, const char *means, enum probe_cost cost,
			   void *arg);

/*
 * Try everything below ROOT/.secondshot of v.  Number of abilities that it lacks, each of
 * which lack was called for; -1 with errno where nothing can be tried.
 */
int probe_volume(const struct volume *v, probe_lack_fn *lack, void *arg);

#endif
