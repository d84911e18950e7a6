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
 *
 * If it fails, what it and the program that made it fail said is appended to
 * $SECONDSHOT_RESULTS (rsnap_job.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/below.h"
#include "base/child.h"
#include "base/exits.h"
#include "base/family.h"
#include "base/msg.h"
#include "rsnap/rsnap_errors.h"
#include "rsnap/rsnap_job.h"

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

/* The configuration that the command names behind -c, or "". */
static const char *configuration(char *const argv[])
{
	for (; *argv != NULL; argv++)
		if (strcmp(*argv, "-c") == 0 && argv[1] != NULL)
			return argv[1];
	return "";
}

static void record(struct rsnap_errors *e, int status)
{
	const char *results = getenv("SECONDSHOT_RESULTS");
	struct rsnap_said said;

	rsnap_errors_end(e);
	said = (struct rsnap_said){ e->text.p, e->refused };
	if (status != 0 && said.text != NULL && results != NULL)
		rsnap_job_say(results, &said);
	buf_free(&e->text);
}

int main(int argc, char *argv[])
{
	struct quote q = { .mark = "rsnapshot: ", .fd = STDERR_FILENO, .lines = LINES, .bytes = BYTES };
	struct rsnap_errors errors = { 0 };
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
	errors.file = configuration(argv + 2);
	q.hear = rsnap_errors_hear;
	q.arg = &errors;
	status = below_run(&b, (const char *const *)argv + 2, NULL);
	record(&errors, status);
	return b.late ? BELOW_LATE : status < 0 ? SS_FAIL : status;
}
