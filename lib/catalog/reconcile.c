/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/reconcile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/catchup.h"
#include "catalog/proof.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "catalog/sign.h"

/* A marker that was found. */
struct found {
	char *location, *host;
	char id[ID_LEN + 1];	/* "" for one that could not be read */
	char status[20];
	struct marker m;	/* all zero likewise */
	int sealed;		/* the volume attests it */
	int believed;
	int unread;		/* the disk did not give it */
	int beside;		/* the tree of a location whose directory of markers did not tell of it */
	int hidden;		/* whose tree this is cannot be told: no saveset of the host is gone */
};

struct work {
	struct catalog *cat;
	const struct conf *c;
	const struct volume *v;
	struct found *found;
	size_t n;
	struct saveset *saveset;
	size_t nsaveset;
	size_t changed, damaged, sealed;
	int64_t volume;
	int blind;		/* what a location holds cannot be told: no saveset is gone */
	int dry;
};

/* Nothing that was read from the disk is a marker: torn, foreign, not a regular file. */
static int is_damage(int error)
{
	return error == EINVAL || error == ELOOP || error == EFBIG || error == ENXIO || error == ENODEV;
}

static struct found *add_found(struct work *w, const char *location, const char *host)
{
	w->found = mem_more(w->found, w->n, sizeof(*w->found));
	w->found[w->n] = (struct found){ .location = mem_strdup(location), .host = mem_strdup(host) };
	return &w->found[w->n++];
}

/* Take note of a marker, whether it can be read or not. */
static void note(struct work *w, const char *location, int fd, const char *host)
{
	struct marker m;
	int got = marker_read(fd, host, &m), unread = got < 0 && !is_damage(errno);
	struct found *f = got == 0 ? NULL : add_found(w, location, host);

	if (got > 0) {
		memcpy(f->id, m.id, sizeof(f->id));
		memcpy(f->status, m.status, sizeof(f->status));
		f->m = m;
		f->sealed = volume_attests(w->v, &m);
	} else if (got < 0) {
		f->unread = unread;
	}
}

/*
 * The markers of a location, of which there were "before" others, cannot all be read.  Take
 * note of its trees instead: they tell whose they are.
 */
static void note_trees(struct work *w, const char *location, int fd, size_t before)
{
	struct dirent **list = NULL;
	int n = scandirat(fd, ".", &list, volume_is_tree, alphasort);
	size_t noted = w->n;

	if (n < 0) {
		msg_error("%s/%s: %m", escape_name(w->v->root), escape_name(location));
		w->blind = 1;
	}
	for (int i = 0; i < n; i++) {
		size_t k = before;

		while (k < noted && strcmp(w->found[k].host, list[i]->d_name))
			k++;
		if (k == noted) {
			struct found *f = add_found(w, location, list[i]->d_name);

			f->unread = f->beside = 1;
		}
		free(list[i]);
	}
	free(list);
}

/* Take note of the markers in dir, that of a location.  0, or -1 with errno: not of all. */
static int scan_markers(struct work *w, const char *location, int fd, int dir)
{
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *e;
	int err;

	if (!d) {
		err = errno;
		if (dir >= 0)
			close(dir);
		errno = err;
		return -1;
	}
	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!file_is_new(e->d_name))
			note(w, location, fd, e->d_name);
		else if (!w->dry)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	err = errno;
	closedir(d);
	errno = err;
	return err ? -1 : 0;
}

/* volume_each: read the markers of one location. */
static int scan(const char *location, int fd, void *arg)
{
	struct work *w = arg;
	int dir = openat(fd, MARKER_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), none = errno == ENOENT;
	size_t before = w->n;
	struct stat st;

	if (scan_markers(w, location, fd, dir) < 0 && !(dir < 0 && none)) {
		w->damaged++;
		msg_warn("%s/%s/" MARKER_DIR ": %m: the markers in it are not read", escape_name(w->v->root),
			 escape_name(location));
		note_trees(w, location, fd, before);
	} else if (fstatat(fd, MARKER_BAD, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		note_trees(w, location, fd, before);
	}
	return 0;
}

static int is_for(const struct found *f, const struct saveset *s)
{
	return !strcmp(f->id, s->uid) && !strcmp(f->host, s->host);
}

static int is_ours(const struct work *w, const struct saveset *s)
{
	return s->seq && !strcmp(s->volume_uid, w->v->id) && !strcmp(s->backup_host, w->c->backup_host);
}

static int has_marker(const struct work *w, const struct saveset *s)
{
	for (size_t i = 0; i < w->n; i++)
		if (is_for(&w->found[i], s))
			return 1;
	return 0;
}

/*
 * Is it the marker of an older saveset in the place of a newer one, which has none any more?
 * Rotations only bring newer ones in the place of older ones; who wants an old tree to look
 * new moves its marker.
 */
static int is_older(const struct work *w, const struct saveset *s, const struct found *f)
{
	for (const struct saveset *t = w->saveset; t < w->saveset + w->nsaveset; t++)
		if (t->series == s->series && t->seq > s->seq && t->status != SV_GONE &&
		    saveset_lies_in(t->locations, f->location) && !has_marker(w, t))
			return 1;
	return 0;
}

/* The tree is proved to be that of s: its marker gets a seal, and says what the catalog does. */
static void seal(struct work *w, const struct saveset *s, struct found *f)
{
	/* What it was before it was gone only the marker says. */
	enum saveset_status status = s->status == SV_GONE ? SV_UNATTESTED : s->status;
	int got = w->dry ? 1 : sign_again(w->v, s, f->location, status);

	msg_debug("%s: its marker in %s %s, and its tree is proved", escape_name(s->name),
		  escape_name(f->location), sign_lacks(w->v, &f->m));
	snprintf(f->status, sizeof(f->status), "%s", saveset_status_name(status));
	f->sealed = got > 0;
	w->sealed += got > 0;
	w->damaged += got <= 0;
}

/* A marker that nothing attests, where the catalog has its saveset, and another tree: it stays, and decides nothing. */
static void hold(struct work *w, const struct saveset *s, const struct found *f)
{
	w->damaged++;
	msg_warn("%s: its marker in %s %s, and its tree is not the one that the catalog knows: it stays"
		 " there, and nothing is deleted for it; see 'ss-verify %s'", escape_name(s->name),
		 escape_name(f->location), sign_lacks(w->v, &f->m), escape_name(s->name));
}

/* Is a marker of s to be believed?  1, 0 or -1. */
static int believe_one(struct work *w, const struct saveset *s, struct found *f, int doubt)
{
	int look = doubt || !f->sealed || !strcmp(f->location, ".sync") || is_older(w, s, f);
	int proved = look ? proof_tree(w->cat, w->v, s, f->location) : 1;

	if (proved == PROOF_UNREAD) {
		f->hidden = 1;
		w->damaged++;
		return 0;
	}
	if (proved > 0 && !f->sealed) {
		seal(w, s, f);
		return 1;
	}
	if (proved == 0 && !f->sealed && !doubt && strcmp(f->location, ".sync") != 0 &&
	    saveset_lies_in(s->locations, f->location)) {
		hold(w, s, f);
		return 1;
	}
	if (!proved)
		msg_info("%s: what lies in %s is something else by now", escape_name(s->name),
			 escape_name(f->location));
	return proved;
}

/* Decide which of the markers of s are to be believed.  0 or -1. */
static int believe(struct work *w, const struct saveset *s)
{
	size_t copies = 0;

	for (size_t i = 0; i < w->n; i++)
		copies += is_for(&w->found[i], s);
	/* .sync may have been written to since, under the same marker. */
	int doubt = copies > 1 || s->status == SV_GONE || saveset_lies_in(s->locations, ".sync");
	for (size_t i = 0; i < w->n; i++) {
		int got = is_for(&w->found[i], s) ? believe_one(w, s, &w->found[i], doubt) : 0;

		if (got < 0)
			return -1;
		if (got > 0)
			w->found[i].believed = 1;
	}
	return 0;
}

/* The saveset without a marker of its own to which a tree is proved to belong; what cannot be told. */
struct owner {
	const struct saveset *proved;
	const struct saveset *lay;	/* not proved, but it lay there */
	int unread;
};

/* Look for the owner of the tree beside f.  0 or -1. */
static int find_owner(struct work *w, const struct found *f, struct owner *o)
{
	*o = (struct owner){ 0 };
	for (const struct saveset *s = w->saveset; s < w->saveset + w->nsaveset; s++) {
		if (!is_ours(w, s) || s->status == SV_GONE || strcmp(s->host, f->host) ||
		    has_marker(w, s))
			continue;
		int proved = proof_tree(w->cat, w->v, s, f->location);

		if (proved == -1)
			return -1;
		if (proved > 0) {
			o->proved = s;
			return 0;
		}
		o->unread |= proved == PROOF_UNREAD;
		if (strcmp(f->location, ".sync") && saveset_lies_in(s->locations, f->location))
			o->lay = s;
	}
	return 0;
}

/*
 * A marker that cannot be read, or is not believed: whose was it?  That of a saveset which
 * has no other, if the tree is found to be its; or else, where it cannot be read, of the one
 * that lay there.  One rotten byte must not cost a saveset its checksums.  0 or -1.
 */
static int mend(struct work *w, struct found *f)
{
	int damaged = !f->id[0];
	const struct saveset *s;
	struct owner o;

	if (find_owner(w, f, &o) < 0)
		return -1;
	s = o.proved ? o.proved : damaged ? o.lay : NULL;
	f->hidden |= !s && (o.unread || f->unread);
	w->damaged += f->beside ? s || o.unread : damaged || s;
	if (!s) {
		if (damaged && !f->beside)
			msg_warn("%s/%s: whose damaged marker this is cannot be told",
				 escape_name(f->location), escape_name(f->host));
		return 0;
	}
	/* Where it cannot be written (which was said) the saveset has no name for now, but its place. */
	if (o.proved && !w->dry && sign_again(w->v, s, f->location, s->status) >= 0)
		msg_info("%s: its marker in %s was %s and is written anew", escape_name(s->name),
			 escape_name(f->location), damaged ? "damaged" : "another's");
	memcpy(f->id, s->uid, sizeof(f->id));
	f->believed = 1;
	return 0;
}

/* Is it one whose saveset the tree itself may tell: unreadable, without seal, or of a saveset of ours that is elsewhere? */
static int is_doubtful(const struct work *w, const struct found *f)
{
	const struct saveset *s = w->saveset;

	if (f->believed || !strcmp(f->status, saveset_status_name(SV_RUNNING)))
		return 0;
	while (s < w->saveset + w->nsaveset && !is_for(f, s))
		s++;
	return s < w->saveset + w->nsaveset ? is_ours(w, s) : !f->sealed;
}

/* Decide about all markers.  0 or -1. */
static int believe_all(struct work *w)
{
	for (size_t i = 0; i < w->nsaveset; i++)
		if (is_ours(w, &w->saveset[i]) && believe(w, &w->saveset[i]) < 0)
			return -1;
	for (size_t i = 0; i < w->n; i++)
		if (is_doubtful(w, &w->found[i]) && mend(w, &w->found[i]) < 0)
			return -1;
	if (w->sealed && !w->dry)
		msg_info("%s: %zu markers sealed, whose trees the catalog proves", escape_name(w->v->root),
			 w->sealed);
	return 0;
}

/* The believed locations as saveset.locations has them: numbered ones first; malloc'd. */
static char *believed(const struct work *w, const struct saveset *s)
{
	struct buf b = { 0 };

	for (int sync = 0; sync < 2; sync++)
		for (size_t i = 0; i < w->n; i++) {
			const struct found *f = &w->found[i];

			if (!is_for(f, s) || !f->believed || sync != !strcmp(f->location, ".sync"))
				continue;
			if (b.len)
				buf_char(&b, ',');
			buf_str(&b, f->location);
		}
	char *text = mem_dup(b.p, b.len);
	buf_free(&b);
	return text;
}

/* Does a comma list hold the same locations as another, in whatever order? */
static int same_set(const char *a, const char *b)
{
	size_t len;

	if (strlen(a) != strlen(b))
		return 0;
	for (; *a; a += len + (a[len] == ',')) {
		char *one = mem_dup(a, len = strcspn(a, ","));
		int found = saveset_lies_in(b, one);

		free(one);
		if (!found)
			return 0;
	}
	return 1;
}

/* Was something not read where a saveset of the host may lie? */
static int is_hidden(const struct work *w, const char *host)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->found[i].hidden && !strcmp(w->found[i].host, host))
			return 1;
	return w->blind;
}

/* Transaction: give s the believed locations.  0 or -1. */
static int correct(struct work *w, const struct saveset *s)
{
	char *now = believed(w, s);
	int rc = 0;

	if (same_set(now, s->locations) && (*now || s->status == SV_GONE))
		goto out;
	/* Absence is evidence only where one could look. */
	if (!*now && is_hidden(w, s->host)) {
		w->damaged++;
		msg_warn("%s: was not found, and what lies on the disk cannot all be read: it stays in the catalog"
			 " as it is", escape_name(s->name));
		goto out;
	}
	w->changed++;
	/* To be moved by a rotation is the ordinary thing. */
	if (*now && s->status != SV_GONE)
		msg_debug("%s: lies in %s", escape_name(s->name), escape_name(now));
	else
		msg_info("%s: %s%s", escape_name(s->name), *now ? "is back, in " : "is gone from disk",
			 escape_name(now));
	if (w->dry)
		goto out;
	if (db_run(w->cat->db, SQL_LOCATIONS_DELETE, "i", s->id) < 0)
		rc = -1;
	enum saveset_status status = *now ? s->status : SV_GONE;
	for (size_t i = 0; !rc && i < w->n; i++) {
		const struct found *f = &w->found[i];

		if (!is_for(f, s) || !f->believed)
			continue;
		if (db_run(w->cat->db, SQL_LOCATION_ADD, "is", s->id, f->location) < 0)
			rc = -1;
		/* It is back: what it was, its marker knows. */
		if (s->status == SV_GONE)
			saveset_status_parse(f->status, &status);
	}
	if (!rc && status != s->status &&
	    db_run(w->cat->db, SQL_SAVESET_STATUS, "ii", (int64_t)status, s->id) < 0)
		rc = -1;
out:
	free(now);
	return rc;
}

/* Transaction: all corrections at once. */
static int correct_all(void *arg)
{
	struct work *w = arg;

	w->changed = 0;
	for (size_t i = 0; i < w->nsaveset; i++)
		if (is_ours(w, &w->saveset[i]) && correct(w, &w->saveset[i]) < 0)
			return -1;
	return 0;
}

/* Who asked for the whole says how many there are (unclaimed.h). */
static void report_unknown(const struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct found *f = &w->found[i];
		size_t k = 0;

		while (k < w->nsaveset && !is_for(f, &w->saveset[k]))
			k++;
		if (k == w->nsaveset && f->id[0] && strcmp(f->status, "running") && !marker_waits(&f->m))
			msg_debug("%s/%s: the catalog does not know the saveset of this marker%s%s",
				  escape_name(f->location), escape_name(f->host), f->sealed ? "" : ", which ",
				  f->sealed ? "" : sign_lacks(w->v, &f->m));
	}
}

/* Compare and correct once. */
static int compare(struct catalog *cat, const struct conf *c, const struct volume *v, int dry,
		   size_t *changed, size_t *damaged)
{
	struct work w = { .cat = cat, .c = c, .v = v, .dry = dry };
	int rc = -1;

	*changed = *damaged = 0;
	w.volume = series_volume(cat, c, v);
	if (w.volume < 0 || (dry ? same_disk_check(cat, v) : same_disk_enter(cat, v)) != 0)
		return -1;
	if (volume_each(v, scan, &w) == 0 &&
	    catalog_list(cat, NULL, &w.saveset, &w.nsaveset) == 0) {
		rc = believe_all(&w);
		if (rc == 0)
			rc = db_transaction(cat->db, correct_all, &w);
		/* What interrupted adds left. */
		if (rc == 0 && !dry &&
		    (catchup_claim(cat, v, w.volume) < 0 || series_undo_all(cat, w.volume) < 0))
			rc = -1;
		if (rc == 0)
			report_unknown(&w);
	}
	*changed = w.changed;
	*damaged = w.damaged;
	for (size_t i = 0; i < w.n; i++) {
		free(w.found[i].location);
		free(w.found[i].host);
	}
	free(w.found);
	catalog_list_free(w.saveset, w.nsaveset);
	return rc;
}

int reconcile_run(struct catalog *cat, const struct conf *c, const struct volume *v, int dry,
		  size_t *changed, size_t *damaged)
{
	size_t caught = 0, left = 0, again;
	int rc = compare(cat, c, v, dry, changed, damaged);

	if (rc == 0 && !dry)
		rc = catchup_run(cat, c, v, &caught, &left);
	/* Copies of what was caught up with lie elsewhere, too. */
	if (rc == 0 && caught)
		rc = compare(cat, c, v, dry, &again, damaged);
	*changed += caught;
	*damaged += left;
	return rc;
}
