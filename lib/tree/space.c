/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* space.c - is there room on a volume for what a run will write? */
#include "tree/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/escape.h"
#include "base/msg.h"
#include "base/progress.h"
#include "tree/record.h"

#define SPACE_FILE "space"
#define SPACE_KEPT 32		/* configurations */
#define SPACE_WORD 32		/* bytes */

static double percent(uint64_t part, uint64_t whole)
{
	return 100.0 * (double)part / (double)whole;
}

static void count_text(char *to, size_t size, double n)
{
	snprintf(to, size, "%.0f", n);
}

/* text: how a number is written; of: what is counted, with a space before it, or "". */
static enum space_verdict judge(uint64_t free, uint64_t all, uint64_t last, int min_free,
				void (*text)(char *to, size_t size, double n), const char *of, struct buf *why)
{
	char a[40], b[40], c[40];
	enum space_verdict v;

	if (all == 0)
		return SPACE_OK;
	v = percent(free, all) < min_free ? SPACE_FULL :
	    free < last || percent(free - last, all) < min_free ? SPACE_TIGHT : SPACE_OK;
	if (v == SPACE_OK)
		return v;
	text(a, sizeof(a), (double)free);
	text(b, sizeof(b), (double)all);
	text(c, sizeof(c), (double)last);
	buf_printf(why, "%s%s of %s%s are free (%.1f%%)", why->len ? "; " : "", a, b, of, percent(free, all));
	if (v == SPACE_TIGHT)
		buf_printf(why, ", the last run took %s", c);
	return v;
}

enum space_verdict space_judge(const struct space *s, const struct space_used *last, int min_free,
			       struct buf *why)
{
	enum space_verdict bytes, inodes;

	if (min_free <= 0)
		return SPACE_OK;
	bytes = judge(s->bytes_free, s->bytes, last->bytes, min_free, progress_bytes,
		      "", why);
	inodes = judge(s->inodes_free, s->inodes, last->inodes, min_free, count_text,
		       " inodes", why);
	return bytes > inodes ? bytes : inodes;
}

struct space_used space_taken(const struct space *before, const struct space *after)
{
	struct space_used u = { 0 };

	if (before->bytes_free > after->bytes_free)
		u.bytes = before->bytes_free - after->bytes_free;
	if (before->inodes_free > after->inodes_free)
		u.inodes = before->inodes_free - after->inodes_free;
	return u;
}

int space_look(const struct volume *v, struct space *s)
{
	struct statvfs fs;

	if (fstatvfs(v->fd, &fs) != 0) {
		msg_error("%s: cannot tell what is free: %m", escape_name(v->root));
		return -1;
	}
	*s = (struct space){ (uint64_t)fs.f_blocks * fs.f_frsize, (uint64_t)fs.f_bavail * fs.f_frsize,
			     fs.f_files, fs.f_favail };
	return 0;
}

/* The figures of a configuration. */
struct figures {
	char of[SPACE_WORD + 1];	/* its word; "" = of an older version */
	struct space_used used;
};

struct record {
	struct figures f[SPACE_KEPT];	/* the newest first */
	size_t n;
};

/* One line; -1 if it is none. */
static int parse_line(char *line, void *arg)
{
	struct record *r = arg;
	struct figures *f;
	char *end, *value = strchr(line, ' ');
	int of = strncmp(line, "of ", 3) == 0;

	if (value == NULL || ((r->n == 0 || of) && r->n == SPACE_KEPT))
		return -1;
	*value++ = '\0';
	if (r->n == 0 || of)
		r->f[r->n++] = (struct figures){ .of = "" };
	f = &r->f[r->n - 1];
	if (of) {
		if (*value == '\0' || strlen(value) > SPACE_WORD)
			return -1;
		memcpy(f->of, value, strlen(value) + 1);
		return 0;
	}
	if (strcmp(line, "bytes") != 0 && strcmp(line, "inodes") != 0)
		return -1;
	errno = 0;
	*(*line == 'b' ? &f->used.bytes : &f->used.inodes) = strtoull(value, &end, 10);
	return errno != 0 || end == value || *end != '\0' || *value == '-' ? -1 : 0;
}

/* The record; empty where there is none, or none that can be read, which is said. */
static void read_record(const struct volume *v, struct record *r)
{
	*r = (struct record){ .n = 0 };
	if (record_read(v, SPACE_FILE, parse_line, r) >= 0)
		return;
	const char *why = record_error();
	msg_warn("%s/" MARKER_DIR "/" SPACE_FILE ": %s, and passed over", escape_name(v->root), why);
	*r = (struct record){ .n = 0 };
}

static const struct figures *find(const struct record *r, const char *of)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->f[i].of, of) == 0)
			return &r->f[i];
	return NULL;
}

/* What the last run took; nothing, if that is not known. */
static void last_taken(const struct volume *v, const char *of, struct space_used *u)
{
	const struct figures *f;
	struct record r;

	read_record(v, &r);
	f = find(&r, of);
	if (f == NULL)
		f = find(&r, "");
	*u = f != NULL ? f->used : (struct space_used){ 0 };
}

/* Put the figures before those of other configurations; an older version's are forgotten. */
static int keep(const struct volume *v, const char *of, const struct space_used *u)
{
	struct buf b = { 0 };
	struct record r;
	size_t i, kept = 1;

	read_record(v, &r);
	buf_printf(&b, "of %s\nbytes %" PRIu64 "\ninodes %" PRIu64 "\n", of, u->bytes, u->inodes);
	for (i = 0; i < r.n && kept < SPACE_KEPT; i++) {
		const struct figures *f = &r.f[i];

		if (f->of[0] == '\0' || strcmp(f->of, of) == 0)
			continue;
		buf_printf(&b, "of %s\nbytes %" PRIu64 "\ninodes %" PRIu64 "\n", f->of, f->used.bytes,
			   f->used.inodes);
		kept++;
	}
	return record_write(v, SPACE_FILE, &b);
}

int space_ask(const struct volume *v, const char *of, int min_free, struct buf *why)
{
	struct space_used last;
	struct space now;

	if (space_look(v, &now) != 0)
		return -1;
	last_taken(v, of, &last);
	return (int)space_judge(&now, &last, min_free, why);
}

int space_guard(const struct volume *v, const char *of, int min_free)
{
	struct space_used last;
	struct buf why = { 0 };
	enum space_verdict verdict;
	struct space now;

	if (min_free <= 0)
		return 0;
	if (space_look(v, &now) != 0)
		return -1;
	last_taken(v, of, &last);
	verdict = space_judge(&now, &last, min_free, &why);
	if (verdict == SPACE_OK)
		return 0;
	msg_error("%s: not enough room: %s; min-free is %d%%.  Nothing was copied.  Delete old savesets"
		  " ('ss-prune SAVESET') or find a larger disk; --min-free=0 tries it all the same",
		  escape_name(v->root), why.p, min_free);
	buf_free(&why);
	if (verdict == SPACE_TIGHT) {
		last = (struct space_used){ last.bytes / 2, last.inodes / 2 };
		keep(v, of, &last);
	}
	return 1;
}

int space_note(const struct volume *v, const char *of, const struct space *before)
{
	struct space after;
	struct space_used u;

	if (space_look(v, &after) != 0)
		return -1;
	u = space_taken(before, &after);
	return keep(v, of, &u);
}
