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

int forget_allowed(struct catalog *cat, const struct volume *v, const struct saveset *s, int meant)
{
	int64_t last = s->status == SV_COMPLETE ? newest(cat, v, s, 0) : 0;

	if (last < 0)
		return -1;
	if (last != s->seq || !last)
		return 0;
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
