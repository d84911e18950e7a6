/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* held.c - trees that stay where they are while their locations are rotated. */
#include "tree/held.h"

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
#include "tree/trash.h"

#define HELD "held"
#define SPARE_SIZE 32
#define SPARE_MAX 1000		/* locations for trees whose place is taken */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Two directories between which trees and their markers are renamed. */
struct move {
	int from, to;			/* a location, and its like in held, or the other way round */
	int from_own, to_own;		/* their directories of markers, -1 = not opened */
	const char *location;		/* for messages */
	int back;
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void move_close(struct move *m)
{
	close_fd(m->from);
	close_fd(m->to);
	close_fd(m->from_own);
	close_fd(m->to_own);
}

static int is_entry(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
	       strcmp(d->d_name, MARKER_DIR) != 0 && strncmp(d->d_name, MARKER_BAD, strlen(MARKER_BAD)) != 0;
}

/* The marker of name goes with it.  1, 0 there is none, or -1 with errno. */
static int take_marker(struct move *m, const char *name)
{
	if (m->from_own < 0)
		m->from_own = openat(m->from, MARKER_DIR, DIR_FLAGS);
	if (m->from_own < 0 || faccessat(m->from_own, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	if (m->to_own < 0)
		m->to_own = file_make_dir(m->to, MARKER_DIR, 0700);
	if (m->to_own < 0)
		return -1;
	return renameat(m->from_own, name, m->to_own, name) == 0 ? 1 : -1;
}

/*
 * The marker of what was moved goes with it; one that the disk does not give stays, and
 * reconcile finds out by the tree whose it is.  0, or -1 with errno.
 */
static int move_marker(struct move *m, const char *name)
{
	if (take_marker(m, name) >= 0)
		return 0;
	msg_warn("%s: the marker of %s cannot be renamed: %m", escape_name(m->location), escape_name(name));
	return mkdirat(m->to, MARKER_BAD, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

/* A marker never waits without its tree: a run that is killed here would leave it there for good. */
static int move_one(struct move *m, const char *name)
{
	int taken = faccessat(m->to, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (taken)
		errno = EEXIST;
	else if ((!m->back || move_marker(m, name) == 0) &&
		 file_rename_new(m->from, name, m->to, name) == 0 &&
		 (m->back || move_marker(m, name) == 0))
		return 0;
	msg_error("%s: %s cannot be renamed: %m", escape_name(m->location), escape_name(name));
	return -1;
}

/* Is it on the disk? */
static int move_flush(const struct move *m)
{
	const int fd[] = { m->to_own, m->to, m->from_own, m->from };
	size_t i;

	for (i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		if (fd[i] >= 0 && fsync(fd[i]) != 0) {
			msg_error("%s: %m", escape_name(m->location));
			return -1;
		}
	return 0;
}

/* rsnapshot tells by it when a location was made, and so do people. */
static void keep_time(int fd, const struct stat *st)
{
	const struct timespec t[2] = { st->st_atim, st->st_mtim };

	(void)futimens(fd, t);
}

static int in_list(const char *name, const char *const *list)
{
	while (*list != NULL && strcmp(*list, name) != 0)
		list++;
	return *list != NULL;
}

static void list_free(struct dirent **list, int n)
{
	while (n-- > 0)
		free(list[n]);
	free(list);
}

/* How many of the n names of list are not in moving? */
static int count_staying(struct dirent **list, int n, const char *const *moving)
{
	int i, staying = 0;

	for (i = 0; i < n; i++)
		staying += !in_list(list[i]->d_name, moving);
	return staying;
}

/* Rename the staying names of list from the location to its like in held, and flush both. */
static int move_staying(const struct volume *v, struct move *m, struct dirent **list, int n,
			const char *const *moving, const struct stat *st)
{
	int held = file_make_dir(v->own, HELD, 0700), i, ret = 0;

	m->to = held < 0 ? -1 : file_make_dir(held, m->location, st->st_mode & 07777);
	close_fd(held);
	if (m->to < 0) {
		msg_error("%s: there is no place where trees could wait: %m", escape_name(m->location));
		return -1;
	}
	for (i = 0; i < n && ret == 0; i++)
		if (!in_list(list[i]->d_name, moving))
			ret = move_one(m, list[i]->d_name);
	if (ret == 0)
		ret = move_flush(m);
	keep_time(m->from, st);
	keep_time(m->to, st);
	return ret;
}

int held_away(const struct volume *v, const char *location, const char *const *moving)
{
	struct move m = { volume_location(v, location), -1, -1, -1, location, 0 };
	struct dirent **list = NULL;
	struct stat st;
	int n, ret = -1;

	if (m.from < 0 && errno == ENOENT)
		return 0;
	n = m.from < 0 || fstat(m.from, &st) != 0 ? -1 :
	    scandirat(m.from, ".", &list, is_entry, alphasort);
	if (n < 0)
		msg_error("%s: %m", escape_name(location));
	else if (count_staying(list, n, moving) == 0)
		ret = 0;
	else
		ret = move_staying(v, &m, list, n, moving, &st);
	list_free(list, n);
	move_close(&m);
	return ret;
}

/* Is the name free in the location, or does an empty directory have it, which is removed?  1 or 0. */
static int is_free(const struct move *m, const char *name)
{
	return faccessat(m->to, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 || unlinkat(m->to, name, AT_REMOVEDIR) == 0;
}

/* A location of ours that has nothing of that name, made if need be.  Open, its name in to; -1 with errno. */
static int open_spare(const struct volume *v, const char *name, char to[SPARE_SIZE])
{
	int fd;

	for (unsigned i = 0; i < SPARE_MAX; i++) {
		snprintf(to, SPARE_SIZE, HELD_SPARE "%u", i);
		fd = file_make_dir(v->fd, to, 0755);
		if (fd < 0 || faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			return fd;
		close(fd);
	}
	errno = EEXIST;
	return -1;
}

int held_is_spare(const char *location)
{
	return strncmp(location, HELD_SPARE, strlen(HELD_SPARE)) == 0;
}

/*
 * Somebody has gone on by hand after a run was killed, and another tree has the place of this
 * one: it gets a location that rsnapshot knows nothing of.  0, or -1 after reporting.
 */
static int move_spare(const struct volume *v, const struct move *m, const char *name)
{
	char to[SPARE_SIZE];
	struct move s = { m->from, open_spare(v, name, to), m->from_own, -1, m->location, 1 };
	int ret = -1;

	if (s.to < 0)
		msg_error("%s: no other place for %s can be made: %m", escape_name(m->location), escape_name(name));
	else if (move_one(&s, name) == 0 && move_flush(&s) == 0)
		ret = 0;
	if (ret == 0)
		msg_warn("%s/%s: another tree lies there by now: was rsnapshot run by hand after a run was killed?"
			 " The one that was held out of that rotation is %s/%s/%s, and its saveset stays in the"
			 " catalog; 'ss-prune' with its name deletes it", escape_name(m->location),
			 escape_name(name), escape_name(v->root), to, escape_name(name));
	close_fd(s.to);
	close_fd(s.to_own);
	if (s.from_own != m->from_own)
		close_fd(s.from_own);
	return ret;
}

/* Put what is held of one location back.  Number of trees, or -1 after reporting. */
static long location_back(const struct volume *v, int held, const char *location)
{
	struct move m = { openat(held, location, DIR_FLAGS), -1, -1, -1, location, 1 };
	struct dirent **list = NULL;
	int n = m.from < 0 ? -1 : scandirat(m.from, ".", &list, is_entry, alphasort), i;
	long ret = n;
	struct stat st;

	/* It has been moved away, or deleted: the place is all theirs. */
	if (n >= 0 && file_rename_new(held, location, v->fd, location) == 0)
		goto out;
	m.to = n < 0 || errno != EEXIST ? -1 : volume_location(v, location);
	if (m.to < 0 || fstat(m.to, &st) != 0) {
		msg_error("%s: what was held out of a rotation cannot be put back: %m",
			  escape_name(location));
		ret = -1;
		goto out;
	}
	for (i = 0; i < n && ret >= 0; i++)
		if ((is_free(&m, list[i]->d_name) ? move_one(&m, list[i]->d_name) :
		     move_spare(v, &m, list[i]->d_name)) != 0)
			ret = -1;
	if (ret >= 0 && move_flush(&m) != 0)
		ret = -1;
	keep_time(m.to, &st);
	/* What is left are markers that could not be renamed. */
	if (ret >= 0 && (unlinkat(m.from, MARKER_DIR, AT_REMOVEDIR) == 0 || errno == ENOENT) &&
	    unlinkat(held, location, AT_REMOVEDIR) == 0)
		goto out;
	if (ret >= 0 && trash_move(v, held, location) < 0) {
		msg_error("%s: not all of what was held out of a rotation could be put back",
			  escape_name(location));
		ret = -1;
	}
out:
	list_free(list, n);
	move_close(&m);
	return ret;
}

int held_any(const struct volume *v)
{
	return faccessat(v->own, HELD, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int is_location(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

long held_back(const struct volume *v)
{
	int held = openat(v->own, HELD, DIR_FLAGS), n, i;
	struct dirent **list = NULL;
	long trees = 0, some;

	if (held < 0 && errno == ENOENT)
		return 0;
	n = held < 0 ? -1 : scandirat(held, ".", &list, is_location, alphasort);
	if (n < 0) {
		msg_error("%s/" MARKER_DIR "/" HELD ": %m", escape_name(v->root));
		trees = -1;
	}
	for (i = 0; i < n && trees >= 0; i++) {
		some = location_back(v, held, list[i]->d_name);
		trees = some < 0 ? -1 : trees + some;
	}
	if (trees >= 0 && (fsync(v->fd) != 0 || unlinkat(v->own, HELD, AT_REMOVEDIR) != 0)) {
		msg_error("%s/" MARKER_DIR "/" HELD ": %m", escape_name(v->root));
		trees = -1;
	}
	list_free(list, n);
	close_fd(held);
	return trees;
}

int held_renew(const struct volume *v, const char *location)
{
	static const char *const none[] = { NULL };
	int ret = held_away(v, location, none) == 0 && trash_move(v, v->fd, location) >= 0 ? 0 : -1;

	return held_back(v) < 0 ? -1 : ret;
}
