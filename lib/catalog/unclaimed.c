/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/unclaimed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/asked.h"
#include "catalog/same_disk.h"

/* What is known of a tree that lies somewhere. */
enum claim { CLAIMED, LOST, FOREIGN, WAITING, BARE };

/* A tree that no saveset had in this place when the savesets were listed. */
struct found {
	char *location, *host;
	struct marker m;	/* id "" = there is none, or none that can be read */
};

struct search {
	const struct volume *v;
	const struct saveset *list;	/* of all, by host */
	size_t nlist;
	struct found *found;
	size_t n;
};

/* The first of the savesets of host, or where it would stand. */
static size_t first_of(const struct search *s, const char *host)
{
	size_t low = 0, high = s->nlist;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->list[mid].host, host) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Does a saveset of whichever backup host have its tree here? */
static int is_claimed(const struct search *s, const char *location, const char *host)
{
	for (size_t i = first_of(s, host); i < s->nlist && !strcmp(s->list[i].host, host); i++)
		if (!strcmp(s->list[i].volume_uid, s->v->id) && s->list[i].status != SV_GONE &&
		    saveset_lies_in(s->list[i].locations, location))
			return 1;
	return 0;
}

/* Is there a directory of this name with something in it?  What cannot be read has something. */
static int has_tree(int location, const char *name)
{
	int fd = openat(location, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int some = 0;

	if (!d) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		return err != ENOENT && err != ENOTDIR && err != ELOOP;
	}
	while (!some && (errno = 0, e = readdir(d)) != NULL)
		some = strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	some |= errno != 0;
	closedir(d);
	return some;
}

/* volume_each: the trees of one location that nobody claims. */
static int scan(const char *location, int fd, void *arg)
{
	struct search *s = arg;
	struct dirent **list;
	int n;

	if (!strcmp(location, ".sync"))
		return 0;
	n = scandirat(fd, ".", &list, volume_is_tree, alphasort);
	if (n < 0) {
		msg_error("%s/%s: %m", escape_name(s->v->root), escape_name(location));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		const char *host = list[i]->d_name;
		struct marker m;

		if (!is_claimed(s, location, host) && has_tree(fd, host)) {
			if (marker_read(fd, host, &m) <= 0)
				m = (struct marker){ .id = "" };
			s->found = mem_more(s->found, s->n, sizeof(*s->found));
			s->found[s->n++] = (struct found){ mem_strdup(location), mem_strdup(host), m };
		}
		free(list[i]);
	}
	free(list);
	return 0;
}

/* Does the catalog know the host on this volume, or as yet none at all? */
static int is_our_host(const struct search *s, const char *host)
{
	int others = 0;

	for (size_t i = 0; i < s->nlist; i++) {
		if (strcmp(s->list[i].volume_uid, s->v->id))
			continue;
		if (!strcmp(s->list[i].host, host))
			return 1;
		others = 1;
	}
	return !others;
}

/* What the catalog says of it by now.  enum claim, or -1. */
static int judge(struct catalog *cat, const struct search *search, const struct found *f)
{
	struct saveset s;

	if (!f->m.id[0] || !strcmp(f->m.status, saveset_status_name(SV_RUNNING)))
		return BARE;
	int got = catalog_by_uid(cat, f->m.id, &s);
	if (got < 0)
		return -1;
	if (got > 0 && marker_waits(&f->m))
		return WAITING;
	if (got > 0)
		return is_our_host(search, f->host) ? LOST : FOREIGN;
	/* Its tree may be back, which reconcile finds out; or it is another one by now. */
	int gone = s.status == SV_GONE;
	saveset_free(&s);
	return gone ? BARE : CLAIMED;
}

/* Sort out what was found into u.  0 or -1. */
static int sort_out(struct catalog *cat, const struct search *s, int rotates, struct unclaimed *u)
{
	int best = -1;

	for (size_t i = 0; i < s->n; i++) {
		const struct found *f = &s->found[i];
		int claim = judge(cat, s, f);

		if (claim < 0)
			return -1;
		if (claim == CLAIMED || (claim == BARE && rotates))
			continue;
		u->trees++;
		u->bare += claim == BARE;
		u->waiting += claim == WAITING;
		u->foreign += claim == FOREIGN;
		if (best < 0 || (claim == LOST && best != LOST)) {
			free(u->example);
			u->example = mem_printf("%s/%s", f->location, f->host);
			best = claim;
		}
	}
	return 0;
}

int unclaimed_on(struct catalog *cat, const struct volume *v, struct unclaimed *u)
{
	struct search s = { .v = v };
	struct saveset *list;
	int rotates = volume_in_rotation(v), rc = catalog_list(cat, NULL, &list, &s.nlist);

	s.list = list;
	if (rc == 0)
		rc = volume_each(v, scan, &s);
	if (rc == 0)
		rc = sort_out(cat, &s, rotates || volume_in_rotation(v), u);
	for (size_t i = 0; i < s.n; i++) {
		free(s.found[i].location);
		free(s.found[i].host);
	}
	free(s.found);
	catalog_list_free(list, s.nlist);
	return rc;
}

static int is_away(const struct away *away, const char *volume)
{
	for (size_t i = 0; i < away->n; i++)
		if (!strcmp(away->volume[i].name, volume))
			return 1;
	return 0;
}

/* The volume with this id, if it is there and in the state that the catalog knows.  0 or -1. */
static int look_if_there(struct catalog *cat, const char *id, struct unclaimed *u)
{
	struct volume v = { .fd = -1, .own = -1 };
	char *why = NULL;
	int rc = 0;

	if (volume_away(u->root))
		return 0;
	if (volume_open(&v, u->root) < 0)
		rc = -1;
	else if (!strcmp(v.id, id))
		rc = same_disk_ask(cat, &v, &why);
	if (rc == 0 && v.root && !strcmp(v.id, id))
		rc = unclaimed_on(cat, &v, u);
	volume_close(&v);
	free(why);
	return rc < 0 ? -1 : 0;
}

void unclaimed_free_one(struct unclaimed *u)
{
	free(u->volume);
	free(u->root);
	free(u->example);
	*u = (struct unclaimed){ NULL, NULL, 0, 0, 0, 0, NULL };
}

/* The volumes to look at, with their ids in *id.  0 or -1; the list is to be freed in every case. */
static int volumes(struct catalog *cat, const struct conf *c, const struct away *away,
		   struct unclaimed_list *l, char ***id)
{
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUMES, "");
	enum db_got got = DB_FAIL;

	while (st && (got = db_step(st)) == DB_ROW) {
		char *name = db_strdup(st, 0), *host = db_strdup(st, 3);

		if (!strcmp(host, c->backup_host) && asked_for(c, name, host) && !is_away(away, name)) {
			*id = mem_more(*id, l->n, sizeof(**id));
			(*id)[l->n] = db_strdup(st, 1);
			l->volume = mem_more(l->volume, l->n, sizeof(*l->volume));
			l->volume[l->n++] = (struct unclaimed){ .volume = mem_strdup(name), .root = db_strdup(st, 2) };
		}
		free(name);
		free(host);
	}
	return got == DB_FAIL ? -1 : 0;
}

int unclaimed_look(struct catalog *cat, const struct conf *c, const struct away *away, struct unclaimed_list *l)
{
	struct unclaimed_list all = { NULL, 0, 0 };
	char **id = NULL;

	*l = (struct unclaimed_list){ NULL, 0, 0 };
	int rc = volumes(cat, c, away, &all, &id);

	for (size_t i = 0; i < all.n; i++) {
		struct unclaimed *u = &all.volume[i];

		if (rc == 0)
			rc = look_if_there(cat, id[i], u);
		if (rc == 0 && u->trees) {
			l->volume = mem_more(l->volume, l->n, sizeof(*l->volume));
			l->volume[l->n++] = *u;
			l->trees += u->trees;
		} else {
			unclaimed_free_one(u);
		}
		free(id[i]);
	}
	free(id);
	free(all.volume);
	return rc;
}

size_t unclaimed_lost(const struct unclaimed *u)
{
	return u->trees - u->bare - u->waiting - u->foreign;
}

void unclaimed_warn(const struct unclaimed *u, size_t trees, const char *what)
{
	const char *not_done = what ? "; not " : "";

	if (u->waiting == u->trees)
		msg_warn("%s: trees that are not catalogued yet: %zu, one of them %s%s%s; run 'ss-catalog reconcile'",
			 escape_name(u->root), trees, escape_name(u->example), not_done, what ? what : "");
	else
		msg_warn("%s: trees that no saveset of the catalog claims: %zu, one of them %s%s%s; put a copy of"
			 " the catalog back, or catalogue them with 'ss-catalog add --location', see TREES WITHOUT"
			 " A SAVESET in secondshot(7)", escape_name(u->root), trees, escape_name(u->example),
			 not_done, what ? what : "");
}

void unclaimed_tell(const struct unclaimed_list *l, const char *what, int json)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct unclaimed *u = &l->volume[i];

		unclaimed_warn(u, u->trees, what);
		if (!json)
			continue;
		json_t *o = json_new("unclaimed");
		json_bytes(o, "volume", u->volume, strlen(u->volume));
		json_number(o, "trees", (int64_t)u->trees);
		json_number(o, "without_marker", (int64_t)u->bare);
		json_number(o, "waiting", (int64_t)u->waiting);
		json_bytes(o, "example", u->example, strlen(u->example));
		json_line(stdout, o);
	}
}

void unclaimed_free(struct unclaimed_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		unclaimed_free_one(&l->volume[i]);
	free(l->volume);
	*l = (struct unclaimed_list){ NULL, 0, 0 };
}
