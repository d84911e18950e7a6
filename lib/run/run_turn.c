/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_turn.c - whose turn it is to be rotated, and which interval's. */
#include "run/run_turn.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/sign.h"
#include "rsnap/due.h"
#include "rsnap/promoted.h"
#include "rsnap/rotate.h"
#include "run/run_guard.h"
#include "run/run_host.h"
#include "run/run_rotate.h"
#include "run/run_summary.h"
#include "tree/held.h"
#include "tree/marker.h"

#define UNTOLD "its marker in .sync cannot be read, and whether a saveset waits there cannot be told: mend the" \
	       " disk, or remove its tree from .sync"

/* Does a saveset of the host lie in .sync alone, and must stay?  As run_host_waits(). */
static int saveset_waits(struct run *r, const char *host)
{
	/* A dry run pretends to have rotated it. */
	if (r->dry && r->rotated)
		return 0;
	return run_host_waits(r, host);
}

/* Does a host, whose saveset waits, take part?  1, 0 it is held back, -1 after reporting. */
static int may_move(struct run *r, struct run_host *h)
{
	int held;

	if (run_guard_accepts(r, h->name) || (!h->wanted && r->rotate == NULL))
		return 1;
	held = run_guard(r, h);
	return held < 0 ? -1 : !held;
}

long run_turn_waiting(struct run *r)
{
	struct run_host *h;
	long n = 0;
	int waits;

	for (h = r->host; h < r->host + r->nhost; h++) {
		/* It may have moved with a larger interval, which does not take what is in .sync. */
		if (h->state == RUN_HELD) {
			h->moves = 0;
			continue;
		}
		waits = saveset_waits(r, h->name);
		if (waits == -1)
			return -1;
		h->state = waits > 0 ? RUN_WAITS : RUN_IDLE;
		h->moves = waits > 0 ? may_move(r, h) : 0;
		if (waits < 0)
			run_host_not_tried(r, h, UNTOLD);
		else if (h->moves < 0)
			run_host_not_tried(r, h, "whether its saveset in .sync may be rotated cannot be told");
		h->moves = h->moves > 0;
		n += h->moves;
	}
	return n;
}

/*
 * A larger interval, for those that move: of the hosts whose turn it is, if it is due; then
 * of the others that missed theirs.  0, or -1 after reporting.
 */
static int rotate_one(struct run *r, const struct due *d)
{
	int *moved = mem_array(NULL, r->nhost, sizeof(*moved)), ret = 0, turn;
	size_t i, n;

	for (i = 0; i < r->nhost; i++)
		moved[i] = r->host[i].moves;
	for (turn = 1; turn >= 0 && ret == 0; turn--) {
		for (i = n = 0; i < r->nhost; i++) {
			r->host[i].turn = (d->due && d->host[i].over) == turn;
			r->host[i].moves = moved[i] && r->host[i].turn;
			n += (size_t)r->host[i].turn;
		}
		if (n > 0 && (turn ? run_rotate(r, d->interval, d->why) : run_rotate_late(r, d->interval)) < 0)
			ret = -1;
	}
	for (i = 0; i < r->nhost; i++) {
		r->host[i].moves = moved[i];
		r->host[i].turn = 1;
	}
	free(moved);
	return ret;
}

/* The larger intervals whose turn it is, the largest first.  0, or -1 after reporting. */
static int rotate_larger(struct run *r)
{
	const struct due *d;
	struct due_list l;
	int ret;

	/* A dry run has done it, so to speak. */
	if (r->dry && r->rotated)
		return 0;
	ret = due_list(&r->volume, r->rsnap, &r->conf, r->now, &l);
	for (d = l.due; d < l.due + l.n && ret == 0 && !run_stopped(); d++)
		if (d->interval > 0)
			ret = rotate_one(r, d);
	due_free(&l);
	return ret;
}

/*
 * Rotate what is due for those that move, and then the lowest interval; others have
 * their turn when they move.  0, or -1: the exit code is set.  What a larger
 * interval did not get must not be rotated out below.
 */
static int rotate(struct run *r, const char *why)
{
	if (rotate_larger(r) == 0 && (run_stopped() || run_rotate(r, 0, why) >= 0))
		return 0;
	run_worse(r, SS_FAIL);
	return -1;
}

/*
 * Their rotation failed.  If nothing is half done or held out, they alone are left out: they are
 * not synced over.  0, or -1: the disk has to be put right first.
 */
static int leave_waiting(struct run *r)
{
	struct run_host *h;

	if (run_stopped() || volume_in_rotation(&r->volume) || held_any(&r->volume))
		return -1;
	for (h = r->host; h < r->host + r->nhost; h++)
		if (h->moves) {
			h->moves = 0;
			run_host_not_tried(r, h, "not copied: the rotation of what waited in .sync failed");
		}
	return 0;
}

int run_turn_make_way(struct run *r)
{
	struct run_host *h;
	size_t n = 0;

	for (h = r->host; h < r->host + r->nhost; h++) {
		h->moves = (h->wanted || run_guard_accepts(r, h->name)) && h->state == RUN_WAITS;
		n += (size_t)h->moves;
	}
	if (n == 0)
		return 0;
	if (!r->dry)
		msg_info("%zu of %zu hosts have a saveset that waits in .sync: rotating it first", n, r->nhost);
	if (rotate(r, "a saveset waited in .sync") != 0)
		return leave_waiting(r);
	for (h = r->host; h < r->host + r->nhost; h++)
		if (h->moves)
			h->state = RUN_IDLE;
	return 0;
}

/* When was an interval last promoted into for a host?  0 = that is not on record. */
static int64_t last_time(const struct run *r, const struct promoted *p, const char *interval, const char *host)
{
	int64_t when = promoted_last(p, interval, host, r->now);

	return when != 0 ? when : promoted_last(p, interval, "", r->now);
}

/*
 * A larger interval was asked for: the hosts that have a new saveset since the
 * last time take part, the others would lose a generation for nothing.
 */
static void mark_newer(struct run *r, const char *interval)
{
	char *newest = mem_printf("%s.0", r->rsnap->retain[0].name);
	int fd = volume_location(&r->volume, newest);
	struct run_host *h;
	struct promoted p;
	struct marker m;

	promoted_read(&r->volume, &p);
	for (h = r->host; h < r->host + r->nhost; h++) {
		int got = h->moves || r->dry || fd < 0 ? 0 : marker_read(fd, h->name, &m);

		if (h->moves)
			continue;
		if (got > 0 && !volume_attests(&r->volume, &m))
			msg_warn("%s: stays as it is: its marker in %s %s", escape_name(h->name),
				 escape_name(newest), sign_lacks(&r->volume, &m));
		else
			h->moves = r->dry || (fd >= 0 && (got <= 0 ||
				   m.created > last_time(r, &p, interval, h->name)));
	}
	promoted_free(&p);
	if (fd >= 0)
		close(fd);
	free(newest);
}

int run_turn_asked(struct run *r)
{
	const char **name;
	int interval, got;
	long waiting;

	for (name = r->rotate; *name != NULL && !run_stopped(); name++) {
		interval = rsnap_interval(r->rsnap, *name);
		waiting = run_turn_waiting(r);
		if (waiting < 0)
			return -1;
		if (interval == 0 && waiting == 0 && !r->dry) {
			msg_error("%s: not rotated: no host has a new complete saveset in .sync", *name);
			run_summary_rotation(r, *name, "asked for", 0, 0, clock_ms());
			return -1;
		}
		if (interval > 0)
			mark_newer(r, *name);
		got = run_rotate(r, (size_t)interval, "asked for");
		if (got < 0)
			return -1;
		if (got == 0)
			msg_info("%s: not rotated: no host has a tree to take over, and a new saveset since", *name);
	}
	return 0;
}

/* Which hosts are to move now, and which are held out?  Number of those that move. */
static size_t mark_moving(struct run *r)
{
	struct buf staying = { 0 };
	struct run_host *h;
	size_t n = 0;
	int held;

	for (h = r->host; h < r->host + r->nhost; h++) {
		h->moves = h->state == RUN_COMPLETE || (h->state == RUN_PARTIAL && r->conf.rotate_partial);
		held = h->moves && !r->dry ? run_guard(r, h) : 0;
		if (held < 0)
			run_worse(r, SS_FAIL);
		h->moves = h->moves && !held;
		n += (size_t)h->moves;
		if (!h->moves && h->state != RUN_HELD)
			buf_printf(&staying, "%s %s", staying.len > 0 ? "," : "", escape_name(h->name));
	}
	if (n == 0)
		msg_warn("not rotated: no host has a new complete saveset that may move");
	else if (staying.len > 0 && !r->named)
		msg_warn("held out of the rotation, having no new complete saveset:%s", staying.p);
	buf_free(&staying);
	return n;
}

void run_turn_due(struct run *r)
{
	if (mark_moving(r) > 0)
		rotate(r, "new savesets");
}
