/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rotate.c - a rotation that is either done or undone, whatever interrupts it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/missed.h"
#include "rsnap/promoted.h"
#include "rsnap/rotate.h"
#include "tree/entry.h"
#include "tree/record.h"
#include "tree/trash.h"

#define JOURNAL VOLUME_ROTATION
#define SLOTS_MAX 4096		/* what the plan is made of by comparing each with each */
#define LATE "late"
#define TURN "turn "
#define MISSED "missed "
#define HOSTS_MAX 65536
#define DELETED "_delete"	/* rsnapshot's name for what it is about to delete */

void rotate_list_free(struct rotate_list *l)
{
	free(l->slot);
	*l = (struct rotate_list){ 0 };
}

static void hosts_free(char **list)
{
	char **host;

	for (host = list; host != NULL && *host != NULL; host++)
		free(*host);
	free(list);
}

void rotate_free(struct rotate *r)
{
	hosts_free(r->turn);
	hosts_free(r->missed);
	r->turn = r->missed = NULL;
	rotate_list_free(&r->before);
}

void rotate_plan_free(struct rotate_plan *p)
{
	free(p->step);
	*p = (struct rotate_plan){ 0 };
}

long rotate_slot_number(const char *location, const char *name)
{
	size_t len = strlen(name);
	const char *digits = location + len + 1;

	if (strncmp(location, name, len) != 0 || location[len] != '.' || *digits == '\0' ||
	    strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 9)
		return -1;
	return strtol(digits, NULL, 10);
}

static void list_add(struct rotate_list *l, const char *name, uint64_t ino, int64_t btime)
{
	struct rotate_slot *s;

	l->slot = mem_more(l->slot, l->n, sizeof(*l->slot));
	s = &l->slot[l->n++];
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->ino = ino;
	s->btime = btime;
}

static const struct rotate_slot *by_name(const struct rotate_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->slot[i].name, name) == 0)
			return &l->slot[i];
	return NULL;
}

static const struct rotate_slot *by_identity(const struct rotate_list *l, const struct rotate_slot *s)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->slot[i].ino == s->ino && l->slot[i].btime == s->btime)
			return &l->slot[i];
	return NULL;
}

static int same(const struct rotate_slot *a, const struct rotate_slot *b)
{
	return a != NULL && b != NULL && a->ino == b->ino && a->btime == b->btime;
}

static int concerns(const struct rotate *r, const char *name)
{
	return strcmp(name, r->feeder) == 0 || rotate_slot_number(name, r->interval) >= 0 ||
	       rotate_slot_number(name, DELETED) >= 0;
}

int rotate_look(const struct volume *v, const struct rotate *r, struct rotate_list *now)
{
	int fd = openat(v->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct statx st;
	int ret = -1;

	*now = (struct rotate_list){ 0 };
	if (dir == NULL)
		goto out;
	while (errno = 0, (d = readdir(dir)) != NULL) {
		if (!concerns(r, d->d_name))
			continue;
		if (statx(fd, d->d_name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO | STATX_BTIME, &st) != 0)
			goto out;
		if (S_ISDIR(st.stx_mode))
			list_add(now, d->d_name, st.stx_ino, entry_btime(&st));
	}
	if (errno == 0)
		ret = 0;
out:
	if (ret != 0)
		msg_error("%s: cannot see which locations there are: %m", escape_name(v->root));
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return ret;
}

int rotate_begin(const struct volume *v, struct rotate *r, const char *interval,
		 const char *feeder)
{
	struct buf b = { 0 };
	char **host;
	size_t i;

	snprintf(r->interval, sizeof(r->interval), "%s", interval);
	snprintf(r->feeder, sizeof(r->feeder), "%s", feeder);
	if (rotate_look(v, r, &r->before) != 0)
		return -1;
	buf_printf(&b, "interval %s %s %s %" PRId64 "\n", interval, feeder,
		   r->copy ? "copy" : "rename", r->when);
	if (r->late)
		buf_str(&b, LATE "\n");
	for (host = r->turn; host != NULL && *host != NULL; host++)
		buf_printf(&b, TURN "%s\n", *host);
	for (host = r->missed; host != NULL && *host != NULL; host++)
		buf_printf(&b, MISSED "%s\n", *host);
	for (i = 0; i < r->before.n; i++)
		buf_printf(&b, "at %s %" PRIu64 " %" PRId64 "\n", r->before.slot[i].name,
			   r->before.slot[i].ino, r->before.slot[i].btime);
	return record_write(v, JOURNAL, &b);
}

/* The journal while it is read. */
struct reading {
	struct rotate *r;
	size_t turn, missed;	/* hosts in r's lists of these names */
};

/* A host for the list of n.  0 or -1. */
static int parse_host(char ***list, size_t *n, const char *host)
{
	if (!volume_name_ok(host) || *n == HOSTS_MAX)
		return -1;
	*list = mem_array(*list, *n + 2, sizeof(**list));
	(*list)[(*n)++] = mem_strdup(host);
	(*list)[*n] = NULL;
	return 0;
}

/* A line about a location.  0 or -1. */
static int parse_place(struct rotate *r, const char *line)
{
	char name[ROTATE_NAME];
	uint64_t ino;
	int64_t btime;

	if (sscanf(line, "at %255s %" SCNu64 " %" SCNd64, name, &ino, &btime) != 3 || !concerns(r, name) ||
	    r->before.n == SLOTS_MAX)
		return -1;
	list_add(&r->before, name, ino, btime);
	return 0;
}

/* The line that comes first.  0 or -1. */
static int parse_interval(struct rotate *r, const char *line)
{
	char how[8];

	/* They become names of directories: what leads out of the root is none. */
	if (sscanf(line, "interval %255s %255s %7s %" SCNd64, r->interval, r->feeder, how, &r->when) < 3 ||
	    !volume_name_ok(r->interval) || !volume_name_ok(r->feeder))
		return -1;
	r->copy = strcmp(how, "copy") == 0;
	return 0;
}

static int parse_line(char *line, void *arg)
{
	struct reading *g = arg;
	struct rotate *r = g->r;

	if (r->interval[0] == '\0')
		return parse_interval(r, line);
	if (strncmp(line, TURN, strlen(TURN)) == 0)
		return parse_host(&r->turn, &g->turn, line + strlen(TURN));
	if (strncmp(line, MISSED, strlen(MISSED)) == 0)
		return parse_host(&r->missed, &g->missed, line + strlen(MISSED));
	if (strcmp(line, LATE) != 0)
		return parse_place(r, line);
	r->late = 1;
	return 0;
}

int rotate_read(const struct volume *v, struct rotate *r)
{
	struct reading g = { r, 0, 0 };
	int got;

	*r = (struct rotate){ 0 };
	got = record_read(v, JOURNAL, parse_line, &g);
	if (got < 0 && errno != EBADMSG)
		msg_error("%s/" MARKER_DIR "/" JOURNAL ": cannot read: %m", escape_name(v->root));
	else if (got < 0 || (got > 0 && r->interval[0] == '\0'))
		msg_error("%s/" MARKER_DIR "/" JOURNAL ": not the journal of a rotation",
			  escape_name(v->root));
	return got > 0 && r->interval[0] == '\0' ? -1 : got;
}

int rotate_aside(const struct volume *v, const struct rotate *r, unsigned last)
{
	char *from = mem_printf("%s.%u", r->interval, last);
	char *to = mem_printf(DELETED ".%ld", (long)getpid());
	int ret = file_rename_new(v->fd, from, v->fd, to);

	/* On the disk before rsnapshot goes on from there. */
	if (ret == 0)
		ret = fsync(v->fd);
	else if (errno == ENOENT)
		ret = 0;
	if (ret != 0)
		msg_error("%s: cannot be renamed to %s: %m", escape_name(from), to);
	free(from);
	free(to);
	return ret;
}

static void plan_add(struct rotate_plan *p, const char *from, const char *to)
{
	struct rotate_step *s;

	p->step = mem_more(p->step, p->n, sizeof(*p->step));
	s = &p->step[p->n++];
	snprintf(s->from, sizeof(s->from), "%s", from);
	snprintf(s->to, sizeof(s->to), "%s", to);
}

/* The slot of r's interval with the least number of at least from, as it was before; NULL = none. */
static const struct rotate_slot *next_slot(const struct rotate *r, long from)
{
	const struct rotate_slot *s, *best = NULL;
	long n, least = 0;
	size_t i;

	for (i = 0; i < r->before.n; i++) {
		s = &r->before.slot[i];
		n = rotate_slot_number(s->name, r->interval);
		if (n >= from && (best == NULL || n < least)) {
			best = s;
			least = n;
		}
	}
	return best;
}

/* Judge each slot of the interval that is there now; ROTATE_HALF where none of them tells. */
static enum rotate_state judge(const struct rotate *r, const struct rotate_list *now)
{
	const struct rotate_slot *feeder = by_name(&r->before, r->feeder), *s;
	enum rotate_state state = ROTATE_HALF;
	size_t i;
	long n;

	for (i = 0; i < now->n; i++) {
		s = &now->slot[i];
		n = rotate_slot_number(s->name, r->interval);
		if (n < 0)
			continue;
		if (!r->copy && same(s, feeder))
			return ROTATE_DONE;
		if (by_identity(&r->before, s) != NULL)
			continue;
		/* A stranger anywhere else: somebody went on by hand since, and is not to be undone. */
		if (n > 0 || !r->copy)
			return ROTATE_DONE;
		state = ROTATE_COPIED;
	}
	return state;
}

void rotate_plan(const struct rotate *r, const struct rotate_list *now, struct rotate_plan *p)
{
	char first[ROTATE_NAME + 2];
	const struct rotate_slot *old, *is;
	long n;

	*p = (struct rotate_plan){ .state = judge(r, now) };
	if (p->state == ROTATE_DONE)
		return;
	if (p->state == ROTATE_COPIED) {
		snprintf(first, sizeof(first), "%s.0", r->interval);
		plan_add(p, first, "");
	}
	/* From the lowest up: the place of each is free once the one below is back. */
	for (n = 0; (old = next_slot(r, n)) != NULL; n = rotate_slot_number(old->name, r->interval) + 1) {
		is = by_identity(now, old);
		if (is == NULL || strcmp(is->name, old->name) == 0)
			continue;
		plan_add(p, is->name, old->name);
	}
	if (p->n == 0)
		p->state = ROTATE_UNTOUCHED;
}

int rotate_undo(const struct volume *v, const struct rotate_plan *p)
{
	const struct rotate_step *s;

	for (s = p->step; s < p->step + p->n; s++) {
		if (s->to[0] == '\0') {
			if (trash_move(v, v->fd, s->from) < 0)
				return -1;
			continue;
		}
		if (file_rename_new(v->fd, s->from, v->fd, s->to) != 0) {
			msg_error("%s: cannot be renamed back to %s: %m%s", escape_name(s->from),
				  escape_name(s->to), errno != EEXIST ? "" :
				  ": move what lies there out of the snapshot root, and run this again");
			return -1;
		}
	}
	return 0;
}

int rotate_undone(const struct volume *v)
{
	/* What the journal tells of must be on the disk before the journal is gone. */
	if (fsync(v->fd) == 0 && (unlinkat(v->own, JOURNAL, 0) == 0 || errno == ENOENT) &&
	    fsync(v->own) == 0)
		return 0;
	msg_error("%s/" MARKER_DIR "/" JOURNAL ": cannot be removed: %m", escape_name(v->root));
	return -1;
}

int rotate_done(const struct volume *v, const struct rotate *r)
{
	static char *nobody[] = { NULL };

	/* The records first: a run that is killed in between finds the journal, and does this again. */
	if (missed_set(v, r->interval, r->turn, r->missed != NULL ? r->missed : nobody) != 0 ||
	    (!r->late && promoted_set(v, r->interval, r->turn, r->when != 0 ? r->when : clock_now()) != 0))
		return -1;
	return rotate_undone(v);
}
