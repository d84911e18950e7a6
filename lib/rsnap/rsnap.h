/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap.h - rsnapshot's configuration, read.  To run it: rsnap_job.h.
 */
#ifndef SS_RSNAP_H
#define SS_RSNAP_H

#include <stddef.h>

struct rsnap_point {		/* a backup or backup_script line */
	char *src;		/* NULL for a backup_script */
	char *script;		/* its command; NULL for a backup */
	char *dest;		/* as rsnapshot compares it, without trailing slashes */
	char *host;		/* first component of dest */
	char *opts;		/* NAME=VALUE,... behind it, or NULL */
};

struct rsnap_retain {
	char *name;
	unsigned count;
};

struct rsnap_exec {		/* a backup_exec line */
	char *command;
	int required;		/* what comes behind it must not happen if it fails */
	size_t place;		/* so many points stand before it */
};

/*
 * A line as it stands, continued ones in one, included ones where they were
 * included.  Those that ss-run sees to itself are none: backup_exec,
 * cmd_preexec, cmd_postexec and lockfile.
 */
struct rsnap_line {
	char *text;		/* words separated by tabs, no newline */
	long point;		/* the one that it is, or -1: it concerns every host */
};

struct rsnap {
	char *file;		/* the user's configuration */
	char *root;		/* snapshot_root, no trailing slash */
	char *cmd_rsync, *cmd_ssh, *cmd_cp, *ssh_args, *lockfile, *logfile;	/* NULL where not given */
	struct rsnap_retain *retain;	/* lowest interval first */
	size_t nretain;
	struct rsnap_point *point;
	size_t npoint;
	char **host;		/* each once, in order of appearance */
	size_t nhost;
	struct rsnap_line *line;
	size_t nline;
	struct rsnap_exec *exec;
	size_t nexec;
	char *cmd_preexec, *cmd_postexec;	/* NULL where not given */
	int sync_first, link_dest, no_create_root;
	char *rsync_short_args, *rsync_long_args;
};

/*
 * Read file as rsnapshot 1.4 does: words separated by tabs, comments,
 * continuation lines, include_conf (files, and `commands`), retain and interval.
 * NULL after reporting file, line and reason: unreadable, writable by others,
 * no snapshot_root, no retain, sync_first not 1, a host that is ".", ".." or
 * starts with ".sync" or ".secondshot"; and, of what rsnapshot will not see, what
 * it would refuse: a cmd_preexec or cmd_postexec that is no program, a relative
 * lockfile, a backup_exec that is neither required nor optional.
 */
struct rsnap *rsnap_read(const char *file);
void rsnap_free(struct rsnap *r);

/* Does a command, with its arguments, begin with the absolute path of a program?  1 or 0. */
int rsnap_program(const char *command);

#define RSNAP_WORD 17

/* A word for the set of its hosts, which tells it from other configurations on one root; returns to. */
const char *rsnap_word(const struct rsnap *r, char to[RSNAP_WORD]);

/* The path of the rsync that copies: cmd_rsync, or /usr/bin/rsync if that is not given. */
const char *rsnap_rsync(const struct rsnap *r);

/* The host that is called name, or of whose name that is the escaped form; NULL: there is none. */
const char *rsnap_host(const struct rsnap *r, const char *name);

/* Is host named in the NULL-ended list (NULL: nobody is), as above?  1 or 0. */
int rsnap_named(const struct rsnap *r, const char *const *list, const char *host);

/* Index of an interval's retain line, or -1. */
int rsnap_interval(const struct rsnap *r, const char *name);

#endif
