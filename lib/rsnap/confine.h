/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * confine.h - what an rsync that rsnapshot starts may write.
 *
 * rsync receives, as root, from a machine that may be in other hands.  It may write below
 * .sync/HOST, and, for --link-dest, link and write the files of the same host's tree in the
 * location that is named there, without making or removing a name in it; besides, where its
 * own options (--temp-dir, --partial-dir, --backup-dir, --log-file) and rsync-writes say.
 * Landlock from ABI 2 on holds it to that.  With any kernel it is not started where its
 * destination, or a directory that it is to compare with, lies behind a symbolic link below
 * the snapshot root.
 */
#ifndef SS_CONFINE_H
#define SS_CONFINE_H

/* Is this kernel's Landlock enough?  1 or 0. */
int confine_able(void);

/*
 * rsync's command line (argc words, the last one ROOT/.sync/DEST); writes: PATH:PATH...,
 * or NULL.  The directory .sync/HOST is made if it is not there.  The domain for
 * child_start_with(), to be closed; -1 with *why NULL: this kernel has none, go on without;
 * -1 with *why, malloc'd: it must not be started.
 */
int confine(const char *root, int argc, char *const argv[], const char *writes, char **why);

/* Called for each path that an option names, with the option's name. */
typedef void confine_each_fn(const char *option, const char *path, void *arg);

/*
 * The absolute paths outside of ROOT/.sync that a command line names for rsync to write:
 * good of those that confine() allows, bad of the others.  Pure.
 */
void confine_each(int argc, char *const argv[], confine_each_fn *good, confine_each_fn *bad, void *arg);

#endif
