/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unclaimed.h - trees on disk that no saveset of the catalog claims.
 *
 * A catalog that was lost and begun anew, and one that never heard of older trees of
 * rsnapshot, know nothing of what lies there: it is not verified, and nothing tells
 * when it rots.  Whoever was asked for all says how many such trees there are.
 *
 * Not counted: what lies in .sync, where somebody is at work; an empty directory; a further
 * copy of a saveset that the catalog knows elsewhere; and, in the middle of a rotation, trees
 * without a marker.
 */
#ifndef SS_UNCLAIMED_H
#define SS_UNCLAIMED_H

#include "catalog/away.h"

struct unclaimed {
	char *volume, *root;
	size_t trees;		/* all of them */
	size_t bare;		/* those without a marker, or with one of a saveset that is gone */
	size_t waiting;		/* those that 'ss-catalog reconcile' catalogues */
	size_t foreign;		/* those of hosts that this catalog does not know there, but others it does */
	char *example;		/* LOCATION/HOST of one, of those that are lost to the catalog if there are some */
};

struct unclaimed_list {
	struct unclaimed *volume;	/* each has such trees */
	size_t n, trees;
};

/*
 * Look at each volume of c's backup host (of the one named, if one was) that is there and not among
 * those away; what the catalog says is asked after the disk.  0, or -1 after reporting.
 */
int unclaimed_look(struct catalog *cat, const struct conf *c, const struct away *away, struct unclaimed_list *l);

/*
 * The same of the one volume v that is open.  A run and a reconcile have something to say only of
 * unclaimed_lost(): what another catalog has, or nobody ever catalogued, is not theirs to complain of
 * every night.
 */
int unclaimed_on(struct catalog *cat, const struct volume *v, struct unclaimed *u);

/* Trees of our hosts that a catalog had, and this one does not know. */
size_t unclaimed_lost(const struct unclaimed *u);

/* A warning for each volume: trees that were not WHAT; json: also an object of type "unclaimed". */
void unclaimed_tell(const struct unclaimed_list *l, const char *what, int json);

/* The warning alone, of so many trees of one volume; what NULL: nothing was to be done with them. */
void unclaimed_warn(const struct unclaimed *u, size_t trees, const char *what);

void unclaimed_free(struct unclaimed_list *l);
void unclaimed_free_one(struct unclaimed *u);

#endif
