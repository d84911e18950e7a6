/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/msg.h"
#include "tree/hash.h"

void chunk_unref(struct chunk *c)
{
	if (!c || --c->refs > 0)
		return;
	free(c->row);
	buf_free(&c->bytes);
	free(c);
}

/*
 * A row points into the statement's memory, which is gone with the next step,
 * and bytes moves while it grows: keep offsets first, pointers come last.
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
	r->expected = db_int(st, 22) != 0;
	return 0;
}

size_t chunk_find(const struct chunk *c, int64_t dir)
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

/* There is more than was read: where do we go on? */
static void cut(struct chunk *c)
{
	int64_t last = c->row[c->n - 1].dir;

	c->torn = c->row[0].dir == last;
	if (!c->torn)
		c->n = chunk_find(c, last);
	c->next = last + c->torn;
}

struct chunk *chunk_read(struct db_stmt *st, int64_t from, int64_t limit)
{
	struct chunk *c = mem_alloc(sizeof(*c));
	size_t cap = CHUNK_MIN;
	struct offsets *off = mem_array(NULL, cap, sizeof(*off));
	enum db_got got;

	c->row = mem_array(NULL, cap, sizeof(*c->row));
	c->refs = 1;
	c->from = from;
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
	if (!c->whole)
		cut(c);
	return c;
}

int chunk_covers(const struct chunk *c, int64_t dir)
{
	return c && dir >= c->from && (c->whole || dir < c->next);
}
