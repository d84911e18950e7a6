/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream.c - reading secondshot-stream(5). */
#include "tree/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/hash.h"

#define STREAM_FIELDS 14

static const char *const stream_states[] = { "-", "ok", "changed", "missing", "moved", "unreadable" };
static const char *const stream_media[] = { "-", "media", "cache", "unknown" };

#define STREAM_STATES (sizeof(stream_states) / sizeof(stream_states[0]))
#define STREAM_MEDIA (sizeof(stream_media) / sizeof(stream_media[0]))

const char *stream_state_name(enum stream_state s)
{
	return stream_states[s];
}

const char *stream_medium_name(enum stream_medium m)
{
	return stream_media[m];
}

struct stream {
	struct lines *lines;
	int own;		/* lines is ours to close */
	char delim;
	uint64_t line, count;
	enum lines_got got;	/* the line last read, and whether it is to be read again */
	char *p;
	size_t len;
	int kept;
	int part;		/* the end said, or its count, that records were taken out */
	struct stream_head head;
	struct buf path;
};

struct stream *stream_over(struct lines *l)
{
	struct stream *s = mem_alloc(sizeof(*s));

	s->lines = l;
	s->delim = '\n';
	return s;
}

struct stream *stream_open(FILE *in)
{
	struct stream *s = stream_over(lines_open(in));

	s->own = 1;
	return s;
}

int stream_sniff(struct lines *l)
{
	return lines_peek(l, STREAM_MAGIC, strlen(STREAM_MAGIC));
}

int stream_is_zero(const struct stream *s)
{
	return s->delim == '\0';
}

int stream_ready(const struct stream *s, int timeout)
{
	return s->kept || lines_ready(s->lines, s->delim, timeout);
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->own)
		lines_close(s->lines);
	free(s->head.saveset);
	free(s->head.root);
	free(s->head.marker);
	free(s->head.hash);
	buf_free(&s->path);
	free(s);
}

static enum stream_got stream_bad(const struct stream *s, const char *why)
{
	msg_error("stream, line %" PRIu64 ": %s", s->line, why);
	return STREAM_BAD;
}

static enum lines_got stream_line(struct stream *s)
{
	if (s->kept) {
		s->kept = 0;
		return s->got;
	}
	s->p = NULL;
	s->len = 0;
	s->line++;
	s->got = lines_next(s->lines, s->delim, &s->p, &s->len);
	return s->got;
}

/* The first line, which also says whether lines end with NUL. */
static enum stream_got head_first(struct stream *s)
{
	static const char first[] = STREAM_MAGIC STREAM_VERSION;
	const size_t whole = sizeof(first) - 1, magic = strlen(STREAM_MAGIC);

	if (lines_peek(s->lines, first, sizeof(first)))
		s->delim = '\0';
	switch (stream_line(s)) {
	case LINES_ERROR:
		return stream_bad(s, strerror(errno));
	case LINES_EOF:
		return STREAM_EMPTY;
	case LINES_TORN:	/* the cut comes with the next line */
		if (s->len <= whole && memcmp(s->p, first, s->len) == 0)
			return STREAM_REC;
		break;
	case LINES_ONE:
		if (s->len == whole && memcmp(s->p, first, whole) == 0)
			return STREAM_REC;
		if (s->len > magic && memcmp(s->p, first, magic) == 0)
			return stream_bad(s, "a version of secondshot-stream that is not known here");
		break;
	}
	return stream_bad(s, "this is no secondshot-stream");
}

/* Take "#key VALUE" into its place.  -1: no such key, given twice, or a bad value. */
static int head_line(struct stream *s)
{
	const struct { const char *key; char **to; } keys[] = {
		{ "#saveset ", &s->head.saveset }, { "#root ", &s->head.root },
		{ "#marker ", &s->head.marker }, { "#hash ", &s->head.hash },
	};
	struct buf b = { 0 };
	size_t i, n;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		n = strlen(keys[i].key);
		if (s->len <= n || memcmp(s->p, keys[i].key, n) != 0 || *keys[i].to)
			continue;
		if (escape_undo(&b, s->p + n, s->len - n) || strlen(b.p) != b.len)
			break;
		*keys[i].to = b.p;
		return 0;
	}
	buf_free(&b);
	return -1;
}

static int line_is_end(const struct stream *s)
{
	return s->len >= 5 && memcmp(s->p, "#end ", 5) == 0;
}

enum stream_got stream_head(struct stream *s, const struct stream_head **h)
{
	enum stream_got got = head_first(s);

	*h = &s->head;
	if (got != STREAM_REC)
		return got;
	while (stream_line(s) == LINES_ONE && s->len && s->p[0] == '#' && !line_is_end(s))
		if (head_line(s))
			return stream_bad(s, "not a line of the header");
	if (s->got == LINES_ERROR)
		return stream_bad(s, strerror(errno));
	s->kept = 1;
	return STREAM_REC;
}

struct field {
	const char *p;
	size_t len;
};

/* Digits of a base up to max, nothing else.  0, or -1. */
static int field_number(struct field f, unsigned base, uint64_t max, uint64_t *n)
{
	unsigned digit;
	size_t i;

	*n = 0;
	for (i = 0; i < f.len; i++) {
		digit = (unsigned char)f.p[i] - (unsigned)'0';
		if (digit >= base || *n > (max - digit) / base)
			return -1;
		*n = *n * base + digit;
	}
	return f.len ? 0 : -1;
}

static int field_signed(struct field f, int64_t *n)
{
	int minus = f.len && f.p[0] == '-';
	uint64_t u;

	if (minus)
		f = (struct field){ f.p + 1, f.len - 1 };
	if (field_number(f, 10, (uint64_t)INT64_MAX + (minus ? 1 : 0), &u))
		return -1;
	*n = (int64_t)(minus ? 0 - u : u);
	return 0;
}

static int field_time(struct field f, int64_t *seconds, uint32_t *ns)
{
	uint64_t u;

	if (f.len < 11 || f.p[f.len - 10] != '.' ||
	    field_signed((struct field){ f.p, f.len - 10 }, seconds) ||
	    field_number((struct field){ f.p + f.len - 9, 9 }, 10, 999999999, &u))
		return -1;
	*ns = (uint32_t)u;
	return 0;
}

static int field_word(struct field f, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(words[i]) == f.len && memcmp(words[i], f.p, f.len) == 0)
			return (int)i;
	return -1;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Algorithm and digest: both or neither, of the length that belongs to it.  What is wrong, or NULL. */
static const char *field_digest(struct field algo, struct field hex, struct entry *e)
{
	const struct hash_algo *a;
	char name[16];
	size_t i;
	int high, low;

	if (algo.len == 1 && algo.p[0] == '-')
		return hex.len == 1 && hex.p[0] == '-' ? NULL : "a digest without its algorithm";
	if (algo.len >= sizeof(name))
		return "an unknown algorithm";
	memcpy(name, algo.p, algo.len);
	name[algo.len] = '\0';
	a = hash_algo_find(name);
	if (!a)
		return "an unknown algorithm";
	if (hex.len != 2 * hash_algo_size(a))
		return "a digest of the wrong length";
	for (i = 0; i < hex.len; i += 2) {
		high = hex_value(hex.p[i]);
		low = hex_value(hex.p[i + 1]);
		if (high < 0 || low < 0)
			return "a digest that is not hexadecimal";
		e->digest[i / 2] = (unsigned char)(high << 4 | low);
	}
	e->algo = hash_algo_name(a);
	e->digest_len = hex.len / 2;
	return NULL;
}

/* The numbers of a record, fields 2 to 9.  What is wrong, or NULL. */
static const char *record_numbers(const struct field *f, struct entry *e)
{
	uint64_t mode, uid, gid, ino;

	if (field_number(f[2], 8, 07777, &mode))
		return "a bad mode";
	if (field_number(f[3], 10, UINT32_MAX, &uid) || field_number(f[4], 10, UINT32_MAX, &gid))
		return "a bad owner or group";
	if (field_signed(f[5], &e->size) || e->size < 0)
		return "a bad size";
	if (field_time(f[6], &e->mtime, &e->mtime_ns))
		return "a bad mtime";
	if (field_number(f[7], 10, UINT64_MAX, &ino))
		return "a bad inode number";
	if (field_signed(f[8], &e->btime) || field_signed(f[9], &e->since) || e->since < 0)
		return "a bad birth time or since";
	e->mode = (uint32_t)mode;
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	e->ino = ino;
	return NULL;
}

static const char *record_path(struct stream *s, struct field f, struct entry *e)
{
	if (stream_is_zero(s)) {
		e->path = f.p;
		e->path_len = f.len;
		return NULL;
	}
	buf_reset(&s->path);
	if (escape_undo(&s->path, f.p, f.len))
		return "a bad escape in the path";
	if (strlen(s->path.p) != s->path.len)
		return "a NUL in the path";
	e->path = s->path.p;
	e->path_len = s->path.len;
	return NULL;
}

/* What is wrong with the record in s->p, or NULL. */
static const char *record_parse(struct stream *s, struct stream_rec *r)
{
	struct field f[STREAM_FIELDS];
	const char *p = s->p, *end = s->p + s->len, *tab, *why;
	size_t i;
	int state, medium;

	for (i = 0; i < STREAM_FIELDS - 1; i++) {
		tab = memchr(p, '\t', (size_t)(end - p));
		if (!tab)
			return "a record with too few fields";
		f[i] = (struct field){ p, (size_t)(tab - p) };
		p = tab + 1;
	}
	f[i] = (struct field){ p, (size_t)(end - p) };
	*r = (struct stream_rec){ .e.data = "" };
	state = field_word(f[0], stream_states, STREAM_STATES);
	medium = field_word(f[10], stream_media, STREAM_MEDIA);
	if (state < 0 || medium < 0)
		return "an unknown state or medium";
	if (f[1].len != 1 || !f[1].p[0] || !strchr("fdlpsbc?", f[1].p[0]))
		return "an unknown type";
	r->state = (enum stream_state)state;
	r->medium = (enum stream_medium)medium;
	r->e.type = f[1].p[0];
	why = record_numbers(f, &r->e);
	if (!why)
		why = field_digest(f[11], f[12], &r->e);
	if (!why && (r->state == ST_OK) != (r->e.algo != NULL))
		why = "a digest belongs to what is ok, and to nothing else";
	return why ? why : record_path(s, f[13], &r->e);
}

/* The line is "#end COUNT" or "#end -": is it right, and really the end?  A filter may have taken records out. */
static enum stream_got record_end(struct stream *s)
{
	struct field f = { s->p + 5, s->len - 5 };
	uint64_t n;

	if (f.len == 1 && *f.p == '-')
		s->part = 1;
	else if (field_number(f, 10, UINT64_MAX - 1, &n) || n < s->count)
		return stream_bad(s, "the end counts fewer records than there were");
	else
		s->part = n > s->count;
	switch (stream_line(s)) {
	case LINES_EOF:
		s->kept = 1;
		return STREAM_END;
	case LINES_ERROR:
		return stream_bad(s, strerror(errno));
	default:
		return stream_bad(s, "something follows the end");
	}
}

int stream_is_part(const struct stream *s)
{
	return s->part;
}

enum stream_got stream_next(struct stream *s, struct stream_rec *r)
{
	const char *why;

	switch (stream_line(s)) {
	case LINES_ERROR:
		return stream_bad(s, strerror(errno));
	case LINES_EOF:
	case LINES_TORN:
		return STREAM_CUT;
	case LINES_ONE:
		break;
	}
	if (line_is_end(s))
		return record_end(s);
	why = record_parse(s, r);
	if (why)
		return stream_bad(s, why);
	s->count++;
	return STREAM_REC;
}
