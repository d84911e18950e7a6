/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_dir.h - a directory for what a run lets rsnapshot execute and read.
 *
 * It does not lie on the volume, which may have been in other hands.  Root's lie below
 * /run/secondshot, or, where that cannot be written, below /var/lib/secondshot/run;
 * another user's below $XDG_RUNTIME_DIR/secondshot, or /tmp/secondshot-UID.  The one that is
 * taken must be trusted (trust_dir()).  Each run has one of its own, mode 0700, locked while
 * the run or a program that inherited its descriptor lives; what ended runs left is removed
 * by the next.
 */
#ifndef SS_RUN_DIR_H
#define SS_RUN_DIR_H

struct run_dir {
	char *base, *name;	/* it is base/name */
	char *path;		/* by which it is to be named: /proc/self/fd/FD where there is a /proc */
	int fd;			/* the open directory; a program that is to use path inherits it */
	int base_fd;
};

/* Make one.  0, or -1 after reporting; run_dir_close() in both cases. */
int run_dir_open(struct run_dir *d);

/* What a dry run calls it: nothing is made. */
void run_dir_name(struct run_dir *d);

/* Remove it with the files in it, and in .sync/HOST below it, and free it; one that was never opened is a no-op. */
void run_dir_close(struct run_dir *d);

#endif
