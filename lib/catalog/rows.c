/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/hash.h"

#define CHUNK_MIN 64
#define CHUNK_MAX 4096

/*
 * Rows as they came from one statement: every row of the directories from
 * `from` on, up to the last row read.  A level of the walk that has rows here
 * holds a reference.
 */
struct chunk {
	int refs;
	struct row *row;
	size_t n;
	int64_t from;
	int whole;		/* nothing comes behind the last row */
	struct buf bytes;	/* names and data of the rows */
};

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
	struct level *levels;
	size_t depth, cap;
	struct buf path;
	struct row row;
	int started;
};

static void chunk_unref(struct chunk *c)
{
	if (!c || --c->refs > 0)
		return;
	free(c->row);
	buf_free(&c->bytes);
	free(c);
}

/*
 * A row points into the statement's memory, which is gone with the next step,
 * and bytes moves while it grows: keep offsets first, fix() makes them pointers.
 */
static size_t keep(struct chunk *c, struct db_stmt *st, int col, size_t *len)
{
	const void *p = db_bytes(st, col, len);
	size_t at = c->bytes.len;

	buf_add(&c->bytes, p, *len);
	buf_char(&c->bytes, 0);
	return at;
}

struct offsets {
	size_t name, data;
};

/* Numbers that only a damaged catalog has. */
static int absurd(struct db_stmt *st)
{
	int64_t type = db_int(st, 4), mode = db_int(st, 5), uid = db_int(st, 6), gid = db_int(st, 7);
	int64_t ns = db_int(st, 12);

	return type < 0 || type > 127 || mode < 0 || mode > 07777 || uid < 0 || uid > UINT32_MAX ||
	       gid < 0 || gid > UINT32_MAX || ns < 0 || ns > 999999999;
}

static int decode(struct chunk *c, struct row *r, struct offsets *o, struct db_stmt *st)
{
	size_t len;

	*r = (struct row){ .dir = db_int(st, 0), .first = db_int(st, 2), .last = db_int(st, 3),
			   .sub = db_int(st, 10), .shared = db_int(st, 17),
			   .verified = db_int(st, 20), .verdict = db_int(st, 21) };
	o->name = keep(c, st, 1, &r->name_len);
	o->data = keep(c, st, 13, &r->e.data_len);
	r->e.type = (char)db_int(st, 4);
	r->e.mode = db_int(st, 5);
	r->e.uid = db_int(st, 6);
	r->e.gid = db_int(st, 7);
	r->e.ino = (uint64_t)db_int(st, 8);
	r->e.since = db_int(st, 9);
	r->e.mtime = db_int(st, 11);
	r->e.mtime_ns = db_int(st, 12);
	/* A directory is numbered after the one it lies in; else there would be no end of reading. */
	if (absurd(st) || (r->e.type == 'd' && r->sub <= r->dir)) {
		msg_error("the catalog is damaged: the row of %s makes no sense",
			  escape_bytes(c->bytes.p + o->name, r->name_len));
		return -1;
	}
	if (r->e.type != 'f')
		return 0;
	if (db_is_null(st, 14)) {
		msg_error("the catalog is damaged: a row of %s has no inode",
			  escape_bytes(c->bytes.p + o->name, r->name_len));
		return -1;
	}
	r->e.size = db_int(st, 14);
	r->e.blocks = db_int(st, 15);
	r->e.btime = db_int(st, 16);
	if (db_is_null(st, 19))
		return 0;

	char algo[32] = "";
	const void *p = db_bytes(st, 18, &len);
	memcpy(algo, p, len < sizeof(algo) ? len : sizeof(algo) - 1);
	const struct hash_algo *a = hash_algo_find(algo);
	p = db_bytes(st, 19, &len);
	if (!a || len != hash_algo_size(a)) {
		msg_error("the catalog is damaged: the digest of %s is none",
			  escape_bytes(c->bytes.p + o->name, r->name_len));
		return -1;
	}
	r->e.algo = hash_algo_name(a);
	memcpy(r->e.digest, p, len);
	r->e.digest_len = len;
	return 0;
}

/* Read what st gives into a new chunk.  NULL after reporting. */
static struct chunk *read_chunk(struct db_stmt *st, int64_t from, int64_t limit)
{
	struct chunk *c = mem_alloc(sizeof(*c));
	size_t cap = CHUNK_MIN;
	struct offsets *off = mem_array(NULL, cap, sizeof(*off));
	enum db_got got;

	c->row = mem_array(NULL, cap, sizeof(*c->row));
	c->refs = 1;
	c->from = from;
	db_stream(st);
	while ((got = db_step(st)) == DB_ROW) {
		if (c->n == cap) {
			cap *= 2;
			c->row = mem_array(c->row, cap, sizeof(*c->row));
			off = mem_array(off, cap, sizeof(*off));
		}
		if (decode(c, &c->row[c->n], &off[c->n], st) < 0) {
			db_reset(st);
			got = DB_FAIL;
			break;
		}
		c->n++;
	}
	for (size_t i = 0; i < c->n; i++) {
		c->row[i].name = c->bytes.p + off[i].name;
		c->row[i].e.data = c->bytes.p + off[i].data;
	}
	free(off);
	c->whole = (int64_t)c->n < limit;
	if (got == DB_FAIL) {
		chunk_unref(c);
		return NULL;
	}
	return c;
}

/* Make r->ahead a chunk that starts with the rows of dir.  0 or -1. */
static int read_ahead(struct rows *r, int64_t dir)
{
	/* Most of the last one was of use: the order holds, so ask for more at once. */
	if (r->ahead && r->used * 2 > r->ahead->n)
		r->size = r->size * 4 < CHUNK_MAX ? r->size * 4 : CHUNK_MAX;
	else if (r->size > CHUNK_MIN)
		r->size /= 2;
	chunk_unref(r->ahead);
	r->ahead = NULL;
	r->used = 0;

	struct db_stmt *st = db_bind(r->cat->db, SQL_ROWS_FROM, "iiiii", r->series, dir,
				     r->seq, r->seq, r->size);
	if (st)
		r->ahead = read_chunk(st, dir, r->size);
	return r->ahead ? 0 : -1;
}

static size_t lower_bound(const struct chunk *c, int64_t dir)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->row[mid].dir < dir)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Does the chunk hold all rows of dir, or at least the first ones? */
static int covers(const struct chunk *c, int64_t dir)
{
	return c && dir >= c->from && (c->whole || (c->n && dir <= c->row[c->n - 1].dir));
}

/* Go into directory dir, whose path is all of r->path.  0 or -1. */
static int enter(struct rows *r, int64_t dir)
{
	if (!covers(r->ahead, dir) && read_ahead(r, dir) < 0)
		return -1;
	if (r->depth == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->levels = mem_array(r->levels, r->cap, sizeof(*r->levels));
	}
	struct level *l = &r->levels[r->depth++];
	struct chunk *c = r->ahead;

	*l = (struct level){ .dir = dir, .prefix = r->path.len, .chunk = c };
	c->refs++;
	l->next = l->end = lower_bound(c, dir);
	while (l->end < c->n && c->row[l->end].dir == dir)
		l->end++;
	l->more = l->end == c->n && !c->whole;
	r->used += l->end - l->next;
	return 0;
}

/* Get the rows of the level behind those it had.  0 or -1. */
static int refill(struct rows *r, struct level *l)
{
	const struct row *last = &l->chunk->row[l->end - 1];
	struct db_stmt *st = db_bind(r->cat->db, SQL_ROWS_REST, "iibiii", r->series, l->dir,
				     (const void *)last->name, last->name_len, r->seq, r->seq,
				     (int64_t)CHUNK_MAX);
	struct chunk *c = st ? read_chunk(st, l->dir, CHUNK_MAX) : NULL;

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

struct rows *rows_open(struct catalog *cat, int64_t series, int64_t seq)
{
	struct rows *r = mem_alloc(sizeof(*r));

	r->cat = cat;
	r->series = series;
	r->seq = seq;
	r->size = CHUNK_MIN * 8;
	return r;
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
		l->pending = mem_array(l->pending, l->npending + 1, sizeof(*l->pending));
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
