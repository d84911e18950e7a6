/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guard.c - savesets that somebody should look at before they are rotated. */
#include "run/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/msg.h"
#include "catalog/sign.h"

#define SYNC ".sync"
#define PATH_SHOWN 160		/* bytes of a directory's path in the report */

/* Is part more than max percent of whole?  0 where one of them is not known, or there is no limit. */
static int exceeds(int64_t part, int64_t whole, int max, double *percent)
{
	if (max <= 0 || whole <= 0 || part < 0)
		return 0;
	*percent = 100.0 * (double)part / (double)whole;
	return *percent > max;
}

static struct buf *next_reason(struct buf *why)
{
	if (why->len)
		buf_str(why, "; ");
	return why;
}

/* Is there less of something than before, by more than max percent? */
static int shrinks(int64_t now, int64_t was, int max, const char *what, struct buf *why)
{
	double percent;

	if (now < 0 || !exceeds(was - now, was, max, &percent))
		return 0;
	buf_printf(next_reason(why), "%" PRId64 " %s instead of %" PRId64
		   " (%.1f%% less), max-shrink is %d%%", now, what, was, percent, max);
	return 1;
}

int guard_judge(const struct guard_facts *f, int max_change, int max_shrink, struct buf *why)
{
	int known = f->changed >= 0 && f->removed >= 0, held = 0;
	double percent;

	if (exceeds(known ? f->changed + f->removed : -1, f->was_files, max_change, &percent)) {
		held = 1;
		buf_printf(next_reason(why), "%" PRId64 " of %" PRId64 " files are changed or gone"
			   " (%.1f%%), max-change is %d%%", f->changed + f->removed, f->was_files,
			   percent, max_change);
	}
	held |= shrinks(f->files, f->was_files, max_shrink, "files", why);
	held |= shrinks(f->bytes, f->was_bytes, max_shrink, "bytes", why);
	return held;
}

/* 0 found, 1 there is none, -1. */
static int predecessor(struct catalog *cat, const struct saveset *s, struct saveset *p)
{
	return catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_PREDECESSOR, "ii", s->series, s->seq), p);
}

int guard_saveset(struct catalog *cat, const struct conf *c, const struct saveset *s, struct buf *why)
{
	struct change n = { .changed = s->changed, .removed = s->removed };
	struct saveset p = { 0 };
	int rc;

	if (!c->max_change && !c->max_shrink)
		return 0;
	rc = predecessor(cat, s, &p);
	if (rc)
		return rc < 0 ? -1 : 0;
	/* They were counted against the saveset of the number before, which may be gone. */
	if (c->max_change && (n.changed < 0 || n.removed < 0 || p.seq != s->seq - 1))
		rc = change_between(cat, s->series, p.seq, s->seq, &n, NULL);
	if (rc == 0) {
		struct guard_facts f = { p.files, p.bytes, s->files, s->bytes, n.changed, n.removed };

		rc = guard_judge(&f, c->max_change, c->max_shrink, why);
	}
	saveset_free(&p);
	return rc;
}

#define STRANGE 2		/* there is one, but nothing tells that it is ours */

/* The host's marker in a location, if it tells what it counted: 1, STRANGE, 0 there is none, -1 after reporting. */
static int counted(const struct volume *v, const char *location, const char *host, struct marker *m)
{
	int fd = volume_location(v, location), got;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) {
		msg_error("%s/%s: %m", escape_name(v->root), escape_name(location));
		return -1;
	}
	got = marker_read(fd, host, m);
	close(fd);
	if (got > 0)
		got = !strcmp(m->status, "complete") || !strcmp(m->status, "partial");
	return got > 0 && !volume_attests(v, m) ? STRANGE : got;
}

/* The newest marker in a numbered location that tells what it counted. */
static int counted_before(const struct volume *v, const struct rsnap *rs, const char *host, struct marker *m)
{
	int got = 0;

	for (size_t i = 0; i < rs->nretain; i++)
		for (unsigned k = 0; k < rs->retain[i].count && got == 0; k++) {
			char *location = mem_printf("%s.%u", rs->retain[i].name, k);

			got = counted(v, location, host, m);
			free(location);
		}
	return got;
}

/* Number of regular files in .sync/HOST; -1 after reporting. */
static int64_t files_in_sync(const struct volume *v, const char *host)
{
	int64_t n = volume_files(v, SYNC, host, INT64_MAX);

	if (n == VOLUME_NO_TREE)
		msg_error("%s/" SYNC "/%s: %m", escape_name(v->root), escape_name(host));
	return n;
}

int guard_unseen(const struct volume *v, const struct rsnap *rs, const struct conf *c,
		 const char *host, struct buf *why)
{
	struct guard_facts f = { .bytes = -1, .changed = -1, .removed = -1 };
	struct marker m;
	int got;

	if (!c->max_shrink)
		return 0;
	got = counted_before(v, rs, host, &m);
	if (got == STRANGE)
		buf_printf(next_reason(why), "the marker of the saveset before it %s, so that nobody knows"
			   " what there was", sign_lacks(v, &m));
	if (got <= 0 || got == STRANGE)
		return got == STRANGE ? 1 : got;
	f.was_files = (int64_t)m.files;
	f.was_bytes = (int64_t)m.bytes;
	got = counted(v, SYNC, host, &m);
	if (got == 1) {
		f.files = (int64_t)m.files;
		f.bytes = (int64_t)m.bytes;
	} else if (got >= 0) {
		f.files = files_in_sync(v, host);
	}
	if (got < 0 || f.files < 0)
		return -1;
	return guard_judge(&f, 0, c->max_shrink, why);
}

static void report_dir(const char *host, const struct change_dir *d)
{
	size_t len = d->len < PATH_SHOWN ? d->len : PATH_SHOWN;
	struct buf names = { 0 };
	size_t i;

	for (i = 0; i < CHANGE_NAMES && d->name[i] != NULL; i++)
		buf_printf(&names, "%s %s", i ? "," : "", d->name[i]);
	if (d->n.changed + d->n.removed + d->n.added > (int64_t)i)
		buf_str(&names, ", ...");
	msg_warn("%s: in %s%s: %" PRId64 " changed, %" PRId64 " removed, %" PRId64 " added:%s",
		 escape_name(host), d->len ? escape_bytes(d->path, len) : "its top directory",
		 len < d->len ? "..." : "", d->n.changed, d->n.removed, d->n.added, names.p);
	buf_free(&names);
}

int guard_report(struct catalog *cat, const struct saveset *s)
{
	struct change_top top = { 0 };
	struct saveset p = { 0 };
	struct change n;
	int rc = predecessor(cat, s, &p);

	if (rc)
		return rc < 0 ? -1 : 0;
	rc = change_between(cat, s->series, p.seq, s->seq, &n, &top);
	if (rc == 0) {
		msg_warn("%s: against %s: %" PRId64 " files changed, %" PRId64 " removed, %" PRId64
			 " added; %" PRId64 " files of %" PRId64 " bytes before, %" PRId64 " of %"
			 PRId64 " now", escape_name(s->host), escape_name(p.name), n.changed, n.removed,
			 n.added, p.files, p.bytes, s->files, s->bytes);
		for (size_t i = 0; i < top.n; i++)
			report_dir(s->host, &top.dir[i]);
	}
	change_top_free(&top);
	saveset_free(&p);
	return rc;
}
