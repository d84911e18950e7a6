/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* waiting.c - savesets that are held back. */
#include "catalog/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "catalog/guard.h"

#define SYNC ".sync"

/* Is it our run that would rotate it?  A partial one that may not be is replaced by the next. */
static int is_ours(const struct conf *c, const struct saveset *s)
{
	if (strcmp(s->backup_host, c->backup_host))
		return 0;
	return s->status == SV_COMPLETE || s->status == SV_UNATTESTED ||
	       (s->status == SV_PARTIAL && c->rotate_partial);
}

/* It was escaped before the run wrote it; a stranger may have written it instead. */
static void add_reason(struct buf *why, const char *reason)
{
	size_t len = strlen(reason), size = 4 * len + 1;
	char *safe = mem_alloc(size);

	escape_net(safe, size, reason, len);
	buf_str(why, safe);
	free(safe);
}

/* Does a run's summary say that it holds s back?  1 and the reason, 0. */
static int summary_says(const char *text, size_t len, const struct saveset *s, struct buf *why)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	const json_t *host;
	int held = 0;
	size_t i;

	json_array_foreach(json_object_get(o, "hosts"), i, host) {
		const char *status = json_string_value(json_object_get(host, "status"));
		const char *name = json_string_value(json_object_get(host, "saveset"));
		const char *reason = json_string_value(json_object_get(host, "reason"));

		/* Older summaries have the escaped form, and so has a name that is not UTF-8. */
		if (!status || strcmp(status, "held") || !name ||
		    (strcmp(name, s->name) && strcmp(name, escape_name(s->name))))
			continue;
		held = 1;
		if (reason && !strncmp(reason, WAITING_HELD, strlen(WAITING_HELD)))
			reason += strlen(WAITING_HELD);
		add_reason(why, reason ? reason : "a run said so");
		break;
	}
	json_decref(o);
	return held;
}

/* Has a run that ended since s was made said so?  1 and the newest one's reason, 0, -1 after reporting. */
static int run_says(struct catalog *cat, const struct saveset *s, struct buf *why)
{
	struct db_stmt *st = db_bind(cat->db, SQL_RUNS_SINCE, "ssi", s->backup_host, s->volume, s->created);
	enum db_got got = DB_FAIL;
	size_t len;

	while (st && (got = db_step(st)) == DB_ROW) {
		const void *p = db_bytes(st, 0, &len);

		if (!summary_says(p, len, s, why))
			continue;
		db_reset(st);
		return 1;
	}
	return got == DB_FAIL ? -1 : 0;
}

int waiting_held(struct catalog *cat, const struct conf *c, const struct saveset *s, struct buf *why)
{
	int held;

	if (!s->seq || !s->locations || strcmp(s->locations, SYNC))
		return 0;
	held = is_ours(c, s) ? guard_saveset(cat, c, s, why) : 0;
	return held ? held : run_says(cat, s, why);
}

int waiting_list(struct catalog *cat, const struct conf *c, struct waiting **list, size_t *n)
{
	struct saveset *all;
	size_t nall;
	int rc = catalog_list_at(cat, SYNC, &all, &nall), held = 0;

	*list = NULL;
	*n = 0;
	for (size_t i = 0; rc == 0 && i < nall; i++) {
		struct buf why = { 0 };

		held = waiting_held(cat, c, &all[i], &why);
		if (held > 0) {
			*list = mem_more(*list, *n, sizeof(**list));
			(*list)[(*n)++] = (struct waiting){ all[i], why.p };
			all[i] = (struct saveset){ 0 };
			continue;
		}
		buf_free(&why);
		if (held < 0)
			rc = -1;
	}
	if (rc < 0) {
		waiting_free(*list, *n);
		*list = NULL;
		*n = 0;
	}
	catalog_list_free(all, nall);
	return rc;
}

void waiting_free(struct waiting *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		saveset_free(&list[i].s);
		free(list[i].why);
	}
	free(list);
}
