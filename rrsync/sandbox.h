/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - what rsync can do, whatever it is made to want.
 *
 * The spaces are a pid and an ipc namespace, in which no other process is (child.h).
 * The view is a mount namespace in which nothing lies but DIR and what rsync needs
 * to start, all but DIR read-only.  The restrictions are no_new_privs, fewer
 * capabilities, Landlock and a seccomp filter.  A part that this system lacks is
 * named, and the rest is done.  Built with SANDBOX=0, for tests, there is none.
 */
#ifndef RRSYNC_SANDBOX_H
#define RRSYNC_SANDBOX_H

#include "args.h"

#ifndef SANDBOX
#define SANDBOX 1
#endif

/* What is missing, as text for people; "" for nothing. */
extern char sandbox_missing[300];

/* Landlock's ABI on this kernel, 0 for none. */
int sandbox_abi(void);

/* Which of its own options to confine itself this rsync has, for r->can_confine. */
void sandbox_probe(struct rules *r);

/*
 * Go into the spaces.  Returns in another process than the caller's, which waits; where
 * there is no pid namespace, in the caller's own.
 */
void sandbox_spaces(void);

/* Go into the view, with q's pins. */
void sandbox_view(struct request *q);

/* Restrict this process and what it becomes, as far as this kernel can. */
void sandbox_restrict(const struct request *q);

/* Become rsync; returns only if that failed. */
void sandbox_exec(const struct request *q);

#endif
