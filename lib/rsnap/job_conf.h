/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job_conf.h - does a call of rsnapshot by somebody else concern our snapshot root?
 */
#ifndef SS_JOB_CONF_H
#define SS_JOB_CONF_H

#include "rsnap/jobs.h"
#include "rsnap/rsnap.h"

#define JOB_CONF_DEFAULT "/etc/rsnapshot.conf"	/* of a call without -c */

/*
 * Does a job that calls rsnapshot sync or rotate on r's snapshot root?  1; 0 no, or it names
 * no interval; -1: which configuration it has cannot be told.  The one that it names is
 * opened only if root wrote the job; of it snapshot_root and the intervals are read, and
 * nothing in it is executed.
 */
int job_conf_touches(const struct job *job, const struct rsnap *r);

#endif
