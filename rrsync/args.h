/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args.h - from the command that a client sent to the arguments of rsync.
 *
 * What is not accepted is the end: refuse().  Nothing is freed: strings and
 * descriptors are for rsync, which this process becomes.
 */
#ifndef RRSYNC_ARGS_H
#define RRSYNC_ARGS_H

#include "policy.h"

struct request {
	const struct rules *rules;
	bool sender, relative;
	bool writes;		/* not only reads below DIR */
	bool xattrs;		/* -X */
	double rate;		/* the client's --bwlimit, KiB a second; 0: none */
	const char *shown;	/* the path that is looked at, for messages */
	const char **args;	/* rsync's arguments, ended by NULL */
	size_t n_args;
	struct pin {
		int fd;			/* in the arguments as /proc/self/fd/N */
		const char *rel;	/* its path below DIR, without links */
	} *pins;
	size_t n_pins;
};

/* What --bwlimit=TEXT means, in KiB a second, if it is a number with k, m, g or nothing; else 0. */
double args_rate(const char *text);

/* A new string, like printf. */
char *args_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* text, which stays, is the next argument. */
void args_add(struct request *q, const char *text);

/*
 * Judge the command (SSH_ORIGINAL_COMMAND, without a NUL) and pin its paths.  q->rules
 * is set and stays; the working directory is its dir, in which missing backup and
 * partial directories are made.
 */
void args_make(struct request *q, const char *command);

#endif
