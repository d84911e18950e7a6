/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_conf.h - what rsnapshot gets to see: configurations of our own, made of
 * the user's lines.
 *
 * One for each host, with its points alone, so that what is wrong with another
 * host's does not concern it; and one without any, for the test of the
 * configuration and for the rotations.  In none of them is what ss-run sees to
 * itself once a run (struct rsnap_line).
 */
#ifndef SS_RSNAP_CONF_H
#define SS_RSNAP_CONF_H

#include "rsnap/rsnap.h"

struct rsnap_conf {
	char *file;		/* path of the configuration */
	char *results;		/* path of what ss-rsync records */
	char **env;		/* for rsnapshot, NULL-ended, as child_start() takes it */
};

struct rsnap_conf_how {
	const char *dir;	/* path of a directory that nobody else enters */
	const char *wrapper;	/* path of ss-rsync, or NULL: paths only, nothing is written */
	int fd;			/* by which dir is named, for ss-rsync to close; -1: it is not */
	int timeout;		/* seconds without a byte after which rsync gives up, 0 = never */
	const char *writes;	/* what rsync may write besides the host's tree: PATH:PATH..., or NULL */
	int no_log;		/* rsnapshot's logfile is left out */
};

/*
 * Why rsnapshot cannot write its logfile, with its name, malloc'd, not escaped; NULL if it
 * can, or there is none.  rsnapshot would end before it does anything, or wait for ever.
 */
char *rsnap_conf_log_wrong(const struct rsnap *r);

/*
 * Write the configuration for a host of r, or for none (NULL), below how->dir.
 * In it ss-rsync stands in place of cmd_rsync, use_lazy_deletes is on, cp does the
 * copying where cmd_cp is not given, and the lock file lies in that directory.
 * env: a fixed PATH, and for ss-rsync the real rsync, its record, the snapshot
 * root, and the rest of how.  0, or -1 after reporting; rsnap_conf_free() in both cases.
 */
int rsnap_conf_write(struct rsnap_conf *c, const struct rsnap *r, const char *host,
		     const struct rsnap_conf_how *how);

void rsnap_conf_free(struct rsnap_conf *c);

/* A fixed search path, "PATH=...", for what root runs. */
extern const char rsnap_conf_path[];

#endif
