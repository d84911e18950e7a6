/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list_runs.c - the records of runs (run_record.h), for people and programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/table.h"
#include "catalog/asked.h"
#include "catalog/list.h"

enum { UID, BACKUP_HOST, VOLUME, VOLUME_UID, STARTED, ENDED, RESULT, SUMMARY };

/* What the run said of itself; NULL if it said nothing that can be understood. */
static json_t *summary_of(struct db_stmt *st)
{
	size_t len;
	const void *p = db_bytes(st, SUMMARY, &len);
	json_t *o = len ? json_loadb(p, len, 0, NULL) : NULL;
	const char *type = json_string_value(json_object_get(o, "type"));

	if (type && !strcmp(type, "run"))
		return o;
	json_decref(o);
	return NULL;
}

static void bytes(json_t *o, const char *key, struct db_stmt *st, int col)
{
	size_t len;
	const void *p = db_bytes(st, col, &len);

	json_bytes(o, key, p, len);
}

/* A run that says nothing of itself: it is under way, or was killed. */
static json_t *bare_object(struct db_stmt *st)
{
	json_t *o = json_new("run");
	char *uid = db_strdup(st, UID), *volume = db_strdup(st, VOLUME_UID);

	json_text(o, "id", uid);
	bytes(o, "backup_host", st, BACKUP_HOST);
	bytes(o, "volume", st, VOLUME);
	json_text(o, "volume_id", volume);
	json_time(o, "started", db_int(st, STARTED));
	json_time(o, "ended", db_is_null(st, RESULT) ? 0 : db_int(st, ENDED));
	json_object_set_new(o, "result", db_is_null(st, RESULT) ? json_null() :
			    json_integer(db_int(st, RESULT)));
	json_object_set_new(o, "interrupted",
			    json_boolean(db_is_null(st, RESULT) && !db_is_null(st, ENDED)));
	free(uid);
	free(volume);
	return o;
}

static char *took(int64_t seconds)
{
	if (seconds >= 3600)
		return mem_printf("%" PRId64 "h%02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
	if (seconds >= 60)
		return mem_printf("%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
	return mem_printf("%" PRId64 "s", seconds);
}

/* The names of the hosts that ended so, or so. */
static char *hosts_that(const json_t *o, const char *so, const char *or)
{
	struct buf b = { 0 };
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(o, "hosts"), i, host) {
		const char *name = json_string_value(json_object_get(host, "host"));
		const char *status = json_string_value(json_object_get(host, "status"));

		if (name && status && (!strcmp(status, so) || !strcmp(status, or)))
			buf_printf(&b, "%s%s", b.len ? "," : "", escape_name(name));
	}
	if (!b.len)
		buf_char(&b, '-');
	return b.p;
}

/* Those with a new saveset, of all that were to get one. */
static char *good_hosts(const json_t *o)
{
	json_int_t good = json_integer_value(json_object_get(o, "hosts_good"));
	json_int_t bad = json_integer_value(json_object_get(o, "hosts_failed"));
	json_int_t held = json_integer_value(json_object_get(o, "hosts_held"));

	return o ? mem_printf("%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, good, good + bad + held)
		 : mem_strdup("-");
}

static void row(struct table *t, struct db_stmt *st, const json_t *o)
{
	char *host = db_strdup(st, BACKUP_HOST), *volume = db_strdup(st, VOLUME);
	int known = !db_is_null(st, RESULT);

	table_time(t, db_int(st, STARTED));
	table_text(t, host);
	table_text(t, volume);
	if (known) {
		table_own(t, took(db_int(st, ENDED) - db_int(st, STARTED)));
		table_number(t, db_int(st, RESULT));
	} else {
		table_text(t, "-");
		table_text(t, db_is_null(st, ENDED) ? "running" : "interrupted");
	}
	table_own(t, good_hosts(o));
	table_own(t, hosts_that(o, "failed", "stale"));
	table_own(t, hosts_that(o, "held", "held"));
	free(host);
	free(volume);
}

int list_runs(struct catalog *cat, const struct conf *c, enum list_format f)
{
	static const char *const titles[] = { "STARTED", "BACKUP-HOST", "VOLUME", "TOOK",
					      "RESULT", "HOSTS", "FAILED", "HELD", NULL };
	struct db_stmt *st = db_bind(cat->db, SQL_RUNS, "");
	struct table t = { 0 };
	enum db_got got = DB_FAIL;
	size_t asked = 0;

	table_titles(&t, titles);
	while (st && (got = db_step(st)) == DB_ROW) {
		if (!asked_row(c, st, VOLUME, BACKUP_HOST))
			continue;
		asked++;
		json_t *o = summary_of(st);
		if (f == LIST_JSON) {
			json_line(stdout, o ? o : bare_object(st));
			continue;
		}
		row(&t, st, o);
		json_decref(o);
	}
	table_end(&t, f != LIST_JSON && got != DB_FAIL);
	if (got == DB_FAIL)
		return SS_FAIL;
	return asked || asked_exists(cat, c) > 0 ? SS_OK : SS_FAIL;
}
