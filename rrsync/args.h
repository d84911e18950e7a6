/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* args.h - from the command that a client sent to the arguments of rsync. */
#ifndef RRSYNC_ARGS_H
#define RRSYNC_ARGS_H

#include "paths.h"

struct args {
	char **v;		/* rsync's arguments, ended by NULL */
	size_t n;
	bool sender, relative;
	bool writes;		/* not only reads below DIR */
	bool xattrs;		/* -X */
	double rate;		/* the client's --bwlimit, KiB a second; 0: none */
	struct paths paths;	/* what v refers to, and what was refused */
};

/* What --bwlimit=TEXT means, in KiB a second, if it is a number with k, m, g or nothing; else 0. */
double args_rate(const char *text);

/*
 * Judge the command (SSH_ORIGINAL_COMMAND, without a NUL) and pin its paths.  The
 * working directory must be r->dir; missing backup and partial directories are made
 * in it.  r must stay.  Returns 0, or -1 and the reason in a->paths.why.  The caller
 * frees *a with rrsync_free(), also after -1.
 */
int rrsync_args(struct args *a, const struct rules *r, const char *command);
void rrsync_free(struct args *a);

#endif
