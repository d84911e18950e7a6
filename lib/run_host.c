/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_host.c - one host of a run: sync, judge, catalogue, hash, verify.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "exits.h"
#include "marker.h"
#include "mem.h"
#include "msg.h"
#include "rsnap_job.h"
#include "run_cmd.h"
#include "run_host.h"
#include "run_offline.h"
#include "trash.h"

#define SYNC ".sync"

/* What the syncs of a host amount to. */
struct synced {
	enum rsnap_judged judged;
	unsigned long vanished;
	int stale;		/* rsnapshot put an old copy in its place */
	char *why;		/* it failed */
};

int run_host_waits(struct run *r, const char *host)
{
	struct saveset s = { 0 };
	int ret = r->offline ? -1 : catalog_at(&r->catalog, &r->conf, host, SYNC, &s);

	if (ret < 0)
		return run_offline(r) ? run_offline_waits(r, host) : -1;
	if (ret == 0)
		ret = s.status == SV_COMPLETE && s.locations != NULL && strcmp(s.locations, SYNC) == 0;
	else
		ret = 0;
	saveset_free(&s);
	return ret;
}

/* The marker in .sync says what is no longer so from now on.  0, or -1 after reporting. */
static int drop_marker(struct run *r, const char *host)
{
	int sync = volume_location(&r->volume, SYNC), ret;

	if (sync < 0 && errno == ENOENT)
		return 0;
	if (sync < 0) {
		msg_error("%s/" SYNC ": %m", escape_name(r->volume.root));
		return -1;
	}
	ret = marker_drop(sync, host);
	close(sync);
	return ret;
}

/*
 * With link_dest rsync must find no tree in .sync: whatever it changes there has
 * the older savesets' inodes.  What is there is left over from a run that came
 * to nothing.
 */
static int clear_tree(struct run *r, const char *host)
{
	int sync, ret;

	if (!r->rsnap->link_dest)
		return 0;
	sync = volume_location(&r->volume, SYNC);
	if (sync < 0)
		return errno == ENOENT ? 0 : -1;
	ret = trash_move(&r->volume, sync, host);
	close(sync);
	if (ret == 1)
		return 0;
	/* At once: the next sync may need the room. */
	return ret == 0 ? trash_empty(&r->volume) : -1;
}

/* Is there something in the newest location that rsnapshot would roll dest back to? */
static int has_previous(const struct run *r, const char *dest)
{
	char *path = mem_printf("%s/%s.0/%s", r->rsnap->root, r->rsnap->retain[0].name, dest);
	struct stat st;
	int ret = lstat(path, &st) == 0;

	free(path);
	return ret;
}

static void blame(struct synced *s, const char *host, const char *dest, const char *who, int status)
{
	const char *text = status < 0 ? "not run" : child_status_text(status);

	free(s->why);
	if (strcmp(host, dest) == 0)
		s->why = mem_printf("%s %s", who, text);
	else
		s->why = mem_printf("%s: %s %s", escape_name(dest), who, text);
}

/* Sync one DEST and judge what became of it. */
static void sync_dest(struct run *r, const char *host, const char *dest, struct synced *s)
{
	const struct rsnap_result *culprit;
	struct rsnap_result *res = NULL;
	enum rsnap_judged judged;
	size_t n = 0;
	int status = -1;

	if (r->dry) {
		run_cmd_rsnapshot(r, "sync", dest);
		return;
	}
	if (rsnap_job_forget(r->dir) == 0) {
		status = run_cmd_rsnapshot(r, "sync", dest);
		if (rsnap_job_results(r->dir, &res, &n) != 0)
			status = -1;
	}
	judged = rsnap_job_judge(status, res, n, &s->vanished);
	if (judged > s->judged)
		s->judged = judged;
	if (judged == RSNAP_PARTIAL && s->why == NULL)
		s->why = mem_strdup("rsync exit 23: not everything could be transferred");
	if (judged == RSNAP_FAILED) {
		culprit = rsnap_job_culprit(res, n);
		blame(s, host, dest, culprit != NULL ? "rsync" : "rsnapshot",
		      culprit != NULL ? culprit->status : status);
		/* It rolls back what rsync left, but not where rsync knew no such option (1). */
		s->stale = r->rsnap->link_dest && status == 1 && has_previous(r, dest) &&
			   culprit != NULL && culprit->status != 1;
	}
	rsnap_job_free(res, n);
}

/* rsnapshot syncs all backup lines of one DEST in one call. */
static int first_of_dest(const struct rsnap *rs, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (strcmp(rs->point[j].dest, rs->point[i].dest) == 0)
			return 0;
	return 1;
}

static void sync_all(struct run *r, const char *host, struct synced *s)
{
	const struct rsnap *rs = r->rsnap;
	size_t i;

	/* Once a point has failed there will be no saveset: leave the others. */
	for (i = 0; i < rs->npoint && s->judged != RSNAP_FAILED; i++)
		if (strcmp(rs->point[i].host, host) == 0 && first_of_dest(rs, i))
			sync_dest(r, host, rs->point[i].dest, s);
	if (!r->dry && s->judged != RSNAP_FAILED && syncfs(r->volume.fd) != 0) {
		msg_error("%s: what was synced cannot be flushed: %m", escape_name(r->volume.root));
		s->judged = RSNAP_FAILED;
		s->why = mem_strdup("not flushed to disk");
	}
}

static void host_failed(struct run *r, struct run_host *h, const char *why)
{
	h->state = RUN_FAILED;
	if (h->why == NULL)
		h->why = mem_strdup(why);
	run_worse(r, SS_FAIL);
}

/* Catalogue that the attempt failed. */
static void record_failure(struct run *r, struct run_host *h, const struct synced *s)
{
	struct run_cmd c;
	int status;

	/* link_dest 0: the first sync copies the newest location, its markers too. */
	drop_marker(r, h->name);
	host_failed(r, h, s->why);
	if (r->offline)
		return;
	run_cmd_tool(r, &c, "ss-catalog", "add");
	run_cmd_take(&c, mem_printf("--status=%s", s->stale ? "stale" : "failed"));
	run_cmd_take(&c, mem_printf("--reason=%s", s->why));
	run_cmd_add(&c, "--");
	run_cmd_add(&c, h->name);
	status = run_cmd(r, &c);
	if (status != SS_OK && !run_stopped())
		msg_error("%s: its failure could not be catalogued", escape_name(h->name));
}

/* Why the newest attempt of a host came to nothing, malloc'd; NULL = it is not in the catalog. */
static char *attempt_reason(struct run *r, const char *host)
{
	struct saveset *list;
	char *why = NULL;
	size_t n;

	if (catalog_list(&r->catalog, host, &list, &n) != 0)
		return NULL;
	if (n > 0 && list[n - 1].status == SV_FAILED && list[n - 1].reason[0] != '\0')
		why = mem_strdup(list[n - 1].reason);
	catalog_list_free(list, n);
	return why;
}

/* There is a tree, and no catalog to tell of it. */
static void record_offline(struct run *r, struct run_host *h, int partial)
{
	char *why = run_offline_record(r, h->name, partial);

	if (why == NULL)
		h->state = partial ? RUN_PARTIAL : RUN_COMPLETE;
	else
		host_failed(r, h, why);
	free(why);
}

/*
 * What the catalog says of the new saveset is what counts: ss-catalog add may
 * have found that it is none.
 */
static void read_back(struct run *r, struct run_host *h, int64_t before, int code, int partial)
{
	struct saveset s = { 0 };
	int ret = catalog_at(&r->catalog, &r->conf, h->name, SYNC, &s);

	if (ret < 0 && run_offline(r)) {
		record_offline(r, h, partial);
	} else if (ret != 0 || s.id == before || (s.status != SV_COMPLETE && s.status != SV_PARTIAL)) {
		char *why = attempt_reason(r, h->name);

		host_failed(r, h, why != NULL ? why : "no new saveset in " SYNC);
		free(why);
	} else {
		h->saveset = mem_strdup(s.name);
		h->files = s.files;
		h->state = s.status == SV_COMPLETE ? RUN_COMPLETE : RUN_PARTIAL;
		if (code == SS_FAIL)
			host_failed(r, h, "not all of it could be catalogued and hashed");
		if (code == SS_INCOMPLETE || s.status == SV_PARTIAL)
			run_worse(r, SS_INCOMPLETE);
	}
	saveset_free(&s);
}

static void record(struct run *r, struct run_host *h, const struct synced *s, int64_t before)
{
	int partial = s->judged != RSNAP_COMPLETE, code;
	struct run_cmd c;

	if (r->offline) {
		record_offline(r, h, partial);
		return;
	}
	run_cmd_tool(r, &c, "ss-catalog", "add");
	run_cmd_take(&c, mem_printf("--status=%s", partial ? "partial" : "complete"));
	run_cmd_take(&c, mem_printf("--vanished=%lu", s->vanished));
	if (s->judged == RSNAP_PARTIAL && s->why != NULL)
		run_cmd_take(&c, mem_printf("--reason=%s", s->why));
	run_cmd_add(&c, "--");
	run_cmd_add(&c, h->name);
	code = run_cmd_finish(r, &c);
	if (r->dry)
		h->state = RUN_COMPLETE;
	else if (!run_stopped())
		read_back(r, h, before, code, partial);
}

static void verify(struct run *r, const struct run_host *h)
{
	struct run_cmd c;
	int status;

	run_cmd_tool(r, &c, "ss-verify", NULL);
	run_cmd_add(&c, "--");
	run_cmd_take(&c, h->saveset != NULL ? mem_strdup(h->saveset) : mem_printf("%s@" SYNC, h->name));
	status = run_cmd(r, &c);
	if (status == SS_FINDINGS || status == SS_INCOMPLETE) {
		run_worse(r, status);
	} else if (status != SS_OK && !run_stopped()) {
		msg_error("%s: not verified: ss-verify: %s", escape_name(h->name),
			  status < 0 ? "not run" : child_status_text(status));
		run_worse(r, SS_FAIL);
	}
}

/* Id of the saveset that was in .sync, 0 = none; -1 after reporting. */
static int64_t saveset_before(struct run *r, const char *host)
{
	struct saveset s = { 0 };
	int ret = r->offline ? -1 : catalog_at(&r->catalog, &r->conf, host, SYNC, &s);
	int64_t id = ret == 0 ? s.id : ret < 0 && !run_offline(r) ? -1 : 0;

	saveset_free(&s);
	return id;
}

void run_host(struct run *r, struct run_host *h)
{
	struct synced s = { .judged = RSNAP_COMPLETE };
	int64_t before = saveset_before(r, h->name);

	free(h->saveset);
	free(h->why);
	h->saveset = h->why = NULL;
	if (before < 0 || (!r->dry && (drop_marker(r, h->name) != 0 || clear_tree(r, h->name) != 0))) {
		host_failed(r, h, "not tried");
		return;
	}
	sync_all(r, h->name, &s);
	/* Stopped from outside: that is no failure of the host. */
	if (!run_stopped()) {
		if (s.judged == RSNAP_FAILED)
			record_failure(r, h, &s);
		else
			record(r, h, &s, before);
	}
	if (!run_stopped() && r->conf.autoverify && !r->offline && (h->state == RUN_COMPLETE || h->state == RUN_PARTIAL))
		verify(r, h);
	free(s.why);
}
