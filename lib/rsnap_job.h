/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_job.h - to run rsnapshot: a private configuration, and what its
 * transfers came to.
 */
#ifndef SS_RSNAP_JOB_H
#define SS_RSNAP_JOB_H

#include "rsnap.h"

/* One rsync that a run of rsnapshot started, as its wrapper ss-rsync saw it. */
struct rsnap_result {
	char *src, *dest;	/* last two arguments: what was read, the directory written to */
	int status;		/* exit code, or 128 + signal */
	unsigned long vanished;	/* "file has vanished" lines */
};

/*
 * Write into the directory dir (path, private to this run) a configuration that
 * includes the user's and puts ss-rsync (path) in place of cmd_rsync, switches
 * on use_lazy_deletes, has cp do the copying where cmd_cp is not given, and
 * returns its path (malloc'd), or NULL after reporting.
 */
char *rsnap_job_conf(const struct rsnap *r, const char *dir, const char *wrapper);
char *rsnap_job_path(const char *dir);	/* that path, malloc'd; nothing is written */

/*
 * The environment for it, NULL-ended, as child_start() takes it: a fixed PATH,
 * and where ss-rsync finds the real rsync and its record (DIR/results).
 */
char **rsnap_job_env(const struct rsnap *r, const char *dir);
void rsnap_job_env_free(char **env);	/* NULL is a no-op */

/* 1 if that process is an rsnapshot, else 0. */
int rsnap_job_alive(long pid);

/*
 * rsnapshot's own lock file, to be called while we hold our lock: 0 it is not in
 * the way (a stale one was removed, which was said), 1 a running rsnapshot has it
 * (reported), -1 after reporting.
 */
int rsnap_job_unlock(const struct rsnap *r);

/* Forget what DIR/results records.  0, or -1 after reporting. */
int rsnap_job_forget(const char *dir);

/*
 * The results that ss-rsync recorded in DIR/results since then; the array and
 * its strings are the caller's (rsnap_job_free).  -1 after reporting; n may be 0:
 * rsnapshot never came to start one.
 */
int rsnap_job_results(const char *dir, struct rsnap_result **res, size_t *n);
void rsnap_job_free(struct rsnap_result *res, size_t n);

enum rsnap_judged { RSNAP_COMPLETE, RSNAP_PARTIAL, RSNAP_FAILED };

/*
 * What a point's transfers amount to: the last result of each src and dest
 * counts (rsnapshot retries).  rsync 0 and 24 complete, 23 partial, all else,
 * nothing at all where rsnapshot did not return 0, and whatever happened where
 * it returned neither 0 nor 2 (warnings), failed.  *vanished is increased.  Pure.
 */
enum rsnap_judged rsnap_job_judge(int rsnapshot_status, const struct rsnap_result *res, size_t n,
				  unsigned long *vanished);

/* The first result that counts and is none of 0, 23 and 24; NULL = there is none.  Pure. */
const struct rsnap_result *rsnap_job_culprit(const struct rsnap_result *res, size_t n);

#endif
