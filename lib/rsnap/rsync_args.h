/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsync_args.h - what an rsync's command line says, as far as it matters to us.
 *
 * argv: argc words, the last two the source and the destination, the first one
 * the program.  All of it pure.
 */
#ifndef SS_RSYNC_ARGS_H
#define SS_RSYNC_ARGS_H

/* Is the source another machine's: HOST:PATH, HOST::MODULE/PATH, rsync://HOST/MODULE/PATH? */
int rsync_args_remote(const char *source);

/* Does the command set (or switch off) the timeout itself? */
int rsync_args_timeout(int argc, char *const argv[]);

/*
 * Where below the destination the tree of the source comes to lie, malloc'd: "."
 * for the destination itself, else a path without slashes at its ends.  Where a
 * remote shell has a say ("~", "*"), it is a path that will not be found there.
 */
char *rsync_args_below(int argc, char *const argv[]);

/*
 * The next value of an option from word *i on (begin with 1; it is moved behind it):
 * --NAME=VALUE, --NAME VALUE, and, letter not '\0', -xyLVALUE, -xyL VALUE.  Points into
 * argv; NULL: there are no more.
 */
const char *rsync_args_value(int argc, char *const argv[], const char *name, char letter, int *i);

/* The last value of it, which counts, or NULL. */
const char *rsync_args_last(int argc, char *const argv[], const char *name, char letter);

#endif
