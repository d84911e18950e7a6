/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hash_file.c - the digest of one file. */
#include "tree/hash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tree/hash_media.h"

#define FILE_BUFFER (256 << 10)
#define FILE_TRIES 5	/* to read a file whose links are being changed */
#define FILE_LARGE (1 << 20)	/* from here on the kernel is told that we read on */

static const unsigned char file_zeros[FILE_BUFFER];

int hash_reader_init(struct hash_reader *r)
{
	r->ctx = EVP_MD_CTX_new();
	r->buf = aligned_alloc(HASH_ALIGN, FILE_BUFFER);
	r->noatime = 1;
	return r->ctx && r->buf ? 0 : -1;
}

void hash_reader_done(struct hash_reader *r)
{
	EVP_MD_CTX_free(r->ctx);
	free(r->buf);
}

void hash_file_failed(struct hash_job *job, int err)
{
	job->err = err;
	if (err == ENOENT || err == ENOTDIR)
		job->state = ST_MISSING;
	else if (job->check && (err == ELOOP || err == EXDEV || err == ENXIO))
		job->state = ST_MOVED;	/* a link, a mount or a socket has its place */
	else
		job->state = ST_UNREADABLE;
	if (err == ELOOP || err == ENXIO)
		job->err = 0;
}

static int file_stat(int fd, struct statx *sx)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, sx);
}

static void file_identity(struct hash_identity *id, const struct statx *sx, const struct hash_algo *algo)
{
	*id = (struct hash_identity){
		.dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor,
		.ino = sx->stx_ino,
		.size = (int64_t)sx->stx_size,
		.mtime = sx->stx_mtime.tv_sec, .mtime_ns = sx->stx_mtime.tv_nsec,
		.ctime = sx->stx_ctime.tv_sec, .ctime_ns = sx->stx_ctime.tv_nsec,
		.btime = entry_btime(sx), .algo = algo,
	};
}

/* Is it the file that the job means, as it was?  If the job does not say, tell it what it is. */
static int file_expected(struct hash_job *job, const struct statx *sx, const struct hash_identity *id)
{
	job->mode = sx->stx_mode & 07777;
	job->uid = sx->stx_uid;
	job->gid = sx->stx_gid;
	if (!S_ISREG(sx->stx_mode)) {
		job->state = job->check ? ST_MOVED : ST_UNREADABLE;
		return 0;
	}
	if (!job->check) {
		job->ino = id->ino;
		job->btime = id->btime;
		job->size = id->size;
		job->mtime = id->mtime;
		job->mtime_ns = id->mtime_ns;
		return 1;
	}
	if ((job->ino && job->ino != id->ino) || (job->btime && job->btime != id->btime))
		job->state = ST_MOVED;
	else if (job->size != id->size || job->mtime != id->mtime || job->mtime_ns != id->mtime_ns)
		job->state = ST_CHANGED;
	else
		return 1;
	return 0;
}

/*
 * O_NOATIME is for a file's owner alone: guess by the file before, since one
 * refused costs a second open.  The wrong guess on the other side is put right
 * before anything is read.
 */
static int file_open(struct hash_reader *r, const struct hash_job *job)
{
	int fd = -1;

	if (r->noatime)
		fd = hash_open(&r->at, job->path, job->path_len, O_NOATIME);
	if (fd < 0 && (!r->noatime || errno == EPERM)) {
		r->noatime = 0;
		fd = hash_open(&r->at, job->path, job->path_len, 0);
	}
	return fd;
}

static void file_noatime(struct hash_reader *r, int fd, uint32_t owner)
{
	if (!r->noatime && owner == geteuid())
		r->noatime = fcntl(fd, F_SETFL, O_NONBLOCK | O_NOATIME) == 0;
}

/* One file being read; all offsets are bytes of it. */
struct file_read {
	struct hash_reader *r;
	int fd, direct, sparse;
	int pseudo;		/* as a file of /sys, it says 4096 and holds less: its end is where it ends */
	off_t size, off;
	off_t data_end;		/* what lies before it is not a hole */
	enum stream_medium medium;
};

static int file_feed(struct file_read *f, const unsigned char *p, size_t len)
{
	f->off += (off_t)len;
	return EVP_DigestUpdate(f->r->ctx, p, len) == 1 ? 0 : EIO;
}

/* Feed zeros up to the next data, without reading them.  0, or an errno. */
static int file_hole(struct file_read *f)
{
	off_t data = lseek(f->fd, f->off, SEEK_DATA), end;
	size_t n;
	int err = 0;

	if (data < 0 && errno == ENXIO)
		data = end = f->size;		/* nothing but a hole follows */
	else if (data < 0 || (end = lseek(f->fd, data, SEEK_HOLE)) < 0)
		data = f->off, end = f->size;	/* the file system cannot tell */
	data -= data < f->size ? data % HASH_ALIGN : 0;
	if (data > f->size)
		data = f->size;
	while (!err && f->off < data) {
		n = data - f->off < FILE_BUFFER ? (size_t)(data - f->off) : FILE_BUFFER;
		err = file_feed(f, file_zeros, n);
	}
	f->data_end = end + (HASH_ALIGN - end % HASH_ALIGN) % HASH_ALIGN;
	if (f->data_end > f->size)
		f->data_end = f->size;
	return err;
}

/*
 * Read what the kernel has cached at once; wait for the disk only with the
 * pool's turn in hand, so that its head is not torn between several files.
 */
static ssize_t file_pread(struct file_read *f, size_t len)
{
	struct iovec v = { .iov_base = f->r->buf, .iov_len = len };
	ssize_t n = -1;
	int saved;

	if (!f->r->disk)
		return pread(f->fd, f->r->buf, len, f->off);
	if (!f->direct)
		n = preadv2(f->fd, &v, 1, f->off, RWF_NOWAIT);
	if (n >= 0)
		return n;
	pthread_mutex_lock(f->r->disk);
	n = pread(f->fd, f->r->buf, len, f->off);
	saved = errno;
	pthread_mutex_unlock(f->r->disk);
	errno = saved;
	return n;
}

/* Read once at f->off; the number of bytes that belong to the file, 0 at its end, -1 with errno. */
static ssize_t file_some(struct file_read *f)
{
	size_t want = f->data_end - f->off < FILE_BUFFER ? (size_t)(f->data_end - f->off) : FILE_BUFFER;
	size_t ask = f->direct ? (want + HASH_ALIGN - 1) / HASH_ALIGN * HASH_ALIGN : want;
	ssize_t n;

	do
		n = file_pread(f, ask);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EINVAL && f->direct) {
		f->direct = 0;
		f->medium = hash_media_fallback(f->fd, f->size);
		return file_some(f);
	}
	return n > (ssize_t)want ? (ssize_t)want : n;
}

/* Feed size bytes; *torn if there are not that many.  0, or an errno. */
static int file_stream(struct file_read *f, int *torn)
{
	ssize_t n;
	int err = 0;

	f->data_end = f->sparse ? 0 : f->size;
	while (!err && f->off < f->size) {
		if (f->off >= f->data_end) {
			err = file_hole(f);
			continue;
		}
		n = file_some(f);
		if (n < 0)
			return errno;
		if (n == 0) {
			*torn = !f->pseudo;
			return 0;
		}
		/* A direct read may stop anywhere; the next one needs an aligned offset. */
		if (f->direct && f->off + n < f->size && n >= HASH_ALIGN)
			n -= n % HASH_ALIGN;
		err = file_feed(f, f->r->buf, (size_t)n);
	}
	return err;
}

/* Files of /proc and the like say that they are empty: read those to their end. */
static int file_probe(struct file_read *f)
{
	ssize_t n;

	while ((n = read(f->fd, f->r->buf, FILE_BUFFER)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (file_feed(f, f->r->buf, (size_t)n))
			return EIO;
	}
	return 0;
}

/* Read the open file into k's digest; *torn if it ended early.  0, or an errno. */
static int file_digest(struct hash_reader *r, int fd, const struct hash_job *job, const struct statx *sx,
		       struct hash_known *k, int *torn)
{
	struct file_read f = {
		.r = r, .fd = fd, .size = k->id.size, .medium = MEDIUM_UNKNOWN,
		.sparse = sx->stx_blocks * 512 < sx->stx_size,
		.pseudo = !job->check && sx->stx_blocks == 0,
	};
	unsigned len = 0;
	int err;

	if (!hash_algo_md(job->algo))
		return ENOTSUP;
	if (EVP_DigestInit_ex2(r->ctx, hash_algo_md(job->algo), NULL) != 1)
		return EIO;
	if (r->how == HASH_MEDIA)
		f.medium = hash_media_begin(fd, f.size, &f.direct);
	else if (f.size >= FILE_LARGE)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	err = f.size || job->check ? file_stream(&f, torn) : file_probe(&f);
	if (!err && !*torn && EVP_DigestFinal_ex(r->ctx, k->digest, &len) != 1)
		err = EIO;
	k->digest_len = len;
	k->medium = f.medium;
	return err;
}

static void file_known(struct hash_job *job, const struct hash_known *k)
{
	job->state = ST_OK;
	job->medium = k->medium;
	job->digest_len = k->digest_len;
	memcpy(job->digest, k->digest, k->digest_len);
}

/* Read once, between two looks at the file.  0 and *after, or the state is set. */
static int file_once(struct hash_reader *r, int fd, struct hash_job *job, const struct statx *sx,
		     struct hash_known *k, struct hash_identity *after)
{
	struct statx again;
	int torn = 0;

	job->err = file_digest(r, fd, job, sx, k, &torn);
	if (!job->err && file_stat(fd, &again) < 0)
		job->err = errno;
	if (job->err || torn) {
		job->state = torn ? ST_CHANGED : ST_UNREADABLE;
		return -1;
	}
	file_identity(after, &again, job->algo);
	return 0;
}

/*
 * The open file has not been read lately: read it, and see that it stood still
 * meanwhile.  A rotation or a deletion elsewhere changes an inode's links and so
 * its ctime: then reading it again must give the same bytes.
 */
static void file_read(struct hash_reader *r, int fd, struct hash_job *job, const struct statx *sx,
		      struct hash_known *k)
{
	struct hash_identity after, times;
	struct hash_known before = { 0 };
	time_t begun = time(NULL);
	int try, same;

	job->state = ST_CHANGED;
	for (try = 0; try < FILE_TRIES; try++) {
		if (file_once(r, fd, job, sx, k, &after))
			return;
		same = memcmp(&after, &k->id, sizeof(after)) == 0 ||
		       (before.digest_len && memcmp(before.digest, k->digest, k->digest_len) == 0);
		times = after;
		times.ctime = k->id.ctime;
		times.ctime_ns = k->id.ctime_ns;
		if (memcmp(&times, &k->id, sizeof(times)) != 0)
			return;
		k->id = after;
		if (same)
			break;
		before = *k;
	}
	if (try == FILE_TRIES)
		return;
	file_known(job, k);
	r->last = *k;
	/* A file changed this very second may change again without its times showing it. */
	if (sx->stx_nlink > 1 && after.ctime + 1 < begun)
		hash_cache_put(r->cache, k);
}

void hash_file(struct hash_reader *r, struct hash_job *job)
{
	struct hash_known k = { 0 };
	struct statx sx;
	int fd = file_open(r, job);

	if (fd < 0) {
		hash_file_failed(job, errno);
		return;
	}
	if (file_stat(fd, &sx) < 0) {
		hash_file_failed(job, errno);
		close(fd);
		return;
	}
	file_identity(&k.id, &sx, job->algo);
	if (!file_expected(job, &sx, &k.id)) {
		close(fd);
		return;
	}
	if (memcmp(&k.id, &r->last.id, sizeof(k.id)) == 0) {
		file_known(job, &r->last);
	} else if (sx.stx_nlink > 1 && hash_cache_get(r->cache, &k)) {
		file_known(job, &k);
	} else {
		file_noatime(r, fd, sx.stx_uid);
		file_read(r, fd, job, &sx, &k);
	}
	close(fd);
}
