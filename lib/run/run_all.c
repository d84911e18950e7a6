/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "rsnap/due.h"
#include "rsnap/rsnap_lock.h"
#include "rsnap/rsnap_opt.h"
#include "run/run_cmd.h"
#include "run/run_exec.h"
#include "run/run_guard.h"
#include "run/run_hook.h"
#include "run/run_host.h"
#include "run/run_offline.h"
#include "run/run_pass.h"
#include "run/run_record.h"
#include "run/run_recover.h"
#include "run/run_turn.h"
#include "run/run_volume.h"

static struct run_host *find_host(struct run *r, const char *name)
{
	const char *is = rsnap_host(r->rsnap, name);
	size_t i;

	for (i = 0; is != NULL && i < r->nhost; i++)
		if (strcmp(r->host[i].name, is) == 0)
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
		r->host[i].turn = 1;
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
	int code = lock_take(&r->lock, r->volume.own, r->volume.root, r->conf.wait);
	char *env;

	if (code != SS_OK)
		return code;
	/* For everything we start; putenv() keeps the string. */
	env = mem_strdup(lock_env(r->lock));
	if (putenv(env) != 0) {
		msg_error("%m");
		return SS_FAIL;
	}
	return run_lock_rsnapshot(r);
}

/* The disk and the locks.  SS_OK, or the exit code after reporting. */
static int open_volume(struct run *r)
{
	int code;

	/* Before cmd_preexec: what that has mounted is ours to unmount. */
	if (!r->dry)
		run_catch_signals();
	code = run_exec_pre(r);
	if (code != SS_OK)
		return code;
	if (run_stopped())
		return SS_FAIL;
	if (r->conf.max_age > 0 && volume_away(r->rsnap->root)) {
		r->away = 1;
		return run_volume_away(r);
	}
	if (volume_open(&r->volume, r->rsnap->root) != 0)
		return SS_FAIL;
	if (!r->dry)
		code = take_lock(r);
	/* Another run's disk is not to be unmounted. */
	if (code == SS_OK || code == SS_LOCKED)
		r->exec.owed = code == SS_OK;
	return code;
}

int run_open(struct run *r, const char *const hosts[])
{
	int code;

	r->now = clock_now();
	r->began = clock_ms();
	r->volume = (struct volume){ .fd = -1, .own = -1 };
	r->rsnap = rsnap_read(r->conf.rsnapshot_conf);
	if (r->rsnap == NULL)
		return SS_FAIL;
	if (run_cmd_installed() != 0 || rsnap_opt_safe(r->rsnap) != 0 || run_hook_check(&r->conf) < 0 ||
	    choose_hosts(r, hosts) != 0 || check_intervals(r) != 0 || run_guard_options(r) != 0)
		return SS_FAIL;
	code = open_volume(r);
	if (code != SS_OK || r->away)
		return code;
	if (run_stopped())
		return SS_FAIL;
	if (catalog_open(&r->catalog, &r->conf, r->dry ? DB_READ : DB_WRITE) != 0 ||
	    series_by_id(&r->catalog, &r->conf, &r->volume) != 0) {
		if (!run_offline(r))
			return SS_FAIL;
	} else if (run_guard_volume(r) != 0) {
		/* Before anything is put right there, or written. */
		return SS_FAIL;
	}
	if (r->conf.unlogged)
		run_worse(r, SS_INCOMPLETE);
	run_record_begin(r);
	return SS_OK;
}

int run_close(struct run *r, int code)
{
	size_t i;

	if (r->catalog.db != NULL)
		catalog_close(&r->catalog);
	run_cmd_forget(r);
	for (i = 0; i < r->nhost; i++) {
		free(r->host[i].saveset);
		free(r->host[i].why);
	}
	free(r->host);
	for (i = 0; i < r->nrotation; i++) {
		free(r->rotation[i].interval);
		free(r->rotation[i].why);
	}
	free(r->rotation);
	lock_release(r->lock);
	if (r->volume.fd >= 0)
		volume_close(&r->volume);
	r->code = code;
	if (r->exec.owed)
		run_exec_post(r);
	free(r->exec.why);
	if (r->rsnapshot_locked)
		rsnap_lock_release(r->rsnap);
	rsnap_free(r->rsnap);
	return r->code;
}

/* The savesets of those that wait would be lost: say so. */
static void refuse_waiting(struct run *r)
{
	struct run_host *h;

	for (h = r->host; h < r->host + r->nhost; h++) {
		struct saveset s = { 0 };

		if (!h->wanted || h->state != RUN_WAITS)
			continue;
		run_worse(r, SS_FAIL);
		if (r->offline)
			msg_error("%s: a saveset waits in .sync and is not synced over; rotate first",
				  escape_name(h->name));
		else if (catalog_at(&r->catalog, &r->conf, h->name, ".sync", &s) == 0)
			msg_error("%s: saveset %s waits in .sync and is not synced over; rotate first",
				  escape_name(h->name), escape_name(s.name));
		saveset_free(&s);
	}
}

static void run_hosts(struct run *r)
{
	struct space before;
	int measured;

	if (run_turn_waiting(r) < 0) {
		run_worse(r, SS_FAIL);
		return;
	}
	if (!r->no_rotate && run_turn_make_way(r) != 0)
		return;
	refuse_waiting(r);
	measured = run_guard_measure(r, &before);
	run_pass(r);
	run_exec_rest(r);
	if (measured)
		run_guard_measured(r, &before);
	if (!r->no_rotate && !run_stopped())
		run_turn_due(r);
}

/* Names that tell no period: nothing is promoted, and what leaves the interval below is lost, night after night. */
static void warn_of_periods(const struct run *r)
{
	char *unknown = r->rotate == NULL && !r->no_rotate ? due_unknown(&r->conf, r->rsnap) : NULL;

	if (unknown != NULL)
		msg_warn("nothing is ever promoted into %s: the names tell no period; write period.NAME = 1d, or"
			 " on.NAME = sunday, for each into secondshot.conf, or period.NAME = never, if only"
			 " --rotate is to do it", unknown);
	free(unknown);
}

/* Is the lowest interval, which has a period of its own, not due yet?  1, 0, -1 after reporting. */
static int too_early(struct run *r)
{
	struct due_list l;
	int early = -1;

	if (due_list(&r->volume, r->rsnap, &r->conf, r->now, &l) == 0 &&
	    (r->dry || due_remember(&r->volume, r->rsnap, &l) == 0)) {
		early = !r->named && r->rotate == NULL && r->accept == NULL &&
			!l.due[l.n - 1].due;
		if (early)
			msg_info("%s: not due, %s", l.due[l.n - 1].name, l.due[l.n - 1].why);
	}
	due_free(&l);
	return early;
}

/* What lies between the hooks.  An exit code. */
static int work(struct run *r)
{
	int syncs = r->rotate == NULL || r->named, early;

	/* What others left is put right, and makes room, before there must be some. */
	if (run_recover(r) != 0 || (syncs && run_guard_space(r) != 0))
		return SS_FAIL;
	early = too_early(r);
	if (early == 0)
		warn_of_periods(r);
	if (early != 0 || run_stopped())
		return early < 0 ? SS_FAIL : r->code;
	if (!r->dry && same_disk_raise(r->offline ? NULL : &r->catalog, &r->volume) != 0)
		run_worse(r, SS_INCOMPLETE);
	/* Once, instead of a failure of each host. */
	if (run_cmd_prepare(r) != 0 || (!r->dry && run_cmd_configtest(r) != 0))
		return SS_FAIL;
	if (r->rotate != NULL && run_turn_asked(r) != 0)
		return SS_FAIL;
	if (syncs && !run_stopped())
		run_hosts(r);
	return r->code;
}

int run_all(struct run *r)
{
	if (r->away)
		return SS_OK;
	r->code = run_hook_pre(r) == 0 ? work(r) : SS_FAIL;
	if (!run_stopped()) {
		run_volume_others(r);
		run_volume_unclaimed(r);
	}
	return r->code;
}
