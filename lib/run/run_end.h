/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_end.h - what follows a run, whatever it came to. */
#ifndef SS_RUN_END_H
#define SS_RUN_END_H

#include "run/run.h"

/*
 * The run came to code: begun, or (0) it could not begin.  Call hook.failure and
 * hook.post, say what it amounts to, end its record, print it where JSON was asked
 * for.  The exit code.  The volume is still open.
 */
int run_end(struct run *r, int code, int begun);

#endif
