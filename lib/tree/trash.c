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
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

#define TRASH "trash"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DENTS_SIZE 65536

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
	return renameat2(dir, name, trash, id, RENAME_NOREPLACE);
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

typedef int each_fn(int trash, int dir, const char *name);

/*
 * Call fn for all that lies in dir once.  Number of entries that were there, or
 * -1 after reporting the first of those that fn failed for.
 */
static long sweep(int trash, int dir, each_fn *fn)
{
	char *dents = mem_alloc(DENTS_SIZE);
	long seen = 0, failed = 0;
	ssize_t got;

	if (lseek(dir, 0, SEEK_SET) < 0)
		failed++;
	while ((got = getdents64(dir, dents, DENTS_SIZE)) > 0) {
		for (ssize_t at = 0; at < got;) {
			struct dirent64 *d = (void *)(dents + at);

			at += d->d_reclen;
			if (is_dots(d->d_name))
				continue;
			seen++;
			if (fn(trash, dir, d->d_name) < 0 && !failed++)
				msg_error("trash: %s cannot be removed: %m", escape_name(d->d_name));
		}
	}
	if (got < 0)
		msg_error("trash: cannot be read: %m");
	free(dents);
	return got < 0 || failed ? -1 : seen;
}

static int remove_or_lift(int trash, int dir, const char *name)
{
	int rc = dispose(dir, name);

	return rc == 1 ? rename_into(trash, dir, name) : rc;
}

/* Remove what lies right in the trash; a directory is emptied first. */
static int remove_top(int trash, int dir, const char *name)
{
	int rc = dispose(dir, name);
	long seen;

	if (rc <= 0)
		return rc;
	int fd = openat(trash, name, DIR_FLAGS);
	if (fd < 0)
		return -1;
	while ((seen = sweep(trash, fd, remove_or_lift)) > 0)
		;
	close(fd);
	return seen < 0 ? -1 : unlinkat(trash, name, AT_REMOVEDIR);
}

int trash_empty(const struct volume *v)
{
	int trash = open_trash(v);
	long seen;

	if (trash < 0) {
		msg_error("trash: %m");
		return -1;
	}
	while ((seen = sweep(trash, trash, remove_top)) > 0)
		;
	close(trash);
	return seen < 0 ? -1 : 0;
}
