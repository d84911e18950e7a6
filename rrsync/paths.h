/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * paths.h - what was checked is what rsync gets.
 *
 * The kernel opens a path and tells where that leads; it must lie below DIR.  rsync
 * gets /proc/self/fd/N, or that and one more name where the last one is rsync's to
 * make or, when sending, to send as the link that it may be.  Nothing is opened but
 * with O_PATH.
 */
#ifndef RRSYNC_PATHS_H
#define RRSYNC_PATHS_H

#include "args.h"

#define PATHS_EMPTY "/empty"	/* in the view, in place of what is not there any more */

/* Where an open file is, in path[PATH_MAX]; "" if nobody knows. */
void paths_of(int fd, char *path);

/* What follows dir in path, from its slash on; NULL if path is neither dir nor below it. */
const char *paths_below(const char *path, const char *dir);

/* What rsync gets for an option's value. */
const char *paths_value(struct request *q, const struct option *o, const char *value);

/* Add what rsync gets for a file to transfer, with its wildcards expanded. */
void paths_add(struct request *q, const char *text);

/*
 * Open the working directory, rules->dirfd and all pins anew, by the same numbers, in
 * the view that is now the root.
 */
void paths_renew(struct request *q);

#endif
