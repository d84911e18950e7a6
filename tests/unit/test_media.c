/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_media.c - what "from the medium" is said of, and what is done for it first. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tree/hash_media.h"
#include "unit.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/*
 * The system that lib/tree/hash_media.c meets here: these functions come before those of
 * libc.  What it does is noted, a letter a step: S fdatasync, D drop the cache, O set
 * O_DIRECT, o clear it.
 */
static struct {
	uint32_t magic;		/* of the file system; 0 = it does not tell */
	int flags;		/* of the descriptor; -1 = they cannot be asked for */
	int no_direct;		/* O_DIRECT is refused */
	int no_cachestat, no_mincore;
	off_t resident;		/* the page at this offset stays in memory; -1 = none does */
} sys;
static char steps[64];

static void step(char c)
{
	size_t n = strlen(steps);

	need(n + 1 < sizeof(steps));
	steps[n] = c;
}

int fstatfs(int fd, struct statfs *fs)
{
	(void)fd;
	memset(fs, 0, sizeof(*fs));
	fs->f_type = (__typeof__(fs->f_type))sys.magic;
	errno = EIO;
	return sys.magic ? 0 : -1;
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	int flags;

	(void)fd;
	if (cmd == F_GETFL) {
		errno = EPERM;
		return sys.flags;
	}
	need(cmd == F_SETFL);
	va_start(ap, cmd);
	flags = va_arg(ap, int);
	va_end(ap);
	if (flags & O_DIRECT && sys.no_direct) {
		errno = EINVAL;
		return -1;
	}
	sys.flags = flags;
	step(flags & O_DIRECT ? 'O' : 'o');
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	step('S');
	return 0;
}

int posix_fadvise(int fd, off_t off, off_t len, int advice)
{
	(void)fd;
	if (off == 0 && len == 0 && advice == POSIX_FADV_DONTNEED)
		step('D');
	return 0;
}

/* cachestat() alone is asked for so. */
long syscall(long number, ...)
{
	struct { uint64_t off, len; } *range;
	uint64_t *pages;
	va_list ap;

	va_start(ap, number);
	need(va_arg(ap, int) >= 0);
	range = va_arg(ap, void *);
	pages = va_arg(ap, void *);
	va_end(ap);
	if (number != SYS_cachestat || sys.no_cachestat) {
		errno = ENOSYS;
		return -1;
	}
	need(range->off == 0 && range->len == 0);
	*pages = sys.resident >= 0;
	return 0;
}

/* A mapping tells its offset: mmap() is this one, and the address its own. */
static off_t mapped_at;
static size_t mapped_len;
static char mapped[1];

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	(void)at, (void)prot, (void)flags, (void)fd;
	mapped_at = off;
	mapped_len = len;
	return mapped;
}

int munmap(void *at, size_t len)
{
	return at == mapped && len == mapped_len ? 0 : -1;
}

int mincore(void *at, size_t len, unsigned char *vec)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;

	if (at != mapped || len != mapped_len || sys.no_mincore) {
		errno = ENOMEM;
		return -1;
	}
	for (i = 0; i * page < len; i++)
		/* All bits but the lowest mean nothing. */
		vec[i] = (unsigned char)(0xfe | (mapped_at + (off_t)(i * page) == sys.resident));
	return 0;
}

static void is_new(uint32_t magic)
{
	memset(&sys, 0, sizeof(sys));
	memset(steps, 0, sizeof(steps));
	sys.magic = magic;
	sys.flags = O_RDONLY | O_NONBLOCK;
	sys.resident = -1;
}

#define EXT4 0xef53u

static void test_begin(void)
{
	int direct = -1;

	is_new(EXT4);
	ok(hash_media_begin(0, 5, &direct) == MEDIUM_MEDIA && direct == 1 && strcmp(steps, "DO") == 0,
	   "the cache is dropped, and O_DIRECT reads past what comes there: media");
	ok(sys.flags == (O_RDONLY | O_NONBLOCK | O_DIRECT), "the other flags stay");
	is_new(EXT4);
	sys.no_direct = 1;
	ok(hash_media_begin(0, 5, &direct) == MEDIUM_MEDIA && direct == 0 && strcmp(steps, "DSD") == 0,
	   "no O_DIRECT: written out, then dropped, and nothing stays: media");
	is_new(EXT4);
	sys.no_direct = 1;
	sys.resident = 0;
	ok(hash_media_begin(0, 5, &direct) == MEDIUM_CACHE && direct == 0, "no O_DIRECT, and a page stays: cache");
	is_new(EXT4);
	sys.flags = -1;
	sys.resident = 0;
	ok(hash_media_begin(0, 5, &direct) != MEDIUM_MEDIA && direct == 0, "no O_DIRECT can be asked for: not media");
}

static void test_limits(void)
{
	static const uint32_t others[] = {
		0, NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, V9FS_MAGIC, FUSE_SUPER_MAGIC,
	};
	static const uint32_t memory[] = { TMPFS_MAGIC, RAMFS_MAGIC };
	int direct, bad = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		is_new(memory[i]);
		bad += hash_media_begin(0, 5, &direct) != MEDIUM_CACHE || direct;
		bad += hash_media_fallback(0, 5) != MEDIUM_CACHE;
	}
	ok(bad == 0, "memory is no medium, whatever it takes");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		is_new(others[i]);
		bad += hash_media_begin(0, 5, &direct) != MEDIUM_UNKNOWN || !direct;
		bad += hash_media_fallback(0, 5) != MEDIUM_UNKNOWN;
		sys.resident = 0;
		bad += hash_media_fallback(0, 5) != MEDIUM_CACHE;
	}
	ok(bad == 0, "what another host or a program serves is unknown at best");
}

static void test_fallback(void)
{
	const off_t gib = (off_t)1 << 30, page = sysconf(_SC_PAGESIZE);

	is_new(EXT4);
	sys.flags |= O_DIRECT;
	ok(hash_media_fallback(0, 5) == MEDIUM_MEDIA && sys.flags == (O_RDONLY | O_NONBLOCK) &&
	   strcmp(steps, "oSD") == 0, "a direct read that was refused: O_DIRECT goes, and the cache is dropped");
	sys.resident = 0;
	ok(hash_media_fallback(0, 5) == MEDIUM_CACHE, "a page that stays is the cache's");

	/* Before Linux 6.5. */
	is_new(EXT4);
	sys.no_cachestat = 1;
	ok(hash_media_fallback(0, 3 * gib) == MEDIUM_MEDIA && hash_media_fallback(0, 0) == MEDIUM_MEDIA,
	   "without cachestat: no page stays");
	sys.resident = 0;
	ok(hash_media_fallback(0, 5) == MEDIUM_CACHE, "without cachestat: the only page");
	sys.resident = 2 * gib + page;
	ok(hash_media_fallback(0, sys.resident + 1) == MEDIUM_CACHE &&
	   hash_media_fallback(0, sys.resident + 7 * page) == MEDIUM_CACHE &&
	   hash_media_fallback(0, sys.resident) == MEDIUM_MEDIA, "without cachestat: a page far behind, up to the end");
	sys.resident = 0;
	ok(hash_media_fallback(0, 2 * gib + 1) == MEDIUM_CACHE, "without cachestat: the first of many");
	sys.no_mincore = 1;
	ok(hash_media_fallback(0, 5) == MEDIUM_UNKNOWN, "what cannot be looked at is unknown");
}

int main(void)
{
	test_begin();
	test_limits();
	test_fallback();
	return done();
}
