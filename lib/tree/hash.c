/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hash.c - digests of files, by several threads. */
#include "tree/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "tree/hash_file.h"

#define HASH_THREADS_MAX 256

struct hash_algo {
	const char *name, *evp;
	size_t size;
};

static const struct hash_algo hash_algos[] = {
	{ "md5", "MD5", 16 },
	{ "sha1", "SHA1", 20 },
	{ "sha256", "SHA2-256", 32 },
	{ "sha512", "SHA2-512", 64 },
	{ "sha512-256", "SHA2-512/256", 32 },
	{ "blake2b512", "BLAKE2B-512", 64 },
};

#define HASH_ALGOS (sizeof(hash_algos) / sizeof(hash_algos[0]))

/* Fetched when first used, and kept: a fetch a file would cost more than most files. */
static EVP_MD *_Atomic hash_mds[HASH_ALGOS];
static pthread_mutex_t hash_fetch = PTHREAD_MUTEX_INITIALIZER;

const struct hash_algo *hash_algo_find(const char *name)
{
	size_t i;

	for (i = 0; i < HASH_ALGOS; i++)
		if (strcmp(hash_algos[i].name, name) == 0)
			return &hash_algos[i];
	return NULL;
}

const char *hash_algo_name(const struct hash_algo *a)
{
	return a->name;
}

size_t hash_algo_size(const struct hash_algo *a)
{
	return a->size;
}

const void *hash_algo_md(const struct hash_algo *a)
{
	return hash_mds[a - hash_algos];
}

static void algo_fetch(const struct hash_algo *a)
{
	EVP_MD *_Atomic *md = &hash_mds[a - hash_algos];

	if (*md)
		return;
	pthread_mutex_lock(&hash_fetch);
	if (!*md) {
		/* What openssl.cnf might load has no place in a program that runs as root. */
		OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
		*md = EVP_MD_fetch(NULL, a->evp, NULL);
		if (!*md)
			msg_error("this OpenSSL has no %s", a->name);
	}
	pthread_mutex_unlock(&hash_fetch);
}

/* A job's place in the order; the inode is kept here since the job's own may be filled in meanwhile. */
struct hash_turn {
	uint64_t ino;
	struct hash_job *job;
};

struct hash_pool {
	struct hash_reader *reader;	/* one a thread */
	pthread_t *thread;
	unsigned threads, started;
	struct hash_cache *cache;
	pthread_mutex_t disk;		/* held by who reads from a disk that seeks */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	unsigned long batch;		/* counts those submitted */
	unsigned busy;			/* threads that have not finished it yet */
	int quit;
	struct hash_turn *order;	/* its jobs by inode */
	size_t n;
	atomic_size_t next;		/* the first of order that nobody has taken */
};

/* May it share what the one before in the order has read? */
static int pool_same(const struct hash_turn *t)
{
	return t->ino && t->ino == t[-1].ino;
}

/* Take and do jobs until there are none.  All names of an inode fall to who takes the first. */
static void pool_work(struct hash_pool *p, struct hash_reader *r)
{
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n) {
		if (i > 0 && pool_same(&p->order[i]))
			continue;
		hash_file(r, p->order[i].job);
		while (++i < p->n && pool_same(&p->order[i]))
			hash_file(r, p->order[i].job);
	}
}

struct pool_arg {
	struct hash_pool *pool;
	unsigned i;
};

static void *pool_thread(void *v)
{
	struct pool_arg arg = *(struct pool_arg *)v;
	struct hash_pool *p = arg.pool;
	unsigned long seen = 0;

	free(v);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->quit && p->batch == seen)
			pthread_cond_wait(&p->work, &p->lock);
		if (p->quit)
			break;
		seen = p->batch;
		pthread_mutex_unlock(&p->lock);
		pool_work(p, &p->reader[arg.i]);
		pthread_mutex_lock(&p->lock);
		if (--p->busy == 0)
			pthread_cond_broadcast(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Does the disk below root seek with a moving head?  Only where the kernel says so. */
static int pool_rotational(int root)
{
	struct statx sx;
	char path[64], c = '0';
	int dir, fd;

	if (statx(root, "", AT_EMPTY_PATH, STATX_TYPE, &sx) < 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", sx.stx_dev_major, sx.stx_dev_minor);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	fd = openat(dir, "queue/rotational", O_RDONLY | O_CLOEXEC);
	if (fd < 0)	/* a partition: its disk is the directory above */
		fd = openat(dir, "../queue/rotational", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &c, 1) != 1)
		c = '0';
	if (fd >= 0)
		close(fd);
	close(dir);
	return c == '1';
}

unsigned hash_threads(int root)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return (n > 0 ? (unsigned)n : 1) | (pool_rotational(root) ? HASH_SERIAL : 0);
}

/* Start as many threads as the system lets us; none is an error.  0, or an errno. */
static int pool_start(struct hash_pool *p)
{
	struct pool_arg *arg;
	int err = 0;

	for (; p->started < p->threads; p->started++) {
		arg = mem_alloc(sizeof(*arg));
		*arg = (struct pool_arg){ p, p->started };
		err = pthread_create(&p->thread[p->started], NULL, pool_thread, arg);
		if (err) {
			free(arg);
			break;
		}
	}
	return p->started ? 0 : err;
}

struct hash_pool *hash_pool_new(int root, unsigned threads, enum hash_read how)
{
	struct hash_pool *p = mem_alloc(sizeof(*p));
	struct hash_place at;
	unsigned i, serial;
	int err;

	if (!threads)
		threads = hash_threads(root);
	serial = threads & HASH_SERIAL;
	threads &= ~HASH_SERIAL;
	p->threads = threads < HASH_THREADS_MAX ? threads : HASH_THREADS_MAX;
	p->reader = mem_alloc(p->threads * sizeof(*p->reader));
	p->thread = mem_alloc(p->threads * sizeof(*p->thread));
	p->cache = hash_cache_new();
	pthread_mutex_init(&p->disk, NULL);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	err = hash_open_init(&at, root) ? errno : 0;
	for (i = 0; !err && i < p->threads; i++) {
		p->reader[i] = (struct hash_reader){ .at = at, .how = how, .cache = p->cache };
		p->reader[i].disk = serial ? &p->disk : NULL;
		err = hash_reader_init(&p->reader[i]) ? ENOMEM : 0;
	}
	if (!err)
		err = pool_start(p);
	if (!err)
		return p;
	msg_error("cannot start hashing: %s", strerror(err));
	hash_pool_free(p);
	return NULL;
}

static int pool_order(const void *a, const void *b)
{
	const struct hash_turn *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->job > y->job) - (x->job < y->job);
}

/*
 * The caller's own paths come without an inode number, and may name anything:
 * ask, so that they are read in order and nothing but a regular file is opened.
 * 1 if there is something to read.
 */
static int pool_look(struct hash_job *job)
{
	struct statx sx;

	if (statx(AT_FDCWD, job->path, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO, &sx) < 0) {
		if (errno == ENAMETOOLONG)
			return 1;
		hash_file_failed(job, errno);
		return 0;
	}
	if (S_ISREG(sx.stx_mode)) {
		job->ino = sx.stx_ino;
		return 1;
	}
	job->state = ST_UNREADABLE;
	return 0;
}

void hash_submit(struct hash_pool *p, struct hash_job *jobs, size_t n)
{
	struct hash_turn *order = mem_array(NULL, n, sizeof(*order));
	size_t i, m = 0;

	for (i = 0; i < n; i++) {
		jobs[i].state = ST_TODO;
		jobs[i].medium = MEDIUM_NONE;
		jobs[i].err = 0;
		jobs[i].digest_len = 0;
		algo_fetch(jobs[i].algo);
		if (jobs[i].check || p->reader[0].at.root != AT_FDCWD || pool_look(&jobs[i]))
			order[m++] = (struct hash_turn){ jobs[i].ino, &jobs[i] };
	}
	qsort(order, m, sizeof(*order), pool_order);
	hash_wait(p);
	free(p->order);
	p->order = order;
	p->n = m;
	if (!m)
		return;
	atomic_store(&p->next, 0);
	pthread_mutex_lock(&p->lock);
	p->busy = p->started;
	p->batch++;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
}

void hash_wait(struct hash_pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->busy)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void hash_pool_free(struct hash_pool *p)
{
	unsigned i;

	if (!p)
		return;
	hash_wait(p);
	pthread_mutex_lock(&p->lock);
	p->quit = 1;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->started; i++)
		pthread_join(p->thread[i], NULL);
	for (i = 0; i < p->threads; i++)
		hash_reader_done(&p->reader[i]);
	hash_cache_free(p->cache);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->disk);
	free(p->order);
	free(p->reader);
	free(p->thread);
	free(p);
}
