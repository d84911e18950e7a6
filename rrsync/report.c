/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.c - what the administrator of this host gets to know. */
#define SYSLOG_NAMES
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>

#include "sandbox.h"
#include "words.h"

int report_facility(const char *name)
{
	const CODE *c = facilitynames;

	while (c->c_name && strcmp(c->c_name, name) != 0)
		c++;
	return c->c_val;
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
	if (r->log)
		syslog(why ? LOG_WARNING : LOG_INFO, "%s%s: from %s, uid %d, dir %s: %s", why ? "refused, " : "accepted",
		       why ? why : "", from, (int)getuid(), dir, what);
	if (!why && *sandbox_missing())
		syslog(LOG_WARNING, "not confined by: %s", sandbox_missing());
}

int report_check(const struct rules *r, char *const *argv)
{
	struct utsname host = { 0 };
	char shown[400];

	uname(&host);
	printf("directory  %s (%s)\n", words_escape(shown, sizeof(shown), r->dir),
	       r->ro ? "read only" : r->wo ? "write only" : "read and write");
	printf("identity   uid %d, gid %d\n", (int)geteuid(), (int)getegid());
	printf("kernel     %s %s, Landlock ABI %d\n", host.sysname, host.release, sandbox_abi());
	printf("rsync      " RSYNC "%s%s\n", r->can_confine ? " --confine-root" : "", r->can_drop ? " --drop-D" : "");
	printf("missing    %s\n", *sandbox_missing() ? sandbox_missing() : "nothing");
	printf("authorized_keys\n           restrict,command=\"");
	for (; *argv; argv++)
		if (strcmp(*argv, "-check") != 0)
			printf("%s%s", words_escape(shown, sizeof(shown), *argv), argv[1] ? " " : "");
	printf("\" ssh-ed25519 AAAA... root@backup\nrsync starts in this sandbox and says:\n");
	return fflush(stdout);
}
