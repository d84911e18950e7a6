/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/catchup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/add.h"
#include "catalog/proof.h"
#include "tree/keys.h"

struct waiting {
	char *location, *host;
	struct marker marker;
};

/* One that add did not publish. */
struct unpublished {
	char uid[ID_LEN + 1];
	int64_t series, seq;	/* that it would have */
	char *host;
};

struct search {
	const struct unpublished *of;	/* markers of these, if any; or else those that wait, or are lost */
	size_t nof;
	const struct conf *c;
	const struct volume *v;
	struct saveset *known;		/* all that the catalog has */
	size_t nknown;
	struct waiting *found;
	size_t n;
};

static const struct unpublished *find(const struct search *s, const struct marker *m)
{
	for (size_t i = 0; i < s->nof; i++)
		if (!strcmp(s->of[i].uid, m->id))
			return &s->of[i];
	return NULL;
}

/*
 * Has the catalog lost the saveset of this marker, since an older copy of the catalog was put
 * back?  1 if this machine's key sealed the marker, and it is not older than all that the catalog
 * has of the host: an older saveset cannot be inserted between two others.  Else 0.
 */
static int is_lost(const struct search *s, const char *location, const char *host, const struct marker *m)
{
	const struct seal_key *own = keys_own();
	int64_t newest = -1;

	if (!marker_is_published(m) || !strcmp(location, ".sync") || !own || strcmp(own->id, m->key) ||
	    !volume_attests(s->v, m))
		return 0;
	for (size_t i = 0; i < s->nknown; i++) {
		const struct saveset *k = &s->known[i];

		if (!strcmp(k->uid, m->id))
			return 0;
		if (k->seq != 0 && k->created > newest && !strcmp(k->host, host) &&
		    !strcmp(k->volume, s->c->volume) && !strcmp(k->backup_host, s->c->backup_host))
			newest = k->created;
	}
	/* Both may be of one second. */
	return newest >= 0 && m->created >= newest;
}

static int is_wanted(const struct search *s, const char *location, const char *host, const struct marker *m)
{
	if (s->of)
		return find(s, m) && marker_is_published(m);
	return marker_waits(m) || is_lost(s, location, host, m);
}

/* volume_each: the markers of one location; what cannot be read is reconcile's to report. */
static int scan(const char *location, int fd, void *arg)
{
	struct search *s = arg;
	int dir = openat(fd, MARKER_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *e;
	struct marker m;

	if (!d && dir >= 0)
		close(dir);
	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || file_is_new(e->d_name) ||
		    marker_read(fd, e->d_name, &m) <= 0 || !is_wanted(s, location, e->d_name, &m))
			continue;
		s->found = mem_more(s->found, s->n, sizeof(*s->found));
		s->found[s->n++] = (struct waiting){ mem_strdup(location), mem_strdup(e->d_name), m };
	}
	if (d)
		closedir(d);
	return 0;
}

/* The oldest first; of copies with one marker those in .sync last. */
static int by_age(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->marker.created != y->marker.created)
		return x->marker.created < y->marker.created ? -1 : 1;
	int sync = !strcmp(x->location, ".sync") - !strcmp(y->location, ".sync");
	return sync ? sync : strcmp(x->location, y->location);
}

/* Did a run of ours write that it waits? */
static int is_ours(const struct volume *v, const struct marker *m)
{
	return volume_attests(v, m) && strcmp(m->status, MARKER_WAITING_UNKNOWN) != 0;
}

/* 1 catalogued, 0 it was already (another copy of its tree), -1. */
static int catch_up(struct catalog *cat, const struct conf *c, const struct volume *v,
		    const struct waiting *w)
{
	int lost = marker_is_published(&w->marker), ours = is_ours(v, &w->marker);
	int partial = !strcmp(w->marker.status, lost ? "partial" : MARKER_WAITING_PARTIAL);
	struct add_options o = { .host = w->host, .location = w->location, .as = &w->marker,
				 .status = !ours ? SV_UNATTESTED : partial ? SV_PARTIAL : SV_COMPLETE,
				 .reason = !ours ? "of unknown origin: its marker has no seal of ours" :
					   partial ? "rsync exit 23: not everything could be transferred"
						   : NULL };
	struct saveset s;
	int known = catalog_by_uid(cat, w->marker.id, &s);

	if (known <= 0) {
		if (known == 0)
			saveset_free(&s);
		return known;
	}
	FILE *nowhere = fopen("/dev/null", "w");
	if (!nowhere) {
		msg_error("/dev/null: %m");
		return -1;
	}
	int code = add_run(cat, c, v, &o, nowhere, &s);
	fclose(nowhere);
	if (code != SS_FAIL && !ours)
		msg_warn("%s: nothing tells that a run of ours made what lies in %s: it is catalogued as"
			 " unattested, and never counts as a complete backup", escape_name(s.name),
			 escape_name(w->location));
	else if (code != SS_FAIL)
		msg_info("%s: was %s; catalogued in %s", escape_name(s.name),
			 lost ? "not in this catalog, an older copy" : "taken while the catalog could not be reached",
			 escape_name(w->location));
	saveset_free(&s);
	return code == SS_FAIL ? -1 : 1;
}

static void search_free(struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->found[i].location);
		free(s->found[i].host);
	}
	free(s->found);
}

/* One that was found, of u: it waits, if its tree is found to be what add saw.  0 or -1. */
static int claim(struct catalog *cat, const struct volume *v, const struct unpublished *u,
		 struct waiting *w)
{
	struct saveset s = { .series = u->series, .seq = u->seq, .host = u->host };
	int partial = !strcmp(w->marker.status, "partial");
	int proved = strcmp(u->host, w->host) ? 0 : proof_tree(cat, v, &s, w->location);

	if (proved <= 0)
		return proved == -1 ? -1 : 0;
	/* The tree is proved; that its run was clean only the marker says. */
	snprintf(w->marker.status, sizeof(w->marker.status), "%s",
		 !volume_attests(v, &w->marker) ? MARKER_WAITING_UNKNOWN :
		 partial ? MARKER_WAITING_PARTIAL : MARKER_WAITING);
	memcpy(w->marker.volume, v->id, sizeof(w->marker.volume));
	int fd = volume_location(v, w->location);
	/* Where it cannot be written that was said: the tree has no name then. */
	if (fd >= 0) {
		marker_write(fd, w->host, &w->marker);
		close(fd);
	}
	return 0;
}

/* All that the volume has, malloc'd, and their number; -1 after reporting. */
static int unpublished(struct catalog *cat, int64_t volume, struct unpublished **list)
{
	struct db_stmt *st = db_bind(cat->db, SQL_SAVESETS_UNPUBLISHED, "i", volume);
	enum db_got got = DB_FAIL;
	int n = 0;

	*list = NULL;
	while (st && (got = db_step(st)) == DB_ROW) {
		char *uid = db_strdup(st, 0);

		*list = mem_more(*list, n, sizeof(**list));
		struct unpublished *u = &(*list)[n++];
		*u = (struct unpublished){ "", db_int(st, 1), db_int(st, 2), db_strdup(st, 3) };
		snprintf(u->uid, sizeof(u->uid), "%s", uid);
		free(uid);
	}
	return got == DB_FAIL ? -1 : n;
}

int catchup_claim(struct catalog *cat, const struct volume *v, int64_t volume)
{
	struct unpublished *list;
	int n = unpublished(cat, volume, &list), rc = n < 0 ? -1 : 0;
	struct search s = { .of = list, .nof = n > 0 ? (size_t)n : 0 };

	if (n > 0)
		rc = volume_each(v, scan, &s);
	for (size_t i = 0; rc == 0 && i < s.n; i++)
		rc = claim(cat, v, find(&s, &s.found[i].marker), &s.found[i]);
	search_free(&s);
	while (n > 0)
		free(list[--n].host);
	free(list);
	return rc;
}

int catchup_run(struct catalog *cat, const struct conf *c, const struct volume *v, size_t *n, size_t *left)
{
	struct search s = { .c = c, .v = v };
	int rc = catalog_list(cat, NULL, &s.known, &s.nknown) < 0 ? -1 : volume_each(v, scan, &s);

	*n = *left = 0;
	catalog_list_free(s.known, s.nknown);
	if (s.n)
		qsort(s.found, s.n, sizeof(*s.found), by_age);
	for (size_t i = 0; i < s.n; i++) {
		int got = rc < 0 ? -1 : catch_up(cat, c, v, &s.found[i]);

		if (got >= 0)
			*n += (size_t)got;
		else if (rc == 0 && catalog_try(cat) == 0)
			/* Its tree or its marker is what failed: the others' are none the worse for it. */
			++*left;
		else
			rc = -1;
	}
	search_free(&s);
	return rc;
}
