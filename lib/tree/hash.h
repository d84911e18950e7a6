/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash.h - digests of files, by several threads.
 *
 * A file is opened so that nothing but a regular file is ever read (O_NOFOLLOW,
 * O_NONBLOCK, O_NOATIME where allowed, below a root with openat2's
 * RESOLVE_BENEATH | NO_SYMLINKS | NO_XDEV), checked against what is expected of
 * it before and after the read, and streamed in bounded memory; holes are not
 * read (SEEK_DATA).  Paths may be longer than PATH_MAX.
 */
#ifndef SS_HASH_H
#define SS_HASH_H

#include "tree/entry.h"
#include "tree/stream.h"

struct hash_algo;	/* one of md5 sha1 sha256 sha512 sha512-256 blake2b512 */

const struct hash_algo *hash_algo_find(const char *name);	/* NULL = no such */
const char *hash_algo_name(const struct hash_algo *a);
size_t hash_algo_size(const struct hash_algo *a);	/* bytes of a digest */

#define HASH_DEFAULT "sha256"

struct hash_job {
	/* in; path bytes stay the caller's until the batch is waited for */
	const char *path;		/* NUL-ended */
	size_t path_len;
	const struct hash_algo *algo;
	int check;		/* compare with what follows; if 0, it is filled with what was found */
	uint64_t ino;		/* also the order of reading; 0 = not known */
	int64_t btime;		/* 0 = do not compare */
	int64_t size, mtime;
	uint32_t mtime_ns;
	/* out */
	enum stream_state state;	/* ST_OK or why not; ST_MOVED = another inode or birth time */
	enum stream_medium medium;
	int err;		/* errno behind ST_UNREADABLE; 0 = not a regular file */
	uint32_t mode, uid, gid;	/* as found, where the file was opened at all */
	unsigned char digest[ENTRY_DIGEST_MAX];
	size_t digest_len;
};

enum hash_read {
	HASH_CACHED,	/* let the kernel cache serve it: medium "unknown" */
	HASH_MEDIA,	/* past the cache: O_DIRECT, else flush and drop, and say what was reached */
};

struct hash_pool;

/*
 * How many threads suit a root: as many as CPUs, with HASH_SERIAL if it lies on
 * a rotational disk.  It looks into /sys: ask before a sandbox closes that.
 */
unsigned hash_threads(int root);
#define HASH_SERIAL 0x10000u	/* what is not cached is read from the disk by one thread at a time */

/*
 * Start threads (a number, perhaps with HASH_SERIAL; 0: hash_threads(root))
 * that read below the directory root (a descriptor that stays the caller's;
 * AT_FDCWD: paths are the caller's own and may be absolute, only their last
 * component must not be a link).  NULL after reporting.
 */
struct hash_pool *hash_pool_new(int root, unsigned threads, enum hash_read how);

/*
 * Hand over n jobs; they are read in the order of their inode numbers, each
 * inode of a batch (and, for a while, of earlier ones) once.  One batch at a
 * time is under way: this waits for the one before.
 */
void hash_submit(struct hash_pool *p, struct hash_job *jobs, size_t n);

/* Wait until all that was submitted is done. */
void hash_wait(struct hash_pool *p);

void hash_pool_free(struct hash_pool *p);	/* waits first; NULL is a no-op */

#endif
