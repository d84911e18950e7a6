/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run.c - a nightly run: its beginning, its order, its end.
 */
#include "run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "escape.h"
#include "exits.h"
#include "mem.h"
#include "msg.h"
#include "rsnap_job.h"
#include "run_cmd.h"
#include "run_host.h"
#include "run_offline.h"
#include "run_recover.h"
#include "run_rotate.h"

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

/* The first one ends the run in order, a second one at once: we may be killed anywhere. */
static void catch_signals(void)
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

static struct run_host *find_host(struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nhost; i++)
		if (strcmp(r->host[i].name, name) == 0)
			return &r->host[i];
	return NULL;
}

static int choose_hosts(struct run *r, const char *const names[])
{
	struct run_host *h;
	size_t i;

	r->nhost = r->rsnap->nhost;
	r->host = mem_alloc(r->nhost * sizeof(*r->host));
	r->named = names[0] != NULL;
	for (i = 0; i < r->nhost; i++) {
		r->host[i].name = r->rsnap->host[i];
		r->host[i].wanted = !r->named;
	}
	for (i = 0; names[i] != NULL; i++) {
		h = find_host(r, names[i]);
		if (h == NULL) {
			msg_error("%s: no such host in %s", escape_name(names[i]),
				  escape_name(r->rsnap->file));
			return -1;
		}
		h->wanted = 1;
	}
	return 0;
}

static int check_intervals(const struct run *r)
{
	const char **name;

	if (r->rotate != NULL && r->no_rotate) {
		msg_error("--rotate and --no-rotate exclude each other");
		return -1;
	}
	for (name = r->rotate; name != NULL && *name != NULL; name++)
		if (rsnap_interval(r->rsnap, *name) < 0) {
			msg_error("--rotate=%s: no such interval in %s", escape_name(*name),
				  escape_name(r->rsnap->file));
			return -1;
		}
	return 0;
}

static int take_lock(struct run *r)
{
	int code = lock_take(&r->lock, r->volume.own, r->volume.root);
	char *env;

	if (code != SS_OK)
		return code;
	/* For everything we start; putenv() keeps the string. */
	env = mem_strdup(lock_env(r->lock));
	if (putenv(env) != 0) {
		msg_error("%m");
		return SS_FAIL;
	}
	switch (rsnap_job_unlock(r->rsnap)) {
	case 0:
		return SS_OK;
	case 1:
		return SS_LOCKED;
	default:
		return SS_FAIL;
	}
}

int run_open(struct run *r, const char *const hosts[])
{
	int code;

	r->volume = (struct volume){ .fd = -1, .own = -1 };
	r->rsnap = rsnap_read(r->conf.rsnapshot_conf);
	if (r->rsnap == NULL)
		return SS_FAIL;
	if (run_cmd_installed() != 0 || choose_hosts(r, hosts) != 0 ||
	    check_intervals(r) != 0 || volume_open(&r->volume, r->rsnap->root) != 0)
		return SS_FAIL;
	if (!r->dry) {
		code = take_lock(r);
		if (code != SS_OK)
			return code;
		catch_signals();
	}
	if (run_cmd_prepare(r) != 0)
		return SS_FAIL;
	return catalog_open(&r->catalog, &r->conf, 0) == 0 || run_offline(r) ? SS_OK : SS_FAIL;
}

void run_close(struct run *r)
{
	size_t i;

	if (r->catalog.db != NULL)
		catalog_close(&r->catalog);
	if (r->lock != NULL && r->private != NULL) {
		unlink(r->private);
		rsnap_job_forget(r->dir);
	}
	for (i = 0; i < r->nhost; i++) {
		free(r->host[i].saveset);
		free(r->host[i].why);
	}
	free(r->host);
	rsnap_job_env_free(r->env);
	free(r->private);
	free(r->dir);
	lock_release(r->lock);
	if (r->volume.fd >= 0)
		volume_close(&r->volume);
	rsnap_free(r->rsnap);
}

/* Mark the hosts whose complete saveset lies only in .sync.  Number of them, or -1 after reporting. */
static long mark_waiting(struct run *r)
{
	long n = 0;
	size_t i;
	int waits;

	for (i = 0; i < r->nhost; i++) {
		waits = r->dry && r->rotated ? 0 : run_host_waits(r, r->host[i].name);
		if (waits < 0)
			return -1;
		r->host[i].state = waits ? RUN_WAITS : RUN_IDLE;
		n += waits;
	}
	return n;
}

static void report(const struct run_host *h)
{
	const char *host = escape_name(h->name);

	switch (h->state) {
	case RUN_COMPLETE:
	case RUN_PARTIAL:
		if (h->saveset == NULL)
			msg_info("%s: %s, not catalogued yet", host,
				 h->state == RUN_COMPLETE ? "complete" : "partial");
		else
			msg_info("%s: %s, %" PRId64 " files, %s", host,
				 h->state == RUN_COMPLETE ? "complete" : "partial", h->files,
				 escape_name(h->saveset));
		break;
	case RUN_FAILED:
		msg_error("%s: failed, %s", host, escape_name(h->why));
		break;
	default:
		break;
	}
}

/* Back up each host that is wanted and does not wait.  1 if now every configured one is complete. */
static int pass(struct run *r)
{
	struct run_host *h;
	int all = 1;

	for (h = r->host; h < r->host + r->nhost && !run_stopped(); h++)
		if (h->wanted && h->state == RUN_IDLE)
			run_host(r, h);
	for (h = r->host; h < r->host + r->nhost; h++) {
		if (!r->dry)
			report(h);
		if (h->state != RUN_COMPLETE && h->state != RUN_WAITS)
			all = 0;
	}
	return all && !run_stopped();
}

/* The savesets of those that wait would be lost: say so.  Number of them. */
static size_t refuse_waiting(struct run *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->nhost; i++) {
		struct saveset s = { 0 };

		if (!r->host[i].wanted || r->host[i].state != RUN_WAITS)
			continue;
		n++;
		if (r->offline)
			msg_error("%s: a saveset waits in .sync and is not synced over; rotate first",
				  escape_name(r->host[i].name));
		else if (catalog_at(&r->catalog, &r->conf, r->host[i].name, ".sync", &s) == 0)
			msg_error("%s: saveset %s waits in .sync and is not synced over; rotate first",
				  escape_name(r->host[i].name), escape_name(s.name));
		saveset_free(&s);
	}
	return n;
}

/* Rotate the lowest interval.  0, or -1: the exit code is set. */
static int rotate_lowest(struct run *r)
{
	size_t i;

	if (run_rotate(r, 0) != 0) {
		run_worse(r, SS_FAIL);
		return -1;
	}
	for (i = 0; i < r->nhost; i++)
		r->host[i].state = RUN_IDLE;
	return 0;
}

/*
 * Get the savesets that wait in .sync out of the way: if all hosts wait, rotate;
 * if some do, catch up with the others first.  0 = go on with the run, -1 = do
 * not: the exit code is set.
 */
static int make_way(struct run *r, long waiting)
{
	if (waiting < (long)r->nhost) {
		msg_info("%ld of %zu hosts have a saveset that waits in .sync: catching up with the others",
			 waiting, r->nhost);
		if (!pass(r)) {
			/* The exit code is that of the host which did not catch up. */
			if (!run_stopped())
				refuse_waiting(r);
			return -1;
		}
	}
	return rotate_lowest(r);
}

/* The intervals of --rotate, in their order. */
static int rotate_asked(struct run *r)
{
	const char **name;
	int interval;

	for (name = r->rotate; *name != NULL && !run_stopped(); name++) {
		interval = rsnap_interval(r->rsnap, *name);
		if (interval == 0 && mark_waiting(r) != (long)r->nhost) {
			msg_error("%s: not rotated: not every host has a new complete saveset in .sync",
				  *name);
			return -1;
		}
		if (run_rotate(r, (size_t)interval) != 0)
			return -1;
	}
	return 0;
}

static void say_not_rotated(const struct run *r)
{
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < r->nhost; i++)
		if (r->host[i].state != RUN_COMPLETE)
			buf_printf(&b, "%s %s", b.len > 0 ? "," : "", escape_name(r->host[i].name));
	msg_warn("not rotated: no new complete saveset of%s", b.p);
	buf_free(&b);
}

static void run_hosts(struct run *r)
{
	int may_rotate = !r->named && !r->no_rotate, all;
	long waiting = mark_waiting(r);

	if (waiting < 0) {
		run_worse(r, SS_FAIL);
		return;
	}
	if (may_rotate && waiting > 0 && make_way(r, waiting) != 0)
		return;
	if (refuse_waiting(r) > 0)
		run_worse(r, SS_FAIL);
	all = pass(r);
	if (!may_rotate || run_stopped())
		return;
	if (all)
		rotate_lowest(r);
	else
		say_not_rotated(r);
}

int run_all(struct run *r)
{
	/* Once, instead of a failure of each host. */
	if (!r->dry && run_cmd_configtest(r) != 0)
		return SS_FAIL;
	if (run_recover(r) != 0)
		return SS_FAIL;
	if (run_stopped())
		return r->code;
	if (r->rotate != NULL && rotate_asked(r) != 0)
		return SS_FAIL;
	if ((r->rotate == NULL || r->named) && !run_stopped())
		run_hosts(r);
	return r->code;
}
