/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "catalog/chunk.h"

struct pending {
	char *name;
	size_t len;
	int64_t sub;
};

/* A directory on the way to where the iteration is. */
struct level {
	int64_t dir;
	size_t prefix;		/* length of its path in rows.path, with the slash */
	struct chunk *chunk;
	size_t next, end;	/* its rows in there */
	int more;		/* it may have more rows than the chunk held */
	struct pending *pending;
	size_t npending;
};

struct rows {
	struct catalog *cat;
	int64_t series, seq;
	struct chunk *ahead;	/* the last one read */
	size_t used;		/* rows of it that were asked for */
	int64_t size;		/* rows to ask for next time */
	int alone;		/* nobody else uses the database: the next chunk may be asked for early */
	struct db_stmt *coming;	/* its statement, or NULL */
	int64_t from, asked;	/* first directory, and limit, of that */
	struct level *levels;
	size_t depth, cap;
	struct buf path;
	struct row row;
	int started;
};

/* Have the database begin with the rows of dir and what lies behind it.  0 or -1. */
static int ask(struct rows *r, int64_t dir)
{
	r->coming = db_bind(r->cat->db, SQL_ROWS_FROM, "iiiii", r->series, dir, r->seq, r->seq,
			    r->size);
	r->from = dir;
	r->asked = r->size;
	if (r->coming && db_stream(r->coming) < 0)
		r->coming = NULL;
	return r->coming ? 0 : -1;
}

/* What was asked for ahead is not what is needed. */
static void forget(struct rows *r)
{
	db_reset(r->coming);
	r->coming = NULL;
}

/* Make r->ahead a chunk that starts with the rows of dir.  0 or -1. */
static int read_ahead(struct rows *r, int64_t dir)
{
	/* Most of the last one was of use: the order holds, so ask for more at once. */
	if (r->ahead && r->used * 2 > r->ahead->n)
		r->size = r->size * 4 < CHUNK_MAX ? r->size * 4 : CHUNK_MAX;
	else if (r->ahead && r->size > CHUNK_MIN)
		r->size /= 2;
	chunk_unref(r->ahead);
	r->ahead = NULL;
	r->used = 0;
	if (r->coming && r->from != dir)
		forget(r);
	if (!r->coming && ask(r, dir) < 0)
		return -1;
	r->ahead = chunk_read(r->coming, dir, r->asked);
	r->coming = NULL;
	if (!r->ahead)
		return -1;
	/* Where the order holds, the next one may be on its way while this one is worked through. */
	return r->alone && r->size == CHUNK_MAX && !r->ahead->whole ? ask(r, r->ahead->next) : 0;
}

/* Go into directory dir, whose path is all of r->path.  0 or -1. */
static int enter(struct rows *r, int64_t dir)
{
	if (!chunk_covers(r->ahead, dir) && read_ahead(r, dir) < 0)
		return -1;
	if (r->depth == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->levels = mem_array(r->levels, r->cap, sizeof(*r->levels));
	}
	struct level *l = &r->levels[r->depth++];
	struct chunk *c = r->ahead;

	*l = (struct level){ .dir = dir, .prefix = r->path.len, .chunk = c };
	c->refs++;
	l->next = l->end = chunk_find(c, dir);
	while (l->end < c->n && c->row[l->end].dir == dir)
		l->end++;
	l->more = l->end == c->n && c->torn;
	r->used += l->end - l->next;
	return 0;
}

/* Get the rows of the level behind those it had.  0 or -1. */
static int refill(struct rows *r, struct level *l)
{
	const struct row *last = &l->chunk->row[l->end - 1];

	forget(r);
	struct db_stmt *st = db_bind(r->cat->db, SQL_ROWS_REST, "iibiii", r->series, l->dir,
				     (const void *)last->name, last->name_len, r->seq, r->seq,
				     (int64_t)CHUNK_MAX);
	struct chunk *c = st && db_stream(st) == 0 ? chunk_read(st, l->dir, CHUNK_MAX) : NULL;

	if (!c)
		return -1;
	chunk_unref(l->chunk);
	l->chunk = c;
	l->next = 0;
	l->end = c->n;
	l->more = !c->whole;
	return 0;
}

static void leave(struct rows *r)
{
	struct level *l = &r->levels[--r->depth];

	chunk_unref(l->chunk);
	while (l->npending > 0)
		free(l->pending[--l->npending].name);
	free(l->pending);
}

int row_is_hashed(const struct row *row)
{
	return row->e.digest_len && !row->expected;
}

struct rows *rows_open(struct catalog *cat, int64_t series, int64_t seq)
{
	struct rows *r = mem_alloc(sizeof(*r));

	r->cat = cat;
	r->series = series;
	r->seq = seq;
	r->size = CHUNK_MIN * 8;
	return r;
}

void rows_alone(struct rows *r)
{
	r->alone = 1;
}

static int descend(struct rows *r, struct level *l)
{
	struct pending p = l->pending[--l->npending];

	buf_cut(&r->path, l->prefix);
	buf_add(&r->path, p.name, p.len);
	if (p.len)
		buf_char(&r->path, '/');
	free(p.name);
	return enter(r, p.sub);
}

static void emit(struct rows *r, struct level *l, const struct row *row)
{
	r->row = *row;
	buf_cut(&r->path, l->prefix);
	buf_add(&r->path, row->name, row->name_len);
	r->row.e.path = r->path.p ? r->path.p : "";
	r->row.e.path_len = r->path.len;
	if (row->e.type == 'd') {
		l->pending = mem_more(l->pending, l->npending, sizeof(*l->pending));
		l->pending[l->npending++] = (struct pending){
			mem_dup(row->name, row->name_len), row->name_len, row->sub };
	}
}

int rows_next(struct rows *r, const struct row **row)
{
	*row = &r->row;
	if (!r->started) {
		r->started = 1;
		/* The top directory is the one row of directory 0. */
		if (enter(r, 0) < 0)
			return -1;
	}
	while (r->depth > 0) {
		struct level *l = &r->levels[r->depth - 1];

		if (l->next == l->end && l->more && refill(r, l) < 0)
			return -1;
		const struct row *next = l->next < l->end ? &l->chunk->row[l->next] : NULL;
		if (l->npending > 0) {
			const struct pending *p = &l->pending[l->npending - 1];

			if (entry_dir_first(p->name, p->len, next ? next->name : NULL,
					    next ? next->name_len : 0)) {
				if (descend(r, l) < 0)
					return -1;
				continue;
			}
		}
		if (!next) {
			leave(r);
			continue;
		}
		l->next++;
		emit(r, l, next);
		return 1;
	}
	return 0;
}

void rows_close(struct rows *r)
{
	if (!r)
		return;
	while (r->depth > 0)
		leave(r);
	forget(r);
	chunk_unref(r->ahead);
	free(r->levels);
	buf_free(&r->path);
	free(r);
}

int rows_dir_path(struct catalog *cat, int64_t series, int64_t dir, struct buf *path)
{
	struct buf up = { 0 }, ends = { 0 };	/* names from dir upwards, and where each ends */

	while (dir > ROWS_TOP) {
		struct db_stmt *st = db_bind(cat->db, SQL_DIR_GET, "ii", series, dir);
		int64_t parent = st && db_step(st) == DB_ROW ? db_int(st, 0) : dir;
		size_t len;

		/* A parent is older, so its number is smaller: this ends, whatever the catalog says. */
		if (parent >= dir) {
			msg_error("the catalog is damaged: it does not know where directory"
				  " %lld of series %lld lies", (long long)dir, (long long)series);
			db_reset(st);
			break;
		}
		const void *name = db_bytes(st, 1, &len);
		buf_add(&up, name, len);
		buf_add(&ends, &up.len, sizeof(up.len));
		db_reset(st);
		dir = parent;
	}
	for (size_t n = ends.len / sizeof(size_t); n-- > 0;) {
		size_t from = 0, to;

		memcpy(&to, ends.p + n * sizeof(to), sizeof(to));
		if (n)
			memcpy(&from, ends.p + (n - 1) * sizeof(from), sizeof(from));
		buf_add(path, up.p + from, to - from);
		buf_char(path, '/');
	}
	buf_free(&up);
	buf_free(&ends);
	return dir > ROWS_TOP ? -1 : 0;
}
