/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_rotate.c - the rotations of a run, and what was left over by one that died.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/missed.h"
#include "rsnap/recover.h"
#include "rsnap/rotate.h"
#include "run/heard.h"
#include "run/run_cmd.h"
#include "run/run_host.h"
#include "run/run_offline.h"
#include "run/run_recover.h"
#include "run/run_rotate.h"
#include "run/run_summary.h"
#include "tree/held.h"
#include "tree/marker.h"
#include "tree/trash.h"

#define SYNC ".sync"

char *run_rotate_feeder(const struct rsnap *rs, size_t interval)
{
	if (interval == 0)
		return mem_strdup(SYNC);
	return mem_printf("%s.%u", rs->retain[interval - 1].name, rs->retain[interval - 1].count - 1);
}

/* rsnapshot would shift the interval and lose its last slot for nothing. */
static int feeder_there(const struct run *r, const char *name, const char *feeder)
{
	int fd = volume_location(&r->volume, feeder);

	if (fd < 0) {
		msg_error("%s: not rotated: it is fed by %s: %m", name, escape_name(feeder));
		return 0;
	}
	close(fd);
	return 1;
}

/*
 * Take the slot that goes out of the way.  A single slot: rsnapshot leaves the old one as
 * slot 1, where the next one gets stuck.  What does not move is held out of it: another
 * configuration may have more slots.
 */
static int make_room(struct run *r, const struct rotate *rot, size_t interval)
{
	const struct rsnap_retain *retain = &r->rsnap->retain[interval];
	char *second;
	int ret;

	/* Of a larger interval rsnapshot does delete a single slot. */
	if (retain->count > 1 || interval > 0)
		return rotate_aside(&r->volume, rot, retain->count - 1);
	second = mem_printf("%s.1", retain->name);
	ret = trash_move(&r->volume, r->volume.fd, second);
	free(second);
	return ret < 0 ? -1 : 0;
}

/* The savesets lie in the interval now; their copies in .sync will be synced over. */
static int drop_sync_markers(struct run *r, const char *const *host)
{
	int sync = volume_location(&r->volume, SYNC), ret = 0;

	if (sync < 0 && errno == ENOENT)
		return 0;
	for (; *host != NULL && ret == 0; host++)
		ret = sync < 0 ? -1 : marker_drop(sync, *host);
	if (sync >= 0)
		close(sync);
	return ret;
}

/* Why rsnapshot has not rotated, malloc'd, escaped. */
static char *failure(int status, int heard)
{
	char *said = heard_reason(heard, "rsnapshot: ");
	char *why = mem_printf("rsnapshot: %s%s%s", status < 0 ? "not run" : child_status_text(status),
			       said ? ": " : "", said ? said : "");

	free(said);
	return why;
}

/*
 * Has rsnapshot, which ended with status, rotated?  If not, everything is put back.
 * 0 it has; 1 it has not, all is as it was, *why is the reason (malloc'd, not reported yet);
 * -1 after reporting: the next run settles it.
 */
static int settle(struct run *r, const struct rotate *rot, int status, int heard, char **why)
{
	int ok = status == 0 || status == 2;
	struct rotate_plan plan = { 0 };
	struct rotate_list now;
	int ret = -1;

	if (rotate_look(&r->volume, rot, &now) != 0)
		goto out;
	rotate_plan(rot, &now, &plan);
	/* A copy is more than the names in the root: all of it, before the journal may go. */
	if (plan.state == ROTATE_COPIED && ok && syncfs(r->volume.fd) != 0) {
		msg_error("%s: the rotation cannot be flushed: %m", escape_name(r->volume.root));
		goto out;
	}
	if (plan.state == ROTATE_DONE || (plan.state == ROTATE_COPIED && ok)) {
		/* First: once the markers are gone from .sync nobody may undo it any more. */
		ret = rotate_done(&r->volume, rot);
		heard_pass(heard);
		if (!ok)
			msg_warn("%s: rotated, but rsnapshot ended with %s", rot->interval,
				 child_status_text(status));
		goto out;
	}
	*why = failure(status, heard);
	/* After a signal its cp or rm may still be at work: the next run waits for that. */
	if (status < 128 && recover_undo(&r->volume, &plan) == 0)
		ret = 1;
	else
		msg_error("%s: not rotated: %s", rot->interval, *why);
out:
	rotate_plan_free(&plan);
	rotate_list_free(&now);
	return ret;
}

/* The hosts that take part: those that move and have a tree in the feeder.  NULL-ended, malloc'd. */
static const char **movers(const struct run *r, const char *feeder, size_t *n)
{
	const char **list = mem_alloc((r->nhost + 1) * sizeof(*list));
	int fd = r->dry ? -1 : volume_location(&r->volume, feeder);
	size_t i;

	*n = 0;
	for (i = 0; i < r->nhost; i++)
		if (r->host[i].moves && (r->dry || faccessat(fd, r->host[i].name, F_OK, AT_SYMLINK_NOFOLLOW) == 0))
			list[(*n)++] = r->host[i].name;
	if (fd >= 0)
		close(fd);
	return list;
}

/* Take everything else out of each location that the rotation is about. */
static int hold_others(const struct volume *v, const struct rotate *rot, const char *const *moving)
{
	size_t i;

	for (i = 0; i < rot->before.n; i++)
		if (rotate_slot_number(rot->before.slot[i].name, "_delete") < 0 &&
		    held_away(v, rot->before.slot[i].name, moving) != 0)
			return -1;
	return 0;
}

/* With link_dest 0 .sync stays, and the lowest interval gets a copy. */
static int is_copied(const struct run *r, size_t interval)
{
	return interval == 0 && !r->rsnap->link_dest;
}

static int is_in(const char *const *list, const char *host)
{
	while (*list != NULL && strcmp(*list, host) != 0)
		list++;
	return *list != NULL;
}

/*
 * Who has a tree in the feeder of a larger interval that stays there?  Of a late
 * rotation only those that wait for it already.  NULL-ended, malloc'd as it is.
 */
static char **who_misses(const struct run *r, const char *name, const char *feeder,
			 const char *const *moving, int late)
{
	char **list = mem_alloc((r->nhost + 1) * sizeof(*list));
	int fd = volume_location(&r->volume, feeder);
	struct missed before;
	size_t i, n = 0;

	missed_read(&r->volume, &before);
	for (i = 0; i < r->nhost && fd >= 0; i++) {
		const char *host = r->host[i].name;

		if (!r->host[i].turn || is_in(moving, host) || (late && !missed_has(&before, name, host)))
			continue;
		if (faccessat(fd, host, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			list[n++] = mem_strdup(host);
	}
	missed_free(&before);
	if (fd >= 0)
		close(fd);
	return list;
}

/* Those whose turn it is; NULL-ended, malloc'd as they are. */
static char **whose_turn(const struct run *r)
{
	char **list = mem_alloc((r->nhost + 1) * sizeof(*list));
	size_t i, n = 0;

	for (i = 0; i < r->nhost; i++)
		if (r->host[i].turn)
			list[n++] = mem_strdup(r->host[i].name);
	return list;
}

/*
 * Let rsnapshot do it and see what it did.  0; 1 it is undone, *why tells, malloc'd; -1 after
 * reporting: the next run will settle it, or it could not be begun.
 */
static int rotate(struct run *r, size_t interval, const char *feeder, int late,
		  const char *const *moving, char **why)
{
	const char *name = r->rsnap->retain[interval].name;
	struct rotate rot = { .copy = is_copied(r, interval), .when = r->now, .late = late };
	int ret = -1, status = -1, heard = heard_open();

	*why = NULL;
	rot.turn = whose_turn(r);
	if (interval > 0)
		rot.missed = who_misses(r, name, feeder, moving, late);

	if (rotate_begin(&r->volume, &rot, name, feeder) != 0)
		goto out;
	if (hold_others(&r->volume, &rot, moving) == 0 && make_room(r, &rot, interval) == 0)
		status = run_cmd_rotate(r, name, heard);
	/* What a signal left half done is for the next run, when nobody works on it. */
	if (run_stopped()) {
		heard_pass(heard);
		goto out;
	}
	ret = settle(r, &rot, status, heard, why);
	/* The trees that were held out go back by the names of their locations. */
	if (ret >= 0 && held_back(&r->volume) < 0) {
		if (ret > 0)
			msg_error("%s: not rotated: %s", name, *why);
		ret = -1;
	}
out:
	heard_close(heard);
	rotate_free(&rot);
	return ret;
}

/* It has rotated: tell the catalog.  1, or -1 after reporting. */
static int follow(struct run *r, int copy, const char *const *moving)
{
	int ret = -1;

	if (copy && drop_sync_markers(r, moving) != 0)
		return -1;
	/* Rotated it is, whether the catalog can be told or not. */
	if (r->offline || run_cmd_reconcile(r) == 0 || run_offline(r))
		ret = 1;
	return run_recover_deleted(r) == 0 ? ret : -1;
}

/* A rotation of many hosts, in parts where it fails as a whole. */
struct parts {
	struct run *r;
	size_t interval;
	const char *feeder;
	int late;
	unsigned tries;		/* that are left to find out whose fault it is */
	size_t moved;
};

static void leave_one(struct run *r, const char *host, const char *why)
{
	struct run_host *h;
	char *text = mem_printf("not rotated, its saveset waits in " SYNC ": %s", why);

	for (h = r->host; h < r->host + r->nhost; h++)
		if (strcmp(h->name, host) == 0) {
			h->moves = 0;
			run_host_not_tried(r, h, text);
		}
	free(text);
}

static int rotate_parts(struct parts *p, const char *const *host, size_t n);

/*
 * The rotation of n hosts was undone.  A copy fails for what one host has: too many links, no
 * room.  Halves are tried, down to that one, which is left out alone.  As rotate_parts().
 */
static int split(struct parts *p, const char *const *host, size_t n, const char *why)
{
	const char *name = p->r->rsnap->retain[p->interval].name;
	size_t i;

	if (!is_copied(p->r, p->interval)) {
		msg_error("%s: not rotated: %s", name, why);
		return -1;
	}
	if (n > 1 && p->tries > 0) {
		msg_warn("%s: %zu hosts could not be rotated together, and are tried in two halves: %s", name, n, why);
		return rotate_parts(p, host, n / 2) < 0 || run_stopped() ? -1 :
		       rotate_parts(p, host + n / 2, n - n / 2);
	}
	for (i = 0; i < n; i++)
		leave_one(p->r, host[i], why);
	return 0;
}

/* Rotate for n hosts.  0, also where some were left out, which was said; -1 after reporting. */
static int rotate_parts(struct parts *p, const char *const *host, size_t n)
{
	const char **list = mem_alloc((n + 1) * sizeof(*list));
	char *why;
	int got;

	memcpy(list, host, n * sizeof(*list));
	list[n] = NULL;
	p->tries -= p->tries > 0;
	got = rotate(p->r, p->interval, p->feeder, p->late, list, &why);
	if (got == 0) {
		p->moved += n;
		got = follow(p->r, is_copied(p->r, p->interval), list) < 0 ? -1 : 0;
	} else if (got > 0) {
		got = split(p, host, n, why);
	}
	free(why);
	free(list);
	return got;
}

/* Enough for a few hosts among n; where all fail it is no host's fault. */
static unsigned tries_for(size_t n)
{
	unsigned tries = 8;

	for (; n > 1; n /= 2)
		tries += 4;
	return tries;
}

/* As run_rotate(). */
static int rotate_interval(struct run *r, size_t interval, int late, const char *why)
{
	int64_t start = clock_ms();
	const char *name = r->rsnap->retain[interval].name;
	char *feeder = run_rotate_feeder(r->rsnap, interval);
	int ret = -1;
	struct parts p = { .r = r, .interval = interval, .feeder = feeder, .late = late };
	const char **moving = NULL;
	size_t n = 0, i;

	if (interval == 0)
		r->rotated = 1;
	if (!r->dry && !feeder_there(r, name, feeder))
		goto out;
	moving = movers(r, feeder, &n);
	if (n == 0) {
		ret = 0;
	} else if (r->dry) {
		run_cmd_show(r, name, NULL);
		ret = r->offline || run_cmd_reconcile(r) == 0 ? 1 : -1;
	} else {
		p.tries = tries_for(n);
		ret = rotate_parts(&p, moving, n) < 0 ? -1 : p.moved > 0;
		n = p.moved;
	}
out:
	/* What waited does so no longer. */
	for (i = 0; interval == 0 && ret > 0 && i < r->nhost; i++)
		if (r->host[i].moves && r->host[i].state == RUN_WAITS)
			r->host[i].state = RUN_IDLE;
	run_summary_rotation(r, name, why, n, ret, start);
	free(moving);
	free(feeder);
	return ret;
}

int run_rotate(struct run *r, size_t interval, const char *why)
{
	return rotate_interval(r, interval, 0, why);
}

/* Of those that move, leave the ones that missed the last promotion and have a tree to take over. */
static size_t keep_late(struct run *r, size_t interval)
{
	char *feeder = run_rotate_feeder(r->rsnap, interval);
	int fd = volume_location(&r->volume, feeder);
	struct run_host *h;
	struct missed m;
	size_t n = 0;

	missed_read(&r->volume, &m);
	for (h = r->host; h < r->host + r->nhost; h++) {
		h->moves = h->moves && fd >= 0 && missed_has(&m, r->rsnap->retain[interval].name, h->name) &&
			   faccessat(fd, h->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		n += (size_t)h->moves;
	}
	missed_free(&m);
	if (fd >= 0)
		close(fd);
	free(feeder);
	return n;
}

int run_rotate_late(struct run *r, size_t interval)
{
	int *moved = mem_array(NULL, r->nhost, sizeof(*moved)), ret = 0;
	size_t i;

	for (i = 0; i < r->nhost; i++)
		moved[i] = r->host[i].moves;
	if (keep_late(r, interval) > 0)
		ret = rotate_interval(r, interval, 1, "hosts had missed the last time");
	for (i = 0; i < r->nhost; i++)
		r->host[i].moves = moved[i];
	free(moved);
	return ret;
}
