/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

#define OPEN_MAX_LEVELS 48	/* directories held open at once */
#define MASK (STATX_BASIC_STATS | STATX_BTIME)
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A directory that was returned, whose contents come a little later in path order. */
struct pending {
	size_t name;		/* offset in the level's names */
	uint64_t ino;
	int64_t number;		/* walk_set_dir() */
};

/* A directory on the way from the top to where the walk is. */
struct level {
	int fd;			/* -1: closed for a while, to be had back by ".." */
	uint64_t ino;
	int64_t number;
	size_t prefix;		/* length of its path in walk.path, with the slash */
	struct buf names;	/* NUL-ended, one after the other */
	size_t *order;		/* offsets of names, sorted */
	size_t n, next;
	struct pending *pending;	/* a stack */
	size_t npending;
};

struct walk {
	const char *at;
	unsigned major, minor;	/* the one file system */
	struct level *levels;
	size_t depth, cap;
	size_t first_open;	/* levels below this one are closed */
	size_t keep;		/* so many are held open at most */
	struct buf path;
	struct entry e;
	char *data;
	size_t data_cap;
	char *dents;
	unsigned long problems;
	struct buf skipped;	/* paths of those since the last entry, each NUL-ended */
	int top_unread;
	int started;
	int at_top;		/* the entry just returned is the top directory */
};

#define DENTS_SIZE 65536

static void problem(struct walk *w, const char *path, const char *what)
{
	size_t len = strlen(path);

	msg_warn("%s/%s: %s", escape_name(w->at), escape_name(path), what);
	w->problems++;
	w->top_unread |= !len;
	if (len && path[len - 1] == '/')
		len--;
	buf_add(&w->skipped, path, len);
	buf_char(&w->skipped, 0);
}

static int by_name(const void *a, const void *b, void *names)
{
	const char *base = names;

	return strcmp(base + *(const size_t *)a, base + *(const size_t *)b);
}

/* Read the names of the directory open as l->fd.  0, or -1 with errno. */
static int list(struct walk *w, struct level *l)
{
	size_t cap = 0;
	ssize_t got;

	while ((got = getdents64(l->fd, w->dents, DENTS_SIZE)) > 0) {
		for (ssize_t at = 0; at < got;) {
			struct dirent64 *d = (void *)(w->dents + at);
			const char *name = d->d_name;

			at += d->d_reclen;
			if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
				continue;
			if (l->n == cap) {
				cap = cap ? cap * 2 : 16;
				l->order = mem_array(l->order, cap, sizeof(*l->order));
			}
			l->order[l->n++] = l->names.len;
			buf_add(&l->names, name, strlen(name) + 1);
		}
	}
	int err = errno;

	/* In order also where only some could be read: the caller relies on it. */
	if (l->n > 1)
		qsort_r(l->order, l->n, sizeof(*l->order), by_name, l->names.p);
	errno = err;
	return got < 0 ? -1 : 0;
}

static void level_free(struct level *l)
{
	buf_free(&l->names);
	free(l->order);
	free(l->pending);
}

/* Close the descriptor of the highest level that still has one, but for the deepest. */
static int shed(struct walk *w)
{
	if (w->first_open + 1 >= w->depth)
		return -1;
	struct level *l = &w->levels[w->first_open++];
	close(l->fd);
	l->fd = -1;
	return 0;
}

/* Out of descriptors: give half of them back, as the catalog's journal needs some too. */
static int economise(struct walk *w)
{
	size_t held = w->depth - w->first_open;

	w->keep = held / 2 > 2 ? held / 2 : 2;
	while (w->depth - w->first_open > w->keep && shed(w) == 0)
		;
	return w->depth - w->first_open < held ? 0 : -1;
}

static int open_dir(struct walk *w, int at, const char *name)
{
	int fd;

	do {
		fd = openat(at, name, DIR_FLAGS | O_NOATIME);
		if (fd < 0 && errno == EPERM)
			fd = openat(at, name, DIR_FLAGS);
	} while (fd < 0 && (errno == EMFILE || errno == ENFILE) && economise(w) == 0);
	return fd;
}

/* Go into the directory fd (now the walk's), whose path is the first prefix bytes of w->path. */
static void enter(struct walk *w, int fd, uint64_t ino, int64_t number, size_t prefix)
{
	if (w->depth == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 16;
		w->levels = mem_array(w->levels, w->cap, sizeof(*w->levels));
	}
	struct level *l = &w->levels[w->depth++];
	*l = (struct level){ .fd = fd, .ino = ino, .number = number, .prefix = prefix };
	if (list(w, l) < 0) {
		buf_cut(&w->path, prefix);
		problem(w, w->path.p ? w->path.p : "", strerror(errno));
	}
	if (w->depth - w->first_open > w->keep)
		shed(w);
}

/* Leave the deepest directory.  0, or -1 after reporting that the way back is lost. */
static int leave(struct walk *w)
{
	struct level *l = &w->levels[--w->depth];
	int rc = 0;

	if (w->depth > 0 && w->levels[w->depth - 1].fd < 0) {
		struct level *up = &w->levels[w->depth - 1];
		struct statx sx;

		up->fd = openat(l->fd, "..", DIR_FLAGS);
		if (up->fd < 0 || statx(up->fd, "", AT_EMPTY_PATH, STATX_INO, &sx) < 0 ||
		    sx.stx_ino != up->ino || sx.stx_dev_major != w->major ||
		    sx.stx_dev_minor != w->minor) {
			msg_error("%s/%s: was moved while it was being walked",
				  escape_name(w->at), escape_bytes(w->path.p, l->prefix));
			rc = -1;
		}
		w->first_open = w->depth - 1;
	}
	if (l->fd >= 0)
		close(l->fd);
	level_free(l);
	return rc;
}

/* Open the directory returned before and go into it.  0; failing is a problem, not an end. */
static void descend(struct walk *w, struct level *l)
{
	struct pending p = l->pending[--l->npending];
	const char *name = l->names.p + p.name;
	struct statx sx;

	buf_cut(&w->path, l->prefix);
	buf_str(&w->path, name);
	int fd = open_dir(w, l->fd, name);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_INO, &sx) < 0) {
		problem(w, w->path.p, strerror(errno));
	} else if (sx.stx_dev_major != w->major || sx.stx_dev_minor != w->minor) {
		problem(w, w->path.p, "another file system is mounted here, not entered");
	} else if (sx.stx_ino != p.ino) {
		problem(w, w->path.p, "was replaced while it was being walked");
	} else {
		buf_char(&w->path, '/');
		enter(w, fd, p.ino, p.number, w->path.len);
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* Put the target of the link name into w->e.  0, or -1 with errno. */
static int read_target(struct walk *w, int fd, const char *name)
{
	ssize_t len;

	while ((len = readlinkat(fd, name, w->data, w->data_cap)) == (ssize_t)w->data_cap) {
		w->data_cap *= 2;
		w->data = mem_realloc(w->data, w->data_cap);
	}
	if (len < 0)
		return -1;
	w->e.data = w->data;
	w->e.data_len = len;
	return 0;
}

/* Fill w->e with name in the level l.  0, or -1 with errno. */
static int look(struct walk *w, struct level *l, const char *name, uint64_t *ino)
{
	struct statx sx;

	if (statx(l->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, MASK, &sx) < 0)
		return -1;
	walk_entry(&w->e, &sx);
	*ino = sx.stx_ino;
	if (w->e.type == 'l')
		return read_target(w, l->fd, name);
	if (w->e.type == 'b' || w->e.type == 'c') {
		w->e.data_len = snprintf(w->data, w->data_cap, "%u:%u",
					 sx.stx_rdev_major, sx.stx_rdev_minor);
		w->e.data = w->data;
	}
	return 0;
}

struct walk *walk_open(int top, const char *at)
{
	struct statx sx;

	if (statx(top, "", AT_EMPTY_PATH, MASK, &sx) < 0) {
		msg_error("%s: %m", escape_name(at));
		return NULL;
	}
	if (!S_ISDIR(sx.stx_mode)) {
		msg_error("%s: not a directory", escape_name(at));
		return NULL;
	}
	/* A descriptor of our own, as reading moves its offset. */
	int fd = openat(top, ".", DIR_FLAGS);
	if (fd < 0) {
		msg_error("%s: %m", escape_name(at));
		return NULL;
	}
	struct walk *w = mem_alloc(sizeof(*w));
	w->at = at;
	w->keep = OPEN_MAX_LEVELS;
	w->major = sx.stx_dev_major;
	w->minor = sx.stx_dev_minor;
	w->dents = mem_alloc(DENTS_SIZE);
	w->data_cap = PATH_MAX;
	w->data = mem_alloc(w->data_cap);
	walk_entry(&w->e, &sx);
	/* rsnapshot touches it with every run, so it tells nothing. */
	w->e.mtime = w->e.mtime_ns = 0;
	enter(w, fd, sx.stx_ino, 0, 0);
	return w;
}

/* Return name, next in the level l, as an entry; 0 if it has to be passed over. */
static int emit(struct walk *w, struct level *l, size_t name_at)
{
	const char *name = l->names.p + name_at;
	uint64_t ino;

	buf_cut(&w->path, l->prefix);
	buf_str(&w->path, name);
	if (look(w, l, name, &ino) < 0) {
		problem(w, w->path.p, strerror(errno));
		return 0;
	}
	w->e.path = w->path.p;
	w->e.path_len = w->path.len;
	if (w->e.type == 'd') {
		l->pending = mem_more(l->pending, l->npending, sizeof(*l->pending));
		l->pending[l->npending++] = (struct pending){ name_at, ino, 0 };
	}
	return 1;
}

int walk_next(struct walk *w, const struct entry **e)
{
	*e = &w->e;
	if (!w->started) {
		w->started = w->at_top = 1;
		return 1;
	}
	w->at_top = 0;
	buf_reset(&w->skipped);
	while (w->depth > 0) {
		struct level *l = &w->levels[w->depth - 1];
		const char *next = l->next < l->n ? l->names.p + l->order[l->next] : NULL;

		if (l->npending > 0) {
			const char *dir = l->names.p + l->pending[l->npending - 1].name;

			if (entry_dir_first(dir, strlen(dir), next, next ? strlen(next) : 0)) {
				descend(w, l);
				continue;
			}
		}
		if (!next) {
			if (leave(w) < 0)
				return -1;
			continue;
		}
		l->next++;
		if (emit(w, l, l->order[l->next - 1]))
			return 1;
	}
	return 0;
}

void walk_set_dir(struct walk *w, int64_t number)
{
	struct level *l = &w->levels[w->depth - 1];

	if (w->at_top)
		l->number = number;
	else if (l->npending > 0)
		l->pending[l->npending - 1].number = number;
}

int64_t walk_dir(const struct walk *w)
{
	return w->at_top || !w->depth ? 0 : w->levels[w->depth - 1].number;
}

int walk_skipped(const struct walk *w, const char *path, size_t len)
{
	const char *end = w->skipped.p + w->skipped.len;

	if (w->top_unread)
		return 1;
	for (const char *p = w->skipped.p; p < end; p += strlen(p) + 1) {
		size_t n = strlen(p);

		if (n <= len && !memcmp(p, path, n) && (n == len || path[n] == '/'))
			return 1;
	}
	return 0;
}

unsigned long walk_problems(const struct walk *w)
{
	return w->problems;
}

void walk_close(struct walk *w)
{
	if (!w)
		return;
	while (w->depth > 0) {
		struct level *l = &w->levels[--w->depth];
		if (l->fd >= 0)
			close(l->fd);
		level_free(l);
	}
	free(w->levels);
	buf_free(&w->path);
	buf_free(&w->skipped);
	free(w->data);
	free(w->dents);
	free(w);
}
