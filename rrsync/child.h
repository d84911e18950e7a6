/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * child.h - rsync in a pid namespace of its own, and the two processes above it.
 *
 *	rrsync as sshd started it	stays outside, holds nothing open, waits
 *	  its child			the namespace's first process, in the sandbox, waits
 *	    rsync			and what it starts
 *
 * rsync itself is not the first process: with that one all others end at once, and
 * signals that it does not handle are lost on it.  Each of the two that wait passes
 * signals on to its child and ends as that one ended.  If the outer one is killed, the
 * kernel kills the others.
 */
#ifndef RRSYNC_CHILD_H
#define RRSYNC_CHILD_H

#include "base.h"

/*
 * Make a pid namespace and return in its first process; the caller's own process waits
 * for that one and never returns.  False: there is none here, nothing has changed.
 */
bool child_separate(void);

/*
 * In the namespace's first process: return in a child, with the signal mask that
 * child_separate() met; the process itself waits, and never returns.  What the child
 * leaves behind gets some seconds to end by itself.  False: no process can be started.
 */
bool child_start(void);

#endif
