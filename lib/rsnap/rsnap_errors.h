/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_errors.h - what went wrong, in the words of rsnapshot and of what it started.
 *
 * rsnapshot frames its errors: "ERROR: " before each, a banner before the first, long lines
 * cut with a backslash at the end, and of a configuration that it refuses the file and the
 * line before what is there.  A program that it starts (lvcreate, mount, a backup_script)
 * says why it failed right before the first error.  Format: rsnapshot 1.4 and 1.5.  Pure.
 */
#ifndef SS_RSNAP_ERRORS_H
#define SS_RSNAP_ERRORS_H

#include "base/mem.h"

struct rsnap_errors {
	/* Set by the caller; the rest is zero. */
	const char *file;	/* the configuration that rsnapshot was given */
	int numbered;		/* also say which line of it is wrong */
	const char *only;	/* NULL, or only errors in which this text stands */

	struct buf text;	/* what was kept so far, raw, in one line; p is NULL if there is nothing */
	int refused;		/* rsnapshot refused the configuration */
	/* Its own. */
	struct buf error;	/* that is not complete yet */
	int begun, placed, wrapped, banner;
	char *line[2];		/* the last two of others before the first error */
};

/* The next line of what was printed (a quote's hear, see quote.h); arg is the rsnap_errors. */
void rsnap_errors_hear(void *arg, const char *line, size_t len);

/* No more comes: text is complete, and behind it is what others said, if they did.  All but text is freed. */
void rsnap_errors_end(struct rsnap_errors *e);

#endif
