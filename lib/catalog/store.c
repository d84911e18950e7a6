/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/same_disk.h"
#include "catalog/sign.h"
#include "catalog/summary.h"
#include "catalog/verdict.h"
#include "tree/keys.h"
#include "tree/stream.h"
#include "tree/volume.h"

#define BATCH 2048		/* the last one is waited for */
#define CHUNK 512		/* digests written before it is asked whether all were taken */
#define KEPT (4 * BATCH)	/* more than add has under way at any time */
#define BYTES (1u << 20)	/* the same two for the sum of their paths */
#define KEPT_BYTES (4 * BYTES)

enum fate {
	TAKEN,		/* or its digest is known already */
	MISSING,	/* the catalog has no such inode, or not yet */
	STRANGER,	/* the saveset does not hold that inode */
	EXPECTED,	/* the digest is the one that was expected */
	UNLIKE,		/* another algorithm than the one expected */
	DIFFERS,	/* it has another digest than the one that came */
};

struct store {
	struct catalog *cat;
	struct saveset saveset;
	int64_t held;		/* what holds at this sequence number is the saveset's; 0 = nothing is */
	struct entry *e;	/* their paths are malloc'd, for messages; without data */
	char *fate;		/* of each, an enum fate */
	size_t n, kept;		/* kept: those at the front that were missing before */
	size_t bytes, kept_bytes;	/* of their paths */
	int64_t since;		/* the oldest saveset whose inodes were among the records; 0 = none were */
	unsigned long failed;	/* records that ss-hash could not serve */
	unsigned long strange;	/* records of files that the saveset does not hold */
	char *stranger;		/* the path of one of these */
	unsigned long unlike;	/* records whose algorithm is not that of the digest expected */
	unsigned long differing;	/* of this batch */
	unsigned long conflicts;	/* of all */
};

/* In the order of the catalog, to which an inode is a signed number. */
static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int64_t i = (int64_t)x->ino, j = (int64_t)y->ino;

	if (i != j)
		return i < j ? -1 : 1;
	return (x->since > y->since) - (x->since < y->since);
}

/* These inodes, of the entries from..to), are the saveset's if one of its rows has them.  0, or -1 after reporting. */
static int pardon(struct store *s, const int64_t *ino, size_t from, size_t to)
{
	struct db_stmt *st = db_bind(s->cat->db, SQL_INODES_HELD, "iiia", s->saveset.series, s->held,
				     s->held, ino, (size_t)SQL_INODES);
	enum db_got got = DB_FAIL;

	/* Both are in the order of inode and first saveset. */
	for (size_t i = from; st && (got = db_step(st)) == DB_ROW;) {
		struct entry row = { .ino = (uint64_t)db_int(st, 0), .since = db_int(st, 1) };

		while (i < to && by_key(&s->e[i], &row) < 0)
			i++;
		for (size_t k = i; k < to && by_key(&s->e[k], &row) == 0; k++)
			s->fate[k] = TAKEN;
	}
	return got == DB_FAIL ? -1 : 0;
}

/*
 * Which records are of inodes that the saveset does not hold?  It holds what it brought; of
 * what was there before, and is left without a digest, there is seldom much.  Rows that add
 * writes at the same time: it tells of an older inode when one of its names is committed.
 * 0, or -1 after reporting.
 */
static int find_strangers(struct store *s)
{
	int64_t ino[SQL_INODES] = { 0 };
	size_t from = 0, n = 0;

	/* Each time: it may have been published, or taken back with all its rows, meanwhile. */
	s->held = 0;
	if (db_value(s->cat->db, &s->held, SQL_SAVESET_HOLDS_AT, "s", s->saveset.uid) < 0)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		if (s->e[i].since == s->held)
			continue;
		s->fate[i] = STRANGER;
		if (s->e[i].since > s->held)
			continue;
		from = n ? from : i;
		ino[n++] = (int64_t)s->e[i].ino;
		if (n < SQL_INODES)
			continue;
		if (pardon(s, ino, from, i + 1) < 0)
			return -1;
		memset(ino, 0, sizeof(ino));
		n = 0;
	}
	return n ? pardon(s, ino, from, s->n) : 0;
}

/* What the catalog holds for e, whose digest it did not take: the same, another, or no such file (yet)? */
static void compare(struct store *s, size_t i, struct db_stmt *st)
{
	const struct entry *e = &s->e[i];
	size_t alen, dlen;
	const void *algo = db_bytes(st, 2, &alen), *digest = db_bytes(st, 3, &dlen);

	if (s->fate[i] == STRANGER || db_is_null(st, 3) || db_int(st, 4) != e->size ||
	    db_int(st, 5) != e->mtime || db_int(st, 6) != e->mtime_ns)
		return;
	int expected = db_int(st, 7) != 0;

	if (alen != strlen(e->algo) || memcmp(algo, e->algo, alen))
		s->fate[i] = expected ? UNLIKE : TAKEN;
	else if (dlen != e->digest_len || memcmp(digest, e->digest, dlen))
		s->fate[i] = DIFFERS;
	else
		s->fate[i] = expected ? EXPECTED : TAKEN;
}

/*
 * Count the files whose content is not what was stored or expected, and mark them corrupt; those
 * that are as expected have been read now.  0, or -1 after reporting.
 */
static int judge(struct store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->fate[i] == EXPECTED &&
		    db_queue(s->cat->db, NULL, SQL_INODE_READ, "iii", s->saveset.series,
			     (int64_t)s->e[i].ino, s->e[i].since) < 0)
			return -1;
		if (s->fate[i] != DIFFERS)
			continue;
		s->differing++;
		if (db_queue(s->cat->db, NULL, SQL_INODE_VERDICT, "iiiiii", clock_now(),
			     (int64_t)VERDICT_CORRUPT, (int64_t)MEDIUM_UNKNOWN, s->saveset.series,
			     (int64_t)s->e[i].ino, s->e[i].since) < 0)
			return -1;
	}
	return 0;
}

/* Some of s->e[from..to), at most SQL_INODES, may not be taken: which, and why?  0, or -1 after reporting. */
static int look_some(struct store *s, size_t from, size_t to)
{
	int64_t ino[SQL_INODES] = { 0 };
	enum db_got got = DB_FAIL;
	size_t i = from;

	for (; i < to; i++) {
		ino[i - from] = (int64_t)s->e[i].ino;
		if (s->fate[i] != STRANGER)
			s->fate[i] = MISSING;
	}
	struct db_stmt *st = db_bind(s->cat->db, SQL_INODES_GET, "ia", s->saveset.series, ino,
				     (size_t)SQL_INODES);
	/* Both are in the order of inode and first saveset. */
	for (i = from; st && (got = db_step(st)) == DB_ROW;) {
		struct entry row = { .ino = (uint64_t)db_int(st, 0), .since = db_int(st, 1) };

		while (i < to && by_key(&s->e[i], &row) < 0)
			i++;
		for (size_t k = i; k < to && by_key(&s->e[k], &row) == 0; k++)
			compare(s, k, st);
	}
	return got == DB_FAIL ? -1 : 0;
}

static int look(struct store *s, size_t from, size_t to)
{
	for (size_t next; from < to; from = next) {
		next = from + SQL_INODES < to ? from + SQL_INODES : to;
		if (look_some(s, from, next) < 0)
			return -1;
	}
	return 0;
}

/* Transaction: the collected digests. */
static int write_batch(void *arg)
{
	struct store *s = arg;
	struct db *db = s->cat->db;

	s->differing = 0;
	memset(s->fate, TAKEN, s->n);
	if (find_strangers(s) < 0)
		return -1;
	for (size_t from = 0, to; from < s->n; from = to) {
		struct db_tally tally = { 0 };

		to = from + CHUNK < s->n ? from + CHUNK : s->n;
		for (size_t i = from; i < to; i++) {
			const struct entry *e = &s->e[i];

			if (s->fate[i] == STRANGER)
				continue;
			if (db_queue(db, &tally, SQL_INODE_DIGEST, "sbiiiiii", e->algo,
				     (const void *)e->digest, e->digest_len, s->saveset.series,
				     (int64_t)e->ino, e->since, e->size, e->mtime,
				     (int64_t)e->mtime_ns) < 0)
				return -1;
		}
		if (db_flush(db) < 0 || (tally.changed < tally.rows && look(s, from, to) < 0))
			return -1;
	}
	return judge(s);
}

static void let_go(struct entry *e)
{
	free((void *)(uintptr_t)e->path);	/* take() made it */
}

/* The record is of no file of the saveset. */
static void refuse(struct store *s, struct entry *e)
{
	if (!s->strange++)
		s->stranger = mem_strdup(escape_bytes(e->path, e->path_len));
}

/*
 * Write what was collected.  What the catalog misses is kept for the next time:
 * add commits its rows after it has told of them, but before it ends the stream.
 */
static int flush(struct store *s, int last)
{
	size_t kept = 0, bytes = 0;

	if (!s->n)
		return 0;
	qsort(s->e, s->n, sizeof(*s->e), by_key);
	if (db_transaction(s->cat->db, write_batch, s) < 0)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (s->fate[i] == MISSING) {
			kept++;
			bytes += s->e[i].path_len;
		}
	int enough = last || kept > KEPT || bytes > KEPT_BYTES;

	kept = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->fate[i] == MISSING && !enough) {
			s->e[kept++] = s->e[i];
			continue;
		}
		if (s->fate[i] == STRANGER || s->fate[i] == MISSING)
			refuse(s, &s->e[i]);
		s->unlike += s->fate[i] == UNLIKE;
		let_go(&s->e[i]);
	}
	s->conflicts += s->differing;
	s->n = s->kept = kept;
	s->bytes = s->kept_bytes = enough ? 0 : bytes;
	return 0;
}

struct remark {
	const struct saveset *s;
	const char *full;
	const struct volume *v;
	int found, unread, strange;
};

/* Rewrite the marker in this location, if it is the saveset's. */
static int remark(const char *location, int fd, void *arg)
{
	struct remark *r = arg;
	struct marker m;

	int got = marker_read(fd, r->s->host, &m);

	r->unread += got < 0;
	if (got <= 0 || strcmp(m.id, r->s->uid))
		return 0;
	/* What somebody else may have written must not get our seal. */
	if (keys_own() && !volume_attests(r->v, &m)) {
		msg_warn("%s: its marker in %s %s, and is left as it is; 'ss-catalog reconcile' seals it"
			 " if the tree is proved", escape_name(r->s->name), escape_name(location),
			 sign_lacks(r->v, &m));
		r->strange++;
		return 0;
	}
	memcpy(m.full, r->full, sizeof(m.full));
	if (marker_write(fd, r->s->host, &m) < 0)
		r->unread++;
	else
		r->found = 1;
	return 0;
}

/* Put the full digest into the marker, wherever it lies by now.  0, 1 it lies nowhere, -1. */
static int mark_full(const struct saveset *s, const char *full)
{
	struct volume v;
	struct remark r = { s, full, &v, 0, 0, 0 };
	int rc = volume_open(&v, s->root);

	if (rc == 0)
		rc = volume_is(&v, s->volume_uid);
	if (rc == 0)
		rc = volume_each(&v, remark, &r);
	if (rc == 0 && !r.found) {
		if (!r.strange)
			msg_warn("%s: its marker is not on disk any more", escape_name(s->name));
		rc = r.unread ? -1 : 1;
	}
	volume_close(&v);
	return rc;
}

struct hashed {
	struct catalog *cat;
	const struct saveset *s;
	const struct summary *sum;
};

static int write_full(void *arg)
{
	struct hashed *h = arg;

	if (h->sum->unhashed)
		return db_run(h->cat->db, SQL_SAVESET_UNHASHED, "ii", h->sum->unhashed, h->s->id) < 0
			? -1 : 0;
	return db_run(h->cat->db, SQL_SAVESET_HASHED, "sii", h->sum->full, clock_now(), h->s->id) < 0
		? -1 : 0;
}

int store_finish(struct catalog *cat, const struct saveset *s, int64_t *unhashed)
{
	struct summary sum;
	struct hashed h = { cat, s, &sum };

	*unhashed = 0;
	/* Nothing to find out where add has seen it all (an unchanged tree). */
	if (s->full[0] && !s->unhashed)
		return 0;
	if (summary_make(cat, s->series, s->seq, SUMMARY_FULL, &sum) < 0)
		return -1;
	*unhashed = sum.unhashed;
	/* The marker first: the catalog never claims what the disk does not know. */
	int marked = sum.unhashed ? 0 : mark_full(s, sum.full);
	if (marked)
		return marked;
	return db_transaction(cat->db, write_full, &h);
}

/* Take one record. */
static void take(struct store *s, const struct stream_rec *r)
{
	if (r->state != ST_OK || !r->e.digest_len || !r->e.since) {
		s->failed++;
		return;
	}
	if (!s->since || r->e.since < s->since)
		s->since = r->e.since;
	s->e[s->n] = r->e;
	s->e[s->n].path = mem_dup(r->e.path, r->e.path_len);
	s->e[s->n++].data = "";
	s->bytes += r->e.path_len;
}

/* Enough for once?  As many as are tried again, at least. */
static int is_full(const struct store *s)
{
	size_t fresh = s->n - s->kept, bytes = s->bytes - s->kept_bytes;

	return (fresh >= BATCH && fresh >= s->kept) || (bytes >= BYTES && bytes >= s->kept_bytes);
}

/* Read records until something else comes; all that was right is stored.  -1 after reporting. */
static int read_records(struct store *s, struct stream *in, enum stream_got *end)
{
	struct stream_rec r;

	while ((*end = stream_next(in, &r)) == STREAM_REC) {
		take(s, &r);
		if (is_full(s) && flush(s, 0) < 0)
			return -1;
	}
	return flush(s, 1);
}

/*
 * Others that share inodes with the saveset have got digests by its stream: what is left is
 * counted anew, and those that now have all are finished.  0 or -1.
 */
static int finish_others(const struct store *s, const struct saveset *self)
{
	struct saveset *list;
	int64_t unhashed;
	size_t n;
	int rc = catalog_list(s->cat, self->host, &list, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct saveset *o = &list[i];

		if (o->series == self->series && o->id != self->id && o->unhashed && o->seq >= s->since &&
		    o->locations[0] && store_finish(s->cat, o, &unhashed) < 0)
			rc = -1;
	}
	catalog_list_free(list, n);
	return rc;
}

/* The end of the stream was seen; what is the saveset now?  An exit code. */
static int conclude(struct store *s, enum stream_got end)
{
	const char *name = s->saveset.name;
	struct saveset now;
	int64_t unhashed = 0;
	int code = SS_OK;

	if (s->strange)
		msg_warn("%s: %lu records are of files it does not hold, and are not stored; one is of %s",
			 escape_name(name), s->strange, s->stranger);	/* escaped */
	if (s->unlike)
		msg_warn("%s: %lu files are expected to have a digest of another algorithm than these;"
			 " ss-verify reads them", escape_name(name), s->unlike);
	if (s->failed)
		msg_warn("%s: %lu files got no digest", escape_name(name), s->failed);
	if (s->conflicts)
		msg_error("%s: %lu files are corrupt: their digests differ from those stored before, which are"
			  " kept; see ROT in secondshot(7)", escape_name(name), s->conflicts);
	if (end == STREAM_CUT)
		msg_error("%s: the stream ends without its end line", escape_name(name));

	int got = catalog_by_uid(s->cat, s->saveset.uid, &now);
	if (got < 0)
		return SS_FAIL;
	if (got == 0 && now.seq) {
		int marked = store_finish(s->cat, &now, &unhashed);

		if (marked)
			code = marked < 0 ? SS_FAIL : SS_INCOMPLETE;
		if (unhashed)
			msg_warn("%s: %lld files are still without digest", escape_name(name),
				 (long long)unhashed);
		if (s->since && finish_others(s, &now) < 0)
			code = SS_FAIL;
	} else if (got == 1) {
		msg_error("%s: is not in the catalog any more", escape_name(name));
		code = SS_FAIL;
	} else if (end == STREAM_END && now.status != SV_FAILED) {
		msg_error("%s: was not published", escape_name(name));
		code = SS_FAIL;
	}
	if (got == 0)
		saveset_free(&now);
	if (code == SS_FAIL || end == STREAM_BAD)
		return SS_FAIL;
	if (s->conflicts)
		return SS_FINDINGS;
	return code == SS_INCOMPLETE || unhashed || end != STREAM_END || s->failed ||
	       s->strange ? SS_INCOMPLETE : SS_OK;
}

/* Is the disk there that the saveset lies on?  1, or 0 after reporting. */
static int is_online(struct catalog *cat, const struct saveset *s)
{
	struct volume v;
	int yes = volume_open(&v, s->root) == 0 && volume_is(&v, s->volume_uid) == 0 &&
		  same_disk_check(cat, &v) == 0;

	volume_close(&v);
	return yes;
}

int store_run(struct catalog *cat, FILE *file)
{
	struct store s = { .cat = cat };
	struct stream *in = stream_open(file);
	const struct stream_head *h;
	enum stream_got got = stream_head(in, &h);
	int code = SS_FAIL;

	if (got == STREAM_EMPTY) {
		msg_error("the stream is empty");
	} else if (got == STREAM_REC && (!h->saveset || !h->marker)) {
		msg_error("the stream names no saveset");
	} else if (got == STREAM_REC) {
		int found = catalog_by_uid(cat, h->marker, &s.saveset);

		if (found == 1 || (found == 0 && strcmp(s.saveset.name, h->saveset)))
			msg_error("%s: the catalog has no such saveset", escape_name(h->saveset));
		else if (found == 0 && is_online(cat, &s.saveset)) {
			s.e = mem_array(NULL, 2 * KEPT, sizeof(*s.e));
			s.fate = mem_alloc(2 * KEPT);
			if (read_records(&s, in, &got) == 0)
				code = conclude(&s, got);
		}
	}
	saveset_free(&s.saveset);
	for (size_t i = 0; i < s.n; i++)
		let_go(&s.e[i]);
	free(s.e);
	free(s.fate);
	free(s.stranger);
	stream_close(in);
	return code;
}
