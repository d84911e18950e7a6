/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"

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

void list_table(char **cells, unsigned columns)
{
	size_t n = 0;
	unsigned *width = mem_alloc(columns * sizeof(*width));

	for (; cells[n]; n++)
		if (strlen(cells[n]) > width[n % columns])
			width[n % columns] = (unsigned)strlen(cells[n]);
	for (size_t i = 0; i < n; i++) {
		if ((i + 1) % columns)
			printf("%-*s  ", (int)width[i % columns], cells[i]);
		else
			printf("%s\n", cells[i]);
	}
	for (size_t i = 0; i < n; i++)
		free(cells[i]);
	free(cells);
	free(width);
}

/* The cells of a table that is being made. */
struct table {
	char **cell;
	size_t n;
};

/* Add a cell; text is malloc'd and the table's from now on. */
static void cell(struct table *t, char *text)
{
	t->cell = mem_array(t->cell, t->n + 2, sizeof(*t->cell));
	t->cell[t->n++] = text;
	t->cell[t->n] = NULL;
}

static void cell_name(struct table *t, const void *p, size_t len)
{
	cell(t, len ? mem_strdup(escape_bytes(p, len)) : mem_strdup("-"));
}

static void cell_text(struct table *t, const char *text)
{
	cell_name(t, text, strlen(text));
}

static void cell_time(struct table *t, int64_t when)
{
	char buf[CLOCK_TEXT];

	cell_text(t, when ? clock_text(when, buf) : "");
}

static void cell_number(struct table *t, int64_t n)
{
	cell(t, mem_printf("%" PRId64, n));
}

/* Print the table, or where JSON was asked for just free it. */
static void finish(struct table *t, unsigned columns, enum list_format f)
{
	if (f != LIST_JSON) {
		list_table(t->cell, columns);
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
}

static void head(struct table *t, const char *const *titles)
{
	for (; *titles; titles++)
		cell_text(t, *titles);
}

int list_hosts(struct catalog *cat, enum list_format f)
{
	static const char *const titles[] = { "HOST", "SAVESETS", "FIRST", "LATEST",
					      "LATEST-COMPLETE", NULL };
	struct db_stmt *st = db_bind(cat->db, SQL_HOSTS, "");
	struct table t = { 0 };
	enum db_got got = DB_FAIL;

	head(&t, titles);
	while (st && (got = db_step(st)) == DB_ROW) {
		size_t len;
		const void *name = db_bytes(st, 0, &len);

		if (f == LIST_JSON) {
			json_t *o = json_new("host");
			json_bytes(o, "name", name, len);
			json_time(o, "created", db_int(st, 1));
			json_number(o, "savesets", db_int(st, 2));
			json_time(o, "first", db_int(st, 3));
			json_time(o, "latest", db_int(st, 4));
			json_time(o, "latest_complete", db_int(st, 5));
			json_line(stdout, o);
		}
		cell_name(&t, name, len);
		cell_number(&t, db_int(st, 2));
		for (int i = 3; i <= 5; i++)
			cell_time(&t, db_int(st, i));
	}
	finish(&t, 5, got == DB_FAIL ? LIST_JSON : f);
	return got == DB_FAIL ? SS_FAIL : SS_OK;
}

int list_volumes(struct catalog *cat, enum list_format f)
{
	static const char *const titles[] = { "VOLUME", "BACKUP-HOST", "ID", "CREATED", "ROOT",
					      NULL };
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUMES, "");
	struct table t = { 0 };
	enum db_got got = DB_FAIL;

	head(&t, titles);
	while (st && (got = db_step(st)) == DB_ROW) {
		char *col[4];

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
		}
		cell_text(&t, col[0]);
		cell_text(&t, col[3]);
		cell_text(&t, col[1]);
		cell_time(&t, db_int(st, 4));
		cell_text(&t, col[2]);
		for (int i = 0; i < 4; i++)
			free(col[i]);
	}
	finish(&t, 5, got == DB_FAIL ? LIST_JSON : f);
	return got == DB_FAIL ? SS_FAIL : SS_OK;
}

static void saveset_json(const struct saveset *s)
{
	json_t *o = json_new("saveset");

	json_text(o, "name", escape_name(s->name));
	json_bytes(o, "host", s->host, strlen(s->host));
	json_bytes(o, "volume", s->volume, strlen(s->volume));
	json_bytes(o, "backup_host", s->backup_host, strlen(s->backup_host));
	json_text(o, "status", saveset_status_name(s->status));
	json_text(o, "reason", s->reason);
	json_text(o, "location", s->locations);
	json_time(o, "created", s->created);
	json_time(o, "finished", s->finished);
	json_number(o, "sequence", s->seq);
	json_number(o, "entries", s->entries);
	json_number(o, "files", s->files);
	json_number(o, "directories", s->dirs);
	json_number(o, "others", s->others);
	json_number(o, "size", s->bytes);
	json_number(o, "allocated", s->blocks * 512);
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

static void saveset_cells(struct table *t, const struct saveset *s)
{
	char *notes = mem_printf("%s%s%s", s->relabelled ? " relabelled" : "",
				 s->overwritten ? " overwritten" : "", s->reason[0] ? " " : "");

	cell_text(t, s->name);
	cell_text(t, saveset_status_name(s->status));
	cell_text(t, s->locations);
	cell_number(t, s->files);
	cell_number(t, s->bytes);
	cell_number(t, s->unhashed);
	cell_number(t, s->rows_added);
	cell(t, mem_printf("%s%s%s", notes[0] || s->reason[0] ? "" : "-",
			   notes[0] ? notes + 1 : "", escape_name(s->reason)));
	free(notes);
}

static int is_asked(const struct conf *c, const struct saveset *s)
{
	return (!conf_named(c, "volume") || !strcmp(c->volume, s->volume)) &&
	       (!conf_named(c, "backup-host") || !strcmp(c->backup_host, s->backup_host));
}

int list_savesets(struct catalog *cat, const struct conf *c, const char *host, enum list_format f)
{
	static const char *const titles[] = { "SAVESET", "STATUS", "LOCATION", "FILES", "BYTES",
					      "UNHASHED", "ROWS-ADDED", "NOTES", NULL };
	struct table t = { 0 };
	struct saveset *list;
	size_t n;

	if (host && catalog_has_host(cat, host) <= 0)
		return SS_FAIL;
	if (catalog_list(cat, host, &list, &n) < 0)
		return SS_FAIL;
	head(&t, titles);
	for (size_t i = 0; i < n; i++) {
		if (!is_asked(c, &list[i]))
			continue;
		if (f == LIST_JSON)
			saveset_json(&list[i]);
		else
			saveset_cells(&t, &list[i]);
	}
	finish(&t, 8, f);
	catalog_list_free(list, n);
	return SS_OK;
}
