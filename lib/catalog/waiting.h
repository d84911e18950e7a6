/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * waiting.h - savesets that are held back: they wait in .sync, and no run rotates them
 * before somebody has looked at them.
 *
 * That is so where the guard, asked now with our limits, holds the saveset back, or where a
 * run has said since it was made that it does: the run may have had other limits, or be
 * another backup host's.
 */
#ifndef SS_WAITING_H
#define SS_WAITING_H

#include "base/mem.h"
#include "catalog/catalog.h"

#define WAITING_HELD "held back: "	/* in a run's summary the reason of a host that is held back begins so */

/* Is s held back?  1, and the reason (escaped, without a full stop) appended to why; 0; -1 after reporting. */
int waiting_held(struct catalog *cat, const struct conf *c, const struct saveset *s, struct buf *why);

struct waiting {
	struct saveset s;
	char *why;
};

/* All that are held back, by host and volume: *n in *list, for waiting_free().  0, or -1 after reporting. */
int waiting_list(struct catalog *cat, const struct conf *c, struct waiting **list, size_t *n);
void waiting_free(struct waiting *list, size_t n);

#endif
