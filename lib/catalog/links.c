/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* links.c - new names of files, by inode: the catalog is asked for many at once. */
#include "catalog/links.h"

#include <stdlib.h>

#include "base/mem.h"

/* An inode that the catalog has, and may be the one of a new name. */
struct known {
	struct entry e;		/* ino, since, btime, size, mtime */
	int shared, hashed;
	int usable;		/* this walk brought it, or a saveset holds it that lies somewhere */
};

struct finding {
	struct catalog *cat;
	int64_t series, seq, oldest;
	struct known *known;	/* of SQL_INODES numbers, the newest of each number last */
	size_t n, cap;
};

/* Those of one inode side by side, as the walk met them. */
static int by_inode(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->e->ino != y->e->ino)
		return x->e->ino < y->e->ino ? -1 : 1;
	return (x->turn > y->turn) - (x->turn < y->turn);
}

static int same_file(const struct entry *a, const struct entry *b)
{
	return a->ino == b->ino && a->btime == b->btime && a->size == b->size &&
	       a->mtime == b->mtime && a->mtime_ns == b->mtime_ns;
}

/* Which of the known ones does something on disk still cover?  The others may be anybody's.  0, or -1 after reporting. */
static int ask_covered(struct finding *f, const int64_t *ino)
{
	struct db_stmt *st = db_bind(f->cat->db, SQL_INODES_COVERED, "ia", f->series, ino,
				     (size_t)SQL_INODES);
	enum db_got got = DB_FAIL;

	while (st && (got = db_step(st)) == DB_ROW)
		for (size_t i = 0; i < f->n; i++)
			if (f->known[i].e.ino == (uint64_t)db_int(st, 0) &&
			    f->known[i].e.since == db_int(st, 1))
				f->known[i].usable = 1;
	return got == DB_FAIL ? -1 : 0;
}

/* What the catalog has of these numbers; those not needed are 0.  0, or -1 after reporting. */
static int ask(struct finding *f, const int64_t *ino)
{
	struct db_stmt *st = db_bind(f->cat->db, SQL_INODES_SEEN, "iia", f->series, f->oldest, ino,
				     (size_t)SQL_INODES);
	enum db_got got = DB_FAIL;
	size_t older = 0;

	f->n = 0;
	while (st && (got = db_step(st)) == DB_ROW) {
		if (f->n == f->cap) {
			f->cap = f->cap ? f->cap * 2 : SQL_INODES;
			f->known = mem_array(f->known, f->cap, sizeof(*f->known));
		}
		f->known[f->n++] = (struct known){
			.e = { .ino = (uint64_t)db_int(st, 0), .since = db_int(st, 1),
			       .btime = db_int(st, 2), .size = db_int(st, 3), .mtime = db_int(st, 4),
			       .mtime_ns = (uint32_t)db_int(st, 5) },
			.shared = db_int(st, 6) != 0, .hashed = db_int(st, 7) != 0,
			.usable = db_int(st, 1) == f->seq,
		};
		older += !f->known[f->n - 1].usable;
	}
	if (got == DB_FAIL)
		return -1;
	return older ? ask_covered(f, ino) : 0;
}

/* The newest of the known ones that e is a name of, or NULL. */
static struct known *find(struct finding *f, const struct entry *e)
{
	int64_t oldest = e->btime ? f->oldest : f->seq;

	for (size_t i = f->n; i-- > 0;)
		if (f->known[i].usable && same_file(&f->known[i].e, e) &&
		    f->known[i].e.since >= oldest)
			return &f->known[i];
	return NULL;
}

/* A name of an inode that is known.  0, or -1 after reporting. */
static int join(struct finding *f, struct link *l, struct known *k)
{
	l->since = k->e.since;
	/* Whoever brought it in this walk has asked for its digest. */
	l->want = !k->hashed && k->e.since < f->seq;
	k->hashed = 1;
	if (k->shared)
		return 0;
	k->shared = 1;
	return db_queue(f->cat->db, NULL, SQL_INODE_SHARED, "iii", f->series,
			(int64_t)k->e.ino, k->e.since);
}

/* Has this walk brought an inode of that number before? */
static int is_brought(const struct finding *f, uint64_t ino)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->known[i].e.ino == ino && f->known[i].e.since == f->seq)
			return 1;
	return 0;
}

/* The n names of one number: each joins the first that brings an inode, if alike, or what is known. */
static int settle(struct finding *f, struct link *l, size_t n)
{
	int brought = is_brought(f, l->e->ino);
	struct link *first = NULL;	/* whose inode it will be: all other new ones conflict with it */

	for (; n; n--, l++) {
		struct known *k = l->sole ? NULL : find(f, l->e);

		l->since = f->seq;
		if (!l->sole && first && same_file(first->e, l->e)) {
			first->shared = 1;
		} else if (k) {
			if (join(f, l, k) < 0)
				return -1;
		} else {
			l->make = 1;
			if (!first && !brought)
				first = l;
		}
	}
	return 0;
}

/* How many of n, from the first on, have its number? */
static size_t alike(const struct link *l, size_t n)
{
	size_t same = 1;

	while (same < n && l[same].e->ino == l->e->ino)
		same++;
	return same;
}

/* Is one of these n a name that may join what the catalog has? */
static int may_join(const struct link *l, size_t n)
{
	while (n && l[n - 1].sole)
		n--;
	return n > 0;
}

/* Settle the first ones of n: those of SQL_INODES numbers.  How many, or 0 after reporting. */
static size_t settle_some(struct finding *f, struct link *link, size_t n)
{
	int64_t ino[SQL_INODES] = { 0 };
	size_t end = 0, from = 0, numbers = 0;

	for (size_t same; end < n && numbers < SQL_INODES; end += same) {
		same = alike(link + end, n - end);
		if (may_join(link + end, same))
			ino[numbers++] = (int64_t)link[end].e->ino;
	}
	if (numbers && ask(f, ino) < 0)
		return 0;
	for (size_t same; from < end; from += same) {
		same = alike(link + from, end - from);
		if (settle(f, link + from, same) < 0)
			return 0;
	}
	return end;
}

int links_find(struct catalog *cat, int64_t series, int64_t seq, int64_t oldest,
	       struct link *link, size_t n)
{
	struct finding f = { .cat = cat, .series = series, .seq = seq, .oldest = oldest };
	size_t done = 0, some = 1;

	for (size_t i = 0; i < n; i++)
		link[i].make = link[i].shared = link[i].want = 0;
	qsort(link, n, sizeof(*link), by_inode);
	for (; done < n && some; done += some)
		some = settle_some(&f, link + done, n - done);
	free(f.known);
	return done < n ? -1 : 0;
}
