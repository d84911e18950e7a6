/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsync_watch.h - is a transfer still getting anywhere?
 *
 * rsync's own --timeout is not enough: while the other side's rsync hangs and its
 * sshd lives, the keep-alives that a receiver sends count as life to it.  What
 * counts here is what rsync and the processes below it read (all but an ssh, which
 * hears its peer's answers) and the time they compute.
 */
#ifndef SS_RSYNC_WATCH_H
#define SS_RSYNC_WATCH_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct rsync_watch {
	pid_t pid;		/* of the rsync */
	long seconds;		/* without a sign of life that are too many, 0 = none are */
	uint64_t read, ticks;	/* when there was the last one */
	struct timespec since;
};

void rsync_watch_begin(struct rsync_watch *w, pid_t pid, long seconds);

/* To be asked once a second or so: 1 it has been still for too long, else 0. */
int rsync_watch_still(struct rsync_watch *w);

#endif
