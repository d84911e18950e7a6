/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_opt.h - what rsnapshot makes of its options for a backup point: where the
 * source is, by which ssh it is reached, what rsync is told.  Pure.
 */
#ifndef SS_RSNAP_OPT_H
#define SS_RSNAP_OPT_H

#include "rsnap/rsnap.h"
#include "rsnap/source.h"

/* Where the source of a point lies; SOURCE_OTHER for a backup_script (NULL) and what rsnapshot refuses. */
enum source_kind rsnap_opt_source(const char *src);

/* "[USER@]HOST" of a SOURCE_SSH, "HOST" or "HOST:PORT" of a SOURCE_DAEMON source; malloc'd. */
char *rsnap_opt_login(const char *src);

/*
 * The program and arguments by which rsync would call ssh for p: cmd_ssh, its
 * ssh_args, and those of the point, split at blanks as rsync does, with its
 * quotes.  NULL-ended, for rsnap_opt_free().
 */
char **rsnap_opt_ssh(const struct rsnap *r, const struct rsnap_point *p);
void rsnap_opt_free(char **words);	/* NULL is a no-op */

/*
 * The arguments that rsnapshot gives rsync for p, between the name of the program
 * and the source, as rsync_args.h wants them: with both.  What is not configured has
 * rsnapshot's defaults; include, exclude and one_fs, which have lines of their own, are
 * among them; --rsh is not.  NULL-ended, for rsnap_opt_free().
 */
char **rsnap_opt_rsync(const struct rsnap *r, const struct rsnap_point *p);

/*
 * The same for a dry run: neither program, source nor destination, and none of the options
 * by which rsync writes elsewhere (--log-file, --temp-dir ...), of which a sender on
 * another machine is not told.  NULL-ended, for rsnap_opt_free().
 */
char **rsnap_opt_dry(const struct rsnap *r, const struct rsnap_point *p);

/* Why an rsync with the options of p would copy nothing at all, and still end well; NULL: it copies. */
const char *rsnap_opt_idle(const struct rsnap *r, const struct rsnap_point *p);

/* The words of a command as rsync splits them; NULL-ended, for rsnap_opt_free(). */
char **rsnap_opt_words(const char *command);

/*
 * The option by which rsync would write into files that are there, where with
 * link_dest 0 they are those of older savesets, too: --inplace and its like, of
 * the last that counts.  NULL = there is none.
 */
const char *rsnap_opt_rewrites(const struct rsnap *r);

/* 0, or -1 after reporting that no run may be made so: link_dest 0 and such an option. */
int rsnap_opt_safe(const struct rsnap *r);

#endif
