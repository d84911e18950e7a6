/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check_jobs.c - does something start ss-run, and does something else rotate here? */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "rsnap/job_conf.h"
#include "rsnap/jobs.h"
#include "run/run_check.h"

#define MOST 10			/* jobs that are named */

static void add_other(struct run_check *k, const struct job *job, int touches)
{
	const char *file = job->call.config != NULL ? job->call.config : JOB_CONF_DEFAULT;
	char *what = mem_printf("%s:%zu starts \"rsnapshot %s\"", escape_name(job->file), job->line,
				escape_name(job->call.verb));

	if (touches < 0)
		run_check_add(k, "jobs", RUN_CHECK_WARNING,
			      mem_printf("%s: whether its configuration (%s) is for %s cannot be told; if it is, switch"
					 " the line off", what, escape_name(file), escape_name(k->rsnap->root)));
	else
		run_check_add(k, "jobs", job->roots ? RUN_CHECK_MEND : RUN_CHECK_WARNING,
			      mem_printf("%s on this root, beside ss-run: a rotation takes the oldest generation away"
					 " and adds none, a sync writes over what waits in .sync; switch the line"
					 " off", what));
	free(what);
}

/* Is it called for the configuration that is looked at? */
static int is_ours(const struct run_check *k, const struct job *job)
{
	return job->call.ours && (job->call.config == NULL || k->conf->config == NULL ||
				  strcmp(job->call.config, k->conf->config) == 0);
}

void run_check_jobs(struct run_check *k)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), touches;
	const struct job *job, *ours = NULL;
	size_t others = 0;
	struct jobs j;

	if (root < 0)
		return;
	jobs_find(root, &j);
	close(root);
	for (job = j.job; job < j.job + j.n; job++) {
		if (ours == NULL && is_ours(k, job))
			ours = job;
		touches = k->rsnap == NULL || job->call.ours ? 0 : job_conf_touches(job, k->rsnap);
		if (touches != 0 && others++ < MOST)
			add_other(k, job, touches);
	}
	if (others > MOST)
		run_check_add(k, "jobs", RUN_CHECK_WARNING, mem_printf("%zu more of these lines", others - MOST));
	if (ours != NULL)
		run_check_add(k, "schedule", RUN_CHECK_OK,
			      mem_printf("%s:%zu starts ss-run", escape_name(ours->file), ours->line));
	else
		run_check_add(k, "schedule", RUN_CHECK_WARNING,
			      mem_strdup("no line of cron and no timer starts ss-run: if nothing else does, no backup is"
					 " made; take the # away in /etc/cron.d/secondshot, or \"systemctl enable --now"
					 " secondshot.timer\""));
	jobs_free(&j);
}
