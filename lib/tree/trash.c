/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every directory found on the way down is renamed up into the trash itself and
 * emptied there in its turn: no recursion, no way back to find, and a killed
 * run leaves nothing but a trash to go on with.
 */
#include "tree/trash.h"

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

#define TRASH "trash"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DENTS_SIZE 65536

static char *last_left;		/* what trash_left() says */

static int open_trash(const struct volume *v)
{
	int fd;

	if (mkdirat(v->own, TRASH, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(v->own, TRASH, DIR_FLAGS);
	if (fd >= 0 && fchmod(fd, 0700) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Rename name below dir to a free name in the trash.  0, or -1 with errno. */
static int rename_into(int trash, int dir, const char *name)
{
	char id[ID_LEN + 1];

	id_new(id);
	return file_rename_new(dir, name, trash, id);
}

int trash_move(const struct volume *v, int dir, const char *name)
{
	int trash = open_trash(v), rc = -1;

	if (trash >= 0 && rename_into(trash, dir, name) == 0 && fsync(dir) == 0)
		rc = 0;
	else if (trash >= 0 && errno == ENOENT)
		rc = 1;
	else
		msg_error("%s: cannot be moved aside: %m", escape_name(name));
	if (trash >= 0)
		close(trash);
	return rc;
}

static int is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Unlink a file or an empty directory.  0 gone; 1 a directory that holds something; -1 with errno. */
static int dispose(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTDIR)	/* a file that the first call was not allowed to unlink */
		errno = EPERM;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : -1;
}

/* A walk through all that lies in the trash. */
struct emptying {
	int trash;
	const char *top;	/* what right in the trash is being emptied; NULL = the trash itself */
	size_t gone;		/* removed or lifted in this walk */
	size_t stuck;		/* neither */
	char *first;		/* the path of the first that is stuck, below the trash; NULL = none yet */
	int error;		/* why */
};

typedef int each_fn(struct emptying *e, int dir, const char *name);

/* name below dir cannot be removed (errno). */
static void note(struct emptying *e, const char *name)
{
	if (e->first == NULL) {
		e->error = errno;
		e->first = e->top ? mem_printf("%s/%s", e->top, name) : mem_strdup(name);
	}
	e->stuck++;
}

/* Call fn, which gives 0 or -1 with errno, for all that lies in dir once. */
static void sweep(struct emptying *e, int dir, each_fn *fn)
{
	char *dents = mem_alloc(DENTS_SIZE);
	ssize_t got = lseek(dir, 0, SEEK_SET) < 0 ? -1 : 1;

	while (got > 0 && (got = getdents64(dir, dents, DENTS_SIZE)) > 0) {
		for (ssize_t at = 0; at < got;) {
			struct dirent64 *d = (void *)(dents + at);

			at += d->d_reclen;
			if (is_dots(d->d_name))
				continue;
			if (fn(e, dir, d->d_name) == 0)
				e->gone++;
			else
				note(e, d->d_name);
		}
	}
	if (got < 0)
		note(e, ".");
	free(dents);
}

static int remove_or_lift(struct emptying *e, int dir, const char *name)
{
	int rc = dispose(dir, name);

	return rc == 1 ? rename_into(e->trash, dir, name) : rc;
}

/*
 * Remove what lies right in the trash; a directory is emptied first, as far as that
 * goes.  What is stuck in it was noted, so that is no failure of the directory's.
 */
static int remove_top(struct emptying *e, int dir, const char *name)
{
	size_t stuck = e->stuck, gone;
	int rc = dispose(dir, name), fd;

	if (rc <= 0)
		return rc;
	fd = openat(e->trash, name, DIR_FLAGS);
	if (fd < 0)
		return -1;
	e->top = name;
	do {
		gone = e->gone;
		e->stuck = stuck;
		sweep(e, fd, remove_or_lift);
	} while (e->gone > gone);
	e->top = NULL;
	close(fd);
	if (e->stuck > stuck) {
		/* Not counted as gone, nor once more as stuck. */
		e->gone--;
		return 0;
	}
	return unlinkat(e->trash, name, AT_REMOVEDIR);
}

/* Say what is left, where that was not said before.  1. */
static int tell(const struct volume *v, struct emptying *e)
{
	char *path = mem_printf("%s/" MARKER_DIR "/" TRASH "/%s", v->root, e->first);

	errno = e->error;
	if (last_left == NULL || strcmp(last_left, path) != 0)
		msg_warn("%s: cannot be removed: %m%s; it is left there, one of %zu, and tried again",
			 escape_name(path), e->error == EPERM ? " (immutable? see lsattr)" : "", e->stuck);
	free(last_left);
	last_left = path;
	return 1;
}

int trash_empty(const struct volume *v)
{
	struct emptying e = { .trash = open_trash(v) };
	int rc;

	if (e.trash < 0) {
		msg_error("%s/" MARKER_DIR "/" TRASH ": %m", escape_name(v->root));
		return -1;
	}
	do {
		free(e.first);
		e.first = NULL;
		e.gone = e.stuck = 0;
		sweep(&e, e.trash, remove_top);
	} while (e.gone > 0);
	close(e.trash);
	rc = e.stuck ? tell(v, &e) : 0;
	free(e.first);
	return rc;
}

static int is_entry(const struct dirent *d)
{
	return !is_dots(d->d_name);
}

long trash_count(const struct volume *v)
{
	struct dirent **list;
	int n = scandirat(v->own, TRASH, &list, is_entry, NULL);

	if (n < 0)
		return errno == ENOENT ? 0 : -1;
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return n;
}

const char *trash_left(void)
{
	return last_left;
}
