/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_guard.c - what stops a run, or one host's part of it, because it looks wrong. */
#include "run/run_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/guard.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "catalog/sign.h"
#include "catalog/waiting.h"
#include "run/run_offline.h"

#define SYNC ".sync"
#define TOLD_FILE "guarded"	/* ids of savesets of which the whole report was made, newest first */
#define TOLD_MAX 1000		/* of them */

int run_guard_options(const struct run *r)
{
	const char **name;

	for (name = r->accept; name != NULL && *name != NULL; name++)
		if (rsnap_host(r->rsnap, *name) == NULL) {
			msg_error("--accept=%s: no such host in %s", escape_name(*name),
				  escape_name(r->rsnap->file));
			return -1;
		}
	return 0;
}

int run_guard_volume(struct run *r)
{
	int got = series_check(&r->catalog, &r->conf, &r->volume);

	if (got == 0)
		got = same_disk_check(&r->catalog, &r->volume);
	r->admitted = got == 0;
	/* Another copy of the disk is one however well the catalog can be reached. */
	return got == 0 || (got < 0 && run_offline(r)) ? 0 : -1;
}

int run_guard_accepts(const struct run *r, const char *host)
{
	return rsnap_named(r->rsnap, r->accept, host);
}

/* The ids in the file, NUL-ended, malloc'd; "" where it cannot be read: then they are told again. */
static char *told_ids(const struct run *r)
{
	size_t len;
	char *text = file_read(r->volume.own, TOLD_FILE, &len);

	return text != NULL ? text : mem_strdup("");
}

/* The whole report, unless it was made before. */
static void tell(struct run *r, const struct saveset *s)
{
	char *ids = told_ids(r);
	struct buf b = { 0 };

	if (strstr(ids, s->uid) == NULL && guard_report(&r->catalog, s) == 0 && !r->dry) {
		buf_printf(&b, "%s\n%s", s->uid, ids);
		if (b.len > TOLD_MAX * (ID_LEN + 1))
			buf_cut(&b, TOLD_MAX * (ID_LEN + 1));
		if (file_replace(r->volume.own, TOLD_FILE, b.p, b.len, 0600) != 0)
			msg_warn("%s/" MARKER_DIR "/" TOLD_FILE ": %m", escape_name(r->volume.root));
		buf_free(&b);
	}
	free(ids);
}

/*
 * Judge by what the catalog says: as run_guard(); *s is what lies in .sync.  What it does not
 * know there may have been put there by anybody.
 */
static int seen(struct run *r, const char *host, struct saveset *s, struct buf *why)
{
	int got = r->offline ? -1 : catalog_at(&r->catalog, &r->conf, host, SYNC, s);

	if (got != 0)
		return got < 0 ? -1 : run_offline_strange(r, host, why);
	return guard_saveset(&r->catalog, &r->conf, s, why);
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
		got = marker_is_published(m);
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

/*
 * What lies in .sync while no catalog can be asked: its files are counted and compared with the
 * counts of the newest marker in a numbered location that has them.  As guard_saveset().
 */
static int judge_unseen(const struct volume *v, const struct rsnap *rs, const struct conf *c,
			const char *host, struct buf *why)
{
	struct guard_limits l = guard_limits(c, host);
	struct guard_facts f = { .bytes = -1, .changed = -1, .removed = -1 };
	struct marker m;
	int got;

	/* What changed cannot be told. */
	l.max_change = 0;
	if (!l.max_shrink && !l.max_shrink_bytes)
		return 0;
	got = counted_before(v, rs, host, &m);
	if (got == STRANGE) {
		buf_printf(why, "the marker of the saveset before it %s, so that nobody knows"
			   " what there was", sign_lacks(v, &m));
		return 1;
	}
	if (got <= 0)
		return got;
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
	return guard_judge(&f, &l, why);
}

/* Judge by what lies on the disk alone. */
static int unseen(struct run *r, const char *host, struct buf *why)
{
	int held = run_offline_strange(r, host, why);

	return held ? held : judge_unseen(&r->volume, r->rsnap, &r->conf, host, why);
}

int run_guard(struct run *r, struct run_host *h)
{
	int fresh = h->state == RUN_COMPLETE || h->state == RUN_PARTIAL, held;
	struct saveset s = { 0 };
	struct buf why = { 0 };

	held = seen(r, h->name, &s, &why);
	if (held < 0 && run_offline(r)) {
		buf_free(&why);
		held = unseen(r, h->name, &why);
	}
	if (held > 0) {
		h->state = RUN_HELD;
		free(h->why);
		h->why = mem_printf(WAITING_HELD "%s", why.p);
		if (!h->saveset && s.name)
			h->saveset = mem_strdup(s.name);
		run_worse(r, SS_FINDINGS);
		msg_warn("%s: %s is held back in " SYNC "%s: %s", escape_name(h->name),
			 s.name ? escape_name(s.name) : "its saveset",
			 fresh ? "" : ", and the host not copied", why.p);
		if (s.name)
			tell(r, &s);
		msg_warn("%s: 'ss-run --accept %s' takes it; 'ss-prune %s@" SYNC "' gives it up, and the"
			 " next run copies anew; see \"What looks wrong\" in ss-run(8)", escape_name(h->name),
			 escape_name(h->name), escape_name(h->name));
	}
	saveset_free(&s);
	buf_free(&why);
	return held;
}

int run_guard_space(const struct run *r)
{
	char word[RSNAP_WORD];

	return r->dry || space_guard(&r->volume, rsnap_word(r->rsnap, word), r->conf.min_free) == 0 ? 0 : -1;
}

int run_guard_measure(const struct run *r, struct space *before)
{
	char *newest = mem_printf("%s.0", r->rsnap->retain[0].name);
	int fd = r->dry ? -1 : volume_location(&r->volume, newest), all = fd >= 0;
	size_t i;

	for (i = 0; i < r->nhost && all; i++)
		all = faccessat(fd, r->host[i].name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (fd >= 0)
		close(fd);
	free(newest);
	return all && space_look(&r->volume, before) == 0;
}

void run_guard_measured(const struct run *r, const struct space *before)
{
	char word[RSNAP_WORD];
	size_t i;

	for (i = 0; i < r->nhost; i++)
		if (r->host[i].state != RUN_COMPLETE && r->host[i].state != RUN_PARTIAL)
			return;
	space_note(&r->volume, rsnap_word(r->rsnap, word), before);
}
