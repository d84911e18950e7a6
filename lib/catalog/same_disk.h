/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * same_disk.h - is the disk in the state in which the catalog saw it last?
 *
 * A bit copy of a disk, and an older image of it, have the volume's id.  What the catalog
 * knows of newer savesets is not on them, and that is no evidence that these are gone.  The
 * stamps (tree/generation.h) tell them: nothing is changed then, on disk or in the catalog,
 * until somebody accepts what lies there (ss-catalog reconcile --accept).
 *
 * The disk gets a stamp first, then the catalog: where a run was killed in between, or the
 * catalog was away, or is an older copy, or another catalog knows the disk as well, the disk
 * is ahead, and the catalog takes over what it does not know.  A disk without stamps (of an
 * older version), one whose record is lost or damaged, and a catalog without stamps (new)
 * begin to count; but where the catalog has stamps, and the disk none that it knows, only
 * the catalog's newest saveset of the disk shows by its presence that this is the one.
 */
#ifndef SS_SAME_DISK_H
#define SS_SAME_DISK_H

#include "catalog/catalog.h"

/*
 * Compare; the catalog is not changed.  0 it is, or newer; 1 it is not: *why is the sentence
 * that says so, malloc'd and escaped, without its full stop; -1 after reporting.
 */
int same_disk_ask(struct catalog *cat, const struct volume *v, char **why);

/* The same: 0; 1 after reporting that it is not, and what to do; -1 after reporting. */
int same_disk_check(struct catalog *cat, const struct volume *v);

/* Check, then let the catalog know all the stamps of v.  As same_disk_check(). */
int same_disk_enter(struct catalog *cat, const struct volume *v);

/*
 * Enter, then give v, whose lock the caller holds, a new stamp, and let the catalog know it;
 * cat NULL: there is none at the moment.  0, or -1 after reporting: if the stamp could not be
 * written, that costs no more than that a copy made before is not told from the disk.
 */
int same_disk_raise(struct catalog *cat, const struct volume *v);

/*
 * From now on v, whose lock the caller holds, is the one that counts, whatever its stamps
 * are.  0, or -1 after reporting.
 */
int same_disk_accept(struct catalog *cat, const struct volume *v);

#endif
