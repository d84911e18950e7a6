/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hash_open.c - opening a file below a root that strangers fill. */
#include "tree/hash_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_DIR (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int open_confined(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int hash_open_init(struct hash_place *at, int root)
{
	struct stat st;
	int fd;

	*at = (struct hash_place){ .root = root };
	if (fstatat(root, "", &st, AT_EMPTY_PATH) < 0)
		return -1;
	at->dev = st.st_dev;
	if (root == AT_FDCWD)
		return 0;
	/* ENOSYS on old kernels, EPERM from old container runtimes. */
	fd = open_confined(root, ".", OPEN_DIR);
	at->openat2 = fd >= 0;
	if (fd >= 0)
		close(fd);
	return 0;
}

static void open_close(int fd, int keep)
{
	int saved = errno;

	if (fd >= 0 && fd != keep)
		close(fd);
	errno = saved;
}

/* One component where the kernel has no openat2: no link, and the same file system. */
static int open_step(const struct hash_place *at, int dir, const char *name, int flags)
{
	struct stat st;
	int fd;

	if (strcmp(name, "..") == 0) {
		errno = EXDEV;
		return -1;
	}
	fd = openat(dir, name, flags | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev == at->dev)
		return fd;
	close(fd);
	errno = EXDEV;
	return -1;
}

/* open_confined() in user space, component by component. */
static int open_stepwise(const struct hash_place *at, int dir, char *path, int flags)
{
	int here = dir, next;
	char *slash;

	if (*path == '/') {
		errno = EXDEV;
		return -1;
	}
	while ((slash = strchr(path, '/')) != NULL) {
		*slash = '\0';
		next = *path ? open_step(at, here, path, OPEN_DIR) : here;
		if (next != here)
			open_close(here, dir);
		if (next < 0)
			return -1;
		here = next;
		path = slash + 1;
	}
	next = open_step(at, here, *path ? path : ".", flags);
	open_close(here, dir);
	return next;
}

static int open_piece(const struct hash_place *at, int dir, char *path, int flags)
{
	if (at->root == AT_FDCWD)
		return openat(dir, path, flags);
	if (at->openat2)
		return open_confined(dir, path, flags);
	return open_stepwise(at, dir, path, flags);
}

/* Length of the piece of path, ending before a slash, that one system call can take; 0 = there is none. */
static size_t open_split(const char *path)
{
	const char *slash = memrchr(path, '/', PATH_MAX - 1);

	/* A leading slash alone must stay one. */
	return slash ? (size_t)(slash - path) + (slash == path) : 0;
}

int hash_open(const struct hash_place *at, const char *path, size_t len, int flags)
{
	int dir = at->root, next;
	char piece[PATH_MAX];
	size_t n;

	while (len >= PATH_MAX) {
		n = open_split(path);
		if (!n) {
			open_close(dir, at->root);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(piece, path, n);
		piece[n] = '\0';
		next = open_piece(at, dir, piece, OPEN_DIR);
		open_close(dir, at->root);
		if (next < 0)
			return -1;
		dir = next;
		for (; path[n] == '/'; n++)
			;
		path += n;
		len -= n;
	}
	memcpy(piece, path, len);
	piece[len] = '\0';
	next = open_piece(at, dir, piece, OPEN_FILE | flags);
	open_close(dir, at->root);
	return next;
}
