/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/add.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/batch.h"
#include "catalog/change.h"
#include "catalog/merge.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "catalog/summary.h"
#include "catalog/verdict.h"
#include "tree/stream.h"

struct add {
	struct catalog *cat;
	const struct conf *c;
	const struct volume *v;
	const struct add_options *o;
	FILE *out;
	int64_t volume;
	int moved;		/* to another file system: no inode means what it meant */
	struct series series;
	int64_t seq;		/* ours, once published */
	int64_t covered;	/* newest saveset that still lies somewhere on disk */
	struct marker marker;
	int location, tree;	/* open directories */
	struct walk *walk;
	struct batch *batch;
	int64_t next_dir, added, closed, wanted;
	int64_t rotten;		/* files kept of which a verification found that they rotted */
	int64_t relabelled, overwritten;	/* oldest saveset whose files are so; 0 = none */
	struct change change;	/* against the predecessor */
	struct summing *summing;
	int linked;		/* new files that may have several names: only the rows know whose they are */
	struct summary sum;
	enum saveset_status status;
	const char *reason;
	char known[64];		/* the reason, where nothing but known rot is to be told */
};

/* Transaction: register the new saveset. */
static int begin(void *arg)
{
	struct add *a = arg;
	struct db *db = a->cat->db;

	if (series_get(a->cat, a->o->host, a->volume, 1, &a->series) <= 0 ||
	    series_name(a->cat, a->c, a->o->host, &a->marker) < 0 ||
	    db_run(db, SQL_SAVESET_NEW, "issis", a->series.id, a->marker.saveset, a->marker.id,
		   a->marker.created, a->c->hashtype) < 0)
		return -1;
	a->covered = 0;
	a->moved = series_moved(a->cat, a->series.id, a->v);
	if (a->moved < 0)
		return -1;
	if (db_value(db, &a->covered, SQL_SEQ_COVERED, "i", a->series.id) < 0)
		return -1;
	if (a->moved)
		a->covered = 0;
	a->seq = a->series.last_seq + 1;
	a->next_dir = a->series.next_dir;
	return 0;
}

/* Of ours, as it was registered; -1 after reporting. */
static int64_t saveset_id(struct add *a)
{
	struct saveset s;
	int got = catalog_by_uid(a->cat, a->marker.id, &s);
	int64_t id = got == 0 ? s.id : -1;

	if (got > 0)
		msg_error("%s: is not in the catalog any more", escape_name(a->marker.saveset));
	saveset_free(&s);
	return id;
}

/* Transaction: record an attempt that gave nothing worth a place in the series; its rows are gone. */
static int record_attempt(void *arg)
{
	struct add *a = arg;
	int64_t id = saveset_id(a);

	return id < 0 || db_run(a->cat->db, SQL_SAVESET_FAIL, "isii", (int64_t)a->status,
				a->reason, clock_now(), id) < 0 ? -1 : 0;
}

static void want(const struct entry *e, void *arg)
{
	struct add *a = arg;
	struct stream_rec r = { .e = *e, .state = ST_TODO, .medium = MEDIUM_NONE };

	/* ss-hash is not told which digest is expected. */
	r.e.algo = NULL;
	r.e.digest_len = 0;
	a->wanted++;
	stream_put(a->out, &r, a->o->zero);
}

static void oldest(int64_t *mark, int64_t first)
{
	if (!*mark || first < *mark)
		*mark = first;
}

/*
 * The row was of another inode, or nothing on disk covers it any more.  A file system with a
 * lasting name and birth times proves that e is another file.  Without that proof, if path, size and time are those of the last saveset, e
 * is expected to have the same content: it gets the digest of the row.
 */
static void expect(const struct add *a, struct entry *e, const struct entry *was)
{
	int proved = !a->moved && a->v->fs[0] && e->btime && was->btime &&
		     (e->ino != was->ino || e->btime != was->btime);

	if (proved || e->type != 'f' || was->type != 'f' || !was->digest_len || e->size != was->size ||
	    e->mtime != was->mtime || e->mtime_ns != was->mtime_ns)
		return;
	e->algo = hash_algo_name(hash_algo_find(was->algo));
	e->digest_len = was->digest_len;
	memcpy(e->digest, was->digest, was->digest_len);
}

/* A new row for what lies on disk, after the old one, if any, was closed. */
static void open_row(struct add *a, const struct entry *disk, const struct row *row, int64_t since)
{
	struct entry e = *disk;
	int64_t sub = 0;
	int fresh = 0;

	if (disk->type == 'd') {
		/* A directory that stays one keeps its contents' number. */
		sub = row && row->e.type == 'd' ? row->sub : !disk->path_len ? ROWS_TOP : 0;
		fresh = !sub;
		if (fresh)
			sub = a->next_dir++;
		walk_set_dir(a->walk, sub);
	}
	e.since = since;
	if (row && !since)
		expect(a, &e, &row->e);
	batch_open(a->batch, &e, walk_dir(a->walk), sub, fresh);
	a->added++;
}

/* The entry goes into the saveset with this verdict: add it to the sum, as its row will be. */
static void sum_one(struct add *a, enum merge_verdict v, const struct entry *disk,
		    const struct row *row)
{
	if (row && (v == MERGE_SAME || v == MERGE_RELABEL)) {
		struct entry e = row->e;	/* the same inode, with its digest */

		e.mode = disk->mode;
		e.uid = disk->uid;
		e.gid = disk->gid;
		summary_row(a->summing, row, &e);
		return;
	}
	a->linked |= disk->type == 'f' && disk->nlink != 1;
	summary_add(a->summing, disk, 0);
}

static int merge_one(enum merge_verdict v, const struct entry *disk, const struct row *row, void *arg)
{
	struct add *a = arg;
	int both = disk && row;
	int64_t since = 0;

	/* Nothing on disk covers this row any more, so its inode may be anybody's by now. */
	if (both && row->e.type == 'f' && row->first > a->covered)
		v = MERGE_OTHER;
	if (both && (v == MERGE_SAME || v == MERGE_RELABEL) && row->verdict == VERDICT_CORRUPT)
		a->rotten++;
	if (disk)
		sum_one(a, v, disk, row);
	change_count(&a->change, disk, row ? &row->e : NULL);
	if (both && v == MERGE_SAME) {
		if (disk->type == 'd')
			walk_set_dir(a->walk, row->sub);
		if (disk->type == 'f' && !row_is_hashed(row))
			batch_want(a->batch, &row->e);
		return batch_flush(a->batch, a->next_dir, 0);
	}
	if (both && v == MERGE_RELABEL) {
		oldest(&a->relabelled, row->first);
		since = row->e.since;
		if (!row_is_hashed(row))
			batch_want(a->batch, &row->e);
	} else if (both && v == MERGE_OVERWRITE) {
		oldest(&a->overwritten, row->first);
	}
	if (row) {
		batch_close(a->batch, row);
		a->closed++;
	}
	if (disk)
		open_row(a, disk, row, since);
	return batch_flush(a->batch, a->next_dir, 0);
}

/* Walk the tree and merge it with the predecessor's rows.  0, or -1 after reporting. */
static int merge(struct add *a)
{
	char *at = mem_printf("%s/%s/%s", a->v->root, a->o->location, a->o->host);
	struct rows *rows = rows_open(a->cat, a->series.id, a->series.last_seq);
	int rc = -1;

	a->batch = batch_new(a->cat, a->series.id, a->seq, a->moved ? a->seq : 1,
			     hash_algo_find(a->c->hashtype), want, a);
	a->summing = summary_begin(SUMMARY_BOTH);
	a->walk = walk_open(a->tree, at);
	if (a->walk) {
		rc = merge_run(a->walk, rows, merge_one, a);
		if (rc == 0)
			rc = batch_flush(a->batch, a->next_dir, 1);
		unsigned long moved = batch_conflicts(a->batch);

		a->linked |= moved > 0;
		if (moved)
			msg_warn("%s: %lu files were moved or written to while it was walked",
				 escape_name(at), moved);
		if (rc == 0 && (walk_problems(a->walk) > 0 || moved)) {
			a->status = SV_PARTIAL;
			if (!a->reason)
				a->reason = moved ? "the tree changed while it was walked"
						  : "parts of the tree could not be read";
		}
	}
	walk_close(a->walk);
	a->walk = NULL;
	batch_free(a->batch);
	rows_close(rows);
	free(at);
	return rc;
}

/* What the saveset amounts to.  0 or -1. */
static int sum_up(struct add *a)
{
	struct summing *m = a->summing;

	a->summing = NULL;
	if (!a->linked)
		return summary_end(m, &a->sum);
	summary_end(m, NULL);
	return summary_make(a->cat, a->series.id, a->seq, SUMMARY_BOTH, &a->sum);
}

static int flag_older(struct add *a)
{
	int64_t last = a->series.last_seq;

	if (a->relabelled && db_run(a->cat->db, SQL_SAVESET_RELABELLED, "iii", a->series.id,
				    a->relabelled, last) < 0)
		return -1;
	if (a->overwritten && db_run(a->cat->db, SQL_SAVESET_OVERWRITTEN, "iii", a->series.id,
				     a->overwritten, last) < 0)
		return -1;
	return 0;
}

/* Transaction: from here on everybody sees the saveset. */
static int publish(void *arg)
{
	struct add *a = arg;
	const struct summary *s = &a->sum;
	int64_t id = saveset_id(a);

	if (id < 0 || series_displace(a->cat, a->series.id, a->o->location, id) < 0 || flag_older(a) < 0 ||
	    db_run(a->cat->db, SQL_LOCATION_ADD, "is", id, a->o->location) < 0 ||
	    db_run(a->cat->db, SQL_SERIES_LAST_SEQ, "isi", a->seq, a->v->fs, a->series.id) < 0)
		return -1;
	if (a->series.last_seq && db_run(a->cat->db, SQL_SAVESET_CHANGED, "iii", a->change.changed,
					 a->change.removed, id) < 0)
		return -1;
	return db_run(a->cat->db, SQL_SAVESET_PUBLISH, "iiziiiiiiiisssiii", a->seq,
		      (int64_t)a->status, s->unhashed ? (int64_t)0 : clock_now(), s->entries, s->files,
		      s->dirs, s->others, s->bytes, s->blocks, a->o->vanished, s->unhashed,
		      s->metadata, s->full[0] ? s->full : NULL, a->reason, a->added, a->closed,
		      id) < 0 ? -1 : 0;
}

static int write_marker(struct add *a, enum saveset_status status)
{
	struct marker *m = &a->marker;

	snprintf(m->status, sizeof(m->status), "%s", saveset_status_name(status));
	memcpy(m->volume, a->v->id, sizeof(m->volume));
	m->entries = a->sum.entries;
	m->files = a->sum.files;
	m->bytes = a->sum.bytes;
	memcpy(m->metadata, a->sum.metadata, sizeof(m->metadata));
	memcpy(m->full, a->sum.full, sizeof(m->full));
	return marker_write(a->location, a->o->host, m);
}

static int open_tree(struct add *a)
{
	const struct add_options *o = a->o;

	a->location = volume_location(a->v, o->location);
	if (a->location >= 0)
		a->tree = openat(a->location, o->host,
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a->tree < 0)
		msg_error("%s/%s/%s: %m", escape_name(a->v->root), escape_name(o->location),
			  escape_name(o->host));
	return a->tree < 0 ? -1 : 0;
}

/*
 * Is there nothing to take: a transfer that rsync calls partial brought no file (a mistyped
 * path), or the tree lost all its files since the newest complete saveset?  1 and the
 * reason, 0, -1.
 */
static int emptied(struct add *a)
{
	const char *given = a->reason;
	struct saveset last;
	int got, rc = 0;

	if (a->status == SV_PARTIAL && !a->sum.files && !a->sum.others) {
		if (!a->reason)
			a->reason = "no file was copied";
		return 1;
	}
	if (a->sum.files || a->o->accept)
		return 0;
	a->reason = "the tree has no files, its predecessor had some";
	got = catalog_latest(a->cat, a->c, a->o->host, &last);
	if (got == 0) {
		rc = last.files > 0;
		saveset_free(&last);
	}
	if (rc <= 0)
		a->reason = given;
	return got < 0 ? -1 : rc;
}

static void put_head(struct add *a)
{
	char *root = mem_printf("%s/%s/%s", a->v->root, a->o->location, a->o->host);
	char *hash = mem_strdup(a->c->hashtype);
	struct stream_head h = { a->marker.saveset, root, a->marker.id, hash };

	stream_put_head(a->out, &h, a->o->zero);
	free(root);
	free(hash);
}

/* The tree is on the disk before marker and catalog say so, whoever copied it.  0, or -1 after reporting. */
static int flush_tree(const struct add *a)
{
	if (syncfs(a->tree) == 0)
		return 0;
	msg_error("%s/%s/%s: what was copied cannot be flushed to the disk: %m", escape_name(a->v->root),
		  escape_name(a->o->location), escape_name(a->o->host));
	return -1;
}

/* Rot that is known already lies in the new saveset as well. */
static void note_rot(struct add *a)
{
	if (!a->rotten)
		return;
	snprintf(a->known, sizeof(a->known), "%lld files are known to be corrupt", (long long)a->rotten);
	if (!a->reason)
		a->reason = a->known;
	msg_warn("%s: %s and were handed on unchanged; see ROT in secondshot(7)",
		 escape_name(a->marker.saveset), a->known);
}

/* A marker whose saveset the catalog has lost tells what the tree was like.  It may be another by now. */
static void compare_with_marker(struct add *a)
{
	const struct marker *m = a->o->as;

	if (!m || !m->metadata[0] || !strcmp(m->metadata, a->sum.metadata))
		return;
	a->status = SV_UNATTESTED;
	a->reason = "its tree is not as it was when its marker was written";
	msg_warn("%s: %s: it is catalogued as unattested, and never counts as a complete backup",
		 escape_name(a->marker.saveset), a->reason);
}

/* The tree is known; judge, publish, end the stream.  An exit code. */
static int finish(struct add *a)
{
	int empty;

	if (sum_up(a) < 0 || (empty = emptied(a)) < 0)
		return SS_FAIL;
	if (empty) {
		a->status = SV_FAILED;
		msg_warn("%s: %s; not taken for a saveset%s", escape_name(a->o->host), escape_name(a->reason),
			 a->o->status == SV_PARTIAL ? "" : " (--accept takes it)");
		/* The marker stays and says "running", for whoever reads the stream. */
		if (series_rewind(a->cat, a->series.id, NULL) < 0 ||
		    db_transaction(a->cat->db, record_attempt, a) < 0)
			return SS_FAIL;
	} else {
		compare_with_marker(a);
		note_rot(a);
		if (flush_tree(a) < 0 || write_marker(a, a->status) < 0 ||
		    db_transaction(a->cat->db, publish, a) < 0)
			return SS_FAIL;
	}
	stream_put_end(a->out, (uint64_t)a->wanted, a->o->zero);
	if (empty || a->rotten)
		return SS_FINDINGS;
	return a->status == SV_PARTIAL && a->o->status != SV_PARTIAL ? SS_INCOMPLETE : SS_OK;
}

static int run(struct add *a)
{
	int attempt = a->status == SV_FAILED || a->status == SV_STALE;

	a->volume = series_volume(a->cat, a->c, a->v);
	if (a->volume < 0 || (!attempt && open_tree(a) < 0))
		return SS_FAIL;
	if ((a->o->stamp ? same_disk_raise(a->cat, a->v) : same_disk_enter(a->cat, a->v)) != 0)
		return SS_FAIL;
	if (a->o->as) {
		memcpy(a->marker.id, a->o->as->id, sizeof(a->marker.id));
		a->marker.created = a->o->as->created;
	} else {
		id_new(a->marker.id);
		a->marker.created = clock_now();
	}
	if (series_undo(a->cat, a->o->host, a->volume) < 0 || db_transaction(a->cat->db, begin, a) < 0)
		return SS_FAIL;
	if (attempt)
		return db_transaction(a->cat->db, record_attempt, a) < 0 ? SS_FAIL : SS_OK;
	if (write_marker(a, SV_RUNNING) < 0)
		return SS_FAIL;
	put_head(a);
	return merge(a) < 0 ? SS_FAIL : finish(a);
}

int add_run(struct catalog *cat, const struct conf *c, const struct volume *v,
	    const struct add_options *o, FILE *out, struct saveset *made)
{
	struct add a = { .cat = cat, .c = c, .v = v, .o = o, .out = out, .location = -1,
			 .tree = -1, .status = o->status, .reason = o->reason };
	int code;

	*made = (struct saveset){ 0 };
	if (!volume_name_ok(o->host) || strlen(o->host) > 255) {
		msg_error("%s: not a host's name", escape_name(o->host));
		return SS_FAIL;
	}
	code = run(&a);
	if (code != SS_FAIL && catalog_by_uid(cat, a.marker.id, made))
		code = SS_FAIL;
	summary_end(a.summing, NULL);
	if (a.tree >= 0)
		close(a.tree);
	if (a.location >= 0)
		close(a.location);
	return code;
}
