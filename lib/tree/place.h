/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* place.h - does a path below the snapshot root lead where it says? */
#ifndef SS_PLACE_H
#define SS_PLACE_H

/*
 * A host's tree holds what the host wants, symbolic links too.  Where the destination of
 * another backup line lies below it, such a link would lead root's rsync, which does not
 * know where the snapshot root ends.
 *
 * path: relative to the open directory root (O_PATH does), of any number of components.
 * NULL if all of them that are there are directories, or, the last one, any thing but a
 * link.  Else what is wrong, malloc'd: "hourly.0/alpha/db is a symbolic link".
 */
char *place_wrong(int root, const char *path);

/* Open the directory at path, no component of it a link (O_PATH).  A descriptor, or -1 with errno. */
int place_open(int root, const char *path);

/* What of path lies below dir: "b" of "/a//b" and "/a"; NULL: it does not. */
const char *place_below(const char *path, const char *dir);

#endif
