/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check_catalog.c - does the catalog open, and does it know the volume? */
#include <stdlib.h>
#include <string.h>

#include "base/capture.h"
#include "base/escape.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "catalog/waiting.h"
#include "conf/login.h"
#include "db/schema.h"
#include "run/run_check.h"

/* The schema that the catalog says it has; 0 none, -1 after reporting. */
static int schema_of(struct db *db)
{
	int64_t tables;
	struct db_stmt *st;
	enum db_got got;
	int version = 0;
	char *text;

	if (db_count(db, &tables, SQL_META_EXISTS, "") < 0)
		return -1;
	if (tables == 0)
		return 0;
	st = db_bind(db, SQL_META_GET, "s", "schema");
	got = st != NULL ? db_step(st) : DB_FAIL;
	if (got == DB_ROW) {
		text = db_strdup(st, 0);
		version = atoi(text);
		free(text);
		db_reset(st);
	}
	return got == DB_FAIL ? -1 : version;
}

/* The volume is open: is it the one that the catalog knows by its name? */
static void judge_volume(struct run_check *k, struct catalog *cat, const struct volume *v)
{
	const struct conf *conf = k->conf;
	char id[ID_LEN + 1] = "";
	int known = series_known_volume(cat, conf, id);
	char *name = NULL, *why = NULL;

	if (!conf->volume_given && series_name_of(cat, conf, v, &name) > 0)
		known = -1;
	free(name);
	if (known > 0 && strcmp(id, v->id) != 0)
		run_check_add(k, "volume", RUN_CHECK_MEND,
			      mem_printf("%s is not the disk that the catalog knows as volume %s (id %s)",
					 escape_name(v->root), escape_name(conf->volume), id));
	else if (known == 0)
		run_check_add(k, "volume", RUN_CHECK_MEND, series_unknown(cat, conf, v, NULL));
	else if (same_disk_ask(cat, v, &why) > 0)
		run_check_add(k, "volume", RUN_CHECK_MEND,
			      mem_printf("%s; insert the right disk, or run 'ss-catalog reconcile --accept'", why));
	free(why);
}

/* A row for each saveset of ours that is held back.  0, or -1 after reporting. */
static int judge_waiting(struct run_check *k, struct catalog *cat, const struct volume *v)
{
	const struct conf *conf = k->conf;
	struct waiting *list;
	size_t n;

	if (waiting_list(cat, conf, &list, &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct saveset *s = &list[i].s;

		if (strcmp(s->backup_host, conf->backup_host) == 0 &&
		    (v != NULL ? strcmp(s->volume_uid, v->id) : strcmp(s->volume, conf->volume)) == 0)
			run_check_add(k, "held back", RUN_CHECK_MEND,
				      mem_printf("%s: %s is not rotated, and the host not copied: %s; 'ss-run --accept %s'"
						 " takes it, 'ss-prune %s@.sync' gives it up", escape_name(s->host),
						 escape_name(s->name), list[i].why, escape_name(s->host),
						 escape_name(s->host)));
	}
	waiting_free(list, n);
	return 0;
}

/* Open, and of this schema: 0, with the row for it if it is not; -1 after reporting. */
static int judge_catalog(struct run_check *k, struct catalog *cat, const struct volume *v)
{
	int schema = schema_of(cat->db);

	if (schema < 0)
		return -1;
	if (schema == 0)
		run_check_add(k, "catalog", RUN_CHECK_MEND,
			      mem_printf("%s: there is none; run ss-catalog init", escape_name(db_name(cat->db))));
	else if (schema > SCHEMA_VERSION)
		run_check_add(k, "catalog", RUN_CHECK_MEND,
			      mem_printf("%s: schema %d is newer than this program's, %d", escape_name(db_name(cat->db)),
					 schema, SCHEMA_VERSION));
	else if (schema < SCHEMA_VERSION)
		run_check_add(k, "catalog", db_file(cat->db) ? RUN_CHECK_WARNING : RUN_CHECK_MEND,
			      mem_printf("%s: schema %d will be upgraded to %d by %s", escape_name(db_name(cat->db)),
					 schema, SCHEMA_VERSION, db_file(cat->db) ? "what opens it first" : "ss-catalog init"));
	if (schema != SCHEMA_VERSION)
		return 0;
	if (catalog_try(cat) != 0)
		return -1;
	run_check_add(k, "catalog", RUN_CHECK_OK, mem_printf("%s, schema %d", escape_name(db_name(cat->db)), schema));
	if (v != NULL)
		judge_volume(k, cat, v);
	return judge_waiting(k, cat, v);
}

void run_check_catalog(struct run_check *k, const struct volume *v)
{
	struct catalog cat = { 0 };
	struct login l = { 0 };
	struct capture c;
	int ret = -1;

	capture_begin(&c);
	if (login_make(&l, k->conf, NULL) == 0) {
		cat.db = db_open(&l.db, DB_WRITE, &cat.away);
		login_free(&l);
	}
	if (cat.db != NULL)
		ret = judge_catalog(k, &cat, v);
	catalog_close(&cat);
	if (ret != 0)
		run_check_said(k, "catalog", &c);
	else
		free(capture_end(&c));
}
