/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_lock.h - rsnapshot's own lock file, held by us while we run: an rsnapshot
 * that is started by hand refuses then.  The ones that we start have others.
 */
#ifndef SS_RSNAP_LOCK_H
#define SS_RSNAP_LOCK_H

#include "rsnap/rsnap.h"

/* 1 if that process is an rsnapshot of root's or ours, else 0. */
int rsnap_lock_rsnapshot(long pid);

/*
 * Make r's lockfile with our process id in it, where one is configured.  SS_OK;
 * SS_LOCKED after naming the rsnapshot or ss-run that has it, and for wait seconds
 * (who is waited for is said once) did not end; SS_FAIL after reporting.  A file
 * whose process is gone, or is neither, or that nobody writes a number into for a
 * second, is removed, which is said.
 */
int rsnap_lock_take(const struct rsnap *r, int wait);

/* Remove it, if it is ours. */
void rsnap_lock_release(const struct rsnap *r);

#endif
