/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guard.c - savesets that somebody should look at before they are rotated. */
#include "catalog/guard.h"

#include <inttypes.h>

#include "base/count.h"
#include "base/escape.h"
#include "base/msg.h"

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

/* Say so if there is less of something than before by more than max percent, the limit called key.  1 or 0. */
static int shrinks(int64_t now, int64_t was, int max, const char *key, const char *what, struct buf *why)
{
	double percent;

	if (now < 0 || !exceeds(was - now, was, max, &percent))
		return 0;
	buf_printf(next_reason(why), "%" PRId64 " %s instead of %" PRId64
		   " (%.1f%% less), %s is %d%%", now, what, was, percent, key, max);
	return 1;
}

/* How many of the predecessor's files are changed or gone; where nobody counted them, so many at least. */
static int64_t touched(const struct guard_facts *f)
{
	int64_t n = f->changed;

	if (f->changed >= 0 && f->removed >= 0) {
		count_add(&n, f->removed);
		return n;
	}
	return f->files >= 0 && f->was_files > f->files ? f->was_files - f->files : 0;
}

/* By the number of files.  1 or 0. */
static int judge_files(const struct guard_facts *f, const struct guard_limits *l, struct buf *why)
{
	int64_t n = touched(f);
	double percent;
	int held = 0;

	if (n < l->min_change && f->files != 0)
		return 0;
	if (exceeds(n, f->was_files, l->max_change, &percent)) {
		held = 1;
		buf_printf(next_reason(why), "%" PRId64 " of %" PRId64 " files are changed or gone"
			   " (%.1f%%), max-change is %d%%", n, f->was_files, percent, l->max_change);
	}
	held |= shrinks(f->files, f->was_files, l->max_shrink, "max-shrink", "files", why);
	if (exceeds(n, f->was_files, l->max_shrink, &percent))
		held |= shrinks(f->bytes, f->was_bytes, l->max_shrink, "max-shrink", "bytes", why);
	return held;
}

int guard_judge(const struct guard_facts *f, const struct guard_limits *l, struct buf *why)
{
	int held = judge_files(f, l, why);

	return shrinks(f->bytes, f->was_bytes, l->max_shrink_bytes, "max-shrink-bytes", "bytes", why) | held;
}

struct guard_limits guard_limits(const struct conf *c, const char *host)
{
	return (struct guard_limits){
		.max_change = conf_host_int(c, "max-change", host),
		.max_shrink = conf_host_int(c, "max-shrink", host),
		.max_shrink_bytes = conf_host_int(c, "max-shrink-bytes", host),
		.min_change = conf_host_int(c, "min-change", host),
	};
}

/* 0 found, 1 there is none, -1. */
static int predecessor(struct catalog *cat, const struct saveset *s, struct saveset *p)
{
	return catalog_fetch(cat, db_bind(cat->db, SQL_SAVESET_PREDECESSOR, "ii", s->series, s->seq), p);
}

int guard_saveset(struct catalog *cat, const struct conf *c, const struct saveset *s, struct buf *why)
{
	struct change n = { .changed = s->changed, .removed = s->removed };
	const struct guard_limits l = guard_limits(c, s->host);
	struct saveset p = { 0 };
	int rc;

	if (s->status == SV_UNATTESTED) {
		buf_str(why, "nothing tells that a run of ours made it (unattested)");
		return 1;
	}
	if (!l.max_change && !l.max_shrink && !l.max_shrink_bytes)
		return 0;
	rc = predecessor(cat, s, &p);
	if (rc)
		return rc < 0 ? -1 : 0;
	/* They were counted against the saveset of the number before, which may be gone. */
	if ((l.max_change || l.max_shrink) && (n.changed < 0 || n.removed < 0 || p.seq != s->seq - 1))
		rc = change_between(cat, s->series, p.seq, s->seq, &n, NULL);
	if (rc == 0) {
		struct guard_facts f = { p.files, p.bytes, s->files, s->bytes, n.changed, n.removed };

		rc = guard_judge(&f, &l, why);
	}
	saveset_free(&p);
	return rc;
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
