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
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "run/guard.h"
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
	/* Another copy of the disk is one however well the catalog can be reached. */
	return got == 0 || (got < 0 && run_offline(r)) ? 0 : -1;
}

int run_guard_accepts(const struct run *r, const char *host)
{
	const char **name, *is;

	for (name = r->accept; name != NULL && *name != NULL; name++) {
		is = rsnap_host(r->rsnap, *name);
		if (is != NULL && strcmp(is, host) == 0)
			return 1;
	}
	return 0;
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
	if (s->status != SV_UNATTESTED)
		return guard_saveset(&r->catalog, &r->conf, s, why);
	buf_str(why, "nothing tells that a run of ours made it (unattested)");
	return 1;
}

/* Judge by what lies on the disk alone. */
static int unseen(struct run *r, const char *host, struct buf *why)
{
	int held = run_offline_strange(r, host, why);

	return held ? held : guard_unseen(&r->volume, r->rsnap, &r->conf, host, why);
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
		h->why = mem_printf("held back: %s", why.p);
		run_worse(r, SS_FINDINGS);
		msg_warn("%s: %s is held back in " SYNC "%s: %s", escape_name(h->name),
			 s.name ? escape_name(s.name) : "its saveset",
			 fresh ? "" : ", and the host not copied", why.p);
		if (s.name)
			tell(r, &s);
		msg_warn("%s: 'ss-run --accept %s' takes it; 'ss-prune %s@" SYNC "' gives it up, and the"
			 " next run copies anew", escape_name(h->name), escape_name(h->name),
			 escape_name(h->name));
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
