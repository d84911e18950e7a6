/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_offline.c - a run whose catalog cannot be reached. */
#include "run/run_offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/sign.h"
#include "tree/marker.h"

#define SYNC ".sync"

/* Does the catalog answer now, and take what is written?  1, or 0 after reporting. */
static int is_usable(struct run *r)
{
	if (r->catalog.away || r->catalog.refused)
		return 0;
	catalog_close(&r->catalog);
	return catalog_open(&r->catalog, &r->conf, r->dry ? DB_READ : DB_WRITE) == 0 &&
	       (r->dry || catalog_try(&r->catalog) == 0);
}

int run_offline(struct run *r)
{
	int usable;

	if (r->offline)
		return 1;
	if (run_stopped())
		return 0;
	usable = is_usable(r);
	/* Then it was the disk that was refused. */
	if (usable && !r->admitted)
		return 0;
	r->offline = 1;
	if (r->catalog.away)
		msg_warn("the catalog cannot be reached: the backup goes on without it, and a later"
			 " run catches up");
	else if (r->catalog.none)
		msg_error("the catalog was never made: the backup goes on without it; run 'ss-catalog init', and the"
			  " next run catches up");
	else if (usable)
		msg_error("reading or writing the catalog failed: the backup goes on without it, and the next run"
			  " catches up");
	else
		msg_error("the catalog cannot be used: the backup goes on without it, and a run"
			  " catches up once that is mended");
	run_worse(r, r->catalog.away ? SS_INCOMPLETE : SS_FAIL);
	catalog_close(&r->catalog);
	return 1;
}

/* The host's marker in a location: 1, 0 there is none, -1 after reporting. */
static int read_marker(struct run *r, const char *location, const char *host, struct marker *m)
{
	int fd = volume_location(&r->volume, location), got = 0;

	if (fd < 0 && errno != ENOENT) {
		msg_error("%s/%s: %m", escape_name(r->volume.root), escape_name(location));
		return -1;
	}
	if (fd >= 0) {
		got = marker_read(fd, host, m);
		close(fd);
	}
	return got;
}

struct copy {
	const struct volume *v;
	const char *host, *id;
};

static int is_copy(const char *location, int fd, void *arg)
{
	const struct copy *c = arg;

	struct marker m;

	return strcmp(location, SYNC) && marker_read(fd, c->host, &m) > 0 && !strcmp(m.id, c->id) &&
	       volume_attests(c->v, &m);
}

/* Is it one of a saveset that is to be rotated?  Whether it may be is the guards' to say. */
static int is_to_rotate(const struct run *r, const struct marker *m)
{
	if (!strcmp(m->status, MARKER_WAITING_UNKNOWN) || !strcmp(m->status, "unattested"))
		return 1;
	if (!strcmp(m->status, MARKER_WAITING) || !strcmp(m->status, "complete"))
		return 1;
	return r->conf.rotate_partial &&
	       (!strcmp(m->status, MARKER_WAITING_PARTIAL) || !strcmp(m->status, "partial"));
}

int run_offline_strange(struct run *r, const char *host, struct buf *why)
{
	struct marker m;
	int got = read_marker(r, SYNC, host, &m);

	if (got <= 0)
		return got;
	if (volume_attests(&r->volume, &m) && strcmp(m.status, "unattested") &&
	    strcmp(m.status, MARKER_WAITING_UNKNOWN))
		return 0;
	buf_printf(why, "nothing tells that a run of ours made it: its marker %s",
		   volume_attests(&r->volume, &m) ? "says so" : sign_lacks(&r->volume, &m));
	return 1;
}

int run_offline_waits(struct run *r, const char *host)
{
	struct marker m;
	int got = read_marker(r, SYNC, host, &m);

	if (got <= 0 || !is_to_rotate(r, &m))
		return got < 0 ? RUN_HOST_UNTOLD : 0;
	struct copy c = { &r->volume, host, m.id };
	got = volume_each(&r->volume, is_copy, &c);
	return got < 0 ? -1 : !got;
}

/* Is there a regular file in the host's tree, if it has one?  1, 0, -1 after reporting. */
static int has_files(struct run *r, const char *location, const char *host)
{
	int64_t n = volume_files(&r->volume, location, host, 1);

	return n == VOLUME_NO_TREE ? 0 : (int)n;
}

/* Write the marker of the tree in .sync.  0 or -1. */
static int mark(struct run *r, const char *host, int partial)
{
	struct marker m = { .created = clock_now() };
	char stamp[CLOCK_TEXT];
	int fd = volume_location(&r->volume, SYNC), rc = -1;

	id_new(m.id);
	memcpy(m.volume, r->volume.id, sizeof(m.volume));
	snprintf(m.status, sizeof(m.status), "%s", partial ? MARKER_WAITING_PARTIAL : MARKER_WAITING);
	/* The catalog may give it another one: names are its own. */
	snprintf(m.saveset, sizeof(m.saveset), "%s-%s-%s", host, r->conf.volume,
		 clock_stamp(m.created, stamp));
	if (fd >= 0) {
		rc = marker_write(fd, host, &m);
		close(fd);
	}
	return rc;
}

char *run_offline_record(struct run *r, const char *host, int partial)
{
	char *newest = mem_printf("%s.0", r->rsnap->retain[0].name);
	int64_t files = volume_files(&r->volume, SYNC, host, 1);
	int before = files ? 0 : has_files(r, newest, host);

	free(newest);
	if (files == VOLUME_NO_TREE)
		return mem_strdup("no new saveset in " SYNC);
	if (files < 0 || before > 0)
		return mem_strdup(files < 0 ? "its tree in " SYNC " cannot be read"
					    : "the tree has no files, its predecessor had some");
	if (partial)
		run_worse(r, SS_INCOMPLETE);
	return mark(r, host, partial) < 0 ? mem_strdup("its marker could not be written") : NULL;
}
