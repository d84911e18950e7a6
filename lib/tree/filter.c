/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* filter.c - records or names in, the same with digests out. */
#include "tree/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "tree/sums.h"

#define BATCH_RECORDS 4096
#define BATCH_BYTES (1u << 20)	/* of paths */
#define BATCH_WAIT 10		/* milliseconds for input to come before a batch goes as it is */

struct batch {
	struct stream_rec rec[BATCH_RECORDS];
	struct hash_job job[BATCH_RECORDS];
	size_t path[BATCH_RECORDS];	/* of each record, in paths */
	size_t of[BATCH_RECORDS];	/* the record of each job */
	struct buf paths;
	size_t n, jobs;
};

/* A filter at work. */
struct filtering {
	const struct filter *f;
	const char *const *arg;
	unsigned long line;
	struct batch *batch;		/* two */
	struct batch *under_way;	/* the one submitted and not yet written */
	struct progress progress;
	uint64_t count;
	int terminal, incomplete;
};

static enum stream_got next_name(struct filtering *w, struct stream_rec *r)
{
	char *p;
	size_t len;

	*r = (struct stream_rec){ .e = { .type = '?', .data = "" } };
	if (w->arg) {
		if (!*w->arg)
			return STREAM_END;
		r->e.path = *w->arg++;
		r->e.path_len = strlen(r->e.path);
		return STREAM_REC;
	}
	w->line++;
	switch (lines_next(w->f->lines, w->f->delim, &p, &len)) {
	case LINES_ONE:
	case LINES_TORN:
		break;
	case LINES_EOF:
		return STREAM_END;
	case LINES_ERROR:
		msg_error("names, line %lu: %m", w->line);
		return STREAM_BAD;
	}
	if (strlen(p) != len) {
		msg_error("names, line %lu: a NUL in a name; is -0 missing?", w->line);
		return STREAM_BAD;
	}
	r->e.path = p;
	r->e.path_len = len;
	return STREAM_REC;
}

static int next_ready(const struct filtering *w, int timeout)
{
	if (w->f->stream)
		return stream_ready(w->f->stream, timeout);
	return w->arg || lines_ready(w->f->lines, w->f->delim, timeout);
}

/* Keep a record, and make a job of it if it is a file to be read. */
static void batch_add(struct filtering *w, struct batch *b, const struct stream_rec *r)
{
	struct stream_rec *to = &b->rec[b->n];
	const struct entry *e = &r->e;

	*to = *r;
	b->path[b->n] = b->paths.len;
	buf_add(&b->paths, e->path, e->path_len);
	buf_char(&b->paths, '\0');
	if (r->state != ST_OK && (!w->f->stream || e->type == 'f')) {
		to->medium = MEDIUM_NONE;
		to->state = w->f->refused;
		if (to->state == ST_TODO) {
			b->of[b->jobs] = b->n;
			b->job[b->jobs++] = (struct hash_job){
				.path_len = e->path_len, .algo = w->f->algo, .check = w->f->stream != NULL,
				.ino = e->ino, .btime = e->btime, .size = e->size,
				.mtime = e->mtime, .mtime_ns = e->mtime_ns,
			};
		}
	}
	b->n++;
}

static void batch_submit(struct filtering *w, struct batch *b)
{
	size_t i;

	/* Only now do the paths stay where they are. */
	for (i = 0; i < b->n; i++)
		b->rec[i].e.path = b->paths.p + b->path[i];
	for (i = 0; i < b->jobs; i++)
		b->job[i].path = b->rec[b->of[i]].e.path;
	if (w->f->pool)
		hash_submit(w->f->pool, b->job, b->jobs);
}

/* What a job found out goes into its record. */
static void record_done(const struct filtering *w, struct stream_rec *r, const struct hash_job *job)
{
	struct entry *e = &r->e;

	r->state = job->state;
	r->medium = job->medium;
	if (job->state == ST_OK) {
		e->algo = hash_algo_name(job->algo);
		e->digest_len = job->digest_len;
		memcpy(e->digest, job->digest, job->digest_len);
	}
	if (w->f->stream || job->state != ST_OK)
		return;
	e->type = 'f';
	e->mode = job->mode;
	e->uid = job->uid;
	e->gid = job->gid;
	e->size = job->size;
	e->mtime = job->mtime;
	e->mtime_ns = job->mtime_ns;
	e->ino = job->ino;
	e->btime = job->btime;
}

static const char *record_reason(const struct stream_rec *r, int err)
{
	switch (r->state) {
	case ST_CHANGED:
		return r->e.type == 'f' ? "it has changed" : "it changed while it was read";
	case ST_MISSING:
		return "it is not there";
	case ST_MOVED:
		return "something else has its place";
	default:
		return err ? strerror(err) : "it is not a regular file";
	}
}

static void record_report(struct filtering *w, const struct stream_rec *r, int err)
{
	progress_clear(&w->progress);
	msg_error("%s: %s", escape_bytes(r->e.path, r->e.path_len), record_reason(r, err));
}

static void record_write(struct filtering *w, const struct stream_rec *r)
{
	const struct filter *f = w->f;

	if (f->format == FILTER_STREAM)
		stream_put(f->out, r, f->zero);
	else if (f->format == FILTER_JSON)
		sums_put_json(f->out, r);
	else if (r->state == ST_OK)
		sums_put(f->out, r, w->terminal);
	w->count++;
	progress_add(&w->progress, 1, (uint64_t)r->e.size);
}

static void batch_write(struct filtering *w, struct batch *b)
{
	size_t i, j = 0;

	for (i = 0; i < b->n; i++) {
		struct stream_rec *r = &b->rec[i];

		if (j < b->jobs && b->of[j] == i) {
			record_done(w, r, &b->job[j]);
			if (r->state != ST_OK)
				record_report(w, r, b->job[j].err);
			j++;
		}
		if (r->state != ST_OK && (!w->f->stream || r->e.type == 'f'))
			w->incomplete = 1;
		record_write(w, r);
	}
	b->n = b->jobs = 0;
	buf_reset(&b->paths);
}

/* Write what is under way, so that nobody waits for it while we wait for input. */
static void filter_flush(struct filtering *w)
{
	if (!w->under_way)
		return;
	if (w->f->pool)
		hash_wait(w->f->pool);
	batch_write(w, w->under_way);
	w->under_way = NULL;
	fflush(w->f->out);
}

static enum stream_got batch_fill(struct filtering *w, struct batch *b)
{
	struct stream_rec r;
	enum stream_got got;

	while (b->n < BATCH_RECORDS && b->paths.len < BATCH_BYTES) {
		if ((b->n || w->under_way) && !next_ready(w, BATCH_WAIT)) {
			if (b->n)
				break;
			filter_flush(w);
		}
		got = w->f->stream ? stream_next(w->f->stream, &r) : next_name(w, &r);
		if (got != STREAM_REC)
			return got;
		batch_add(w, b, &r);
	}
	return STREAM_REC;
}

static int filter_end(struct filtering *w, enum stream_got got)
{
	if (got == STREAM_BAD)
		return SS_FAIL;
	if (got == STREAM_CUT)
		msg_error("the stream was cut after %llu records", (unsigned long long)w->count);
	else if (w->f->format == FILTER_STREAM)
		stream_put_end(w->f->out, w->f->stream && stream_is_part(w->f->stream) ? STREAM_PART : w->count,
			       w->f->zero);
	return got == STREAM_CUT || w->incomplete ? SS_INCOMPLETE : SS_OK;
}

int filter_run(const struct filter *f)
{
	struct filtering w = { .f = f, .arg = f->args, .terminal = isatty(fileno(f->out)) };
	enum stream_got got;
	unsigned turn = 0;

	w.batch = mem_alloc(2 * sizeof(*w.batch));
	progress_begin(&w.progress, f->quiet || w.terminal);
	do {
		struct batch *b = &w.batch[turn++ & 1], *before;

		got = batch_fill(&w, b);
		batch_submit(&w, b);	/* this waits for the one before */
		before = w.under_way;
		w.under_way = b;
		if (before)
			batch_write(&w, before);
	} while (got == STREAM_REC && !ferror(f->out));
	filter_flush(&w);
	progress_clear(&w.progress);
	buf_free(&w.batch[0].paths);
	buf_free(&w.batch[1].paths);
	free(w.batch);
	return ferror(f->out) ? SS_FAIL : filter_end(&w, got);
}
