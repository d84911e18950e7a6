/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_volume.c - several disks in turn under one snapshot root. */
#include "run/run_volume.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/unclaimed.h"
#include "run/run_offline.h"

#define DAY 86400

/* Say that a volume is overdue, if it is.  1 or 0. */
static int overdue(const struct run *r, const char *name, int64_t created, int64_t newest)
{
	int64_t since = newest > 0 ? newest : created;
	char text[CLOCK_TEXT];

	if (r->now - since <= r->conf.max_age)
		return 0;
	if (newest > 0)
		msg_warn("volume %s is overdue: its newest complete saveset is of %s, %lld days ago",
			 escape_name(name), clock_text(since, text), (long long)((r->now - since) / DAY));
	else
		msg_warn("volume %s is overdue: it has no complete saveset since it was made, %s",
			 escape_name(name), clock_text(since, text));
	return 1;
}

/* How many volumes of this root, but the one that is there, are overdue?  -1 after reporting. */
static long count_overdue(struct run *r)
{
	struct db_stmt *st = db_bind(r->catalog.db, SQL_VOLUMES_AGE, "ss", r->conf.backup_host,
				     r->rsnap->root);
	enum db_got got = DB_FAIL;
	char *name, *uid;
	long n = 0;

	while (st && (got = db_step(st)) == DB_ROW) {
		name = db_strdup(st, 0);
		uid = db_strdup(st, 1);
		if (strcmp(uid, r->volume.id) != 0)
			n += overdue(r, name, db_int(st, 2), db_is_null(st, 3) ? 0 : db_int(st, 3));
		free(name);
		free(uid);
	}
	return got == DB_FAIL ? -1 : n;
}

int run_volume_away(struct run *r)
{
	long n;

	msg_info("volume offline: nothing at %s, nothing to do", escape_name(r->rsnap->root));
	if (r->dry)
		return SS_OK;
	n = catalog_open(&r->catalog, &r->conf, DB_WRITE) != 0 ? -1 : count_overdue(r);
	return n < 0 ? SS_FAIL : n > 0 ? SS_FINDINGS : SS_OK;
}

void run_volume_others(struct run *r)
{
	long n = r->conf.max_age == 0 || r->offline || r->dry ? 0 : count_overdue(r);

	if (n != 0)
		run_worse(r, n < 0 ? SS_FAIL : SS_FINDINGS);
}

void run_volume_unclaimed(struct run *r)
{
	struct unclaimed u = { .root = NULL };

	if (r->offline || r->dry || !r->catalog.db)
		return;
	u.root = mem_strdup(r->volume.root);
	if (unclaimed_on(&r->catalog, &r->volume, &u) == 0)
		r->unclaimed = unclaimed_lost(&u);
	else if (!run_offline(r))
		run_worse(r, SS_FAIL);
	if (r->unclaimed) {
		unclaimed_warn(&u, r->unclaimed, NULL);
		run_worse(r, SS_INCOMPLETE);
	}
	unclaimed_free_one(&u);
}
