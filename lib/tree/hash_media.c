/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hash_media.c - reading what is on the disk, not what the kernel remembers of it. */
#include "tree/hash_media.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

#define MEDIA_WINDOW ((off_t)1 << 30)	/* looked at in one mapping */

/* What the kernel's struct cachestat_range and struct cachestat are, since 6.5. */
struct media_range {
	uint64_t off, len;
};

struct media_pages {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* Are pages of this window in memory?  1, 0, or -1 if it cannot be told. */
static int media_window(int fd, off_t off, off_t len, long page)
{
	size_t i, n = (size_t)((len + page - 1) / page);
	void *map = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, off);
	unsigned char *vec;
	int rc;

	if (map == MAP_FAILED)
		return -1;
	vec = mem_alloc(n);
	rc = mincore(map, (size_t)len, vec) < 0 ? -1 : 0;
	for (i = 0; rc == 0 && i < n; i++)
		rc = vec[i] & 1;
	munmap(map, (size_t)len);
	free(vec);
	return rc;
}

/*
 * The same for the whole file.  To who may not write the file mincore() shows
 * all of it as present, which errs on the right side.
 */
static int media_resident(int fd, off_t size)
{
	struct media_range all = { 0 };
	struct media_pages pages = { 0 };
	long page = sysconf(_SC_PAGESIZE);
	off_t off;
	int rc = 0;

	if (syscall(SYS_cachestat, fd, &all, &pages, 0) == 0)
		return pages.cached > 0;
	for (off = 0; rc == 0 && off < size; off += MEDIA_WINDOW)
		rc = media_window(fd, off, size - off < MEDIA_WINDOW ? size - off : MEDIA_WINDOW, page);
	return rc;
}

/* What the file system allows to be said at best. */
static enum stream_medium media_limit(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return MEDIUM_UNKNOWN;
	switch ((uint32_t)fs.f_type) {
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return MEDIUM_CACHE;
	case NFS_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case V9FS_MAGIC:
	case FUSE_SUPER_MAGIC:
		return MEDIUM_UNKNOWN;	/* somebody else's cache answers */
	}
	return MEDIUM_MEDIA;
}

enum stream_medium hash_media_fallback(int fd, off_t size)
{
	enum stream_medium limit = media_limit(fd);
	int flags = fcntl(fd, F_GETFL), resident;

	if (flags >= 0 && flags & O_DIRECT)
		fcntl(fd, F_SETFL, flags & ~O_DIRECT);
	if (limit == MEDIUM_CACHE)
		return limit;
	/* Dirty pages cannot be dropped.  A read-only file system has none, so its refusal is no matter. */
	(void)!fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	resident = media_resident(fd, size);
	if (resident < 0)
		return MEDIUM_UNKNOWN;
	return resident ? MEDIUM_CACHE : limit;
}

enum stream_medium hash_media_begin(int fd, off_t size, int *direct)
{
	enum stream_medium limit = media_limit(fd);
	int flags = fcntl(fd, F_GETFL);

	*direct = 0;
	if (limit == MEDIUM_CACHE)
		return limit;
	/* Some file systems take O_DIRECT and still read through the cache: leave them nothing there. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_DIRECT) < 0)
		return hash_media_fallback(fd, size);
	*direct = 1;
	return limit;
}
