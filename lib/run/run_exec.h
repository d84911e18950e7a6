/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_exec.h - the commands of rsnapshot's configuration, once a run: cmd_preexec
 * before anything else, each backup_exec in its place among the backup lines,
 * cmd_postexec at the end.
 *
 * As rsnapshot does it: by the shell, from the home directory.  What they print
 * goes to stderr; they get none of our descriptors, which would keep a volume from
 * being unmounted, and none of our passwords.  In a dry run they are printed.
 */
#ifndef SS_RUN_EXEC_H
#define SS_RUN_EXEC_H

#include "run/run.h"

/*
 * cmd_preexec, with nothing open on the volume: it may mount it.  Before it
 * rsnapshot's lock file is ours.  SS_OK; SS_LOCKED if the volume is there and
 * another run, or rsnapshot, is at work on it (reported, nothing was run);
 * SS_FAIL after reporting that it failed, or if the run was stopped.  r->exec.owed
 * tells whether cmd_postexec is to follow: not where it has failed by itself.
 */
int run_exec_pre(struct run *r);

/*
 * The backup_exec lines that stand before that point (index) and were not run yet.
 * NULL; or that one which is required, and stands before it, has failed: which,
 * malloc'd.  One that is optional makes r's exit code worse.
 */
char *run_exec_before(struct run *r, size_t point);

/* After all transfers: the others, if there were any transfers. */
void run_exec_rest(struct run *r);

/* cmd_postexec, when all of ours on the volume is closed: it may unmount it. */
void run_exec_post(struct run *r);

#endif
