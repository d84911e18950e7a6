/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.h - the catalog checked against itself and the markers.
 */
#ifndef SS_CHECK_H
#define SS_CHECK_H

#include "catalog/catalog.h"

/*
 * Check the database's structure, then of each saveset (only: just that one, or
 * NULL) the counts and both digests against its rows, and its marker against
 * the catalog.  Findings are lines on stdout (json: objects).  It holds the
 * volume's lock meanwhile.  Of all savesets those whose volume is away are
 * compared with their rows alone; volumes of c's backup host are told then, and trees that no saveset claims.
 * Where c has a volume named, it is about that one alone.
 * Returns SS_OK, SS_FINDINGS, SS_INCOMPLETE if some volumes are away or such trees are there, SS_LOCKED
 * if a run has the lock, or SS_FAIL after reporting, also if all are away.
 */
int check_run(struct catalog *cat, const struct conf *c, const struct saveset *only, int json);

/* The same of all savesets, but for the markers: no volume need be there, and no lock is taken. */
int check_alone(struct catalog *cat, int json);

#endif
