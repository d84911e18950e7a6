/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			p += n;
			len -= n;
		}
	}
	return 0;
}

/* As much of a name as a temporary name has room for. */
static const char *short_name(const char *name)
{
	size_t len = strlen(name);

	return len > 200 ? name + len - 200 : name;
}

int file_is_new(const char *name)
{
	return !strncmp(name, FILE_NEW, strlen(FILE_NEW));
}

int file_replace(int dir, const char *name, const void *p, size_t len, unsigned mode)
{
	char *tmp = mem_printf(FILE_NEW "%lx.%s", (long)getpid(), short_name(name));
	int fd, rc = -1, err;

	/* One left by a killed process may be a hard link by now: never write into it. */
	if (unlinkat(dir, tmp, 0) < 0 && errno != ENOENT) {
		free(tmp);
		return -1;
	}
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		goto out;
	if (write_all(fd, p, len) == 0 && fsync(fd) == 0)
		rc = 0;
	err = errno;
	if (close(fd) < 0 && rc == 0) {
		err = errno;
		rc = -1;
	}
	errno = err;
	if (rc == 0)
		rc = renameat(dir, tmp, dir, name);
	if (rc == 0)
		rc = fsync(dir);
	if (rc < 0) {
		err = errno;
		unlinkat(dir, tmp, 0);
		errno = err;
	}
out:
	err = errno;
	free(tmp);
	errno = err;
	return rc;
}

int file_rename_new(int dir, const char *from, int todir, const char *name)
{
	struct stat st;

	if (renameat2(dir, from, todir, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	if (fstatat(todir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(dir, from, todir, name) : -1;
}

int file_make_dir(int dir, const char *name, unsigned mode)
{
	if (mkdirat(dir, name, mode) == 0) {
		if (fsync(dir) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return -1;
	}
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

char *file_read_most(int dir, const char *name, size_t most, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat sb;
	char *p = NULL;
	size_t got = 0, size = 0;
	int err;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &sb) < 0)
		goto fail;
	if (!S_ISREG(sb.st_mode)) {
		errno = EINVAL;
		goto fail;
	}
	for (;;) {
		if (got == size) {
			size = size ? size * 2 : 4096;
			size = size < most ? size : most;
			p = mem_realloc(p, size);
		}
		ssize_t n = read(fd, p + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto fail;
		if (n == 0)
			break;
		got += n;
		if (got == most) {
			errno = EFBIG;
			goto fail;
		}
	}
	close(fd);
	p[got] = 0;
	*len = got;
	return p;
fail:
	err = errno;
	free(p);
	close(fd);
	errno = err;
	return NULL;
}

char *file_read(int dir, const char *name, size_t *len)
{
	return file_read_most(dir, name, FILE_SMALL, len);
}

size_t file_of_process(long pid, const char *name, char *to, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, to, size - 1);
	close(fd);
	if (n <= 0)
		return 0;
	to[n] = '\0';
	return (size_t)n;
}
