/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run.h"

#include <signal.h>

#include "base/child.h"
#include "base/exits.h"
#include "rsnap/rsnap_lock.h"

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
	/* Not sig: rsnapshot ignores SIGHUP. */
	child_kill_all(SIGTERM);
}

int run_stopped(void)
{
	return caught;
}

void run_catch_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND };
	struct sigaction old;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
}

void run_worse(struct run *r, int code)
{
	static const int order[] = { SS_OK, SS_INCOMPLETE, SS_FINDINGS };
	size_t i, is = 3, new = 3;

	for (i = 0; i < 3; i++) {
		if (r->code == order[i])
			is = i;
		if (code == order[i])
			new = i;
	}
	if (new > is)
		r->code = code;
}

int run_lock_rsnapshot(struct run *r)
{
	int code = r->rsnapshot_locked ? SS_OK : rsnap_lock_take(r->rsnap, r->conf.wait);

	if (code == SS_OK)
		r->rsnapshot_locked = 1;
	return code;
}
