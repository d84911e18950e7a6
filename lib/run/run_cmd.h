/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_cmd.h - the commands of a run: put together, executed, or, in a dry run,
 * printed, one a line, quoted for the shell.
 */
#ifndef SS_RUN_CMD_H
#define SS_RUN_CMD_H

#include "base/child.h"
#include "run/run.h"

struct run_cmd {
	char **arg;		/* NULL-ended */
	size_t n;
};

/* 0 if there is an rsnapshot, or -1 after saying that there is none. */
int run_cmd_installed(void);

/*
 * What rsnapshot will be given: r's private directory, and the configurations in
 * it; in a dry run only their names.  0, or -1 after reporting.
 */
int run_cmd_prepare(struct run *r);
void run_cmd_forget(struct run *r);	/* remove them again; also what was never prepared */

/* The one that a sync of dest gets, or, dest NULL, all else; it stays r's. */
const struct rsnap_conf *run_cmd_job(const struct run *r, const char *dest);

/* A command line of one of our tools: verb (or NULL) and the options that all of them share. */
void run_cmd_tool(const struct run *r, struct run_cmd *c, const char *tool, const char *verb);
void run_cmd_add(struct run_cmd *c, const char *arg);
void run_cmd_take(struct run_cmd *c, char *arg);	/* arg is now owned by c */
void run_cmd_free(struct run_cmd *c);

/*
 * Run it and free it.  Its status (0-255), or -1 where it could not be started or
 * waited for.  In a dry run: print it, 0.
 */
int run_cmd(const struct run *r, struct run_cmd *c);

/* Run n of them as a pipe, and free them; status[i] of each, -1 as above. */
void run_cmd_pipe(const struct run *r, struct run_cmd *c, int *status, size_t n);

/*
 * first | ss-hash | ss-catalog store.  SS_OK; SS_INCOMPLETE: not everything
 * could be hashed; SS_FAIL: one of the three failed (and said why).
 */
int run_cmd_finish(const struct run *r, struct run_cmd *first);

/* Has rsnapshot no objection to its configuration?  0, or -1 after reporting. */
int run_cmd_configtest(const struct run *r);

/* ss-catalog reconcile; a damaged marker makes r's exit code worse.  0, or -1 after reporting. */
int run_cmd_reconcile(struct run *r);

/* In a dry run: rsnapshot, as run_cmd_start() would start it. */
void run_cmd_show(const struct run *r, const char *verb, const char *dest);

/* rsnapshot rotates an interval; what it prints goes to err, -1: to our stderr.  Its status as run_cmd(). */
int run_cmd_rotate(const struct run *r, const char *interval, int err);

/*
 * Start rsnapshot: "sync DEST/" with the configuration of that host, or an interval (dest NULL)
 * with the one that has no host in it; what it prints goes to stderr.  0, or -1.  After limit
 * milliseconds (0 = none) it is ended with all that it started; its status is BELOW_LATE then.  Not in a dry run.
 */
int run_cmd_start(const struct run *r, const char *verb, const char *dest, int64_t limit,
		  struct child *child);

#endif
