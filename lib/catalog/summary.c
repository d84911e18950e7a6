/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/summary.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/rows.h"
#include "tree/put.h"

/* Inodes of which more than one path is known, with the line of their first path. */
struct seen {
	struct {
		uint64_t ino;
		int64_t since;
		uint64_t line;	/* 0 = free */
	} *slot;
	size_t n, cap;		/* cap is a power of two */
};

static size_t place(const struct seen *s, uint64_t ino, int64_t since)
{
	size_t i = (ino * 0x9e3779b97f4a7c15u + (uint64_t)since) & (s->cap - 1);

	while (s->slot[i].line && (s->slot[i].ino != ino || s->slot[i].since != since))
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct seen *s)
{
	struct seen bigger = { .cap = s->cap ? s->cap * 2 : 1024 };

	bigger.slot = mem_alloc(bigger.cap * sizeof(*bigger.slot));
	for (size_t i = 0; i < s->cap; i++)
		if (s->slot[i].line)
			bigger.slot[place(&bigger, s->slot[i].ino, s->slot[i].since)] = s->slot[i];
	bigger.n = s->n;
	free(s->slot);
	*s = bigger;
}

/* Line of the inode's first path; 0 if this, line, is the first. */
static uint64_t first_line(struct seen *s, const struct entry *e, uint64_t line)
{
	if (s->n * 2 >= s->cap)
		grow(s);
	size_t i = place(s, e->ino, e->since);
	if (s->slot[i].line)
		return s->slot[i].line;
	s->slot[i].ino = e->ino;
	s->slot[i].since = e->since;
	s->slot[i].line = line;
	s->n++;
	return 0;
}

/* The fields up to LINKED, which both digests share. */
static void line_start(struct buf *b, const struct entry *e, uint64_t linked)
{
	const char type[] = { e->type, '\t' };

	buf_add(b, type, sizeof(type));
	put_mode(b, e->mode);
	put_unsigned(b, e->uid);
	put_unsigned(b, e->gid);
	put_signed(b, e->size);
	put_time(b, e->mtime, e->mtime_ns);
	put_unsigned(b, linked);
}

static void line_end(struct buf *b, const struct entry *e)
{
	escape_add(b, e->data, e->data_len);
	buf_char(b, '\t');
	escape_add(b, e->path, e->path_len);
	buf_char(b, '\n');
}

/* A digest that is being made; lines are collected before they are digested. */
struct digest {
	EVP_MD_CTX *ctx;
	struct buf lines;
};

#define LINES 65536

struct summing {
	struct summary sum;
	enum summary_wanted wanted;
	struct seen seen;
	struct digest metadata, full;
	struct buf start, end;
	int failed;		/* of EVP */
};

static void feed(struct summing *m, struct digest *d)
{
	if (d->lines.len && EVP_DigestUpdate(d->ctx, d->lines.p, d->lines.len) != 1)
		m->failed = 1;
	buf_reset(&d->lines);
}

/* Add the line of e; hashed: with its digest. */
static void add_line(struct summing *m, struct digest *d, const struct entry *e, int hashed)
{
	buf_add(&d->lines, m->start.p, m->start.len);
	if (hashed)
		put_digest(&d->lines, e);
	else
		buf_add(&d->lines, "-\t-\t", 4);
	buf_add(&d->lines, m->end.p, m->end.len);
	if (d->lines.len >= LINES)
		feed(m, d);
}

static void count(struct summary *sum, const struct entry *e, uint64_t linked)
{
	sum->entries++;
	if (e->type == 'f') {
		sum->files++;
		sum->unhashed += !e->digest_len;
		if (!linked) {
			count_add(&sum->bytes, e->size);
			count_add(&sum->blocks, e->blocks);
		}
	} else if (e->type == 'd') {
		sum->dirs++;
	} else {
		sum->others++;
	}
}

static int start_digest(struct digest *d)
{
	d->ctx = EVP_MD_CTX_new();
	return d->ctx && EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1;
}

struct summing *summary_begin(enum summary_wanted wanted)
{
	struct summing *m = mem_alloc(sizeof(*m));

	m->wanted = wanted;
	m->failed = !start_digest(&m->full) || !start_digest(&m->metadata);
	return m;
}

void summary_add(struct summing *m, const struct entry *e, int shared)
{
	uint64_t linked = e->type == 'f' && shared ?
		first_line(&m->seen, e, (uint64_t)m->sum.entries + 1) : 0;

	count(&m->sum, e, linked);
	if (m->failed || (m->wanted == SUMMARY_FULL && m->sum.unhashed))
		return;
	buf_reset(&m->start);
	buf_reset(&m->end);
	line_start(&m->start, e, linked);
	line_end(&m->end, e);
	if (m->wanted == SUMMARY_BOTH)
		add_line(m, &m->metadata, e, 0);
	if (!m->sum.unhashed)	/* else there will be no full digest */
		add_line(m, &m->full, e, 1);
}

void summary_row(struct summing *m, const struct row *row, const struct entry *e)
{
	struct entry unread;

	if (row->expected) {
		unread = *e;
		unread.digest_len = 0;
		e = &unread;
	}
	summary_add(m, e, row->shared);
}

static void finish(struct summing *m, struct digest *d, char *hex)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	struct buf b = { 0 };
	unsigned len;

	feed(m, d);
	if (m->failed || EVP_DigestFinal_ex(d->ctx, raw, &len) != 1 || len != 32) {
		m->failed = 1;
		return;
	}
	put_hex(&b, raw, len);
	memcpy(hex, b.p, 65);
	buf_free(&b);
}

static void free_digest(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	buf_free(&d->lines);
}

int summary_end(struct summing *m, struct summary *sum)
{
	int rc = 0;

	if (!m)
		return 0;
	if (sum) {
		if (m->wanted == SUMMARY_BOTH)
			finish(m, &m->metadata, m->sum.metadata);
		if (!m->sum.unhashed)
			finish(m, &m->full, m->sum.full);
		*sum = m->sum;
		rc = m->failed ? -1 : 0;
		if (rc)
			msg_error("OpenSSL cannot compute SHA-256");
	}
	free_digest(&m->metadata);
	free_digest(&m->full);
	free(m->seen.slot);
	buf_free(&m->start);
	buf_free(&m->end);
	free(m);
	return rc;
}

int summary_make(struct catalog *cat, int64_t series, int64_t seq, enum summary_wanted wanted,
		 struct summary *sum)
{
	struct summing *m = summary_begin(wanted);
	struct rows *rows = rows_open(cat, series, seq);
	const struct row *row;
	int got;

	*sum = (struct summary){ 0 };
	rows_alone(rows);
	while ((got = rows_next(rows, &row)) > 0)
		summary_row(m, row, &row->e);
	rows_close(rows);
	if (summary_end(m, got < 0 ? NULL : sum) < 0)
		got = -1;
	return got;
}
