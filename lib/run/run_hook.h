/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_hook.h - the hooks of a run (hook.h): when each is called, with which facts,
 * and what its failure means; see HOOKS in ss-run(8).
 *
 * In a dry run they are printed.
 */
#ifndef SS_RUN_HOOK_H
#define SS_RUN_HOOK_H

#include "run/run.h"

/* Can all that are configured be run?  Their number, or -1 after reporting. */
int run_hook_check(const struct conf *c);

/* hook.pre.  0, or -1 after reporting: the run stops. */
int run_hook_pre(struct run *r);

/* hook.host-pre.  NULL, or why h must not be synced, malloc'd. */
char *run_hook_host_pre(struct run *r, const struct run_host *h);

/* hook.host-post, when h is done with; a failure makes the run incomplete. */
void run_hook_host_post(struct run *r, const struct run_host *h);

/* hook.failure, if code is 1 or 2 or a signal stopped us.  The same. */
void run_hook_failure(struct run *r, int code);

/* hook.post.  The same. */
void run_hook_post(struct run *r, int code);

#endif
