/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/asked.h"
#include "catalog/away.h"
#include "catalog/same_disk.h"
#include "catalog/sign.h"
#include "catalog/summary.h"
#include "catalog/unclaimed.h"
#include "tree/hash.h"

struct check {
	struct catalog *cat;
	int json;
	int no_markers;		/* the catalog alone */
	const struct conf *asked;	/* NULL = for one saveset, or of the catalog alone */
	int volume_named;	/* it is about asked->volume only */
	const char *own;	/* the backup host that asks; NULL = for one saveset, whose volume must be there */
	size_t checked, findings;
	size_t moved;		/* findings about savesets that lie elsewhere */
	size_t uncounted;	/* findings about digests that have come, and nobody counted */
	size_t compared;	/* savesets whose markers were looked at */
	struct volume volume;	/* the one opened last; root NULL = none */
	struct lock *lock;	/* of that volume, once it was needed */
	struct away away;
	struct unclaimed_list unclaimed;
};

static void finding(struct check *c, const struct saveset *s, const char *what, const char *is,
		    const char *should)
{
	c->findings++;
	if (!c->json) {
		printf("differs\t%s\t%s: %s, should be %s\n", escape_name(s->name), what,
		       escape_name(is), escape_name(should));
		return;
	}
	json_t *o = json_new("finding");
	json_text(o, "class", "differs");
	json_bytes(o, "saveset", s->name, strlen(s->name));
	json_text(o, "what", what);
	json_text(o, "is", escape_name(is));
	json_text(o, "should_be", escape_name(should));
	json_line(stdout, o);
}

static void same_text(struct check *c, const struct saveset *s, const char *what, const char *is,
		      const char *should)
{
	if (strcmp(is, should))
		finding(c, s, what, *is ? is : "none", *should ? should : "none");
}

static void same_number(struct check *c, const struct saveset *s, const char *what, int64_t is,
			int64_t should)
{
	char a[24], b[24];

	if (is == should)
		return;
	snprintf(a, sizeof(a), "%" PRId64, is);
	snprintf(b, sizeof(b), "%" PRId64, should);
	finding(c, s, what, a, b);
}

/* What can be told from a saveset's own record. */
static void check_record(struct check *c, const struct saveset *s)
{
	if (s->status == SV_GONE || !s->seq)
		same_text(c, s, "location", s->locations, "");
	else if (!s->locations[0])
		finding(c, s, "location", "none", "one at least");
	if (s->seq && s->status != SV_COMPLETE && s->status != SV_PARTIAL && s->status != SV_GONE &&
	    s->status != SV_UNATTESTED)
		finding(c, s, "status", saveset_status_name(s->status), "complete, partial or unattested");
	if (!hash_algo_find(s->hash))
		finding(c, s, "hash", s->hash, "the name of an algorithm");
}

/* The rows of a saveset against what was noted when it was published.  0 or -1. */
static int check_rows(struct check *c, const struct saveset *s)
{
	struct summary sum;

	if (summary_make(c->cat, s->series, s->seq, SUMMARY_BOTH, &sum) < 0)
		return -1;
	same_number(c, s, "number of entries", sum.entries, s->entries);
	same_number(c, s, "number of files", sum.files, s->files);
	same_number(c, s, "number of directories", sum.dirs, s->dirs);
	same_number(c, s, "number of others", sum.others, s->others);
	same_number(c, s, "size", sum.bytes, s->bytes);
	same_number(c, s, "allocated blocks", sum.blocks, s->blocks);
	same_number(c, s, "files without digest", sum.unhashed, s->unhashed);
	c->uncounted += sum.unhashed < s->unhashed;
	same_text(c, s, "metadata digest of its rows", sum.metadata, s->metadata);
	if (s->full[0])
		same_text(c, s, "full digest of its rows", sum.full, s->full);
	return 0;
}

static void leave_volume(struct check *c)
{
	lock_release(c->lock);
	c->lock = NULL;
	if (c->volume.root)
		volume_close(&c->volume);
}

/*
 * Open what lies at the root of s, unless it is open already.  *there: it is the
 * volume of s, and its lock is held: while a run moves locations and markers
 * nothing can be said of them.  An exit code.
 */
static int use_volume(struct check *c, const struct saveset *s, int *there)
{
	*there = 0;
	if (!c->volume.root || strcmp(c->volume.root, s->root)) {
		leave_volume(c);
		if (c->own && volume_away(s->root))
			return SS_OK;
		if (volume_open(&c->volume, s->root) < 0)
			return SS_FAIL;
	}
	/* Disks in turn lie at one root: of the one that is in, the others' savesets say nothing. */
	if (strcmp(c->volume.id, s->volume_uid))
		return c->own || volume_is(&c->volume, s->volume_uid) == 0 ? SS_OK : SS_FAIL;
	if (!c->lock && same_disk_check(c->cat, &c->volume) != 0)
		return SS_FAIL;
	*there = 1;
	return c->lock ? SS_OK : lock_take(&c->lock, c->volume.own, c->volume.root, 0);
}

static int is_here(const char *location, int fd, void *arg)
{
	const struct saveset *const *s = arg;

	(void)location;
	return marker_has_id(fd, (*s)->host, (*s)->uid);
}

static void check_marker(struct check *c, const struct saveset *s, const char *location)
{
	struct marker m;
	int fd = volume_location(&c->volume, location), got = fd < 0 && errno == ENOENT ? 0 : -1;

	if (fd >= 0) {
		got = marker_read(fd, s->host, &m);
		close(fd);
	}
	if (got <= 0 || strcmp(m.id, s->uid)) {
		finding(c, s, "marker", got < 0 ? "unreadable" : got ? "of another saveset" : "missing",
			location);
		c->moved += got >= 0 && volume_each(&c->volume, is_here, &s) > 0;
		return;
	}
	if (!volume_attests(&c->volume, &m))
		finding(c, s, "marker", sign_lacks(&c->volume, &m), "sealed; 'ss-catalog reconcile' does it");
	same_text(c, s, "name in its marker", m.saveset, s->name);
	same_text(c, s, "status in its marker", m.status, saveset_status_name(s->status));
	same_text(c, s, "metadata digest in its marker", m.metadata, s->metadata);
	if (m.full[0] || s->full[0])
		same_text(c, s, "full digest in its marker", m.full, s->full);
	same_number(c, s, "time in its marker", m.created, s->created);
	same_number(c, s, "number of entries in its marker", (int64_t)m.entries, s->entries);
	same_number(c, s, "number of files in its marker", (int64_t)m.files, s->files);
	same_number(c, s, "size in its marker", (int64_t)m.bytes, s->bytes);
}

static void check_markers(struct check *c, const struct saveset *s)
{
	char *list = mem_strdup(s->locations), *save = NULL;

	for (char *l = strtok_r(list, ",", &save); l; l = strtok_r(NULL, ",", &save))
		check_marker(c, s, l);
	free(list);
}

/* Compare it with the disk, if that is there. */
static void check_disk(struct check *c, const struct saveset *s, int there)
{
	if (there) {
		check_markers(c, s);
		c->compared++;
	} else if (s->locations[0]) {
		away_note(&c->away, s);
	}
}

/* Check one saveset as it is by now, if it still is one.  An exit code. */
static int check_saveset(struct check *c, const struct saveset *listed)
{
	struct saveset s;
	int there = 0, got;
	/* What another machine took is for that one to look at, whatever lies here at its path. */
	int here = !c->no_markers && (!c->own || !strcmp(listed->backup_host, c->own));
	int code = listed->locations[0] && here ? use_volume(c, listed, &there) : SS_OK;

	if (code != SS_OK)
		return code;
	got = catalog_fetch(c->cat, db_bind(c->cat->db, SQL_SAVESET_BY_ID, "i", listed->id), &s);
	if (got)
		return got < 0 ? SS_FAIL : SS_OK;
	check_record(c, &s);
	if (s.seq && s.status != SV_GONE) {
		code = check_rows(c, &s) < 0 ? SS_FAIL : SS_OK;
		if (here)
			check_disk(c, &s, there);
		c->checked++;
	}
	saveset_free(&s);
	return code;
}

/* What no single saveset shows.  0 or -1. */
static int check_whole(struct check *c)
{
	int64_t wrong, lost;

	if (db_count(c->cat->db, &wrong, SQL_SERIES_WRONG, "") < 0 ||
	    db_count(c->cat->db, &lost, SQL_ROWS_LOST, "") < 0)
		return -1;
	if (wrong)
		msg_error("%s: %" PRId64 " series would give a number a second time",
			  escape_name(db_name(c->cat->db)), wrong);
	if (lost)
		msg_error("%s: %" PRId64 " rows lie in directories that nothing leads to",
			  escape_name(db_name(c->cat->db)), lost);
	c->findings += (wrong > 0) + (lost > 0);
	return 0;
}

/* Say what was found, and what could not be looked at.  An exit code. */
static int tell(struct check *c)
{
	msg_info("%zu savesets checked, %zu findings", c->checked, c->findings);
	if (c->moved)
		msg_info("%zu of them only lie elsewhere, as after rsnapshot was run by hand or the"
			 " catalog could not be reached; 'ss-catalog reconcile' or the next ss-run"
			 " corrects the catalog", c->moved);
	if (c->uncounted)
		msg_info("%zu of them only count files as without digest that have one by now, as after a kill or"
			 " ss-verify; 'ss-catalog pending SAVESET | ss-hash | ss-catalog store' or the next"
			 " ss-run corrects it", c->uncounted);
	away_tell(&c->away, "compared with their markers", c->json);
	if (c->away.n)
		msg_info("a volume that is gone for good is forgotten by 'ss-prune --given-up=VOLUME'");
	unclaimed_tell(&c->unclaimed, NULL, c->json);
	if (c->away.n && !c->compared)
		return SS_FAIL;
	if (c->findings)
		return SS_FINDINGS;
	return c->away.n || c->unclaimed.n ? SS_INCOMPLETE : SS_OK;
}

static int check_all(struct check *c, const struct saveset *only)
{
	struct catalog *cat = c->cat;
	struct saveset *list = NULL;
	size_t n = 0;
	int damaged = db_integrity(cat->db), code = SS_FAIL;

	if (damaged > 0) {
		msg_error("%s: the database is damaged", escape_name(db_name(cat->db)));
		c->findings++;
	}
	if (damaged >= 0 && (only || check_whole(c) == 0) && catalog_list(cat, NULL, &list, &n) == 0)
		code = SS_OK;
	for (size_t i = 0; code == SS_OK && i < n; i++)
		if (only ? only->id == list[i].id
			 : !c->volume_named || !strcmp(c->asked->volume, list[i].volume))
			code = check_saveset(c, &list[i]);
	if (code == SS_OK && only && !c->checked) {
		msg_error("%s: is %s, there is nothing to check", escape_name(only->name),
			  saveset_status_name(only->status));
		code = SS_FAIL;
	}
	if (code == SS_OK && c->asked && unclaimed_look(cat, c->asked, &c->away, &c->unclaimed) < 0)
		code = SS_FAIL;
	if (code == SS_OK)
		code = tell(c);
	catalog_list_free(list, n);
	leave_volume(c);
	away_free(&c->away);
	unclaimed_free(&c->unclaimed);
	return code;
}

int check_run(struct catalog *cat, const struct conf *conf, const struct saveset *only, int json)
{
	struct check c = { .cat = cat, .json = json, .asked = only ? NULL : conf,
			   .volume_named = !only && conf_named(conf, "volume"),
			   .own = only ? NULL : conf->backup_host };

	if (c.volume_named && asked_exists(cat, conf) <= 0)
		return SS_FAIL;
	return check_all(&c, only);
}

int check_alone(struct catalog *cat, int json)
{
	struct check c = { .cat = cat, .json = json, .no_markers = 1 };

	return check_all(&c, NULL);
}
