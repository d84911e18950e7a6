/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_host.c - one host of a run after its transfer: catalogue, hash, verify. */
#include "run/run_host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap_job.h"
#include "run/run_cmd.h"
#include "run/run_offline.h"
#include "run/run_summary.h"
#include "tree/marker.h"

#define SYNC ".sync"

int run_host_waits(struct run *r, const char *host)
{
	struct saveset s = { 0 };
	int ret = r->offline ? -1 : catalog_at(&r->catalog, &r->conf, host, SYNC, &s);

	if (ret < 0)
		return run_offline(r) ? run_offline_waits(r, host) : -1;
	if (ret == 0)
		ret = (s.status == SV_COMPLETE || s.status == SV_UNATTESTED ||
		       (s.status == SV_PARTIAL && r->conf.rotate_partial)) &&
		      s.locations != NULL && strcmp(s.locations, SYNC) == 0;
	else	/* the catalog is new, or an older copy: what lies there is no less whole */
		ret = run_offline_waits(r, host);
	/* The catalog knows of nothing there, nor did reconcile find whose it is: it has no name. */
	if (ret == RUN_HOST_UNTOLD)
		ret = 0;
	saveset_free(&s);
	return ret;
}

static void host_failed(struct run *r, struct run_host *h, const char *why)
{
	h->state = RUN_FAILED;
	if (h->why == NULL)
		h->why = mem_strdup(why);
	run_worse(r, SS_FAIL);
}

void run_host_not_tried(struct run *r, struct run_host *h, const char *why)
{
	free(h->why);
	h->why = NULL;
	host_failed(r, h, why);
	if (h->wanted)
		run_summary_host(r, h);
}

/* Catalogue that the attempt failed. */
static void record_failure(struct run *r, struct run_host *h, const struct run_sync *s)
{
	struct run_cmd c;
	int status;

	host_failed(r, h, s->why);
	h->stale = s->stale;
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
	char *why = r->dry ? NULL : run_offline_record(r, h->name, partial);

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
static void read_back(struct run *r, struct run_host *h, int code, int partial)
{
	struct saveset s = { 0 };
	int ret = catalog_at(&r->catalog, &r->conf, h->name, SYNC, &s);

	if (ret < 0 && run_offline(r)) {
		record_offline(r, h, partial);
	} else if (ret != 0 || s.id == h->before || (s.status != SV_COMPLETE && s.status != SV_PARTIAL)) {
		char *why = attempt_reason(r, h->name);

		/* ss-catalog has not even recorded that it failed: the catalog failed, and the tree may be whole. */
		if (why == NULL && code == SS_FAIL && volume_files(&r->volume, SYNC, h->name, 1) != VOLUME_NO_TREE &&
		    run_offline(r))
			record_offline(r, h, partial);
		else
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
		/* Rot: it has been said, and is no fault of the new copy as a whole. */
		if (code == SS_FINDINGS)
			run_worse(r, SS_FINDINGS);
	}
	saveset_free(&s);
}

static void record(struct run *r, struct run_host *h, const struct run_sync *s)
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
		read_back(r, h, code, partial);
}

static void verify(struct run *r, const struct run_host *h)
{
	struct run_cmd c;
	int status;

	run_cmd_tool(r, &c, "ss-verify", NULL);
	run_cmd_add(&c, "--new");
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

int run_host_begin(struct run *r, struct run_host *h)
{
	free(h->saveset);
	free(h->why);
	h->saveset = h->why = NULL;
	h->before = saveset_before(r, h->name);
	if (h->before >= 0)
		return 0;
	host_failed(r, h, "not tried");
	return -1;
}

void run_host_end(struct run *r, const struct run_sync *s)
{
	struct run_host *h = s->host;
	int64_t start = clock_ms();

	/* Stopped from outside: that is no failure of the host. */
	if (run_stopped())
		return;
	if (s->judged == RSNAP_FAILED)
		record_failure(r, h, s);
	else
		record(r, h, s);
	h->ms[RUN_CATALOGUE] = clock_ms() - start;
	start = clock_ms();
	if (!run_stopped() && r->conf.autoverify && !r->offline &&
	    (h->state == RUN_COMPLETE || h->state == RUN_PARTIAL))
		verify(r, h);
	h->ms[RUN_VERIFY] = clock_ms() - start;
}
