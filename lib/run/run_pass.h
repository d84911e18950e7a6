/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_pass.h - the hosts of a run: jobs.hosts of them are synced at once, and while
 * one is catalogued and hashed the next one's transfer is under way.
 */
#ifndef SS_RUN_PASS_H
#define SS_RUN_PASS_H

#include "run/run.h"

/* Back up each host that is wanted and idle; say what became of each. */
void run_pass(struct run *r);

#endif
