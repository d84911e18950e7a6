/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-run - the nightly job: sync, judge, catalogue, hash, verify, rotate.
 */
#include <signal.h>
#include <string.h>

#include "base/exits.h"
#include "base/msg.h"
#include "conf/opt.h"
#include "run/run_all.h"
#include "run/run_check.h"
#include "run/run_due.h"
#include "run/run_end.h"

/* What one would pass over in silence is an error.  0, or -1 after reporting. */
static int exclusive(const struct run *r, int check, int due)
{
	if (check + due + r->dry > 1)
		msg_error("--check, --due and --dry-run: one of them");
	else if ((check || due) && (r->rotate != NULL || r->no_rotate || r->accept != NULL))
		msg_error("--rotate, --no-rotate and --accept have no use with %s", check ? "--check" : "--due");
	else if (due && conf_named(&r->conf, "volume"))
		msg_error("--volume has no use with --due: what is due is the snapshot root's");
	else
		return 0;
	return -1;
}

int main(int argc, char *argv[])
{
	static struct run r;
	static int check, due;
	const struct poptOption table[] = {
		{ "rotate", '\0', POPT_ARG_ARGV, &r.rotate, 0,
		  "Rotate this interval, and sync only hosts that are named; may be repeated",
		  "INTERVAL" },
		{ "no-rotate", '\0', POPT_ARG_NONE, &r.no_rotate, 0, "Do not rotate", NULL },
		{ "accept", '\0', POPT_ARG_ARGV, &r.accept, 0,
		  "Rotate this host's saveset although a guard holds it back; may be repeated", "HOST" },
		{ "due", '\0', POPT_ARG_NONE, &due, 0, "Print what is due, and why; do nothing", NULL },
		{ "check", '\0', POPT_ARG_NONE, &check, 0, "Print what would keep a run from working", NULL },
		{ "dry-run", 'n', POPT_ARG_NONE, &r.dry, 0, "Print the commands, run none", NULL },
		POPT_TABLEEND
	};
	const struct opt_tool tool = {
		.name = "ss-run",
		.usage = "[OPTION...] [HOST...]",
		.about = "Back up, catalogue, hash and rotate what rsnapshot's configuration names.",
		.table = table,
		.use = OPT_CATALOG | OPT_RSNAPSHOT | OPT_HASHTYPE | OPT_THREADS | OPT_AUTOVERIFY |
		       OPT_RUN | OPT_JSON,
	};
	const char **hosts;
	int code, begun;

	hosts = opt_start(&tool, argc, (const char **)(void *)argv, &r.conf, &code);
	if (hosts != NULL && exclusive(&r, check, due) != 0) {
		code = SS_FAIL;
	} else if (hosts != NULL && check) {
		code = run_check(&r.conf, hosts);
	} else if (hosts != NULL && due) {
		code = run_due(&r.conf, hosts);
	} else if (hosts != NULL) {
		code = run_open(&r, hosts);
		begun = code == SS_OK;
		if (begun)
			code = run_all(&r);
		code = run_end(&r, code, begun);
		code = run_close(&r, code);
	}
	conf_free(&r.conf);
	if (run_stopped() != 0)
		msg_warn("stopped by signal %d (%s); the next run goes on from here",
			 run_stopped(), strsignal(run_stopped()));
	code = opt_finish(code);
	if (run_stopped() != 0) {
		signal(run_stopped(), SIG_DFL);
		raise(run_stopped());
	}
	return code;
}
