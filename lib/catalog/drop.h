/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * drop.h - rows leave a series.
 *
 * Some thousand in each transaction: a cluster hands a transaction on as a whole, and
 * has limits for its size.  So whoever calls this sees to it first that no look-up shows
 * savesets of which only some rows are left.  What was interrupted can be done again.
 */
#ifndef SS_DROP_H
#define SS_DROP_H

#include "catalog/catalog.h"

/*
 * The rows that saveset seq alone covers, before and after being the neighbours that
 * stay (sequence numbers; before may be 0), with what hung on them.  *rows grows by
 * as many.  0, or -1 after reporting.
 */
int drop_between(struct catalog *cat, int64_t series, int64_t before, int64_t seq, int64_t after,
		 int64_t *rows);

/*
 * Bring the rows of a series back to what they were when its saveset seq (0: none) was
 * the newest: what came later leaves, what was closed since then is open again.
 * *rows grows by those that left.  0, or -1 after reporting.
 */
int drop_since(struct catalog *cat, int64_t series, int64_t seq, int64_t *rows);

#endif
