/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keys.c - the keys that seal markers. */
#include "tree/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/msg.h"
#include "base/trust.h"

#define OTHERS_MAX 256		/* keys of others; more are passed over, and that is said */

static struct {
	char *dir;		/* NULL = there are no keys */
	int loaded, failed;	/* failed: no own key can be had, as has been said */
	int have;		/* own is one */
	struct seal_key own;
	struct seal_key *other;
	size_t n;
} keys;

void keys_in(const char *dir)
{
	char *copy = dir ? mem_strdup(dir) : NULL;

	seal_wipe(&keys.own);
	for (size_t i = 0; i < keys.n; i++)
		seal_wipe(&keys.other[i]);
	free(keys.other);
	free(keys.dir);
	memset(&keys, 0, sizeof(keys));
	keys.dir = copy;
}

/* Is this open file one that only its owner, who may be trusted, can read?  0, or -1 after reporting. */
static int is_secret(int fd, const char *path)
{
	struct stat st;

	if (trust_file(fd, path) < 0)
		return -1;
	if (fstat(fd, &st) == 0 && !(st.st_mode & 077))
		return 0;
	msg_error("%s is refused: others than its owner can read the key (chmod 600 it)", escape_name(path));
	return -1;
}

/* Read the key called name in the open directory dir, which is at.  1, 0 there is none, -1 after reporting. */
static int read_key(int dir, const char *at, const char *name, struct seal_key *k)
{
	char text[SEAL_FILE], *path = mem_printf("%s/%s", at, name);
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), rc = -1;
	ssize_t n;

	if (fd < 0 && errno == ENOENT) {
		rc = 0;
	} else if (fd < 0) {
		msg_error("%s: %m", escape_name(path));
	} else if (is_secret(fd, path) == 0) {
		n = read(fd, text, sizeof(text));
		rc = n > 0 && seal_parse(k, text, (size_t)n) == 0 ? 1 : -1;
		if (rc < 0)
			msg_error("%s: is no key, or a damaged one: put the copy of it back, or move it away",
				  escape_name(path));
		explicit_bzero(text, sizeof(text));
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int is_key(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Read the keys of others.  What is wrong with one is said, and costs that one. */
static void read_others(int dir)
{
	char *at = mem_printf("%s/" KEYS_OTHERS, keys.dir);
	int fd = openat(dir, KEYS_OTHERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), i;
	struct dirent **list = NULL;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &list, is_key, alphasort);

	if (n < 0 && errno != ENOENT)
		msg_error("%s: %m", escape_name(at));
	for (i = 0; i < n; i++) {
		if (i == OTHERS_MAX)
			msg_error("%s: more than %d keys; the others are not read", escape_name(at), OTHERS_MAX);
		if (i < OTHERS_MAX) {
			keys.other = mem_more(keys.other, keys.n, sizeof(*keys.other));
			if (read_key(fd, at, list[i]->d_name, &keys.other[keys.n]) > 0)
				keys.n++;
		}
		free(list[i]);
	}
	free(list);
	if (fd >= 0)
		close(fd);
	free(at);
}

/* The open directory of keys; made: it is made where there is none.  -1 with errno. */
static int open_dir(int made)
{
	int fd = open(keys.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && made && mkdir(keys.dir, 0700) == 0)
		fd = open(keys.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

void keys_load(void)
{
	int fd, got;

	if (keys.loaded || !keys.dir)
		return;
	keys.loaded = 1;
	fd = open_dir(0);
	if (fd < 0) {
		/* Who is not root reads none of root's markers either. */
		if (errno != ENOENT && !(errno == EACCES && geteuid() != 0))
			msg_error("%s: %m", escape_name(keys.dir));
		return;
	}
	got = read_key(fd, keys.dir, KEYS_OWN, &keys.own);
	keys.have = got > 0;
	keys.failed = got < 0;
	read_others(fd);
	close(fd);
}

/*
 * Put the file tmp in the place of the own key, where there is none: whoever comes second
 * takes the first one's.  0, or -1 with errno.
 */
static int settle(int dir, const char *tmp)
{
	int rc = linkat(dir, tmp, dir, KEYS_OWN, 0), err;

	/* Not every file system has hard links. */
	if (rc < 0 && errno != EEXIST)
		rc = file_rename_new(dir, tmp, dir, KEYS_OWN);
	if (rc < 0 && errno == EEXIST)
		rc = 0;
	err = errno;
	unlinkat(dir, tmp, 0);
	if (rc == 0)
		return fsync(dir);
	errno = err;
	return -1;
}

/* Make a file tmp with a new key, and look whether it can be trusted there.  0, or -1 after reporting. */
static int make_file(int dir, const char *tmp)
{
	struct seal_key k;
	char text[SEAL_FILE];
	int rc = -1;

	if (seal_new(&k) < 0)
		msg_error("OpenSSL does no HMAC-SHA256: no key can be made");
	else if (file_replace(dir, tmp, text, seal_text(&k, text), 0600) < 0)
		msg_error("%s/" KEYS_OWN ": %m", escape_name(keys.dir));
	else if (read_key(dir, keys.dir, tmp, &k) > 0)
		rc = 0;
	seal_wipe(&k);
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* Make the own key.  0, or -1 after reporting. */
static int make(void)
{
	char *tmp = mem_printf(FILE_NEW "%lx.key", (long)getpid());
	int dir = open_dir(1), rc = -1;

	if (dir < 0)
		msg_error("%s: %m%s", escape_name(keys.dir), msg_as_root());
	else if (make_file(dir, tmp) < 0)
		unlinkat(dir, tmp, 0);
	else if (settle(dir, tmp) < 0)
		msg_error("%s/" KEYS_OWN ": %m", escape_name(keys.dir));
	else
		rc = read_key(dir, keys.dir, KEYS_OWN, &keys.own) > 0 ? 0 : -1;
	if (dir >= 0)
		close(dir);
	free(tmp);
	return rc;
}

int keys_need(void)
{
	keys_load();
	if (keys.have || keys.failed || !keys.dir)
		return keys.have;
	keys.have = make() == 0;
	keys.failed = !keys.have;
	if (keys.have)
		msg_info("%s/" KEYS_OWN ": a new key, %s, for the markers; keep a copy of it",
			 escape_name(keys.dir), keys.own.id);
	else
		msg_warn("the key for markers cannot be made: what is written now is not sealed, and is"
			 " trusted only as far as the catalog proves it (state-dir in secondshot.conf(5))");
	return keys.have;
}

const struct seal_key *keys_own(void)
{
	keys_load();
	return keys.have ? &keys.own : NULL;
}

const struct seal_key *keys_find(const char *id)
{
	keys_load();
	if (keys.have && !strcmp(keys.own.id, id))
		return &keys.own;
	for (size_t i = 0; i < keys.n; i++)
		if (!strcmp(keys.other[i].id, id))
			return &keys.other[i];
	return NULL;
}

/* Could the own key be made?  0, or -1 with errno. */
static int may_make(void)
{
	char *dir = mem_strdup(keys.dir), *slash = strrchr(dir, '/');
	int rc = faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS);

	/* It is made where the one above is there. */
	if (rc < 0 && errno == ENOENT && slash && slash > dir) {
		*slash = '\0';
		rc = faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS);
	}
	free(dir);
	return rc;
}

enum keys_state keys_look(struct buf *text)
{
	keys_load();
	if (keys.failed || !keys.dir)
		return KEYS_BAD;
	if (!keys.have && may_make() < 0) {
		msg_error("%s/" KEYS_OWN ": there is none, and none can be made: %m (state-dir)",
			  escape_name(keys.dir));
		return KEYS_BAD;
	}
	buf_printf(text, "%s/" KEYS_OWN, escape_name(keys.dir));
	if (!keys.have) {
		buf_str(text, ": there is none; the next run makes it, and seals what the catalog proves");
		return KEYS_NEW;
	}
	buf_printf(text, ", key %s", keys.own.id);
	if (keys.n)
		buf_printf(text, ", and %zu of others", keys.n);
	return KEYS_OK;
}
