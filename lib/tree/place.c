/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* place.c - does a path below the snapshot root lead where it says? */
#include "tree/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* The next component at *path, *path moved behind it; 0 = there is none, -1 = too long. */
static int component(const char **path, char name[NAME_MAX + 1])
{
	size_t len;

	*path += strspn(*path, "/");
	len = strcspn(*path, "/");
	if (len > NAME_MAX)
		return -1;
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len;
	return len > 0;
}

static int step(int at, const char *name)
{
	return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What is wrong with name in the open directory at, as a half sentence; NULL: nothing. */
static const char *wrong(int at, const char *name, int last)
{
	struct stat st;

	if (strcmp(name, "..") == 0)
		return "leads upwards";
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : "cannot be looked at";
	if (S_ISLNK(st.st_mode))
		return "is a symbolic link";
	return S_ISDIR(st.st_mode) || last ? NULL : "is not a directory";
}

char *place_wrong(int root, const char *path)
{
	const char *rest = path, *why = NULL;
	char name[NAME_MAX + 1], *text;
	int at = root, next, got;

	while ((got = component(&rest, name)) > 0) {
		why = wrong(at, name, rest[strspn(rest, "/")] == '\0');
		next = why != NULL ? -1 : step(at, name);
		/* Looked at and opened are two calls, but nobody is at work there meanwhile. */
		if (next < 0 && why == NULL && errno == ELOOP)
			why = "is a symbolic link";
		if (at != root)
			close(at);
		at = next;
		if (at < 0)
			break;
	}
	if (at >= 0 && at != root)
		close(at);
	if (got < 0)
		why = "has a name that is too long";
	if (why == NULL)
		return NULL;
	text = mem_printf("%.*s %s", (int)(rest - path), path, why);
	return text;
}

int place_open(int root, const char *path)
{
	int at = fcntl(root, F_DUPFD_CLOEXEC, 3), next, got, err;
	char name[NAME_MAX + 1];

	while (at >= 0 && (got = component(&path, name)) != 0) {
		errno = ENAMETOOLONG;
		next = got < 0 || strcmp(name, "..") == 0 ? -1 : step(at, name);
		err = errno;
		close(at);
		errno = err;
		at = next;
	}
	return at;
}

const char *place_below(const char *path, const char *dir)
{
	while (*dir != '\0') {
		if (*dir == '/') {
			if (*path != '/')
				return NULL;
			dir += strspn(dir, "/");
			if (*dir == '\0')
				break;
			path += strspn(path, "/");
		} else if (*dir++ != *path++) {
			return NULL;
		}
	}
	/* A root that is "/" is all used up, and what it holds begins with a slash, too. */
	return *path == '/' ? path + strspn(path, "/") : NULL;
}
