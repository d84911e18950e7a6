/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-rsnapshot - rsnapshot, heard and bounded.
 *
 *	ss-rsnapshot LIMIT PROGRAM ARGUMENT...
 *
 * ss-run starts rsnapshot through it.  What rsnapshot, its scripts and cp print goes to
 * stderr, each line escaped and behind a mark, a bounded part of it (quote.h).  After
 * LIMIT milliseconds (0 = none) rsnapshot and all that it has started are ended, however
 * far from it they are, and the exit code is 124 (BELOW_LATE); else it is rsnapshot's own,
 * 128 + N after signal N.  SIGTERM is passed on to rsnapshot.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/below.h"
#include "base/child.h"
#include "base/exits.h"
#include "base/family.h"
#include "base/msg.h"

#define LINES 20000		/* of what is printed */
#define BYTES (2 << 20)
#define GRACE 30000		/* ms; rsnapshot may have a logical volume to unmount */

static void on_signal(int sig)
{
	(void)sig;
	child_kill_all(SIGTERM);
}

static int catch_signals(void)
{
	const struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	return sigaction(SIGTERM, &act, NULL) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR ? 0 : -1;
}

int main(int argc, char *argv[])
{
	struct quote q = { .mark = "rsnapshot: ", .fd = STDERR_FILENO, .lines = LINES, .bytes = BYTES };
	struct below b = { .out = &q, .grace = GRACE, .family = 1, .patient = 1 };
	pid_t parent = getppid();
	char *end;
	int status;

	msg_program("ss-rsnapshot");
	if (argc < 3 || (b.limit = strtoll(argv[1], &end, 10)) < 0 || *end != '\0' || end == argv[1]) {
		msg_error("to be started by ss-run, not by hand");
		return SS_FAIL;
	}
	/* The parent may have died before it could be asked for. */
	if (family_adopt() != 0 || catch_signals() != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 ||
	    getppid() != parent) {
		msg_error("cannot watch over rsnapshot: %m");
		return SS_FAIL;
	}
	status = below_run(&b, (const char *const *)argv + 2, NULL);
	return b.late ? BELOW_LATE : status < 0 ? SS_FAIL : status;
}
