/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/table.h"
#include "catalog/asked.h"
#include "catalog/waiting.h"

int list_format(const char *word, enum list_format *f)
{
	static const char *const names[] = { "text", "json", "-0", "sha256sum", "stream" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(word, names[i])) {
			*f = (enum list_format)i;
			return 0;
		}
	return -1;
}

int list_volumes(struct catalog *cat, const struct conf *c, enum list_format f)
{
	static const char *const titles[] = { "VOLUME", "BACKUP-HOST", "ID", "CREATED", "ROOT",
					      NULL };
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUMES, "");
	struct table t = { 0 };
	enum db_got got = DB_FAIL;
	size_t n = 0;

	table_titles(&t, titles);
	while (st && (got = db_step(st)) == DB_ROW) {
		char *col[4];

		if (!asked_row(c, st, 0, 3))
			continue;
		n++;
		for (int i = 0; i < 4; i++)
			col[i] = db_strdup(st, i);
		if (f == LIST_JSON) {
			json_t *o = json_new("volume");
			json_bytes(o, "name", col[0], strlen(col[0]));
			json_text(o, "id", col[1]);
			json_bytes(o, "path", col[2], strlen(col[2]));
			json_bytes(o, "host", col[3], strlen(col[3]));
			json_bytes(o, "backup_host", col[3], strlen(col[3]));
			json_time(o, "created", db_int(st, 4));
			json_line(stdout, o);
		} else {
			table_text(&t, col[0]);
			table_text(&t, col[3]);
			table_text(&t, col[1]);
			table_time(&t, db_int(st, 4));
			table_text(&t, col[2]);
		}
		for (int i = 0; i < 4; i++)
			free(col[i]);
	}
	table_end(&t, f != LIST_JSON && got != DB_FAIL);
	return got == DB_FAIL || (!n && asked_exists(cat, c) <= 0) ? SS_FAIL : SS_OK;
}

/* held: why it is held back, or NULL. */
static void saveset_json(const struct saveset *s, const char *held)
{
	json_t *o = json_new("saveset");

	json_bytes(o, "name", s->name, strlen(s->name));
	json_bytes(o, "host", s->host, strlen(s->host));
	json_bytes(o, "volume", s->volume, strlen(s->volume));
	json_bytes(o, "backup_host", s->backup_host, strlen(s->backup_host));
	json_text(o, "status", saveset_status_name(s->status));
	json_text(o, "reason", s->reason);
	json_object_set_new(o, "held", json_boolean(held));
	json_text(o, "held_reason", held);
	json_text(o, "location", s->locations);
	json_time(o, "created", s->created);
	json_time(o, "finished", s->finished);
	json_number(o, "sequence", s->seq);
	json_number(o, "entries", s->entries);
	json_number(o, "files", s->files);
	json_number(o, "directories", s->dirs);
	json_number(o, "others", s->others);
	json_number(o, "size", s->bytes);
	json_number(o, "allocated", count_bytes(s->blocks));
	json_number(o, "vanished", s->vanished);
	json_number(o, "unhashed", s->unhashed);
	json_number(o, "rows_added", s->rows_added);
	json_number(o, "rows_closed", s->rows_closed);
	json_count(o, "changed", s->changed);
	json_count(o, "removed", s->removed);
	json_object_set_new(o, "relabelled", json_boolean(s->relabelled));
	json_object_set_new(o, "overwritten", json_boolean(s->overwritten));
	json_text(o, "hashtype", s->hash);
	json_text(o, "metadata_digest", s->metadata);
	json_text(o, "full_digest", s->full);
	json_text(o, "id", s->uid);
	json_line(stdout, o);
}

/* Does more than one backup host have savesets in the list? */
static int is_shared(const struct saveset *list, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(list[i].backup_host, list[0].backup_host))
			return 1;
	return 0;
}

/* The last column, malloc'd. */
static char *notes(const struct saveset *s, const char *held)
{
	struct buf b = { 0 };

	if (s->relabelled)
		buf_str(&b, " relabelled");
	if (s->overwritten)
		buf_str(&b, " overwritten");
	if (held)
		buf_printf(&b, " held back: %s%s", held, s->reason[0] ? ";" : "");
	if (s->reason[0])
		buf_printf(&b, " %s", escape_name(s->reason));
	char *text = mem_strdup(b.len ? b.p + 1 : "-");
	buf_free(&b);
	return text;
}

static void saveset_cells(struct table *t, const struct saveset *s, const char *held, int shared)
{
	table_text(t, s->name);
	if (shared)
		table_text(t, s->backup_host);
	table_text(t, saveset_status_name(s->status));
	table_text(t, s->locations);
	table_number(t, s->files);
	table_number(t, s->bytes);
	table_number(t, s->unhashed);
	table_number(t, s->rows_added);
	table_own(t, notes(s, held));
}

int list_savesets(struct catalog *cat, const struct conf *c, const char *host, enum list_format f)
{
	static const char *const titles[] = { "STATUS", "LOCATION", "FILES", "BYTES", "UNHASHED",
					      "ROWS-ADDED", "NOTES", NULL };
	struct table t = { 0 };
	struct saveset *list;
	size_t n, asked = 0;
	int held = 0;
	char *name = NULL;
	int rc = host && asked_host(cat, host, &name) <= 0 ? -1 : catalog_list(cat, name, &list, &n);

	free(name);
	if (rc < 0)
		return SS_FAIL;
	int shared = is_shared(list, n);

	table_title(&t, "SAVESET");
	if (shared)
		table_title(&t, "BACKUP-HOST");
	table_titles(&t, titles);
	for (size_t i = 0; i < n && held >= 0; i++) {
		struct buf why = { 0 };

		if (!asked_for(c, list[i].volume, list[i].backup_host))
			continue;
		asked++;
		held = waiting_held(cat, c, &list[i], &why);
		if (f == LIST_JSON)
			saveset_json(&list[i], held > 0 ? why.p : NULL);
		else
			saveset_cells(&t, &list[i], held > 0 ? why.p : NULL, shared);
		buf_free(&why);
	}
	table_end(&t, f != LIST_JSON);
	catalog_list_free(list, n);
	if (held < 0)
		return SS_FAIL;
	return asked || asked_exists(cat, c) > 0 ? SS_OK : SS_FAIL;
}
