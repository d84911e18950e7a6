/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_hash.c - digests, and every reason not to give one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "tree/hash.h"
#include "tree/hash_media.h"
#include "unit.h"

static char dir[64], many_dir[64];
static int root;

/*
 * The pool's reads come through here: before each, the hook is called with its number; it
 * may change the file, or have the read refused by an errno.
 */
static int (*on_read)(int fd, unsigned n);
static unsigned reads;

ssize_t pread(int fd, void *p, size_t len, off_t off)
{
	struct iovec v = { .iov_base = p, .iov_len = len };
	int err = on_read ? on_read(fd, ++reads) : 0;

	if (err) {
		errno = err;
		return -1;
	}
	return preadv(fd, &v, 1, off);
}

static void put_below(int base, const char *name, const void *p, size_t len)
{
	int fd = openat(base, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && write(fd, p, len) == (ssize_t)len && close(fd) == 0);
}

static void put(const char *name, const void *p, size_t len)
{
	put_below(root, name, p, len);
}

/* A job for what the file below that directory is now. */
static struct hash_job job_below(int base, const char *name)
{
	struct hash_job j = { .path = name, .path_len = strlen(name), .check = 1 };
	struct statx sx;

	need(statx(base, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &sx) == 0);
	j.algo = hash_algo_find("sha256");
	j.ino = sx.stx_ino;
	if (sx.stx_mask & STATX_BTIME)
		j.btime = (int64_t)((uint64_t)sx.stx_btime.tv_sec * 1000000000u + sx.stx_btime.tv_nsec);
	j.size = (int64_t)sx.stx_size;
	j.mtime = sx.stx_mtime.tv_sec;
	j.mtime_ns = sx.stx_mtime.tv_nsec;
	return j;
}

static struct hash_job job_of(const char *name)
{
	return job_below(root, name);
}

static int digest_is(const struct hash_job *j, const char *hex)
{
	char text[2 * ENTRY_DIGEST_MAX + 1] = "";
	size_t i;

	for (i = 0; i < j->digest_len; i++)
		snprintf(text + 2 * i, 3, "%02x", j->digest[i]);
	return j->state == ST_OK && strcmp(text, hex) == 0;
}

static void do_jobs(struct hash_pool *p, struct hash_job *j, size_t n)
{
	hash_submit(p, j, n);
	hash_wait(p);
}

static enum stream_state state_of(struct hash_pool *p, struct hash_job j)
{
	do_jobs(p, &j, 1);
	need(j.state == ST_OK || j.digest_len == 0);
	return j.state;
}

static void test_algos(struct hash_pool *p)
{
	static const struct { const char *name, *abc; } known[] = {
		{ "md5", "900150983cd24fb0d6963f7d28e17f72" },
		{ "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
		{ "sha512-256", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23" },
		{ "blake2b512", "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
				"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923" },
	};
	struct hash_job j[6];
	size_t i;

	put("abc", "abc", 3);
	for (i = 0; i < 6; i++) {
		j[i] = job_of("abc");
		j[i].algo = hash_algo_find(known[i].name);
		need(j[i].algo);
	}
	do_jobs(p, j, 6);
	for (i = 0; i < 6; i++)
		ok(digest_is(&j[i], known[i].abc) && hash_algo_size(j[i].algo) == j[i].digest_len &&
		   strcmp(hash_algo_name(j[i].algo), known[i].name) == 0, "%s", known[i].name);
	ok(!hash_algo_find("crc32") && !hash_algo_find("") && !hash_algo_find("SHA256"), "unknown algorithms");
	put("empty", "", 0);
	j[0] = job_of("empty");
	do_jobs(p, j, 1);
	ok(digest_is(j, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), "an empty file");
}

static void test_states(struct hash_pool *p)
{
	struct hash_job j = job_of("abc"), k;
	char out[sizeof(dir) + 8];

	k = j, k.size++;
	ok(state_of(p, k) == ST_CHANGED, "another size");
	k = j, k.mtime--;
	ok(state_of(p, k) == ST_CHANGED, "another mtime");
	k = j, k.mtime_ns ^= 1;
	ok(state_of(p, k) == ST_CHANGED, "another nanosecond");
	k = j, k.ino++;
	ok(state_of(p, k) == ST_MOVED, "another inode");
	k = j, k.btime++;
	ok(!j.btime || state_of(p, k) == ST_MOVED, "another birth time");
	k = j, k.btime = 0, k.ino = 0;
	ok(state_of(p, k) == ST_OK, "an identity that is not known is not compared");
	k = j, k.path = "none", k.path_len = 4;
	ok(state_of(p, k) == ST_MISSING, "no such file");
	k = j, k.path = "abc/x", k.path_len = 5;
	ok(state_of(p, k) == ST_MISSING, "a file where a directory was");
	need(symlinkat("abc", root, "link") == 0 && symlinkat(".", root, "here") == 0);
	k = j, k.path = "link", k.path_len = 4;
	ok(state_of(p, k) == ST_MOVED, "a link to the file");
	k = j, k.path = "here/abc", k.path_len = 8;
	ok(state_of(p, k) != ST_OK, "a link on the way");
	k = j, k.path = "sub/../abc", k.path_len = 10;
	need(mkdirat(root, "sub", 0755) == 0);
	ok(state_of(p, k) == ST_OK || state_of(p, k) == ST_MOVED, "dots within the root");
	k = j, k.path = "../abc", k.path_len = 6;
	ok(state_of(p, k) == ST_MOVED, "dots out of the root");
	snprintf(out, sizeof(out), "..%s/abc", strrchr(dir, '/'));
	k = j, k.path = out, k.path_len = strlen(out);
	ok(state_of(p, k) == ST_MOVED, "dots out of the root and in again");
	k = j, k.path = "/etc/passwd", k.path_len = 11;
	ok(state_of(p, k) == ST_MOVED, "an absolute path");
	snprintf(out, sizeof(out), "%s/abc", dir);
	k = j, k.path = out, k.path_len = strlen(out);
	ok(state_of(p, k) == ST_MOVED, "an absolute path to the file");
	need(mkfifoat(root, "fifo", 0600) == 0);
	ok(state_of(p, job_of("fifo")) == ST_MOVED && state_of(p, job_of("sub")) == ST_MOVED, "a FIFO, a directory");
}

/* The same bytes with and without holes have the same digest. */
static void test_sparse(struct hash_pool *p)
{
	static const off_t at[] = { 0, 1 << 20, 3000000, (5 << 20) - 1 };
	char *plain = mem_alloc(7000001);
	struct hash_job j[3];
	int fd = openat(root, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	size_t i;

	need(fd >= 0 && ftruncate(fd, 7000001) == 0);
	for (i = 0; i < 4; i++) {
		need(pwrite(fd, "data", 4, at[i]) == 4);
		memcpy(plain + at[i], "data", 4);
	}
	need(close(fd) == 0);
	put("plain", plain, 7000001);
	put("odd", plain, 4097);
	j[0] = job_of("sparse");
	j[1] = job_of("plain");
	j[2] = job_of("odd");
	do_jobs(p, j, 3);
	ok(j[0].state == ST_OK && j[1].state == ST_OK && j[2].state == ST_OK, "large files are read");
	ok(memcmp(j[0].digest, j[1].digest, 32) == 0, "holes count as zeros");
	fd = openat(root, "sparse", O_WRONLY | O_CLOEXEC);
	need(fd >= 0 && ftruncate(fd, 0) == 0 && ftruncate(fd, 3 << 20) == 0 && close(fd) == 0);
	memset(plain, 0, 3 << 20);
	put("plain", plain, 3 << 20);
	j[0] = job_of("sparse");
	j[1] = job_of("plain");
	do_jobs(p, j, 2);
	ok(j[0].state == ST_OK && memcmp(j[0].digest, j[1].digest, 32) == 0, "nothing but a hole");
	free(plain);
}

/* A file below a path longer than any system call takes. */
static void test_deep(struct hash_pool *p)
{
	struct buf path = { 0 };
	struct hash_job j = job_of("abc");
	char name[201];
	int here = dup(root), next, i;

	memset(name, 'd', 200);
	name[200] = '\0';
	for (i = 0; i < 60; i++) {
		need(mkdirat(here, name, 0755) == 0);
		next = openat(here, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		need(next >= 0);
		close(here);
		here = next;
		buf_printf(&path, "%s/", name);
	}
	need(linkat(root, "abc", here, "abc", 0) == 0);
	close(here);
	buf_str(&path, "abc");
	j = job_of("abc");
	j.path = path.p;
	j.path_len = path.len;
	ok(state_of(p, j) == ST_OK, "a path of %zu bytes", path.len);
	path.p[path.len - 1] = 'x';
	ok(state_of(p, j) == ST_MISSING, "one that is not there");
	buf_free(&path);
}

/* More names than there are threads or places in any table; made once for all pools. */
enum { MANY = 3000 };
static char many_name[MANY][16];

static int make_many(void)
{
	int base, i;
	char text[16];

	need(mkdtemp(many_dir));
	base = open(many_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(base >= 0);
	for (i = 0; i < MANY; i++) {
		snprintf(many_name[i], sizeof(many_name[i]), "m%d", i);
		if (i % 3) {
			need(linkat(base, many_name[i - i % 3], base, many_name[i], 0) == 0);
			continue;
		}
		snprintf(text, sizeof(text), "%d", i / 3);
		put_below(base, many_name[i], text, strlen(text));
	}
	return base;
}

static void test_many(int base, unsigned threads, enum hash_read how)
{
	struct hash_pool *p = hash_pool_new(base, threads, how);
	struct hash_job *j = mem_alloc(MANY * sizeof(*j));
	int i, good = 0, round;

	need(p);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < MANY; i++)
			j[i] = job_below(base, many_name[i]);
		do_jobs(p, j, MANY);
		for (i = 0; i < MANY; i++)
			good += j[i].state == ST_OK && memcmp(j[i].digest, j[i - i % 3].digest, 32) == 0 &&
				(i < 3 || memcmp(j[i].digest, j[i - 3].digest, 32) != 0);
	}
	ok(good == 2 * MANY, "%d names of %d inodes, twice", MANY, MANY / 3);
	free(j);
	hash_pool_free(p);
}

/* The caller's own paths: not confined, filled in, still nothing but regular files. */
static void test_own_paths(void)
{
	struct hash_pool *p = hash_pool_new(AT_FDCWD, 2, HASH_CACHED);
	char *name[5];
	struct hash_job j[5] = { { 0 } }, want = job_of("abc");
	int i;

	need(p);
	name[0] = mem_printf("%s/abc", dir);
	name[1] = mem_printf("%s/here/abc", dir);
	name[2] = mem_printf("%s/link", dir);
	name[3] = mem_printf("%s/fifo", dir);
	name[4] = mem_printf("/proc/self/status");
	for (i = 0; i < 5; i++)
		j[i] = (struct hash_job){ .path = name[i], .path_len = strlen(name[i]), .algo = want.algo };
	do_jobs(p, j, 5);
	ok(j[0].state == ST_OK && j[0].ino == want.ino && j[0].btime == want.btime && j[0].size == 3 &&
	   j[0].mtime == want.mtime && j[0].mode == 0644 && j[0].uid == geteuid(), "a path, and what was found");
	ok(j[1].state == ST_OK, "a link on the way is the caller's business");
	ok(j[2].state == ST_UNREADABLE && j[2].err == 0 && j[3].state == ST_UNREADABLE && j[3].err == 0,
	   "a link and a FIFO are not regular files");
	ok(j[4].state == ST_OK && !digest_is(&j[4],
	   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), "a file that says it is empty");
	for (i = 0; i < 5; i++)
		free(name[i]);
	hash_pool_free(p);
}

/*
 * One file of three reads, and what somebody else does to it while it is read.  Its bytes
 * are 'a', and the hooks write the first of them, which was read before.
 */
#define LARGE 600000u
static const char *meddle_name = "large";
static struct timespec meddle_times[2];

/* Where the kernel's clock moves in steps, two changes in the same one look like one. */
static void next_tick(void)
{
	need(usleep(20000) == 0);
}

/* Change the first byte; put the times back as they were. */
static void meddle(int put_back, char c)
{
	int fd = openat(root, meddle_name, O_WRONLY | O_CLOEXEC);

	need(fd >= 0 && pwrite(fd, &c, 1, 0) == 1);
	need(!put_back || futimens(fd, meddle_times) == 0);
	need(close(fd) == 0);
}

static int once_write(int fd, unsigned n)
{
	(void)fd;
	if (n == 2)
		meddle(0, 'b');
	return 0;
}

static int once_write_quietly(int fd, unsigned n)
{
	(void)fd;
	if (n == 2)
		meddle(1, 'b');
	return 0;
}

static int always_write_quietly(int fd, unsigned n)
{
	(void)fd;
	if (n % 3 == 2) {
		next_tick();
		meddle(1, (char)('b' + n));
	}
	return 0;
}

/* To another size, and the times as they were. */
static void resize(off_t size)
{
	int fd = openat(root, meddle_name, O_WRONLY | O_CLOEXEC);

	need(fd >= 0 && ftruncate(fd, size) == 0 && futimens(fd, meddle_times) == 0 && close(fd) == 0);
}

static int once_grow(int fd, unsigned n)
{
	(void)fd;
	if (n == 2)
		resize(LARGE + 1);
	return 0;
}

static int once_shrink(int fd, unsigned n)
{
	(void)fd;
	if (n == 2)
		resize(LARGE - 1);
	return 0;
}

/* It ends where the next read begins. */
static int once_cut(int fd, unsigned n)
{
	(void)fd;
	if (n == 2)
		resize(256 << 10);
	return 0;
}

static int once_touch(int fd, unsigned n)
{
	struct timespec t[2] = { meddle_times[0], meddle_times[1] };

	(void)fd;
	t[1].tv_nsec ^= 1;
	if (n == 2)
		need(utimensat(root, meddle_name, t, 0) == 0);
	return 0;
}

static int once_link(int fd, unsigned n)
{
	(void)fd;
	if (n == 2)
		need(linkat(root, meddle_name, root, "large-too", 0) == 0);
	return 0;
}

static int always_chmod(int fd, unsigned n)
{
	(void)fd;
	need(fchmodat(root, meddle_name, n % 2 ? 0600 : 0644, 0) == 0);
	return 0;
}

/* The job for a file of LARGE bytes, done by a thread of its own while the hook meddles. */
static struct hash_job meddled(int (*hook)(int, unsigned))
{
	struct hash_pool *p = hash_pool_new(root, 1, HASH_CACHED);
	char *bytes = mem_alloc(LARGE);
	struct hash_job j;

	need(p);
	memset(bytes, 'a', LARGE);
	put(meddle_name, bytes, LARGE);
	free(bytes);
	meddle_times[0].tv_sec = meddle_times[1].tv_sec = 1000000000;
	need(utimensat(root, meddle_name, meddle_times, 0) == 0);
	next_tick();
	j = job_of(meddle_name);
	on_read = hook;
	reads = 0;
	do_jobs(p, &j, 1);
	on_read = NULL;
	hash_pool_free(p);
	return j;
}

static int none(int fd, unsigned n)
{
	(void)fd, (void)n;
	return 0;
}

static void test_meddled(void)
{
	static const char as[] = "ded93777580eeaa7d906cb0f16b9706b1000067eaf0f3b6c1d03a8bc6a15bf15",
		ba[] = "073ed8e5617229ca64f5a948ff082d5fe686e1e0098853a0b0b176f10e2b2864";
	struct hash_job j = meddled(none);

	ok(digest_is(&j, as) && reads == 3, "a file that stands still is read once, in three");
	ok(meddled(once_write).state == ST_CHANGED, "written to once while it is read: changed");
	ok(meddled(once_touch).state == ST_CHANGED, "another nanosecond afterwards: changed");
	ok(meddled(once_grow).state == ST_CHANGED, "a byte longer, the same mtime: changed");
	ok(meddled(once_shrink).state == ST_CHANGED, "a byte shorter, the same mtime: changed");
	ok(meddled(once_cut).state == ST_CHANGED, "it ends early: changed");
	j = meddled(once_write_quietly);
	ok(digest_is(&j, ba) && reads == 6, "written to once, the mtime put back: read again, never half of each");
	ok(meddled(always_write_quietly).state == ST_CHANGED && reads == 15,
	   "written to again and again, the mtime put back: changed, after some tries");
	j = meddled(once_link);
	ok(digest_is(&j, as) && reads == 6, "a new link: read again, and the same");
	need(unlinkat(root, "large-too", 0) == 0);
	j = meddled(always_chmod);
	ok(digest_is(&j, as) && reads == 6, "ctime moves all the time: the same bytes twice are enough");
}

/* A name of an inode that was read already, but has changed in the very second: it may again. */
static void test_fresh(void)
{
	struct hash_pool *p = hash_pool_new(root, 1, HASH_CACHED);
	struct hash_job j;

	need(p);
	put("fresh", "fresh", 5);
	need(linkat(root, "fresh", root, "fresh-too", 0) == 0);
	on_read = none;
	reads = 0;
	ok(state_of(p, job_of("fresh")) == ST_OK && state_of(p, job_of("abc")) == ST_OK && reads == 2, "two files");
	j = job_of("fresh-too");
	do_jobs(p, &j, 1);
	ok(j.state == ST_OK && reads == 3, "a link of a fresh one is read for itself");
	on_read = NULL;
	hash_pool_free(p);
}

static int refuse_direct(int fd, unsigned n)
{
	(void)n;
	return fcntl(fd, F_GETFL) & O_DIRECT ? EINVAL : 0;
}

static unsigned went_direct;

static int see_direct(int fd, unsigned n)
{
	(void)n;
	went_direct += (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
	return 0;
}

static enum stream_medium medium_of(int (*hook)(int, unsigned))
{
	struct hash_pool *p = hash_pool_new(root, 1, HASH_MEDIA);
	struct hash_job j = job_of("disk");

	need(p);
	went_direct = 0;
	on_read = hook;
	do_jobs(p, &j, 1);
	on_read = NULL;
	need(j.state == ST_OK);
	hash_pool_free(p);
	return j.medium;
}

/* The real thing, where files lie on a disk. */
static void test_medium(void)
{
	struct statfs fs;
	enum stream_medium m;
	void *map;
	int fd;

	put("disk", "what lies there", 15);
	fd = openat(root, "disk", O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && fstatfs(fd, &fs) == 0);
	/* A page that somebody has mapped, and looked at, stays. */
	map = mmap(NULL, 15, PROT_READ, MAP_SHARED, fd, 0);
	need(map != MAP_FAILED && memcmp(map, "what", 4) == 0);
	ok(medium_of(refuse_direct) == MEDIUM_CACHE, "reads that O_DIRECT cannot do, and a page that stays: cache");
	need(munmap(map, 15) == 0);
	m = medium_of(see_direct);
	if ((uint32_t)fs.f_type == TMPFS_MAGIC)
		ok(m == MEDIUM_CACHE && !went_direct, "memory is the cache");
	else
		ok(m != MEDIUM_MEDIA || went_direct || fcntl(fd, F_SETFL, O_DIRECT) < 0,
		   "what is from the medium was read directly, where that can be");
	close(fd);
}

/*
 * From now on this process has a kernel without openat2: the answer of one before 5.6, or
 * of a container runtime that does not know it.  0 where that cannot be had.
 */
static int forbid_openat2(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(f) / sizeof(f[0]), .filter = f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return 0;
	return syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno == ENOSYS;
}

static void empty_dir(const char *path)
{
	char *command = mem_printf("rm -rf '%s'", path);

	need(system(command) == 0);
	free(command);
}

int main(void)
{
	static const unsigned threads[] = { 1, 4, 4 | HASH_SERIAL, 3, 2 };
	const char *tmp = getenv("TMPDIR");
	int many;
	size_t i;

	msg_level(MSG_NONE);
	umask(022);
	snprintf(many_dir, sizeof(many_dir), "%.40s/hash.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	many = make_many();
	for (i = 0; i < 5; i++) {
		enum hash_read how = i == 3 ? HASH_MEDIA : HASH_CACHED;
		struct hash_pool *p;

		if (i == 4 && !forbid_openat2()) {
			printf("# no seccomp: not without openat2\n");
			break;
		}
		snprintf(dir, sizeof(dir), "%.40s/hash.XXXXXX", tmp && *tmp ? tmp : "/tmp");
		need(mkdtemp(dir));
		root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		need(root >= 0);
		p = hash_pool_new(root, threads[i], how);
		need(p);
		test_algos(p);
		test_states(p);
		test_sparse(p);
		test_deep(p);
		test_many(many, threads[i], how);
		hash_pool_free(p);
		test_own_paths();
		if (i == 0) {
			test_meddled();
			test_fresh();
			test_medium();
		}
		close(root);
		empty_dir(dir);
	}
	close(many);
	empty_dir(many_dir);
	hash_pool_free(NULL);
	return done();
}
