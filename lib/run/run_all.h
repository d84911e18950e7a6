/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_all.h - a nightly run: its beginning, its order, its end.
 */
#ifndef SS_RUN_ALL_H
#define SS_RUN_ALL_H

#include "run/run.h"

/*
 * Get everything ready, in r, whose options are set and the rest zero: read
 * rsnapshot's configuration, open the volume, take the lock, open the catalog.
 * hosts: the names given, NULL-ended.  SS_OK, or the exit code after reporting.
 * run_close() in every case.
 */
int run_open(struct run *r, const char *const hosts[]);

/* The run itself.  Its exit code. */
int run_all(struct run *r);

/*
 * The run has come to code.  Close everything, and last of all run cmd_postexec.
 * The exit code: that one, or a worse one.
 */
int run_close(struct run *r, int code);

#endif
