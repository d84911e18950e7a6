/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_host.h - one host of a run after its transfer: catalogue, hash, verify.
 */
#ifndef SS_RUN_HOST_H
#define SS_RUN_HOST_H

#include "run/run_sync.h"

/*
 * Does a saveset of it that is to be rotated lie in .sync, and nowhere else?  1, 0; after
 * reporting RUN_HOST_UNTOLD (run_offline.h), if its marker has to tell and cannot, or -1.
 */
int run_host_waits(struct run *r, const char *host);

/* It is left out of this run, and has failed. */
void run_host_not_tried(struct run *r, struct run_host *h, const char *why);

/* Before the transfer: forget the last one, note what lies in .sync.  0, or -1: it has failed. */
int run_host_begin(struct run *r, struct run_host *h);

/* After it.  What became of it stands in s->host; r's exit code becomes worse if need be. */
void run_host_end(struct run *r, const struct run_sync *s);

#endif
