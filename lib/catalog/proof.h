/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proof.h - is a tree on disk the one that a saveset was made of?
 */
#ifndef SS_PROOF_H
#define SS_PROOF_H

#include "catalog/catalog.h"
#include "catalog/merge.h"

/*
 * Walk the tree of s in a location and compare all that the metadata digest
 * holds with the catalog's rows.  Files of a saveset that is flagged as changed through hard
 * links by a later sync may be so, but for what lies in .sync, where rsync is at work.  1 it is the same, 0 it is not or is not there,
 * PROOF_UNREAD after reporting that the tree cannot be read, -1 that the catalog cannot.
 */
#define PROOF_UNREAD MERGE_UNREAD
int proof_tree(struct catalog *cat, const struct volume *v, const struct saveset *s,
	       const char *location);

#endif
