/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/drop.h"

struct known {
	int64_t id;
	char *uid, *root, *fs;
};

/* What the catalog knows of c's volume: 1, 0 nothing, -1. */
static int get_volume(struct catalog *cat, const struct conf *c, struct known *k)
{
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUME_GET, "ss", c->backup_host, c->volume);
	enum db_got got = st ? db_step(st) : DB_FAIL;

	*k = (struct known){ 0 };
	if (got == DB_ROW) {
		*k = (struct known){ db_int(st, 0), db_strdup(st, 1), db_strdup(st, 2),
				     db_strdup(st, 3) };
		db_reset(st);
	}
	return got;
}

static void known_free(struct known *k)
{
	free(k->uid);
	free(k->root);
	free(k->fs);
}

/* Two names of file systems tell something only if both are of one kind. */
static int other_fs(const char *a, const char *b)
{
	return !strncmp(a, b, 5) && strcmp(a, b) != 0;
}

int series_moved(struct catalog *cat, int64_t series, const struct volume *v)
{
	struct db_stmt *st = db_bind(cat->db, SQL_SERIES_FS, "i", series);
	enum db_got got = st ? db_step(st) : DB_FAIL;
	int moved = got == DB_FAIL ? -1 : 0;

	if (got == DB_ROW) {
		char *fs = db_strdup(st, 0);

		moved = *fs && other_fs(fs, v->fs);
		free(fs);
		db_reset(st);
	}
	return moved;
}

int series_name_of(struct catalog *cat, const struct conf *c, const struct volume *v, char **name)
{
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUME_BY_UID, "ss", c->backup_host, v->id);
	enum db_got got = st ? db_step(st) : DB_FAIL;

	*name = NULL;
	if (got == DB_ROW) {
		*name = db_strdup(st, 1);
		db_reset(st);
	}
	return got == DB_FAIL ? -1 : *name != NULL;
}

int series_by_id(struct catalog *cat, struct conf *c, const struct volume *v)
{
	char *name = NULL;
	int got = c->volume_given ? 0 : series_name_of(cat, c, v, &name);

	if (got > 0) {
		conf_name_volume(c, name);
		free(name);
	}
	return got < 0 ? -1 : 0;
}

char *series_unknown(struct catalog *cat, const struct conf *c, const struct volume *v, int *others)
{
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUME_OF_OTHERS, "ss", v->id, c->backup_host);
	char *name, *host, *text;

	if (others)
		*others = 0;
	if (!st || db_step(st) != DB_ROW)
		return mem_printf("volume %s of %s is not in the catalog; run 'ss-catalog init'",
				  escape_name(c->volume), escape_name(c->backup_host));
	name = db_strdup(st, 0);
	host = db_strdup(st, 1);
	db_reset(st);
	text = mem_printf("the catalog knows this disk as volume %s of %s, and this is %s: if it was"
			  " renamed, or took the place of the other, write \"backup-host = %s\" into"
			  " secondshot.conf", escape_name(name), escape_name(host),
			  escape_name(c->backup_host), escape_name(host));
	free(name);
	free(host);
	if (others)
		*others = 1;
	return text;
}

/* What the catalog knows of c's volume, if that is v.  1, or -1 after reporting; known_free() in every case. */
static int same_volume(struct catalog *cat, const struct conf *c, const struct volume *v, struct known *k)
{
	int got = get_volume(cat, c, k), same = -1;
	char *text = got == 0 ? series_unknown(cat, c, v, NULL) : NULL;

	if (text)
		msg_error("%s", text);	/* escaped */
	else if (k->uid && strcmp(k->uid, v->id) && !c->volume_given)
		msg_error("volume offline: %s is a disk that the catalog does not know;"
			  " 'ss-catalog init --volume=NAME' makes it another volume",
			  escape_name(v->root));
	else if (k->uid && strcmp(k->uid, v->id))
		msg_error("volume offline: %s carries another volume's id than %s has in the"
			  " catalog", escape_name(v->root), escape_name(c->volume));
	else if (k->uid && k->root && k->fs)
		same = 1;
	free(text);
	return same;
}

int series_check(struct catalog *cat, const struct conf *c, const struct volume *v)
{
	struct known k;
	int got = same_volume(cat, c, v, &k);

	known_free(&k);
	return got < 0 ? -1 : 0;
}

int64_t series_volume(struct catalog *cat, const struct conf *c, const struct volume *v)
{
	struct known k;
	int64_t id = -1;

	if (same_volume(cat, c, v, &k) > 0) {
		id = k.id;
		if ((strcmp(k.root, v->root) || strcmp(k.fs, v->fs)) &&
		    db_run(cat->db, SQL_VOLUME_UPDATE, "ssi", v->root, v->fs, id) < 0)
			id = -1;
	}
	known_free(&k);
	return id;
}

int series_known_volume(struct catalog *cat, const struct conf *c, char id[ID_LEN + 1])
{
	struct known k;
	int got = get_volume(cat, c, &k);

	if (got > 0)
		snprintf(id, ID_LEN + 1, "%s", k.uid);
	known_free(&k);
	return got;
}

int series_add_volume(struct catalog *cat, const struct conf *c, const struct volume *v, int *fresh)
{
	struct known k;
	int got = get_volume(cat, c, &k);

	known_free(&k);
	*fresh = got == 0;
	if (got > 0)
		return series_volume(cat, c, v) < 0 ? -1 : 0;
	if (got < 0)
		return -1;
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUME_BY_UID, "ss", c->backup_host, v->id);
	got = st ? db_step(st) : DB_FAIL;
	if (got == DB_ROW) {
		char *name = db_strdup(st, 1);

		db_reset(st);
		msg_error("%s: is known as volume %s already", escape_name(v->root), escape_name(name));
		free(name);
	}
	if (got != DB_DONE)
		return -1;
	return db_run(cat->db, SQL_VOLUME_ADD, "sssssi", v->id, c->volume, c->backup_host,
		      v->root, v->fs, clock_now()) < 0 ? -1 : 0;
}

static int find_series(struct catalog *cat, const char *host, int64_t volume, struct series *s)
{
	struct db_stmt *st = db_bind(cat->db, SQL_SERIES_GET, "si", host, volume);
	enum db_got got = st ? db_step(st) : DB_FAIL;

	if (got == DB_ROW) {
		*s = (struct series){ db_int(st, 0), db_int(st, 1), db_int(st, 2) };
		db_reset(st);
	}
	return got;
}

int series_get(struct catalog *cat, const char *host, int64_t volume, int make, struct series *s)
{
	int got = find_series(cat, host, volume, s);
	int64_t id = 0;

	if (got || !make)
		return got;
	got = db_value(cat->db, &id, SQL_HOST_ID, "s", host);
	if (got == 0) {
		if (db_run(cat->db, SQL_HOST_ADD, "si", host, clock_now()) < 0)
			return -1;
		got = db_value(cat->db, &id, SQL_HOST_ID, "s", host);
	}
	if (got <= 0 || db_run(cat->db, SQL_SERIES_ADD, "ii", id, volume) < 0)
		return -1;
	return find_series(cat, host, volume, s);
}

int series_name(struct catalog *cat, const struct conf *c, const char *host, struct marker *m)
{
	char stamp[CLOCK_TEXT];

	clock_stamp(m->created, stamp);
	for (int n = 1; n < 1000; n++) {
		char suffix[16] = "";
		int64_t one;

		if (n > 1)
			snprintf(suffix, sizeof(suffix), "-%d", n);
		int len = snprintf(m->saveset, sizeof(m->saveset), "%s-%s-%s%s", host, c->volume,
				   stamp, suffix);
		if (len < 0 || (size_t)len >= sizeof(m->saveset))
			break;
		int taken = db_value(cat->db, &one, SQL_SAVESET_NAME_TAKEN, "s", m->saveset);
		if (taken <= 0)
			return taken;
	}
	msg_error("no name is left for a saveset of %s", escape_name(host));
	return -1;
}

int series_rewind(struct catalog *cat, int64_t series, int64_t *rows)
{
	int64_t newest = 0;

	return db_value(cat->db, &newest, SQL_SEQ_NEWEST, "i", series) < 0 ? -1
		: drop_since(cat, series, newest, rows);
}

int series_take_back(struct catalog *cat, int64_t series, int64_t *rows)
{
	return series_rewind(cat, series, rows) < 0 ||
	       db_run(cat->db, SQL_UNDO_SAVESETS, "i", series) < 0 ? -1 : 0;
}

static int undo(struct catalog *cat, int64_t series)
{
	int64_t running;

	if (db_count(cat->db, &running, SQL_SAVESETS_RUNNING, "i", series) < 0)
		return -1;
	if (!running)
		return 0;
	msg_info("an unfinished saveset is removed from the catalog");
	return series_take_back(cat, series, NULL);
}

int series_undo(struct catalog *cat, const char *host, int64_t volume)
{
	struct series s = { 0 };
	int got = find_series(cat, host, volume, &s);

	return got > 0 ? undo(cat, s.id) : got;
}

int series_undo_all(struct catalog *cat, int64_t volume)
{
	struct series *list = NULL;
	size_t n = 0;
	struct db_stmt *st = db_bind(cat->db, SQL_SERIES_LIST, "i", volume);
	enum db_got got = DB_FAIL;

	while (st && (got = db_step(st)) == DB_ROW) {
		list = mem_more(list, n, sizeof(*list));
		list[n++] = (struct series){ db_int(st, 0), db_int(st, 1), db_int(st, 2) };
	}
	for (size_t i = 0; got != DB_FAIL && i < n; i++)
		if (undo(cat, list[i].id) < 0)
			got = DB_FAIL;
	free(list);
	return got == DB_FAIL ? -1 : 0;
}

int series_displace(struct catalog *cat, int64_t series, const char *location, int64_t id)
{
	int64_t other, left;
	int got;

	while ((got = db_value(cat->db, &other, SQL_SAVESETS_DISPLACED, "isi", series, location,
			       id)) > 0) {
		if (db_run(cat->db, SQL_LOCATION_DELETE, "is", other, location) < 0 ||
		    db_count(cat->db, &left, SQL_LOCATION_COUNT, "i", other) < 0)
			return -1;
		if (!left && db_run(cat->db, SQL_SAVESET_STATUS, "ii", (int64_t)SV_GONE, other) < 0)
			return -1;
	}
	return got;
}
