/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fixed-ids.c - preloaded by tests/equality: unique ids that come out the same
 * when the same commands are run again.
 *
 * $SS_IDS names a file whose length is how many ids there are already; an id is
 * made of that number alone.  With $SS_IDS_SKIP the first one of each process is
 * left to chance: it is the name of a connection to a server.  And nothing is
 * waited for until it is on the disk, since all of it is thrown away.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The next number, from 1; 0 there is no such file. */
static uint64_t next(void)
{
	const char *file = getenv("SS_IDS");
	int fd = file ? open(file, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	struct stat st = { 0 };

	if (fd < 0 || write(fd, "x", 1) != 1 || fstat(fd, &st) < 0)
		abort();
	close(fd);
	return (uint64_t)st.st_size;
}

ssize_t getrandom(void *to, size_t size, unsigned flags)
{
	static int calls;
	ssize_t (*real)(void *, size_t, unsigned);
	uint64_t mixed[2];

	if (size != sizeof(mixed) || (calls++ == 0 && getenv("SS_IDS_SKIP"))) {
		*(void **)&real = dlsym(RTLD_NEXT, "getrandom");
		return real(to, size, flags);
	}
	mixed[0] = next() * 0x9e3779b97f4a7c15u;
	mixed[1] = mixed[0] ^ mixed[0] >> 29;
	memcpy(to, mixed, sizeof(mixed));
	return (ssize_t)size;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int syncfs(int fd)
{
	(void)fd;
	return 0;
}
