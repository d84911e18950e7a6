/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_hash.c - digests, and every reason not to give one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "tree/hash.h"
#include "unit.h"

static char dir[64];
static int root;

static void put(const char *name, const void *p, size_t len)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && write(fd, p, len) == (ssize_t)len && close(fd) == 0);
}

/* A job for what the file is now. */
static struct hash_job job_of(const char *name)
{
	struct hash_job j = { .path = name, .path_len = strlen(name), .check = 1 };
	struct statx sx;

	need(statx(root, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &sx) == 0);
	j.algo = hash_algo_find("sha256");
	j.ino = sx.stx_ino;
	if (sx.stx_mask & STATX_BTIME)
		j.btime = (int64_t)((uint64_t)sx.stx_btime.tv_sec * 1000000000u + sx.stx_btime.tv_nsec);
	j.size = (int64_t)sx.stx_size;
	j.mtime = sx.stx_mtime.tv_sec;
	j.mtime_ns = sx.stx_mtime.tv_nsec;
	return j;
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
	k = j, k.path = "/etc/passwd", k.path_len = 11;
	ok(state_of(p, k) == ST_MOVED, "an absolute path");
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

/* More names than there are threads or places in any table. */
static void test_many(struct hash_pool *p)
{
	enum { N = 3000 };
	struct hash_job *j = mem_alloc(N * sizeof(*j));
	char **name = mem_alloc(N * sizeof(*name)), text[16];
	int i, good = 0, round;

	for (i = 0; i < N; i++) {
		name[i] = mem_printf("m%d", i);
		snprintf(text, sizeof(text), "%d", i / 3);
		if (i % 3)
			need(linkat(root, name[i - i % 3], root, name[i], 0) == 0);
		else
			put(name[i], text, strlen(text));
	}
	for (round = 0; round < 2; round++) {
		for (i = 0; i < N; i++)
			j[i] = job_of(name[i]);
		do_jobs(p, j, N);
		for (i = 0; i < N; i++)
			good += j[i].state == ST_OK && memcmp(j[i].digest, j[i - i % 3].digest, 32) == 0 &&
				(i < 3 || memcmp(j[i].digest, j[i - 3].digest, 32) != 0);
	}
	ok(good == 2 * N, "%d names of %d inodes, twice", N, N / 3);
	for (i = 0; i < N; i++)
		free(name[i]);
	free(name);
	free(j);
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

static void empty_dir(const char *path)
{
	char *command = mem_printf("rm -rf '%s'", path);

	need(system(command) == 0);
	free(command);
}

int main(void)
{
	static const unsigned threads[] = { 1, 4, 4 | HASH_SERIAL, 3 };
	const char *tmp = getenv("TMPDIR");
	size_t i;

	msg_level(MSG_NONE);
	umask(022);
	for (i = 0; i < 4; i++) {
		enum hash_read how = i == 3 ? HASH_MEDIA : HASH_CACHED;
		struct hash_pool *p;

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
		test_many(p);
		hash_pool_free(p);
		test_own_paths();
		close(root);
		empty_dir(dir);
	}
	hash_pool_free(NULL);
	return done();
}
