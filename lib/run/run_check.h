/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_check.h - ss-run --check: would a run work, and what is to be done if not?
 */
#ifndef SS_RUN_CHECK_H
#define SS_RUN_CHECK_H

#include <stddef.h>
#include "base/capture.h"
#include "conf/conf.h"
#include "rsnap/rsnap.h"
#include "tree/volume.h"

enum run_check_state {
	RUN_CHECK_OK,
	RUN_CHECK_WARNING,	/* it works, and could be better */
	RUN_CHECK_MEND,		/* a run would fail, or do without something */
	RUN_CHECK_UNKNOWN,	/* it cannot be told */
};

struct run_check_row {
	char *what;		/* "volume", "host alpha" */
	enum run_check_state state;
	char *text;		/* how it is, and what to do; one line */
};

struct run_check {
	const struct conf *conf;
	struct rsnap *rsnap;	/* NULL: it could not be read */
	struct run_check_row *row;
	size_t n;
};

/* Add a row; the text (malloc'd) is now owned by k. */
void run_check_add(struct run_check *k, const char *what, enum run_check_state state, char *text);

/* End c, and add a row of what was said: it is to be mended. */
void run_check_said(struct run_check *k, const char *what, struct capture *c);

/* run_check_catalog.c: add the rows of the catalog, and of what it knows of v (NULL: it could not be opened). */
void run_check_catalog(struct run_check *k, const struct volume *v);

/* run_check_confine.c: add the row of what rsync may write. */
void run_check_confine(struct run_check *k);

/* run_check_root.c: add the rows of what is wrong with the place of the root, and with what lies in it. */
void run_check_root(struct run_check *k, const struct volume *v);

/* run_check_jobs.c: add the rows of what cron and timers start. */
void run_check_jobs(struct run_check *k);

/* run_check_options.c: add a row for each host of those of which rsync refuses the options. */
void run_check_options(struct run_check *k, const char *const hosts[]);

/* run_check_host.c: add the rows of the hosts that are named, or of all. */
void run_check_hosts(struct run_check *k, const char *const hosts[]);

/*
 * Look at everything and print it, a row each (--json: an object each, type
 * "check").  Nothing is changed, no lock is taken.  SS_OK; SS_FINDINGS: something
 * is to be mended; SS_FAIL: something cannot be told.
 */
int run_check(const struct conf *c, const char *const hosts[]);

#endif
