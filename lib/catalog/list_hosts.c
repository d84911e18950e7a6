/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list_hosts.c - the hosts, with what each backup host has of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/table.h"
#include "catalog/asked.h"
#include "catalog/list.h"
#include "catalog/waiting.h"

/* What one backup host has of a host. */
struct host {
	char *name, *backup_host;
	int64_t created, savesets, first, latest, complete;
};

/* Its saveset that is held back, on whichever volume; or NULL. */
static const struct waiting *held_of(const struct host *h, const struct waiting *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].s.host, h->name) && !strcmp(list[i].s.backup_host, h->backup_host))
			return &list[i];
	return NULL;
}

static void host_json(const struct host *h, const struct waiting *held)
{
	json_t *o = json_new("host");

	json_bytes(o, "name", h->name, strlen(h->name));
	json_time(o, "created", h->created);
	json_number(o, "savesets", h->savesets);
	json_time(o, "first", h->first);
	json_time(o, "latest", h->latest);
	json_time(o, "latest_complete", h->complete);
	if (h->backup_host[0])
		json_bytes(o, "backup_host", h->backup_host, strlen(h->backup_host));
	else
		json_text(o, "backup_host", NULL);
	json_text(o, "held", held ? held->s.name : NULL);
	json_text(o, "held_reason", held ? held->why : NULL);
	json_line(stdout, o);
}

static void host_cells(struct table *t, const struct host *h, const struct waiting *held, int shared)
{
	table_text(t, h->name);
	if (shared)
		table_text(t, h->backup_host);
	table_number(t, h->savesets);
	table_time(t, h->first);
	table_time(t, h->latest);
	table_time(t, h->complete);
	table_text(t, held ? held->s.name : "-");
}

/* Add the row of st, which is of one volume, to the list's last element or as a new one. */
static size_t host_add(struct host **list, size_t n, struct db_stmt *st)
{
	struct host h = { db_strdup(st, 0), db_strdup(st, 6), db_int(st, 1), db_int(st, 2),
			  db_int(st, 3), db_int(st, 4), db_int(st, 5) };
	struct host *to = n ? &(*list)[n - 1] : NULL;

	if (!to || strcmp(to->name, h.name) || strcmp(to->backup_host, h.backup_host)) {
		*list = mem_more(*list, n, sizeof(**list));
		(*list)[n] = h;
		return n + 1;
	}
	to->savesets += h.savesets;
	if (h.first && (!to->first || h.first < to->first))
		to->first = h.first;
	if (h.latest > to->latest)
		to->latest = h.latest;
	if (h.complete > to->complete)
		to->complete = h.complete;
	free(h.name);
	free(h.backup_host);
	return n;
}

int list_hosts(struct catalog *cat, const struct conf *c, enum list_format f)
{
	static const char *const titles[] = { "SAVESETS", "FIRST", "LATEST", "LATEST-COMPLETE", "HELD-BACK", NULL };
	struct db_stmt *st = db_bind(cat->db, SQL_HOSTS, "");
	struct table t = { 0 };
	struct host *list = NULL;
	struct waiting *held = NULL;
	enum db_got got = DB_FAIL;
	size_t n = 0, nheld = 0;
	int shared = 0;

	while (st && (got = db_step(st)) == DB_ROW)
		if (asked_row(c, st, 7, 6))
			n = host_add(&list, n, st);
	if (got != DB_FAIL && waiting_list(cat, c, &held, &nheld) < 0)
		got = DB_FAIL;
	for (size_t i = 1; i < n; i++)
		shared |= strcmp(list[i].backup_host, list[0].backup_host) != 0;
	table_title(&t, "HOST");
	if (shared)
		table_title(&t, "BACKUP-HOST");
	table_titles(&t, titles);
	for (size_t i = 0; i < n && got != DB_FAIL; i++) {
		const struct waiting *h = held_of(&list[i], held, nheld);

		if (f == LIST_JSON)
			host_json(&list[i], h);
		else
			host_cells(&t, &list[i], h, shared);
	}
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].backup_host);
	}
	free(list);
	waiting_free(held, nheld);
	table_end(&t, f != LIST_JSON && got != DB_FAIL);
	return got == DB_FAIL || (!n && asked_exists(cat, c) <= 0) ? SS_FAIL : SS_OK;
}
