/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jobs.h - what cron and systemd's timers start on this machine: rsnapshot by itself,
 * ss-run.
 *
 * Read are /etc/crontab, /etc/anacrontab, /etc/cron.d, the users' crontabs, the scripts in
 * /etc/cron.hourly and its like, and, of each timer that something wants, the service with
 * its drop-ins.  Files are read as far as 64 KiB, and nothing is executed.  Of users' own
 * crontabs no link is followed; elsewhere one that leads to a file of root's is, as cron
 * and systemd do it.
 */
#ifndef SS_JOBS_H
#define SS_JOBS_H

#include <stddef.h>
#include "rsnap/job_line.h"

struct job {
	char *file;		/* "/etc/cron.d/rsnapshot" */
	size_t line;
	struct job_call call;
	int roots;		/* root wrote it: what it names may be opened */
};

struct jobs {
	struct job *job;
	size_t n;
};

/* Find all below the open directory root, "/".  What cannot be read is passed over.  jobs_free() afterwards. */
void jobs_find(int root, struct jobs *j);
void jobs_free(struct jobs *j);

#endif
