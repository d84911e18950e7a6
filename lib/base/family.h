/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * family.h - all processes below this one, also those that have left their process group
 * or whose parent is gone.
 *
 * proc(5): /proc/PID/task/TID/children; prctl(2): PR_SET_CHILD_SUBREAPER.
 */
#ifndef SS_FAMILY_H
#define SS_FAMILY_H

#include <sys/types.h>

/* Whoever loses its parent below us becomes our child from now on.  0, or -1 with errno. */
int family_adopt(void);

/*
 * Send sig (0: none) to first, which is not waited for yet, and then to every other process
 * below us.  Those that have ended are waited for, but not first.  The number of others that
 * were there: with SIGKILL again and again until it is 0, since what one of them starts
 * meanwhile is ours a moment later.
 */
size_t family_signal(pid_t first, int sig);

/* The processes that are our own children now: a list, malloc'd, and their number. */
size_t family_children(pid_t **list);

/*
 * The same for one among other children of ours: first, all below it, and whoever is our
 * child (family_adopt()) and is not one of the n in known, with all below them.
 */
size_t family_signal_new(pid_t first, const pid_t *known, size_t n, int sig);

#endif
