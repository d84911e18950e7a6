/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* resolve.h - where a path leads, and a way there that follows no link. */
#ifndef RRSYNC_RESOLVE_H
#define RRSYNC_RESOLVE_H

#include <sys/stat.h>

/*
 * The real path of dir/rel in real[PATH_MAX], links followed; what does not exist, or
 * leads round in a circle, is taken as it is written.  dir is a real path.  "/" comes
 * out as "".  Returns 0, or -1 with errno.
 */
int resolve_path(const char *dir, const char *rel, char *real);

/*
 * Open (O_PATH) rel below the descriptor dir, of which no component may be a link, nor
 * its end a socket.  make, unless 0: make directories that are missing, in this mode.
 * Returns a descriptor that is closed on exec, or -1 with errno.
 */
int resolve_open(int dir, const char *rel, mode_t make);

#endif
