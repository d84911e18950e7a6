/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - what rsync can do, whatever it is made to want.
 *
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

/* rsync and what it needs to start; the first is RSYNC.  Ended by NULL. */
extern const char *const sandbox_needs[];

/* Which of its own options to confine itself this rsync has, for r->can_...  Returns 0 or -1. */
int sandbox_probe(struct rules *r);

/*
 * Go into the view; r->dirfd, the working directory and a's pins are opened anew in
 * it.  -1, with the reason in a->paths.why: to go on would be wrong.
 */
int view_enter(const struct rules *r, struct args *a);

/* Restrict this process and what it becomes, as far as this kernel can. */
void sandbox_restrict(const struct rules *r, const struct args *a);

/* What is missing, as text for people; "" for nothing.  Valid after both. */
void sandbox_lacks(const char *part);
const char *sandbox_missing(void);

/* Landlock's ABI on this kernel, 0 for none. */
int sandbox_abi(void);

/* Become rsync; returns only if that failed. */
void sandbox_exec(const struct args *a);

#endif
