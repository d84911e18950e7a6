/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/catchup.h"

#include <dirent.h>
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
#include "catalog/add.h"

struct waiting {
	char *location, *host;
	struct marker marker;
};

struct search {
	struct waiting *found;
	size_t n;
};

static int is_waiting(const struct marker *m)
{
	return !strcmp(m->status, MARKER_WAITING) || !strcmp(m->status, MARKER_WAITING_PARTIAL);
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
		    marker_read(fd, e->d_name, &m) <= 0 || !is_waiting(&m))
			continue;
		s->found = mem_array(s->found, s->n + 1, sizeof(*s->found));
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

/* 1 catalogued, 0 it was already (another copy of its tree), -1. */
static int catch_up(struct catalog *cat, const struct conf *c, const struct volume *v,
		    const struct waiting *w)
{
	int partial = !strcmp(w->marker.status, MARKER_WAITING_PARTIAL);
	struct add_options o = { .host = w->host, .location = w->location, .as = &w->marker,
				 .status = partial ? SV_PARTIAL : SV_COMPLETE,
				 .reason = partial ? "rsync exit 23: not everything could be transferred"
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
	if (code != SS_FAIL)
		msg_info("%s: was taken while the catalog could not be reached; catalogued in %s",
			 escape_name(s.name), escape_name(w->location));
	saveset_free(&s);
	return code == SS_FAIL ? -1 : 1;
}

int catchup_run(struct catalog *cat, const struct conf *c, const struct volume *v, size_t *n)
{
	struct search s = { 0 };
	int rc = volume_each(v, scan, &s);

	*n = 0;
	if (s.n)
		qsort(s.found, s.n, sizeof(*s.found), by_age);
	for (size_t i = 0; i < s.n; i++) {
		int got = rc < 0 ? -1 : catch_up(cat, c, v, &s.found[i]);

		if (got < 0)
			rc = -1;
		else
			*n += (size_t)got;
		free(s.found[i].location);
		free(s.found[i].host);
	}
	free(s.found);
	return rc;
}
