/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_source.h - is there something to copy?  What rsnapshot and rsync do not
 * mind, or mind for every host at once.
 */
#ifndef SS_RUN_SOURCE_H
#define SS_RUN_SOURCE_H

#include "rsnap/rsnap_job.h"
#include "run/run.h"

/*
 * Which local source of the host is missing, or which backup_script of its cannot
 * be executed: rsnapshot refuses all of the host's points then.  A reason,
 * malloc'd, or NULL.
 */
char *run_source_missing(const struct rsnap *rs, const char *host);

/*
 * The destination of that point (index) was synced, with n results.  A source that
 * left nothing in .sync, though its place in the newest location of the host has
 * entries, is not believed: its disk is not mounted, perhaps.  What other points
 * bring there does not count.  A reason, malloc'd, or NULL.
 */
char *run_source_empty(const struct run *r, size_t point, const struct rsnap_result *res, size_t n);

#endif
