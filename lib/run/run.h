/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run.h - a nightly run: what its parts (run_*.c) share.
 */
#ifndef SS_RUN_H
#define SS_RUN_H

#include "base/lock.h"
#include "catalog/catalog.h"
#include "conf/conf.h"
#include "rsnap/rsnap.h"
#include "run/run_dir.h"
#include "run/run_parts.h"
#include "tree/volume.h"

struct run {
	struct conf conf;
	struct rsnap *rsnap;
	struct volume volume;
	struct lock *lock;
	struct catalog catalog;
	int offline;		/* the catalog cannot be reached: db is NULL, see run_offline.h */
	int admitted;		/* the catalog has accepted this disk as the one it knows */
	struct run_dir dir;	/* this run's own: what rsnapshot executes and reads */
	struct rsnap_conf job;	/* what rsnapshot gets for its test and its rotations */
	struct run_host *host;	/* every configured one */
	size_t nhost;
	struct run_commands exec;
	int away;		/* the volume is, and that is no error: nothing to do */
	int rsnapshot_locked;	/* rsnapshot's lock file is ours */
	int dry;		/* print the commands, do nothing */
	int named;		/* hosts were named: the others are left alone */
	int no_rotate;
	const char **rotate;	/* intervals asked for, NULL-ended, or NULL */
	int64_t now;		/* the time of this run: when it began */
	const char **accept;	/* hosts whose waiting saveset no guard holds back, NULL-ended, or NULL */
	int rotated;		/* the lowest interval was begun, or in a dry run would have been */
	int code;		/* worst exit code so far */
	/* For the record and the summary. */
	char id[ID_LEN + 1];	/* of its record; "" = there is none */
	int64_t began;		/* on clock_ms() */
	struct run_rotation *rotation;
	size_t nrotation;
	size_t unclaimed;	/* trees of our hosts whose savesets the catalog has lost */
};

/* Hold rsnapshot's lock file until the run ends, if it is not ours yet.  As rsnap_lock_take(). */
int run_lock_rsnapshot(struct run *r);

/* The worse of r's code and this one becomes r's: 2, then 1, then 3, then 0. */
void run_worse(struct run *r, int code);

/* The signal that asked us to stop, or 0.  From then on no child can be started. */
int run_stopped(void);

/* The first signal ends the run in order, a second one at once: we may be killed anywhere. */
void run_catch_signals(void);

#endif
