/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * paths.h - what was checked is what rsync gets.
 *
 * A path is resolved, must lie below DIR, and is then opened component by component
 * without following any link: rsync gets /proc/self/fd/N, or that and one more name
 * where the last one is rsync's to make or, when sending, to send as the link that it
 * may be.  Nothing is opened but with O_PATH.
 */
#ifndef RRSYNC_PATHS_H
#define RRSYNC_PATHS_H

#include "policy.h"

struct pin {
	int fd;		/* closed on exec */
	char *rel;	/* its path below DIR, without links; NULL: an empty directory, removed */
};

struct paths {
	const struct rules *rules;
	struct pin *pins;
	size_t n;
	char why[512];	/* after a failure: what is refused and why, fit for people */
};

/* Say why and return NULL.  name is a stranger's, or NULL. */
void *paths_refuse(struct paths *p, const char *why, const char *name);

/* The value that rsync gets for an option's: a string that the caller frees, or NULL. */
char *paths_value(struct paths *p, const struct option *o, const char *value, bool sender);

/*
 * The same for a file to transfer, with its wildcards expanded: each result goes to
 * add(to, result), which owns it then; NULL, or an answer that is not 0, ends it.
 * relative: -R is given.  The working directory is DIR.  Returns add()'s answer, or -1.
 */
int paths_names(struct paths *p, const char *text, bool sender, bool relative, int (*add)(void *, char *),
		void *to);

/*
 * Open all pins anew below rules->dirfd, which now belongs to another mount of DIR;
 * empty stands for removed directories.  -1: one is not what it was.
 */
int paths_renew(struct paths *p, int empty);

void paths_free(struct paths *p);

#endif
