/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_host.h - one host of a run: sync, judge, catalogue, hash, verify.
 */
#ifndef SS_RUN_HOST_H
#define SS_RUN_HOST_H

#include "run.h"

/* Does its complete saveset lie in .sync, and nowhere else?  1, 0, or -1 after reporting. */
int run_host_waits(struct run *r, const char *host);

/* Back h up.  What became of it stands in h; r's exit code becomes worse if need be. */
void run_host(struct run *r, struct run_host *h);

#endif
