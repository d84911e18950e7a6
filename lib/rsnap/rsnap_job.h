/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_job.h - what the transfers of an rsnapshot came to.
 *
 * file: path of the record that ss-rsync and ss-rsnapshot append to, of one host's transfers.
 */
#ifndef SS_RSNAP_JOB_H
#define SS_RSNAP_JOB_H

#include <stddef.h>

/* One rsync that a run of rsnapshot started, as its wrapper ss-rsync saw it. */
struct rsnap_result {
	char *src, *dest;	/* last two arguments: what was read, the directory written to */
	char *below;		/* where below that src's tree lies: rsync_args_below() */
	char *said;		/* what it complained of, as it came, or NULL */
	int status;		/* exit code, or 128 + signal */
	unsigned long vanished;	/* "file has vanished" lines */
};

/* What rsnapshot, or a program that it started, had to say of its failure: ss-rsnapshot records it. */
struct rsnap_said {
	char *text;		/* as it came, in one line; NULL = nothing */
	int refused;		/* it refused its configuration */
};

/* Append what was said, or the result of a transfer, to file.  0, or -1 after reporting. */
int rsnap_job_record(const char *file, const struct rsnap_result *res);
int rsnap_job_say(const char *file, const struct rsnap_said *said);

/* Forget what it records.  0, or -1 after reporting. */
int rsnap_job_forget(const char *file);

/*
 * The results that were recorded since then; the array and
 * its strings are the caller's (rsnap_job_free).  -1 after reporting; n may be 0:
 * rsnapshot never came to start one.  said->text is the caller's, too.
 */
int rsnap_job_results(const char *file, struct rsnap_result **res, size_t *n, struct rsnap_said *said);
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
