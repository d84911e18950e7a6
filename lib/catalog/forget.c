/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/forget.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/drop.h"
#include "catalog/series.h"
#include "catalog/sign.h"
#include "catalog/waiting.h"
#include "tree/trash.h"

struct forget {
	struct catalog *cat;
	const struct saveset *s;
	int64_t before, after;	/* the neighbours that stay; 0 = none */
};

static int set_gone(void *arg)
{
	struct forget *f = arg;

	return db_run(f->cat->db, SQL_LOCATIONS_DELETE, "i", f->s->id) < 0 ||
	       db_run(f->cat->db, SQL_SAVESET_STATUS, "ii", (int64_t)SV_GONE, f->s->id) < 0 ? -1 : 0;
}

static int delete_record(void *arg)
{
	struct forget *f = arg;

	return db_run(f->cat->db, SQL_LOCATIONS_DELETE, "i", f->s->id) < 0 ||
	       db_run(f->cat->db, SQL_SAVESET_DELETE, "i", f->s->id) < 0 ? -1 : 0;
}

/* Transaction: it is as if it were still being made, and what that left is taken back. */
static int unpublish(void *arg)
{
	struct forget *f = arg;

	return db_run(f->cat->db, SQL_LOCATIONS_DELETE, "i", f->s->id) < 0 ||
	       db_run(f->cat->db, SQL_SAVESET_UNPUBLISH, "i", f->s->id) < 0 ? -1 : 0;
}

/* The published savesets right before and after s.  0 or -1. */
static int neighbours(struct forget *f)
{
	struct db *db = f->cat->db;

	f->before = f->after = 0;
	return db_value(db, &f->before, SQL_SEQ_BEFORE, "ii", f->s->series, f->s->seq) < 0 ||
	       db_value(db, &f->after, SQL_SEQ_AFTER, "ii", f->s->series, f->s->seq) < 0 ? -1 : 0;
}

int forget_saveset(struct catalog *cat, const struct saveset *s, int64_t *rows)
{
	struct forget f = { .cat = cat, .s = s };

	*rows = 0;
	if (s->seq) {
		if (neighbours(&f) < 0)
			return -1;
		if (!f.after)
			return db_transaction(cat->db, unpublish, &f) < 0 ? -1
				: series_take_back(cat, s->series, rows);
		if (drop_between(cat, s->series, f.before, s->seq, f.after, rows) < 0)
			return -1;
	}
	return db_transaction(cat->db, delete_record, &f);
}

/* Say what is done, or in a dry run would be: "forget NAME STATUS", "delete NAME PATH". */
static void tell(const struct forget_options *o, const char *what, const struct saveset *s,
		 const char *path)
{
	if (o->json) {
		json_t *j = json_new(what);

		json_bytes(j, "saveset", s->name, strlen(s->name));
		json_bytes(j, "host", s->host, strlen(s->host));
		json_text(j, "status", saveset_status_name(s->status));
		if (path)
			json_bytes(j, "path", path, strlen(path));
		json_object_set_new(j, "dry_run", json_boolean(o->dry));
		json_line(stdout, j);
	} else if (o->dry) {
		printf("%s\t%s\t%s\n", what, escape_name(s->name),
		       path ? escape_name(path) : saveset_status_name(s->status));
	}
}

/* Is s an attempt that tells nothing any more? */
static int is_old_attempt(const struct saveset *s, const struct saveset *list, size_t n)
{
	int later = 0;

	if (s->seq || (s->status != SV_FAILED && s->status != SV_STALE))
		return 0;
	for (size_t i = 0; i < n; i++)
		later += list[i].series == s->series && list[i].status == SV_COMPLETE &&
			 list[i].created > s->created;
	return later >= 2;
}

int forget_gone(struct catalog *cat, const struct conf *c, const struct volume *v,
		const struct forget_options *o, size_t *n)
{
	struct saveset *list;
	size_t count;
	int rc = catalog_list(cat, NULL, &list, &count);

	*n = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct saveset *s = &list[i];
		int64_t rows = 0;

		if (strcmp(s->volume_uid, v->id) || strcmp(s->backup_host, c->backup_host) ||
		    (s->status != SV_GONE && !is_old_attempt(s, list, count)))
			continue;
		++*n;
		tell(o, "forget", s, NULL);
		if (o->dry)
			continue;
		rc = forget_saveset(cat, s, &rows);
		if (rc == 0)
			msg_info("%s: forgotten, %" PRId64 " rows deleted", escape_name(s->name), rows);
	}
	catalog_list_free(list, count);
	return rc;
}

/*
 * The number of the newest complete saveset in the series of s, all or only below s, whose
 * marker is ours; of all, where none is, whatever theirs are.  0 none, -1.
 */
static int64_t newest(struct catalog *cat, const struct volume *v, const struct saveset *s, int below)
{
	struct saveset *list;
	size_t n;
	int64_t seq = 0, any = 0;

	if (catalog_list(cat, s->host, &list, &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (list[i].series != s->series || list[i].status != SV_COMPLETE ||
		    (below && list[i].seq >= s->seq))
			continue;
		if (list[i].seq > any)
			any = list[i].seq;
		if (list[i].seq > seq && sign_attested(v, &list[i]))
			seq = list[i].seq;
	}
	catalog_list_free(list, n);
	return seq || below ? seq : any;
}

/* Remove the tree of s from one location, if its marker is still there.  0 or -1. */
static int remove_tree(const struct volume *v, const struct saveset *s, const char *location)
{
	int fd = volume_location(v, location), rc = -1;
	struct marker m;

	if (fd < 0) {
		msg_error("%s/%s: %m", escape_name(v->root), escape_name(location));
		return -1;
	}
	int got = marker_read(fd, s->host, &m);
	if (got > 0 && !strcmp(m.id, s->uid) && !volume_attests(v, &m)) {
		msg_error("%s/%s/%s stays: the marker of %s there %s, and the tree is not proved to be its",
			  escape_name(v->root), escape_name(location), escape_name(s->host),
			  escape_name(s->name), sign_lacks(v, &m));
	} else if (got > 0 && !strcmp(m.id, s->uid)) {
		if (marker_drop(fd, s->host) == 0 && trash_move(v, fd, s->host) >= 0)
			rc = 0;
	} else if (got >= 0) {
		msg_error("%s/%s/%s does not carry the marker of %s; run 'ss-catalog reconcile'",
			  escape_name(v->root), escape_name(location), escape_name(s->host),
			  escape_name(s->name));
	}
	close(fd);
	return rc;
}

static int remove_trees(const struct volume *v, const struct saveset *s,
			const struct forget_options *o)
{
	char *list = mem_strdup(s->locations), *save = NULL;
	int rc = 0;

	for (char *l = strtok_r(list, ",", &save); l && rc == 0; l = strtok_r(NULL, ",", &save)) {
		char *path = mem_printf("%s/%s/%s", v->root, l, s->host);

		tell(o, "delete", s, path);
		if (!o->dry)
			rc = remove_tree(v, s, l);
		free(path);
	}
	free(list);
	return rc;
}

/* Is s the newest one that is good, since the one behind it is held back?  1 after saying so, 0, -1. */
static int is_last_good(struct catalog *cat, const struct conf *c, const struct volume *v,
			const struct saveset *s)
{
	struct conf there = *c;
	struct buf why = { 0 };
	struct saveset last;
	int rc;

	there.volume = s->volume;
	there.backup_host = s->backup_host;
	rc = catalog_latest(cat, &there, s->host, &last);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (last.id != s->id)
		rc = waiting_held(cat, c, &last, &why);
	int64_t before = rc > 0 ? newest(cat, v, &last, 1) : 0;

	if (before < 0)
		rc = -1;
	else if (rc > 0 && before != s->seq)
		rc = 0;
	if (rc > 0)
		msg_error("%s: is the newest saveset of %s besides %s, which is held back (%s); it stays",
			  escape_name(s->name), escape_name(s->host), escape_name(last.name), why.p);
	saveset_free(&last);
	buf_free(&why);
	return rc;
}

int forget_allowed(struct catalog *cat, const struct conf *c, const struct volume *v,
		   const struct saveset *s, int meant)
{
	int64_t last = s->status == SV_COMPLETE ? newest(cat, v, s, 0) : 0;

	if (last < 0)
		return -1;
	if (last != s->seq || !last)
		return s->status == SV_COMPLETE && is_last_good(cat, c, v, s) != 0 ? -1 : 0;
	/* Not rotated yet: the one before it is the newest again. */
	if (meant && strcmp(s->locations, ".sync") == 0 && (last = newest(cat, v, s, 1)) != 0)
		return last < 0 ? -1 : 0;
	msg_error("%s: is the newest complete saveset of %s; it stays", escape_name(s->name),
		  escape_name(s->host));
	return -1;
}

int forget_delete(struct catalog *cat, const struct volume *v, const struct saveset *s,
		  const struct forget_options *o)
{
	struct forget f = { .cat = cat, .s = s };
	int64_t rows;

	if (remove_trees(v, s, o) < 0)
		return -1;
	tell(o, "forget", s, NULL);
	if (o->dry)
		return 0;
	if ((s->seq && db_transaction(cat->db, set_gone, &f) < 0) ||
	    forget_saveset(cat, s, &rows) < 0)
		return -1;
	msg_info("%s: deleted, %" PRId64 " rows", escape_name(s->name), rows);
	return 0;
}

/* A volume that is given up, and its savesets. */
struct given_up {
	struct catalog *cat;
	const struct conf *c;
	int64_t id;
	char *uid, *root;
	struct saveset *list;	/* of all volumes */
	size_t n;
};

static int is_on(const struct given_up *g, const struct saveset *s)
{
	return !strcmp(s->volume_uid, g->uid) && !strcmp(s->backup_host, g->c->backup_host);
}

/* Transaction: none of them is anything any more but gone. */
static int all_gone(void *arg)
{
	struct given_up *g = arg;

	for (size_t i = 0; i < g->n; i++) {
		struct forget f = { .cat = g->cat, .s = &g->list[i] };

		if (is_on(g, &g->list[i]) && g->list[i].seq && set_gone(&f) < 0)
			return -1;
	}
	return 0;
}

/* Transaction: the volume itself, and its stamps if no other backup host has it. */
static int delete_volume(void *arg)
{
	struct given_up *g = arg;
	struct db *db = g->cat->db;
	struct db_stmt *st = db_bind(db, SQL_VOLUME_OF_OTHERS, "ss", g->uid, g->c->backup_host);
	enum db_got shared = st ? db_step(st) : DB_FAIL;

	if (shared == DB_ROW)
		db_reset(st);
	return shared == DB_FAIL || db_run(db, SQL_SERIES_FORGET, "i", g->id) < 0 ||
	       db_run(db, SQL_VOLUME_FORGET, "i", g->id) < 0 || db_run(db, SQL_HOSTS_FORGET, "") < 0 ||
	       (shared == DB_DONE && db_run(db, SQL_GENERATION_FORGET, "si", g->uid, INT64_MAX) < 0) ? -1 : 0;
}

/* Is the volume where the catalog has it?  1 or 0; -1 after reporting that it cannot be told. */
static int is_there(const struct given_up *g)
{
	struct volume v = { .fd = -1, .own = -1 };
	int there = -1;

	if (volume_away(g->root))
		return 0;
	if (volume_open(&v, g->root) == 0)
		there = !strcmp(v.id, g->uid);
	volume_close(&v);
	return there;
}

/* Forget its savesets, one after the other, then the volume.  0 or -1. */
static int give_up(struct given_up *g, const char *name, const struct forget_options *o)
{
	int64_t rows = 0;
	size_t n = 0;

	if (!o->dry && (series_undo_all(g->cat, g->id) < 0 || db_transaction(g->cat->db, all_gone, g) < 0))
		return -1;
	for (size_t i = 0; i < g->n; i++) {
		int64_t few = 0;

		if (!is_on(g, &g->list[i]))
			continue;
		tell(o, "forget", &g->list[i], NULL);
		if (!o->dry && forget_saveset(g->cat, &g->list[i], &few) < 0)
			return -1;
		rows += few;
		n++;
	}
	if (o->dry)
		return 0;
	if (db_transaction(g->cat->db, delete_volume, g) < 0)
		return -1;
	msg_info("volume %s is forgotten, with %zu savesets, %" PRId64 " rows", escape_name(name), n, rows);
	return 0;
}

int forget_volume(struct catalog *cat, const struct conf *c, const char *name,
		  const struct forget_options *o)
{
	struct given_up g = { .cat = cat, .c = c };
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUME_GET, "ss", c->backup_host, name);
	enum db_got got = st ? db_step(st) : DB_FAIL;
	int rc = -1;

	if (got == DB_ROW) {
		g.id = db_int(st, 0);
		g.uid = db_strdup(st, 1);
		g.root = db_strdup(st, 2);
		db_reset(st);
	}
	int there = got == DB_ROW ? is_there(&g) : -1;
	if (got == DB_DONE)
		msg_error("%s: no such volume of %s in the catalog", escape_name(name),
			  escape_name(c->backup_host));
	else if (there > 0)
		msg_error("volume %s is there, at %s, and is not given up: detach the disk before",
			  escape_name(name), escape_name(g.root));
	else if (there == 0 && catalog_list(cat, NULL, &g.list, &g.n) == 0)
		rc = give_up(&g, name, o);
	catalog_list_free(g.list, g.n);
	free(g.uid);
	free(g.root);
	return rc;
}
