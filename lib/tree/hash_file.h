/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash_file.h - the digest of one file, for the threads of hash.c.
 */
#ifndef SS_HASH_FILE_H
#define SS_HASH_FILE_H

#include <pthread.h>
#include "tree/hash.h"
#include "tree/hash_open.h"

/* Which state of which file a digest belongs to; compared as bytes, so it has no padding. */
struct hash_identity {
	uint64_t dev, ino;
	int64_t btime, size, mtime, ctime;
	uint32_t mtime_ns, ctime_ns;
	const struct hash_algo *algo;	/* NULL = nothing is known */
};

struct hash_known {
	struct hash_identity id;
	enum stream_medium medium;
	size_t digest_len;
	unsigned char digest[ENTRY_DIGEST_MAX];
};

/* What was read not long ago, for all threads of a pool. */
struct hash_cache;
struct hash_cache *hash_cache_new(void);
int hash_cache_get(struct hash_cache *c, struct hash_known *k);	/* by k->id; 1 found, 0 not */
void hash_cache_put(struct hash_cache *c, const struct hash_known *k);
void hash_cache_free(struct hash_cache *c);

/* One thread's tools. */
struct hash_reader {
	struct hash_place at;
	enum hash_read how;
	struct hash_cache *cache;	/* the pool's */
	pthread_mutex_t *disk;		/* to be held while reading what is not cached, or NULL */
	void *ctx;			/* EVP_MD_CTX */
	unsigned char *buf;
	int noatime;			/* the file before let us use O_NOATIME */
	struct hash_known last;
};

int hash_reader_init(struct hash_reader *r);	/* ctx and buf; 0, or -1 out of memory */
void hash_reader_done(struct hash_reader *r);

/* Do the job: open, check, read or know, check again. */
void hash_file(struct hash_reader *r, struct hash_job *job);

/* The state that a file which cannot be opened for this reason is in. */
void hash_file_failed(struct hash_job *job, int err);

/* EVP_MD of an algorithm; fetched by hash_submit(), NULL if this OpenSSL has none. */
const void *hash_algo_md(const struct hash_algo *a);

#endif
