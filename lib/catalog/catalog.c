/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/waiting.h"
#include "conf/login.h"
#include "db/schema.h"

static const char *const status_names[] = {
	[SV_RUNNING] = "running", [SV_COMPLETE] = "complete", [SV_PARTIAL] = "partial",
	[SV_FAILED] = "failed", [SV_STALE] = "stale", [SV_GONE] = "gone",
	[SV_UNATTESTED] = "unattested",
};

#define STATUSES (sizeof(status_names) / sizeof(*status_names))

const char *saveset_status_name(enum saveset_status s)
{
	return (size_t)s < STATUSES ? status_names[s] : "unknown";
}

int saveset_status_parse(const char *word, enum saveset_status *s)
{
	for (size_t i = 0; i < STATUSES; i++)
		if (!strcmp(word, status_names[i])) {
			*s = (enum saveset_status)i;
			return 0;
		}
	return -1;
}

int saveset_lies_in(const char *locations, const char *location)
{
	size_t len = strlen(location);

	for (; *locations; locations += strcspn(locations, ","), locations += *locations == ',')
		if (strcspn(locations, ",") == len && !strncmp(locations, location, len))
			return 1;
	return 0;
}

void saveset_free(struct saveset *s)
{
	free(s->name);
	free(s->host);
	free(s->volume);
	free(s->backup_host);
	free(s->root);
	free(s->reason);
	free(s->locations);
	*s = (struct saveset){ 0 };
}

int catalog_open(struct catalog *cat, const struct conf *c, enum db_use use)
{
	return catalog_open_url(cat, c, NULL, use);
}

/* It could not be opened; would it be of use to try again?  -1. */
static int useless(struct catalog *cat)
{
	cat->refused = cat->db ? !db_may_recover(cat->db) : !cat->away;
	catalog_close(cat);
	return -1;
}

static int open_any(struct catalog *cat, const struct conf *c, const char *url, enum db_use use)
{
	struct login l;

	*cat = (struct catalog){ 0 };
	if (login_make(&l, c, url) == 0) {
		cat->db = db_open(&l.db, use, &cat->away);
		login_free(&l);
	}
	if (cat->db && schema_upgrade(cat->db, use == DB_CREATE, &cat->none) == 0)
		return 0;
	return useless(cat);
}

/* No catalog is taken for a whole one before its copy is complete.  0, or -1 after reporting. */
static int is_whole(struct catalog *cat)
{
	struct db_stmt *st = db_bind(cat->db, SQL_META_GET, "s", CATALOG_COPYING);
	enum db_got got = st ? db_step(st) : DB_FAIL;

	if (got != DB_ROW)
		return got == DB_DONE ? 0 : -1;
	db_reset(st);
	msg_error("%s: a copy into this catalog is under way or was cut off; 'ss-catalog copy'"
		  " begins it anew", escape_name(db_name(cat->db)));
	return -1;
}

int catalog_open_url(struct catalog *cat, const struct conf *c, const char *url, enum db_use use)
{
	if (open_any(cat, c, url, use) < 0)
		return -1;
	return is_whole(cat) == 0 ? 0 : useless(cat);
}

int catalog_open_target(struct catalog *cat, const struct conf *c, const char *url)
{
	return open_any(cat, c, url, DB_CREATE);
}

void catalog_close(struct catalog *cat)
{
	db_close(cat->db);
	cat->db = NULL;
}

/* Transaction: one statement of each kind, of rows that there are not. */
static int change_nothing(void *arg)
{
	struct db *db = arg;
	int64_t none = -1;

	return db_run(db, SQL_VOLUME_UPDATE, "ssi", "", "", none) < 0 ||
	       db_run(db, SQL_UNDO_SAVESETS, "i", none) < 0 ? -1 : 0;
}

int catalog_try(struct catalog *cat)
{
	return db_transaction(cat->db, change_nothing, cat->db);
}

static void text(struct db_stmt *st, int col, char *to, size_t size)
{
	size_t len;
	const void *p = db_bytes(st, col, &len);

	if (len >= size)
		len = size - 1;
	memcpy(to, p, len);
	to[len] = 0;
}

/* A count; -1 if there is none. */
static int64_t number(struct db_stmt *st, int col)
{
	return db_is_null(st, col) ? -1 : db_int(st, col);
}

/* Fill s from the row of one of the SAVESET statements (sql.c), all but its locations. */
static void saveset_fill(struct saveset *s, struct db_stmt *st)
{
	*s = (struct saveset){
		.id = db_int(st, 0), .series = db_int(st, 1), .seq = db_int(st, 2),
		.name = db_strdup(st, 3), .status = (enum saveset_status)db_int(st, 5),
		.relabelled = db_int(st, 6), .overwritten = db_int(st, 7),
		.created = db_int(st, 8), .finished = db_int(st, 9),
		.entries = db_int(st, 11), .files = db_int(st, 12), .dirs = db_int(st, 13),
		.others = db_int(st, 14), .bytes = db_int(st, 15), .blocks = db_int(st, 16),
		.vanished = db_int(st, 17), .unhashed = db_int(st, 18),
		.reason = db_strdup(st, 21), .rows_added = db_int(st, 22),
		.rows_closed = db_int(st, 23), .changed = number(st, 24),
		.removed = number(st, 25), .host = db_strdup(st, 26),
		.volume = db_strdup(st, 27), .backup_host = db_strdup(st, 28),
		.root = db_strdup(st, 29),
	};
	text(st, 4, s->uid, sizeof(s->uid));
	text(st, 10, s->hash, sizeof(s->hash));
	text(st, 19, s->metadata, sizeof(s->metadata));
	text(st, 20, s->full, sizeof(s->full));
	text(st, 30, s->volume_uid, sizeof(s->volume_uid));
}

static int add_locations(struct catalog *cat, struct saveset *s)
{
	struct db_stmt *st = db_bind(cat->db, SQL_LOCATIONS, "is", s->id, ".sync");
	struct buf b = { 0 };
	enum db_got got = DB_FAIL;

	while (st && (got = db_step(st)) == DB_ROW) {
		size_t len;
		const void *p = db_bytes(st, 0, &len);

		if (b.len)
			buf_char(&b, ',');
		buf_add(&b, p, len);
	}
	s->locations = mem_dup(b.p, b.len);
	buf_free(&b);
	return got == DB_FAIL ? -1 : 0;
}

int catalog_fetch(struct catalog *cat, struct db_stmt *st, struct saveset *s)
{
	enum db_got got = st ? db_step(st) : DB_FAIL;

	*s = (struct saveset){ 0 };
	if (got != DB_ROW)
		return got == DB_DONE ? 1 : -1;
	saveset_fill(s, st);
	db_reset(st);
	if (add_locations(cat, s) == 0)
		return 0;
	saveset_free(s);
	return -1;
}

int catalog_by_uid(struct catalog *cat, const char *uid, struct saveset *s)
{
	return catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_BY_UID, "s", uid), s);
}

int catalog_by_name(struct catalog *cat, const char *name, struct saveset *s)
{
	return catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_BY_NAME, "s", name), s);
}

int catalog_at(struct catalog *cat, const struct conf *c, const char *host, const char *location,
	       struct saveset *s)
{
	return catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_AT, "ssss", host, c->volume,
					  c->backup_host, location), s);
}

int catalog_latest(struct catalog *cat, const struct conf *c, const char *host, struct saveset *s)
{
	return catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_LATEST, "sss", host, c->volume,
					  c->backup_host), s);
}

#define SAID 2			/* there is none, as was said */

/* The newest complete saveset of host that is not held back.  As catalog_at(), or SAID. */
static int latest_good(struct catalog *cat, const struct conf *c, const char *host, struct saveset *s)
{
	struct saveset held;
	struct buf why = { 0 };
	int rc = catalog_latest(cat, c, host, s), got = rc == 0 ? waiting_held(cat, c, s, &why) : 0;

	if (got < 0) {
		saveset_free(s);
		rc = -1;
	} else if (got > 0) {
		held = *s;
		rc = catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_LATEST_BEFORE, "ii", held.series,
						held.seq), s);
		if (rc == 0)
			msg_warn("%s: %s is held back: %s; %s, the newest before it, is taken (%s@.sync means"
				 " the other)", escape_name(host), escape_name(held.name), why.p,
				 escape_name(s->name), escape_name(host));
		if (rc == 1)
			msg_error("%s: its only complete saveset, %s, is held back: %s; %s@.sync means it",
				  escape_name(host), escape_name(held.name), why.p, escape_name(host));
		rc = rc == 1 ? SAID : rc;
		saveset_free(&held);
	}
	buf_free(&why);
	return rc;
}

/* The saveset of host at where ("latest" or a location) on c's volume.  As latest_good(). */
static int find_on(struct catalog *cat, const struct conf *c, const char *host, const char *where,
		   struct saveset *s)
{
	if (!strcmp(where, "latest"))
		return latest_good(cat, c, host, s);
	return catalog_at(cat, c, host, strcmp(where, "sync") ? where : ".sync", s);
}

/*
 * The same on whichever other volume of c's backup host it is.  0, 1 on none, SAID also where it
 * is on several; -1.
 */
static int find_elsewhere(struct catalog *cat, const struct conf *c, const char *host,
			  const char *where, struct saveset *s)
{
	struct conf other = *c;		/* its volume: the one that was looked at last */
	struct saveset *list, found;
	size_t n;
	int rc = catalog_list(cat, host, &list, &n) < 0 ? -1 : 1, got;

	for (size_t i = 0; (rc == 0 || rc == 1) && i < n; i++) {
		if (strcmp(list[i].backup_host, c->backup_host) || !strcmp(list[i].volume, c->volume) ||
		    !strcmp(list[i].volume, other.volume))
			continue;
		other.volume = list[i].volume;
		got = find_on(cat, &other, host, where, &found);
		if (got == 0 && rc == 0) {
			msg_error("%s: it is on the volumes %s and %s: say --volume", escape_name(host),
				  escape_name(s->volume), escape_name(found.volume));
			saveset_free(&found);
			saveset_free(s);
			got = SAID;
		} else if (got == 0) {
			*s = found;
		}
		if (got != 1)
			rc = got;
	}
	catalog_list_free(list, n);
	return rc;
}

/* The saveset of this name.  0; 1 there is none, silent; SAID: it is on another volume than the one named, which is reported; -1. */
static int find_named(struct catalog *cat, const struct conf *c, const char *name, struct saveset *s)
{
	int rc = catalog_by_name(cat, name, s);

	if (rc == 0 && conf_named(c, "volume") && strcmp(s->volume, c->volume)) {
		msg_error("%s: it is on volume %s, not %s", escape_name(name), escape_name(s->volume),
			  escape_name(c->volume));
		saveset_free(s);
		return SAID;
	}
	return rc;
}

/* As catalog_find(), but 1 (there is none) is silent; SAID: there is none, and the reason was reported. */
static int find_selected(struct catalog *cat, const struct conf *c, const char *selector, struct saveset *s)
{
	const char *at = strrchr(selector, '@'), *where = at ? at + 1 : "latest";
	char *host = at ? mem_dup(selector, at - selector) : mem_strdup(selector);
	int rc = find_named(cat, c, selector, s);

	if (rc == 1)
		rc = find_on(cat, c, host, where, s);
	if (rc == 1 && !conf_named(c, "volume"))
		rc = find_elsewhere(cat, c, host, where, s);
	free(host);
	return rc;
}

int catalog_find(struct catalog *cat, const struct conf *c, const char *selector, struct saveset *s)
{
	int rc = find_selected(cat, c, selector, s);
	char *meant = rc == 1 ? escape_meant(selector) : NULL;

	/* It was pasted from what is for people, or from JSON where it is not UTF-8. */
	if (meant)
		rc = find_selected(cat, c, meant, s);
	free(meant);
	if (rc == 1)
		msg_error("%s: no such saveset in volume %s of %s", escape_name(selector),
			  escape_name(c->volume), escape_name(c->backup_host));
	rc = rc == SAID ? 1 : rc;
	/* What is being made is shown to nobody. */
	if (rc == 0 && s->status == SV_RUNNING) {
		msg_error("%s: not published yet", escape_name(selector));
		saveset_free(s);
		rc = 1;
	}
	return rc;
}

/*
 * Did the database list less than there were before and after?  What is missing would be
 * taken for gone.  0, or -1 after reporting.
 */
static int listed_all(struct catalog *cat, int64_t before, int64_t listed)
{
	int64_t after;

	if (db_count(cat->db, &after, SQL_SAVESETS_COUNT, "") < 0)
		return -1;
	if (listed >= before || listed >= after)
		return 0;
	msg_error("%s: the database lists %" PRId64 " of %" PRId64 " savesets; does it limit answers?",
		  escape_name(db_name(cat->db)), listed, after);
	return -1;
}

/*
 * The savesets of st (host NULL: of all hosts), *listed rows of it in all.  0, or -1: what was
 * read is in *list.
 */
static int list_rows(struct db_stmt *st, const char *host, int64_t *listed, struct saveset **list, size_t *n)
{
	enum db_got got = DB_FAIL;

	*list = NULL;
	*n = 0;
	*listed = 0;
	while (st && (got = db_step(st)) == DB_ROW) {
		++*listed;
		*list = mem_more(*list, *n, sizeof(**list));
		saveset_fill(&(*list)[*n], st);
		if (host && strcmp((*list)[*n].host, host))
			saveset_free(&(*list)[*n]);
		else
			++*n;
	}
	return got == DB_FAIL ? -1 : 0;
}

/* The list's locations, if rc is 0; it is freed where it cannot be given.  0 or -1. */
static int list_end(struct catalog *cat, int rc, struct saveset **list, size_t *n)
{
	for (size_t i = 0; rc == 0 && i < *n; i++)
		rc = add_locations(cat, &(*list)[i]);
	if (rc == 0)
		return 0;
	catalog_list_free(*list, *n);
	*list = NULL;
	*n = 0;
	return -1;
}

int catalog_list(struct catalog *cat, const char *host, struct saveset **list, size_t *n)
{
	int64_t before, listed;
	int rc;

	*list = NULL;
	*n = 0;
	if (db_count(cat->db, &before, SQL_SAVESETS_COUNT, "") < 0)
		return -1;
	rc = list_rows(db_bind(cat->db, SQL_SAVESETS, ""), host, &listed, list, n);
	if (rc == 0)
		rc = listed_all(cat, before, listed);
	return list_end(cat, rc, list, n);
}

int catalog_list_at(struct catalog *cat, const char *location, struct saveset **list, size_t *n)
{
	int64_t listed;
	int rc = list_rows(db_bind(cat->db, SQL_SAVESETS_AT, "s", location), NULL, &listed, list, n);

	return list_end(cat, rc, list, n);
}

void catalog_list_free(struct saveset *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		saveset_free(&list[i]);
	free(list);
}

void catalog_marker(const struct saveset *s, struct marker *m)
{
	*m = (struct marker){ .created = s->created, .entries = (uint64_t)s->entries,
			      .files = (uint64_t)s->files, .bytes = (uint64_t)s->bytes };
	snprintf(m->saveset, sizeof(m->saveset), "%s", s->name);
	snprintf(m->status, sizeof(m->status), "%s", saveset_status_name(s->status));
	memcpy(m->id, s->uid, sizeof(m->id));
	memcpy(m->volume, s->volume_uid, sizeof(m->volume));
	memcpy(m->metadata, s->metadata, sizeof(m->metadata));
	memcpy(m->full, s->full, sizeof(m->full));
}
