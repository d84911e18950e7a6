/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_pass.c - the hosts of a run, some of them at once. */
#include "run/run_pass.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/run_hook.h"
#include "run/run_host.h"
#include "run/run_summary.h"

/* The transfers under way. */
struct pass {
	struct run *r;
	struct run_sync *sync;	/* n of them */
	size_t n, most;
	size_t next;		/* the first host that was not looked at */
};

/* A transfer is over: what remains to be done for the host. */
static void finish(struct run *r, struct run_sync *s)
{
	s->host->ms[RUN_SYNC] = clock_ms() - s->began;
	run_host_end(r, s);
	run_summary_host(r, s->host);
	run_hook_host_post(r, s->host);
	free(s->why);
}

/* With link_dest 0 and no .sync yet rsnapshot first copies the whole newest location there. */
static size_t most_now(const struct pass *p)
{
	int sync = p->r->rsnap->link_dest ? -1 : volume_location(&p->r->volume, ".sync");

	if (sync >= 0)
		close(sync);
	return p->r->rsnap->link_dest || sync >= 0 ? p->most : 1;
}

static int has_script(const struct rsnap *rs, const char *host)
{
	size_t i;

	for (i = 0; i < rs->npoint; i++)
		if (rs->point[i].src == NULL && strcmp(rs->point[i].host, host) == 0)
			return 1;
	return 0;
}

/* Each backup_script works in ROOT/tmp: are two hosts with one to be kept apart? */
static int must_wait(const struct pass *p, const struct run_host *h)
{
	size_t i;

	if (!has_script(p->r->rsnap, h->name))
		return 0;
	for (i = 0; i < p->n; i++)
		if (has_script(p->r->rsnap, p->sync[i].host->name))
			return 1;
	return 0;
}

/* Start transfers as long as there may be another one. */
static void start_more(struct pass *p)
{
	struct run *r = p->r;
	struct run_host *h;

	for (; p->next < r->nhost && p->n < most_now(p) && !run_stopped(); p->next++) {
		h = &r->host[p->next];
		if (!h->wanted || h->state != RUN_IDLE)
			continue;
		if (must_wait(p, h))
			return;
		if (run_host_begin(r, h) != 0)
			run_summary_host(r, h);
		else if (run_sync_start(r, h, &p->sync[p->n]))
			p->n++;
		else
			finish(r, &p->sync[p->n]);
	}
}

/* Those that have ended since then (on clock_ms()) could not go on: we were at work on another. */
static void excuse(struct pass *p, int64_t since)
{
	int64_t ms = clock_ms() - since;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (child_ended(&p->sync[i].child))
			p->sync[i].waited += ms;
}

/* Wait until a child of one ends.  Its index, or -1. */
static int wait_one(struct pass *p)
{
	struct child **child = mem_alloc(p->n * sizeof(*child));
	size_t i;
	int got;

	for (i = 0; i < p->n; i++)
		child[i] = &p->sync[i].child;
	got = child_wait_any(child, p->n);
	free(child);
	return got;
}

void run_pass(struct run *r)
{
	struct pass p = { .r = r, .most = r->conf.jobs_hosts > 0 ? (size_t)r->conf.jobs_hosts : 1 };
	struct run_sync over;
	int64_t since;
	int i;

	p.sync = mem_alloc(p.most * sizeof(*p.sync));
	since = clock_ms();
	for (start_more(&p); p.n > 0; start_more(&p)) {
		excuse(&p, since);
		i = wait_one(&p);
		since = clock_ms();
		if (i < 0)
			break;
		if (run_sync_next(r, &p.sync[i]))
			continue;
		over = p.sync[i];
		p.sync[i] = p.sync[--p.n];
		/* The next one's transfer goes on while this one is catalogued and hashed. */
		start_more(&p);
		finish(r, &over);
	}
	free(p.sync);
}
