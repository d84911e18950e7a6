/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_rotate.h - the rotations of a run, and what was left over by one that died.
 */
#ifndef SS_RUN_ROTATE_H
#define SS_RUN_ROTATE_H

#include "run.h"

/*
 * Rotate an interval (0 = the lowest) through rsnapshot, judged by what is on
 * disk, and bring the catalog into step.  0, or -1 after reporting; nothing has
 * moved then.
 */
int run_rotate(struct run *r, size_t interval);

/* Finish or undo the rotation that an earlier run did not end.  0, or -1 after reporting. */
int run_rotate_recover(struct run *r);

#endif
