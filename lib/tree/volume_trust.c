/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volume_trust.c - may root believe, and write into, what lies on a volume? */
#include "tree/volume_trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The directories of ours in ROOT/.secondshot whose own entries are ours, and those that hold locations. */
static const char records[] = "runs", held[] = "held";

static int refuse(const char *path, const char *why)
{
	msg_error("volume offline: %s is refused: %s", escape_name(path), why);
	return -1;
}

static int dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The list of what an open directory holds.  Its length, or -1 after reporting. */
static int list_of(int dir, const char *path, struct dirent ***list)
{
	int n = scandirat(dir, ".", list, NULL, alphasort);

	if (n < 0)
		msg_error("volume offline: %s: %m", escape_name(path));
	return n;
}

/* An entry of ours: a regular file or a directory, and trusted.  0, 1 it is a directory, -1 after reporting. */
static int entry(int dir, const char *name, const char *path)
{
	const char *why = NULL;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* Another run may be at work. */
		if (errno == ENOENT)
			return 0;
		msg_error("volume offline: %s: %m", escape_name(path));
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		why = "it is neither a file nor a directory (remove it)";
	else
		why = trust_why(&st);
	return why ? refuse(path, why) : S_ISDIR(st.st_mode) != 0;
}

/* What is in one of our directories, the entries alone. */
static int entries(int dir, const char *path)
{
	struct dirent **list;
	int n = list_of(dir, path, &list), rc = n < 0 ? -1 : 0, i;

	for (i = 0; i < n; i++) {
		char *at = mem_printf("%s/%s", path, list[i]->d_name);

		if (!rc && !dots(list[i]->d_name) && entry(dir, list[i]->d_name, at) < 0)
			rc = -1;
		free(at);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return rc;
}

/* Open a directory: -1 with *rc 0 if there is none, or something else; with *rc -1 after reporting. */
static int open_dir(int dir, const char *name, const char *path, int *rc)
{
	int fd = openat(dir, name, DIR_FLAGS);

	*rc = 0;
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR) {
		msg_error("volume offline: %s: %m%s", escape_name(path), msg_as_root());
		*rc = -1;
	}
	return fd;
}

/* A location: itself, and the directory of its markers.  What these say is believed for their seals. */
static int location(int fd, const char *path)
{
	char *own = mem_printf("%s/" MARKER_DIR, path);
	const char *why;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0) {
		msg_error("volume offline: %s: %m", escape_name(path));
		rc = -1;
	} else if ((why = trust_why(&st)) != NULL) {
		rc = refuse(path, why);
	} else {
		/* Nobody reads it, nor goes there, where it is no directory or cannot be seen. */
		rc = fstatat(fd, MARKER_DIR, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
		     (why = trust_why(&st)) != NULL ? refuse(own, why) : 0;
	}
	free(own);
	return rc;
}

/* ROOT/.secondshot/NAME, whose entry was looked at: what is in it and is ours. */
static int own_dir(int parent, const char *name, const char *path)
{
	struct dirent **list;
	int rc, dir = open_dir(parent, name, path, &rc), n, i;

	if (dir < 0)
		return rc;
	if (strcmp(name, records) == 0)
		rc = entries(dir, path);
	n = strcmp(name, held) == 0 ? list_of(dir, path, &list) : 0;
	for (i = 0; i < n; i++) {
		char *at = mem_printf("%s/%s", path, list[i]->d_name);
		int fd = rc || dots(list[i]->d_name) ? -1 : open_dir(dir, list[i]->d_name, at, &rc);

		if (fd >= 0) {
			rc = location(fd, at);
			close(fd);
		}
		free(at);
		free(list[i]);
	}
	if (n > 0)
		free(list);
	close(dir);
	return n < 0 ? -1 : rc;
}

/* ROOT/.secondshot. */
static int own(const struct volume *v, const char *path)
{
	const char *const names[] = { records, held };
	struct stat st;
	size_t i;
	int rc = 0;

	if (fstat(v->own, &st) < 0) {
		msg_error("volume offline: %s: %m", escape_name(path));
		return -1;
	}
	if (trust_why(&st))
		return refuse(path, trust_why(&st));
	if (entries(v->own, path))
		return -1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]) && !rc; i++) {
		char *at = mem_printf("%s/%s", path, names[i]);

		rc = own_dir(v->own, names[i], at);
		free(at);
	}
	return rc;
}

static int one_location(const char *name, int fd, void *arg)
{
	const struct volume *v = arg;
	char *path = mem_printf("%s/%s", v->root, name);
	int rc = location(fd, path);

	free(path);
	return rc;
}

int volume_trust(const struct volume *v)
{
	struct volume copy = *v;
	char *path;
	int rc;

	if (trust_dir(v->fd, v->root))
		return -1;
	if (v->own < 0)
		return 0;
	path = mem_printf("%s/" MARKER_DIR, v->root);
	rc = own(v, path);
	free(path);
	return rc ? rc : volume_each(v, one_location, &copy);
}
