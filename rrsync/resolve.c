/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* resolve.c - where a path leads, and a way there that follows no link. */
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int resolve_path(const char *dir, const char *rel, char *real)
{
	char todo[2 * PATH_MAX], link[PATH_MAX], *next = todo;
	size_t len = dir[1] ? strlen(dir) : 0, n;
	int links = 0;
	ssize_t got;

	errno = ENAMETOOLONG;
	if (strlen(rel) >= PATH_MAX || len >= PATH_MAX)
		return -1;
	strcpy(todo, rel);
	memcpy(real, dir, len);
	for (real[len] = '\0'; *(next += strspn(next, "/")); next += n) {
		n = strcspn(next, "/");
		if (n == 1 && next[0] == '.')
			continue;
		if (n == 2 && next[0] == '.' && next[1] == '.') {
			while (len && real[--len] != '/')
				;
			real[len] = '\0';
			continue;
		}
		if (len + 1 + n >= PATH_MAX)
			return -1;
		snprintf(real + len, PATH_MAX - len, "/%.*s", (int)n, next);
		got = readlink(real, link, sizeof(link));
		if (got <= 0 || links++ >= 40) {
			len += 1 + n;
			continue;
		}
		errno = ENAMETOOLONG;
		if ((size_t)got == sizeof(link) || (size_t)got + strlen(next + n) >= sizeof(todo))
			return -1;
		len = link[0] == '/' ? 0 : len;
		real[len] = '\0';
		memmove(todo + got, next + n, strlen(next + n) + 1);
		next = memcpy(todo, link, (size_t)got);
		n = 0;
	}
	return 0;
}

int resolve_open(int dir, const char *rel, mode_t make)
{
	int fd = openat(dir, ".", O_PATH | O_CLOEXEC), up;
	char name[NAME_MAX + 1];
	struct stat st;
	size_t n;

	for (; fd >= 0 && *(rel += strspn(rel, "/")); rel += n) {
		n = strcspn(rel, "/");
		up = fd;
		fd = -1;
		errno = ENAMETOOLONG;
		if (n <= NAME_MAX) {
			snprintf(name, sizeof(name), "%.*s", (int)n, rel);
			if (make)
				mkdirat(up, name, make);
			fd = openat(up, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		}
		close(up);
	}
	if (fd >= 0 && (fstat(fd, &st) || S_ISLNK(st.st_mode) || S_ISSOCK(st.st_mode))) {
		close(fd);
		fd = -1;
		errno = S_ISLNK(st.st_mode) ? ELOOP : ENXIO;
	}
	return fd;
}
