/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "catalog/findings.h"
#include "catalog/merge.h"
#include "catalog/same_disk.h"
#include "catalog/verdict.h"

#define JOBS 1024

/* A file whose content is being read. */
struct wanted {
	struct entry was;	/* path and data point nowhere */
	size_t path, len;	/* in batch.paths */
	int same_inode;		/* the verdict holds for the catalog's inode */
};

struct batch {
	struct hash_job job[JOBS];
	struct wanted want[JOBS];
	size_t n;
	struct buf paths;
};

struct verify {
	struct catalog *cat;
	struct verify_options o;
	struct findings *findings;
	int64_t begun;
	struct progress progress;
	struct {
		int64_t series, seq;
	} *done;		/* savesets verified before in this run */
	size_t ndone;
	/* of the saveset under way */
	const struct saveset *s;
	int location, tree;
	struct walk *walk;
	int64_t rows;		/* of it that the catalog gave */
	struct hash_pool *pool;
	struct batch *filling, *reading;	/* reading: handed over to the pool */
	uint64_t bytes;
};

struct verify *verify_new(struct catalog *cat, const struct verify_options *o)
{
	struct verify *v = mem_alloc(sizeof(*v));

	v->cat = cat;
	v->o = *o;
	v->findings = findings_new(cat, o->json);
	v->begun = clock_now();
	v->location = v->tree = -1;
	v->filling = mem_alloc(sizeof(*v->filling));
	v->reading = mem_alloc(sizeof(*v->reading));
	progress_begin(&v->progress, o->quiet);
	return v;
}

void verify_expect(struct verify *v, const struct saveset *s)
{
	if (v->o.fresh)
		return;		/* nobody counted what was never verified */
	v->progress.all_files += (uint64_t)s->files;
	v->progress.all_bytes += (uint64_t)s->bytes;
}

static void report(struct verify *v, enum verdict verdict, const char *path, size_t len,
		   const char *why)
{
	progress_clear(&v->progress);
	findings_add(v->findings, v->s, verdict, path, len, why);
}

/*
 * Something is not where it should be: is the whole tree on its way out, by a
 * rotation or ss-prune?  Then nothing may be concluded.  1 after reporting, else 0.
 */
static int tree_left(struct verify *v)
{
	char proc[40], target[PATH_MAX] = "";
	struct saveset now;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", v->location);
	ssize_t n = readlink(proc, target, sizeof(target) - 1);
	const char *base = strrchr(target, '/');
	int discarded = n > 0 && base && (!strncmp(base, "/_delete.", 9) || strstr(base, " (deleted)"));
	int marked = marker_has_id(v->location, v->s->host, v->s->uid);
	int known = catalog_by_uid(v->cat, v->s->uid, &now) == 0;

	if (known) {
		known = now.status != SV_GONE;
		saveset_free(&now);
	}
	if (!discarded && marked && known)
		return 0;
	msg_error("%s: went away while it was verified", escape_name(v->s->name));
	return 1;
}

/* Transaction: the verdicts of a batch. */
static int write_verdicts(void *arg)
{
	struct verify *v = arg;
	const struct batch *b = v->reading;

	for (size_t i = 0; i < b->n; i++) {
		const struct wanted *w = &b->want[i];
		enum verdict verdict = verdict_content(&b->job[i], &w->was);

		if (!w->same_inode || (verdict != VERDICT_OK && verdict != VERDICT_CORRUPT))
			continue;
		if (db_queue(v->cat->db, NULL, SQL_INODE_VERDICT, "iiiiii", clock_now(),
			     (int64_t)verdict, (int64_t)b->job[i].medium, v->s->series,
			     (int64_t)w->was.ino, w->was.since) < 0)
			return -1;
	}
	return 0;
}

/* Wait for the batch that is being read and judge it.  0 or -1. */
static int collect(struct verify *v)
{
	struct batch *b = v->reading;

	if (!b->n)
		return 0;
	hash_wait(v->pool);
	for (size_t i = 0; i < b->n; i++) {
		const struct hash_job *job = &b->job[i];
		const struct wanted *w = &b->want[i];
		enum verdict verdict = verdict_content(job, &w->was);

		progress_add(&v->progress, 1, (uint64_t)w->was.size);
		if (verdict == VERDICT_OK)
			continue;
		if (verdict != VERDICT_CORRUPT && tree_left(v))
			return -1;
		report(v, verdict, b->paths.p + w->path, w->len,
		       verdict == VERDICT_UNREADABLE ? strerror(job->err) :
		       verdict == VERDICT_CHANGED ? "while it was read" : NULL);
		if (verdict == VERDICT_CORRUPT && w->same_inode)
			findings_rotten(v->findings, v->s->series, w->was.ino, w->was.since);
	}
	if (db_transaction(v->cat->db, write_verdicts, v) < 0)
		return -1;
	b->n = 0;
	buf_reset(&b->paths);
	return 0;
}

/* Hand over what was collected.  0 or -1. */
static int submit(struct verify *v)
{
	if (collect(v) < 0)
		return -1;
	struct batch *b = v->filling;

	v->filling = v->reading;
	v->reading = b;
	for (size_t i = 0; i < b->n; i++)
		b->job[i].path = b->paths.p + b->want[i].path;
	if (b->n)
		hash_submit(v->pool, b->job, b->n);
	return 0;
}

/* Have the content of a file read.  0 or -1. */
static int want(struct verify *v, const struct entry *disk, const struct row *row)
{
	struct batch *b = v->filling;
	struct wanted *w = &b->want[b->n];

	*w = (struct wanted){ .was = row->e, .path = b->paths.len, .len = row->e.path_len,
			      .same_inode = disk->ino == row->e.ino && disk->btime == row->e.btime };
	w->was.path = w->was.data = "";
	buf_add(&b->paths, row->e.path, row->e.path_len);
	buf_char(&b->paths, 0);
	b->job[b->n] = (struct hash_job){
		.path_len = row->e.path_len, .algo = hash_algo_find(row->e.algo), .check = 1,
		.ino = disk->ino, .btime = disk->btime, .size = row->e.size,
		.mtime = row->e.mtime, .mtime_ns = row->e.mtime_ns,
	};
	b->n++;
	return b->n == JOBS ? submit(v) : 0;
}

/* Does a saveset that was verified before in this run hold this very row? */
static int was_visited(const struct verify *v, const struct row *row)
{
	for (size_t i = 0; i < v->ndone; i++)
		if (v->done[i].series == v->s->series && v->done[i].seq >= row->first &&
		    (!row->last || v->done[i].seq <= row->last))
			return 1;
	return 0;
}

/* A file whose size and times are as they were: what about its content?  0 or -1. */
static int content(struct verify *v, const struct entry *disk, const struct row *row)
{
	const struct entry *was = &row->e;
	int same_inode = disk->ino == was->ino && disk->btime == was->btime;

	if (!was->digest_len) {
		report(v, VERDICT_UNHASHED, was->path, was->path_len, NULL);
		return 0;
	}
	/* Read in this very run, for another saveset that has the row (a clock alone may lie). */
	if (same_inode && row->verified > v->begun && row->verified <= clock_now() && was_visited(v, row) &&
	    (row->verdict == VERDICT_OK || row->verdict == VERDICT_CORRUPT)) {
		if (row->verdict == VERDICT_CORRUPT)
			report(v, VERDICT_CORRUPT, was->path, was->path_len, NULL);
		return 0;
	}
	if (v->o.fresh && same_inode && row->verified && row->verdict == VERDICT_OK)
		return 0;
	return want(v, disk, row);
}

static int compare(enum merge_verdict m, const struct entry *disk, const struct row *row, void *arg)
{
	struct verify *v = arg;
	struct buf why = { 0 };
	int rc = 0, other;

	v->rows += m != MERGE_ADDED;
	if ((m == MERGE_ADDED || m == MERGE_REMOVED) && tree_left(v))
		return -1;
	if (m == MERGE_ADDED) {
		report(v, VERDICT_EXTRA, disk->path, disk->path_len, NULL);
		return 0;
	}
	if (m == MERGE_REMOVED && walk_skipped(v->walk, row->e.path, row->e.path_len)) {
		report(v, VERDICT_UNREADABLE, row->e.path, row->e.path_len, "it or its directory");
		return 0;
	}
	if (m == MERGE_REMOVED) {
		report(v, VERDICT_MISSING, row->e.path, row->e.path_len, NULL);
		return 0;
	}
	other = verdict_structure(disk, &row->e, &why);
	if (why.len)
		report(v, VERDICT_CHANGED, row->e.path, row->e.path_len, why.p);
	buf_free(&why);
	if (!other && row->e.type == 'f' && !v->o.structure)
		rc = content(v, disk, row);
	return rc;
}

/* Open the location of s and its tree: the first whose marker is that of s.  0 or -1. */
static int open_tree(struct verify *v, const struct volume *vol)
{
	char *list = mem_strdup(v->s->locations), *save = NULL;

	v->location = v->tree = -1;
	for (char *l = strtok_r(list, ",", &save); l && v->tree < 0; l = strtok_r(NULL, ",", &save)) {
		v->location = volume_location(vol, l);
		if (v->location >= 0 && marker_has_id(v->location, v->s->host, v->s->uid))
			v->tree = openat(v->location, v->s->host,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (v->tree < 0 && v->location >= 0) {
			close(v->location);
			v->location = -1;
		}
	}
	free(list);
	if (v->tree >= 0)
		return 0;
	msg_error("%s: is not where the catalog has it%s%s; run 'ss-catalog reconcile'",
		  escape_name(v->s->name), v->s->locations[0] ? ", " : "",
		  escape_name(v->s->locations));
	return -1;
}

static void close_tree(struct verify *v)
{
	hash_pool_free(v->pool);
	v->pool = NULL;
	if (v->tree >= 0)
		close(v->tree);
	if (v->location >= 0)
		close(v->location);
	v->location = v->tree = -1;
	v->filling->n = v->reading->n = 0;
	buf_reset(&v->filling->paths);
	buf_reset(&v->reading->paths);
}

static int walk_and_compare(struct verify *v)
{
	struct walk *w = v->walk = walk_open(v->tree, v->s->name);
	struct rows *rows = rows_open(v->cat, v->s->series, v->s->seq);
	int rc = -1;

	v->rows = 0;
	if (w)
		rc = merge_run(w, rows, compare, v);
	/* What was asked for must be what was seen: a database may pass over a part of it. */
	if (rc == 0 && v->rows != v->s->entries) {
		msg_error("%s: the catalog gives %" PRId64 " of its %" PRId64 " entries; run 'ss-catalog check'",
			  escape_name(v->s->name), v->rows, v->s->entries);
		rc = -1;
	}
	/* Both batches that may still be on their way. */
	if (rc == 0)
		rc = submit(v);
	if (rc == 0)
		rc = submit(v);
	if (rc == 0 && walk_problems(w) > 0 && tree_left(v))
		rc = -1;
	if (rc == 0 && walk_problems(w) > 0)
		findings_unread(v->findings, walk_problems(w));
	walk_close(w);
	v->walk = NULL;
	rows_close(rows);
	return rc < 0 ? -1 : 0;
}

int verify_saveset(struct verify *v, const struct saveset *s)
{
	struct volume vol;
	int rc = -1;

	v->s = s;
	if (!s->seq) {
		msg_error("%s: a %s attempt, there is nothing to verify", escape_name(s->name),
			  saveset_status_name(s->status));
		return -1;
	}
	if (volume_open(&vol, s->root) < 0)
		goto out;
	if (volume_is(&vol, s->volume_uid) < 0 || same_disk_check(v->cat, &vol) != 0)
		goto out;
	if (open_tree(v, &vol) < 0)
		goto out;
	v->pool = hash_pool_new(v->tree, v->o.threads, v->o.how);
	if (!v->pool)
		goto out;
	findings_saveset(v->findings, s);
	rc = walk_and_compare(v);
	if (rc == 0) {
		v->done = mem_more(v->done, v->ndone, sizeof(*v->done));
		v->done[v->ndone].series = s->series;
		v->done[v->ndone++].seq = s->seq;
	}
out:
	close_tree(v);
	volume_close(&vol);
	return rc;
}

int verify_finish(struct verify *v)
{
	progress_clear(&v->progress);
	return findings_finish(v->findings);
}

size_t verify_findings(const struct verify *v)
{
	return findings_count(v->findings);
}

void verify_free(struct verify *v)
{
	if (!v)
		return;
	findings_free(v->findings);
	buf_free(&v->filling->paths);
	buf_free(&v->reading->paths);
	free(v->filling);
	free(v->reading);
	free(v->done);
	free(v);
}
