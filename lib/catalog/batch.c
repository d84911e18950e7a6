/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/links.h"

#define OPS 4096		/* while they are written nothing is walked, and ss-hash lives on what it was told */
#define BYTES (2u << 20)	/* of paths, which may be long */

enum kind { OP_CLOSE, OP_OPEN };

struct op {
	enum kind kind;
	int64_t dir, sub, first;
	int64_t since;		/* of the inode; where it has several names each try to write finds it out */
	int make, shared;	/* that inode is to be added, with others of its names here */
	int fresh, want;
	size_t path, name, data;	/* offsets in bytes; name lies at the end of path */
	size_t name_len;
	struct entry e;
};

struct batch {
	struct catalog *cat;
	int64_t series, seq, oldest;
	const struct hash_algo *algo;
	batch_want_fn *want;
	void *arg;
	struct op *op;
	size_t n;
	size_t linked;		/* new files among them that may have other names */
	struct buf bytes;
	int64_t next_dir;	/* of the flush that is under way */
	struct db_tally inodes;	/* added by it */
	unsigned long conflicts;
};

struct batch *batch_new(struct catalog *cat, int64_t series, int64_t seq, int64_t oldest,
			const struct hash_algo *algo, batch_want_fn *want, void *arg)
{
	struct batch *b = mem_alloc(sizeof(*b));

	b->cat = cat;
	b->series = series;
	b->seq = seq;
	b->oldest = oldest;
	b->algo = algo;
	b->want = want;
	b->arg = arg;
	b->op = mem_array(NULL, OPS + 2, sizeof(*b->op));
	return b;
}

static struct op *push(struct batch *b, enum kind kind, const struct entry *e)
{
	struct op *op = &b->op[b->n++];
	const char *slash = memrchr(e->path, '/', e->path_len);

	*op = (struct op){ .kind = kind, .e = *e };
	op->name_len = slash ? (size_t)(e->path + e->path_len - slash - 1) : e->path_len;
	/* Only what may be told to the callback needs its path; in a deep tree those are long. */
	if (kind == OP_CLOSE || e->type != 'f')
		op->e.path_len = op->name_len;
	op->path = b->bytes.len;
	op->name = op->path + op->e.path_len - op->name_len;
	buf_add(&b->bytes, e->path + e->path_len - op->e.path_len, op->e.path_len);
	op->data = b->bytes.len;
	buf_add(&b->bytes, e->data, e->data_len);
	return op;
}

/* A file whose inode the caller does not know. */
static int is_new(const struct op *op)
{
	return op->kind == OP_OPEN && op->e.type == 'f' && !op->e.since;
}

void batch_close(struct batch *b, const struct row *row)
{
	struct op *op = push(b, OP_CLOSE, &row->e);

	op->dir = row->dir;
	op->first = row->first;
}

void batch_open(struct batch *b, const struct entry *e, int64_t dir, int64_t sub, int fresh)
{
	struct op *op = push(b, OP_OPEN, e);

	op->dir = dir;
	op->sub = sub;
	op->fresh = fresh;
	op->since = e->since;
	if (!is_new(op))
		return;
	if (e->nlink != 1) {
		b->linked++;
	} else {
		/* It has an inode nobody knows: its digest is wanted, and at once. */
		struct entry wanted = *e;

		op->make = 1;
		op->since = wanted.since = b->seq;
		b->want(&wanted, b->arg);
	}
}

void batch_want(struct batch *b, const struct entry *e)
{
	b->want(e, b->arg);
}

static const char *bytes(const struct batch *b, size_t at)
{
	return b->bytes.p ? b->bytes.p + at : "";
}

/* Find out which of the files with several names bring an inode.  0 or -1. */
static int find_links(struct batch *b)
{
	if (!b->linked)
		return 0;
	struct link *link = mem_array(NULL, b->n, sizeof(*link));
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (is_new(&b->op[i]))
			link[n++] = (struct link){ .e = &b->op[i].e, .turn = i,
						   .sole = b->op[i].e.nlink == 1 };
	int rc = links_find(b->cat, b->series, b->seq, b->oldest, link, n);
	for (size_t i = 0; i < n; i++) {
		struct op *op = &b->op[link[i].turn];

		op->since = link[i].since;
		op->make = link[i].make;
		op->shared = link[i].shared;
		op->want = !link[i].sole && (link[i].make || link[i].want);
	}
	free(link);
	return rc;
}

static int make_inode(struct batch *b, const struct op *op)
{
	const struct entry *e = &op->e;

	if (e->digest_len)
		return db_queue(b->cat->db, &b->inodes, SQL_INODE_EXPECT, "iiiiiiiiisb", b->series,
				(int64_t)e->ino, b->seq, e->btime, e->size, e->blocks, e->mtime,
				(int64_t)e->mtime_ns, (int64_t)op->shared, e->algo,
				(const void *)e->digest, e->digest_len);
	return db_queue(b->cat->db, &b->inodes, SQL_INODE_ADD, "iiiiiiiiisi", b->series,
			(int64_t)e->ino, b->seq, e->btime, e->size, e->blocks, e->mtime,
			(int64_t)e->mtime_ns, (int64_t)op->shared, hash_algo_name(b->algo),
			(int64_t)hash_algo_size(b->algo));
}

static int write_open(struct batch *b, struct op *op)
{
	struct db *db = b->cat->db;
	const struct entry *e = &op->e;
	int file = e->type == 'f';
	const char *name = bytes(b, op->name);

	if (op->make && make_inode(b, op) < 0)
		return -1;
	if (op->fresh && db_queue(db, NULL, SQL_DIR_ADD, "iiibi", b->series, op->sub, op->dir,
				  (const void *)name, op->name_len, b->seq) < 0)
		return -1;
	/* A regular file has its times in its inode. */
	return db_queue(db, NULL, SQL_ROW_ADD, file ? "iibiiiiizzznnn" : "iibiiiiizzziib",
			b->series, op->dir, (const void *)name, op->name_len, b->seq,
			(int64_t)e->type, (int64_t)e->mode, (int64_t)e->uid, (int64_t)e->gid,
			(int64_t)e->ino, op->since, op->sub, e->mtime, (int64_t)e->mtime_ns,
			(const void *)bytes(b, op->data), e->data_len);
}

static int write_all(void *arg)
{
	struct batch *b = arg;
	struct db *db = b->cat->db;

	b->inodes = (struct db_tally){ 0 };
	if (find_links(b) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		struct op *op = &b->op[i];
		int rc = 0;

		if (op->kind == OP_OPEN)
			rc = write_open(b, op);
		else if (op->kind == OP_CLOSE)
			rc = db_queue(db, NULL, SQL_ROW_CLOSE, "iiibi", b->seq - 1, b->series, op->dir,
				      (const void *)bytes(b, op->name), op->name_len, op->first);
		if (rc < 0)
			return -1;
	}
	return db_run(db, SQL_SERIES_NEXT_DIR, "ii", b->next_dir, b->series) < 0 ? -1 : 0;
}

int batch_flush(struct batch *b, int64_t next_dir, int force)
{
	if (!b->n || (!force && b->n < OPS && b->bytes.len < BYTES))
		return 0;
	b->next_dir = next_dir;
	if (db_transaction(b->cat->db, write_all, b) < 0)
		return -1;
	/* Met before in this very walk, as it was then: moved or written to meanwhile. */
	b->conflicts += (unsigned long)(b->inodes.rows - b->inodes.changed);
	for (size_t i = 0; i < b->n; i++) {
		struct op *op = &b->op[i];

		op->e.path = bytes(b, op->path);
		if (op->kind == OP_OPEN)
			op->e.since = op->since;
		op->e.data = "";
		op->e.data_len = 0;
		if (op->want)
			b->want(&op->e, b->arg);
	}
	b->n = b->linked = 0;
	buf_reset(&b->bytes);
	return 0;
}

unsigned long batch_conflicts(const struct batch *b)
{
	return b->conflicts;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	free(b->op);
	buf_free(&b->bytes);
	free(b);
}
