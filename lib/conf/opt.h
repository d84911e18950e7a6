/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * opt.h - command lines: one shared popt table, one way to start and end a tool.
 */
#ifndef SS_OPT_H
#define SS_OPT_H

#include <popt.h>
#include "conf/conf.h"

/*
 * What a tool says of itself.  table is its own popt table (popt fills the
 * variables it points to; entries with val != 0 are not used), ended by
 * POPT_TABLEEND; added for it are --config --log-level --logfile --quiet
 * --version --help and those that use names.
 */
enum opt_use {			/* groups of shared options that a tool takes */
	OPT_CATALOG = 1,	/* --db-url --db-timeout --volume --backup-host */
	OPT_RSNAPSHOT = 2,	/* --rsnapshot-conf */
	OPT_HASHTYPE = 4,	/* --hashtype */
	OPT_THREADS = 8,	/* --threads */
	OPT_AUTOVERIFY = 16,	/* --autoverify */
	OPT_JSON = 32,		/* --json */
	OPT_RUN = 64,		/* the keys of a nightly run, and --wait */
};

struct opt_tool {
	const char *name;	/* "ss-hash" */
	const char *usage;	/* "[OPTION...] SAVESET..." */
	const char *about;	/* one line below it in --help */
	const struct poptOption *table;
	unsigned use;		/* of enum opt_use */
};

/*
 * Start a program: signals to known values (SIGPIPE ignored, SIGCHLD default),
 * descriptors 0-2 open, locale, msg_program(); parse argv; load the
 * configuration into conf.  Returns the arguments left over (NULL-ended, owned
 * by the caller's process for its whole life) or NULL after reporting: exit
 * with *code then (--help and --version: SS_OK).  A log file that cannot be opened is
 * said, and no reason not to start: opt_finish() then makes SS_OK SS_INCOMPLETE.
 */
const char **opt_start(const struct opt_tool *tool, int argc, const char **argv,
		       struct conf *conf, int *code);

/*
 * From now on only reading and printing is done: once the reader of stdout has left, as
 * head(1) does, the next write to it ends the program by SIGPIPE.  What writes to the
 * catalog does not call this: it comes to its end first, see opt_finish().
 */
void opt_only_reads(void);

/*
 * End of every main: flush and close stdout, and turn code into SS_FAIL with a
 * message if that fails (full disk).  If the reader of stdout has left, the program
 * ends by SIGPIPE, without a message.
 */
int opt_finish(int code);

#endif
