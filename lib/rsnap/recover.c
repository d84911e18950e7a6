/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* recover.c - a rotation that did not end. */
#include "rsnap/recover.h"

#include <unistd.h>

#include "base/escape.h"
#include "base/msg.h"
#include "tree/held.h"
#include "tree/marker.h"
#include "tree/trash.h"

int recover_undo(const struct volume *v, const struct rotate_plan *plan)
{
	if (rotate_undo(v, plan) != 0 || rotate_undone(v) != 0)
		return -1;
	return trash_empty(v) < 0 ? -1 : 0;
}

/* The rotation of the journal, if there is one. */
static int recover_journal(const struct volume *v)
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
	int ret = rotate_read(v, &rot);

	if (ret <= 0)
		goto out;
	ret = rotate_look(v, &rot, &now);
	if (ret != 0)
		goto out;
	rotate_plan(&rot, &now, &plan);
	ret = plan.state == ROTATE_DONE ? rotate_done(v, &rot) : recover_undo(v, &plan);
	if (ret == 0)
		msg_info("the rotation of %s that an earlier run began %s", rot.interval,
			 became[plan.state]);
out:
	rotate_plan_free(&plan);
	rotate_list_free(&now);
	rotate_free(&rot);
	return ret;
}

/* volume_each: a directory of markers that is none, or is spoilt, gives way to a new one. */
static int renew_markers(const char *location, int fd, void *arg)
{
	int dir;

	if (marker_dir_usable(fd))
		return 0;
	dir = marker_renew(fd);
	if (dir >= 0)
		close(dir);
	else
		(void)held_renew(arg, location);
	return 0;
}

int recover_rotation(const struct volume *v)
{
	struct volume copy = *v;
	long trees;

	/* First the locations: the trees go back by their names. */
	if (recover_journal(v) != 0)
		return -1;
	trees = held_back(v);
	if (trees > 0)
		msg_info("put back %ld trees that an earlier run had held out of a rotation", trees);
	return trees < 0 ? -1 : volume_each(v, renew_markers, &copy);
}

int recover_none(const struct volume *v)
{
	if (!volume_in_rotation(v) && !held_any(v))
		return 0;
	msg_error("%s: an earlier run was killed while it rotated; 'ss-catalog reconcile' puts that right",
		  escape_name(v->root));
	return -1;
}
