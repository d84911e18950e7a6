/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"

struct rotten {
	int64_t series;
	uint64_t ino;
	int64_t since;
};

struct findings {
	struct catalog *cat;
	int json;
	size_t count;
	int64_t *done;		/* ids of savesets that were verified */
	size_t ndone;
	struct rotten *rotten;
	size_t nrotten;
};

struct findings *findings_new(struct catalog *cat, int json)
{
	struct findings *f = mem_alloc(sizeof(*f));

	f->cat = cat;
	f->json = json;
	return f;
}

void findings_saveset(struct findings *f, const struct saveset *s)
{
	f->done = mem_more(f->done, f->ndone, sizeof(*f->done));
	f->done[f->ndone++] = s->id;
}

void findings_add(struct findings *f, const struct saveset *s, enum verdict v, const char *path,
		  size_t len, const char *why)
{
	f->count++;
	if (!f->json) {
		printf("%s\t%s\t%s%s%s%s\n", verdict_name(v), escape_name(s->name),
		       len ? escape_bytes(path, len) : ".", why ? "\t(" : "", why ? why : "",
		       why ? ")" : "");
		return;
	}
	json_t *o = json_new("finding");
	json_text(o, "class", verdict_name(v));
	json_bytes(o, "saveset", s->name, strlen(s->name));
	json_bytes(o, "host", s->host, strlen(s->host));
	json_text(o, "location", s->locations);
	json_bytes(o, "path", len ? path : ".", len ? len : 1);
	if (why)
		json_text(o, "why", why);
	json_line(stdout, o);
}

void findings_unread(struct findings *f, unsigned long n)
{
	f->count += n;
}

void findings_rotten(struct findings *f, int64_t series, uint64_t ino, int64_t since)
{
	f->rotten = mem_more(f->rotten, f->nrotten, sizeof(*f->rotten));
	f->rotten[f->nrotten++] = (struct rotten){ series, ino, since };
}

static int is_done(const struct findings *f, const struct saveset *s)
{
	for (size_t i = 0; i < f->ndone; i++)
		if (f->done[i] == s->id)
			return 1;
	return 0;
}

/* One path that a rotten inode has in savesets first..last (0: still). */
struct shared {
	int64_t dir, first, last;
	char *name;
};

/* The rows of a rotten inode: *n of them in *list.  0 or -1. */
static int get_rows(struct findings *f, const struct rotten *r, struct shared **list, size_t *n)
{
	struct db_stmt *st = db_bind(f->cat->db, SQL_INODE_PATHS, "iii", r->series,
				     (int64_t)r->ino, r->since);
	enum db_got got = DB_FAIL;

	*list = NULL;
	*n = 0;
	while (st && (got = db_step(st)) == DB_ROW) {
		*list = mem_more(*list, *n, sizeof(**list));
		(*list)[(*n)++] = (struct shared){ db_int(st, 0), db_int(st, 2), db_int(st, 3),
						   db_strdup(st, 1) };
	}
	return got == DB_FAIL ? -1 : 0;
}

static int tell_others(struct findings *f, const struct rotten *r, const struct saveset *s, size_t ns)
{
	struct shared *list;
	size_t n;
	int rc = get_rows(f, r, &list, &n);

	for (size_t i = 0; i < n; i++) {
		struct buf path = { 0 };

		if (rc == 0)
			rc = rows_dir_path(f->cat, r->series, list[i].dir, &path);
		buf_str(&path, list[i].name);
		for (size_t k = 0; rc == 0 && k < ns; k++)
			if (s[k].series == r->series && s[k].seq >= list[i].first &&
			    (!list[i].last || s[k].seq <= list[i].last) &&
			    s[k].status != SV_GONE && !is_done(f, &s[k]))
				findings_add(f, &s[k], VERDICT_CORRUPT, path.p, path.len,
					     "the same inode");
		buf_free(&path);
		free(list[i].name);
	}
	free(list);
	return rc;
}

static int by_inode(const void *a, const void *b)
{
	const struct rotten *x = a, *y = b;

	if (x->series != y->series)
		return x->series < y->series ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->since > y->since) - (x->since < y->since);
}

int findings_finish(struct findings *f)
{
	struct saveset *s;
	size_t n;
	int rc = 0;

	if (!f->nrotten)
		return 0;
	if (catalog_list(f->cat, NULL, &s, &n) < 0)
		return -1;
	qsort(f->rotten, f->nrotten, sizeof(*f->rotten), by_inode);
	for (size_t i = 0; rc == 0 && i < f->nrotten; i++)
		if (!i || by_inode(&f->rotten[i - 1], &f->rotten[i]))
			rc = tell_others(f, &f->rotten[i], s, n);
	catalog_list_free(s, n);
	return rc;
}

void findings_summary(size_t done, size_t n, size_t findings)
{
	json_t *o = json_new("summary");

	json_number(o, "verified", (int64_t)done);
	json_number(o, "savesets", (int64_t)n);
	json_number(o, "findings", (int64_t)findings);
	json_line(stdout, o);
}

size_t findings_count(const struct findings *f)
{
	return f->count;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	free(f->done);
	free(f->rotten);
	free(f);
}
