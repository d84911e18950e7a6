/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * job_line.h - calls of rsnapshot and of ss-run in what cron, a script or a unit executes.
 * Pure.
 *
 * A command is not understood as a shell does.  It is cut into words at blanks, and into
 * commands at the shell's signs; quotes are left out, so that what stands in
 * sh -c "..." is seen as well.
 */
#ifndef SS_JOB_LINE_H
#define SS_JOB_LINE_H

enum job_form {
	JOB_SYSTEM,	/* /etc/crontab, /etc/cron.d: five times or @daily, a user, a command */
	JOB_USER,	/* a user's crontab: no user */
	JOB_ANACRON,	/* period, delay, name, command */
	JOB_SCRIPT,	/* a command a line */
};

/* Where the command of a line begins; NULL: it has none (comment, variable, blank). */
const char *job_line_command(enum job_form form, const char *line);

struct job_call {
	char *verb;	/* what rsnapshot is to do: "sync", "hourly", "$1"; "" for ss-run */
	char *config;	/* the file that it is given, as it stands there, or NULL */
	int ours;	/* it is ss-run */
};

/*
 * The next call in *text, which is moved behind it.  1; 0: there are no more.  Not those
 * that rotate nothing: -t, -h, no verb; ss-run --check and the like; a mere test -x.
 */
int job_line_call(const char **text, struct job_call *c);
void job_line_free(struct job_call *c);

#endif
