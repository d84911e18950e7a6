/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.c - what the administrator of this host gets to know. */
#define SYSLOG_NAMES
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "sandbox.h"
#include "words.h"

int report_facility(const char *name)
{
	for (const CODE *c = facilitynames; c->c_name; c++)
		if (strcmp(c->c_name, name) == 0)
			return c->c_val;
	return -1;
}

void report_open(const struct rules *r)
{
	openlog("rrsync", LOG_PID | LOG_NDELAY, r->log ? report_facility(r->log) : LOG_AUTHPRIV);
}

void report_request(const struct rules *r, const char *command, const char *why)
{
	char what[600], dir[200], from[80];
	const char *client = getenv("SSH_CONNECTION");

	words_escape(what, sizeof(what), command);
	words_escape(dir, sizeof(dir), r->dir);
	words_escape(from, sizeof(from), client ? client : "-");
	if (r->log && why)
		syslog(LOG_WARNING, "refused (%s): from %s, uid %d, dir %s: %s", why, from, (int)getuid(), dir, what);
	else if (r->log)
		syslog(LOG_INFO, "accepted: from %s, uid %d, dir %s: %s", from, (int)getuid(), dir, what);
	if (!why && *sandbox_missing())
		syslog(LOG_WARNING, "not confined by: %s", sandbox_missing());
}

/* The first line that rsync prints about itself. */
static void print_version(void)
{
	char line[200] = "";
	int ends[2];
	pid_t pid;
	FILE *in;

	if (pipe(ends) || (pid = fork()) < 0)
		return;
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(RSYNC, "rsync", "--version", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	in = fdopen(ends[0], "r");
	if (in && fgets(line, sizeof(line), in))
		printf("rsync:         %s, %s", RSYNC, line);
	if (in)
		fclose(in);
	waitpid(pid, NULL, 0);
}

int report_check(struct rules *r, char *const *argv)
{
	struct args a = { .paths.rules = r, .writes = !r->ro, .sender = r->ro };
	struct utsname host = { 0 };

	uname(&host);
	printf("directory:     %s (%s)\n", r->dir, r->ro ? "read only" : r->wo ? "write only" : "read and write");
	printf("identity:      uid %d, gid %d\n", (int)geteuid(), (int)getegid());
	printf("kernel:        %s %s, Landlock ABI %d\n", host.sysname, host.release, sandbox_abi());
	print_version();
	printf("its options:   %s%s\n", r->can_confine ? "--confine-root " : "", r->can_drop ? "--drop-D" : "");
	printf("authorized_keys: restrict,command=\"");
	for (; *argv; argv++)
		if (strcmp(*argv, "-check") != 0)
			printf("%s%s", *argv, argv[1] ? " " : "");
	printf("\" ssh-ed25519 AAAA...\n");
	fflush(stdout);
	if (view_enter(r, &a))
		return 1;
	sandbox_restrict(r, &a);
	printf("enforced:      %s\n", *sandbox_missing() ? "the rest" : "all");
	printf("missing:       %s\n", *sandbox_missing() ? sandbox_missing() : "nothing");
	return fflush(stdout) ? 2 : *sandbox_missing() ? 1 : 0;
}
