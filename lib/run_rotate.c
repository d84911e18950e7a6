/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_rotate.c - the rotations of a run, and what was left over by one that died.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "escape.h"
#include "marker.h"
#include "mem.h"
#include "msg.h"
#include "rotate.h"
#include "run_cmd.h"
#include "run_offline.h"
#include "run_rotate.h"
#include "trash.h"

#define SYNC ".sync"

/* What goes into slot 0 of an interval, malloc'd. */
static char *feeder_of(const struct rsnap *rs, size_t interval)
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

/* A single slot: rsnapshot leaves the old one as slot 1, where the next one gets stuck. */
static int make_room(struct run *r, size_t interval)
{
	const struct rsnap_retain *retain = &r->rsnap->retain[interval];
	char *second;
	int ret;

	if (interval > 0 || retain->count > 1)
		return 0;
	second = mem_printf("%s.1", retain->name);
	ret = trash_move(&r->volume, r->volume.fd, second);
	free(second);
	return ret < 0 ? -1 : 0;
}

/* The savesets lie in the interval now; their copies in .sync will be synced over. */
static int drop_sync_markers(struct run *r)
{
	int sync = volume_location(&r->volume, SYNC), ret = 0;
	size_t i;

	if (sync < 0 && errno == ENOENT)
		return 0;
	for (i = 0; i < r->nhost && ret == 0; i++)
		ret = sync < 0 ? -1 : marker_drop(sync, r->host[i].name);
	if (sync >= 0)
		close(sync);
	return ret;
}

/* Undo what the plan says, and forget the rotation. */
static int undo(struct run *r, const struct rotate_plan *plan)
{
	if (rotate_undo(&r->volume, plan) != 0 || rotate_end(&r->volume) != 0)
		return -1;
	return trash_empty(&r->volume);
}

/* rsnapshot ended with status: has it rotated?  If not, put everything back. */
static int settle(struct run *r, const struct rotate *rot, int status)
{
	int ok = status == 0 || status == 2;
	struct rotate_plan plan = { 0 };
	struct rotate_list now;
	int ret = -1;

	if (rotate_look(&r->volume, rot, &now) != 0)
		goto out;
	rotate_plan(rot, &now, &plan);
	if (plan.state == ROTATE_DONE || (plan.state == ROTATE_COPIED && ok)) {
		/* First: once the markers are gone from .sync nobody may undo it any more. */
		ret = rotate_end(&r->volume);
		if (!ok)
			msg_warn("%s: rotated, but rsnapshot ended with %s", rot->interval,
				 child_status_text(status));
		goto out;
	}
	msg_error("%s: not rotated: rsnapshot: %s", rot->interval,
		  status < 0 ? "not run" : child_status_text(status));
	/* After a signal its cp or rm may still be at work: the next run waits for that. */
	if (status < 128)
		undo(r, &plan);
out:
	rotate_plan_free(&plan);
	rotate_list_free(&now);
	return ret;
}

int run_rotate(struct run *r, size_t interval)
{
	const char *name = r->rsnap->retain[interval].name;
	char *feeder = feeder_of(r->rsnap, interval);
	int copy = interval == 0 && !r->rsnap->link_dest, status, ret = -1;
	struct rotate rot = { 0 };

	if (interval == 0)
		r->rotated = 1;
	if (r->dry) {
		run_cmd_rsnapshot(r, name, NULL);
		ret = run_cmd_reconcile(r);
		goto out;
	}
	if (!feeder_there(r, name, feeder) || make_room(r, interval) != 0 ||
	    rotate_begin(&r->volume, &rot, name, feeder, copy) != 0)
		goto out;
	status = run_cmd_rsnapshot(r, name, NULL);
	/* What the signal left half done is for the next run, when nobody works on it. */
	if (run_stopped() || settle(r, &rot, status) != 0)
		goto out;
	if (copy && drop_sync_markers(r) != 0)
		goto out;
	/* Rotated it is, whether the catalog can be told or not. */
	if (r->offline || run_cmd_reconcile(r) == 0 || run_offline(r)) {
		msg_info("rotated %s", name);
		ret = 0;
	}
	if (trash_empty(&r->volume) != 0)
		ret = -1;
out:
	rotate_free(&rot);
	free(feeder);
	return ret;
}

int run_rotate_recover(struct run *r)
{
	static const char *const became[] = {
		[ROTATE_UNTOUCHED] = "had not begun",
		[ROTATE_DONE] = "was finished",
		[ROTATE_COPIED] = "was interrupted, and has been undone",
		[ROTATE_HALF] = "was interrupted, and has been undone",
	};
	struct rotate_plan plan = { 0 };
	struct rotate_list now = { 0 };
	struct rotate rot;
	int ret = rotate_read(&r->volume, &rot);

	if (ret <= 0)
		goto out;
	ret = rotate_look(&r->volume, &rot, &now);
	if (ret != 0)
		goto out;
	rotate_plan(&rot, &now, &plan);
	ret = plan.state == ROTATE_DONE ? rotate_end(&r->volume) : undo(r, &plan);
	if (ret == 0)
		msg_info("the rotation of %s that an earlier run began %s", rot.interval,
			 became[plan.state]);
out:
	rotate_plan_free(&plan);
	rotate_list_free(&now);
	rotate_free(&rot);
	return ret;
}
