/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * away.h - what of all savesets cannot be looked at, because the disk is away.
 *
 * Where disks take turns one of them always is: a tool that was asked for all
 * goes on with the rest, and says at the end what it left out.
 */
#ifndef SS_AWAY_H
#define SS_AWAY_H

#include "catalog/catalog.h"

struct away_volume {
	char *name, *root;
	size_t savesets;
};

struct away {
	struct away_volume *volume;
	size_t n;		/* of volumes */
	size_t savesets;	/* of them all */
	int failed;		/* one of them is not away, but cannot be opened */
};

/*
 * Is the volume of s away: nothing there, or another one, or another copy of it?  Then s is noted.  So it
 * is where that cannot be told, after reporting it once.  1 or 0.
 */
int away_look(struct away *a, struct catalog *cat, const struct saveset *s);

/* s is left out. */
void away_note(struct away *a, const struct saveset *s);

/* A warning for each volume: savesets that were not WHAT; json: also an object of type "offline". */
void away_tell(const struct away *a, const char *what, int json);

void away_free(struct away *a);

#endif
