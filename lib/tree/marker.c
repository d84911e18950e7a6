/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/marker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/keys.h"

#define HEAD "secondshot-marker 1"
#define MAC "mac "
#define END "end\n"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define BAD_MAX 10		/* names for what is set aside */

static int open_dir(int location)
{
	return openat(location, MARKER_DIR, DIR_FLAGS);
}

/* Is what openat() could not open as a directory none, but something else in its place? */
static int is_no_directory(int error)
{
	return error == ENOTDIR || error == ELOOP;
}

/* Or is it, or what openat() or fstatat() was asked for, something that the disk has spoilt? */
static int is_bad(int error)
{
	return is_no_directory(error) || error == EIO || error == EUCLEAN || error == EBADMSG;
}

/* " in PATH" for a message: where the open directory lies; "" if that cannot be told. */
static const char *place(int dir)
{
	static char text[512];
	char proc[40], path[400];
	int saved = errno;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", dir);
	ssize_t n = readlink(proc, path, sizeof(path) - 1);
	if (n > 0)
		snprintf(text, sizeof(text), " in %s", escape_bytes(path, (size_t)n));
	errno = saved;
	return n > 0 ? text : "";
}

/* What is in the place of the directory of markers, or the directory, gets another name.  0, or -1 with errno. */
static int set_aside(int location, char to[MARKER_BAD_SIZE])
{
	int rc = -1;

	for (unsigned i = 0; i < BAD_MAX && rc < 0; i++) {
		snprintf(to, MARKER_BAD_SIZE, i ? MARKER_BAD "%u" : MARKER_BAD, i);
		rc = file_rename_new(location, MARKER_DIR, location, to);
		if (rc < 0 && errno != EEXIST)
			break;
	}
	return rc;
}

/* The markers in the directory that was set aside come back, as far as they are files.  */
static void take_back(int bad, int dir)
{
	int copy = openat(bad, ".", DIR_FLAGS);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)) != NULL)
		if (fstatat(bad, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			(void)file_rename_new(bad, e->d_name, dir, e->d_name);
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
}

int marker_renew(int location)
{
	char aside[MARKER_BAD_SIZE];
	int dir, bad;

	if (set_aside(location, aside) < 0)
		return -1;
	dir = file_make_dir(location, MARKER_DIR, 0700);
	if (dir < 0)
		return -1;
	bad = openat(location, aside, DIR_FLAGS);
	if (bad >= 0) {
		take_back(bad, dir);
		close(bad);
	}
	msg_warn(MARKER_DIR "%s: something there was no marker, or could not be read, and lies in %s now: look"
		 " what it is, and remove it", place(location), aside);
	if (fsync(dir) == 0 && fsync(location) == 0)
		return dir;
	close(dir);
	return -1;
}

int marker_dir_usable(int location)
{
	int dir = open_dir(location), usable = dir >= 0 || !is_bad(errno);

	if (dir >= 0)
		close(dir);
	return usable;
}

/*
 * Open the directory of markers to change that of host, made where there is none.  What is
 * in the way there, and could not be replaced, is put out of it.  -1 with errno.
 */
static int open_to_change(int location, const char *host)
{
	int dir = file_make_dir(location, MARKER_DIR, 0700);
	struct stat st;

	if (dir < 0)
		return is_bad(errno) ? marker_renew(location) : -1;
	if (fstatat(dir, host, &st, AT_SYMLINK_NOFOLLOW) == 0 ? !S_ISDIR(st.st_mode) : !is_bad(errno))
		return dir;
	close(dir);
	return marker_renew(location);
}

/* Copy a value of the file into a field of size bytes; -1 if it is too long. */
static int field(char *to, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len >= size)
		return -1;
	memcpy(to, value, len + 1);
	return 0;
}

static int number(uint64_t *to, const char *value)
{
	char *end;

	errno = 0;
	*to = strtoull(value, &end, 10);
	return errno || !*value || *end ? -1 : 0;
}

/* Put one "key value" line into m.  Unknown keys are those of a later version: passed over. */
static int set(struct marker *m, const char *key, const char *value)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} text[] = {
		{ "saveset", m->saveset, sizeof(m->saveset) },
		{ "id", m->id, sizeof(m->id) },
		{ "volume", m->volume, sizeof(m->volume) },
		{ "status", m->status, sizeof(m->status) },
		{ "metadata", m->metadata, sizeof(m->metadata) },
		{ "full", m->full, sizeof(m->full) },
		{ "key", m->key, sizeof(m->key) },
	};
	uint64_t created;

	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
		if (!strcmp(key, text[i].key))
			return field(text[i].to, text[i].size, value);
	if (!strcmp(key, "entries"))
		return number(&m->entries, value);
	if (!strcmp(key, "files"))
		return number(&m->files, value);
	if (!strcmp(key, "bytes"))
		return number(&m->bytes, value);
	if (!strcmp(key, "created")) {
		if (number(&created, value) < 0)
			return -1;
		m->created = (int64_t)created;
	}
	return 0;
}

/* Is it a digest, or none yet? */
static int digest_ok(const char *text)
{
	return !*text || (strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64);
}

/* A name without a control character?  (A volume's name, of which it is made, may have a slash.) */
static int is_plain(const char *name)
{
	const char *p;

	for (p = name; (unsigned char)*p >= ' ' && *p != 127; p++)
		;
	return p > name && !*p;
}

/* Has each value the form of what we write?  It becomes a part of listings and of the catalog. */
static int is_whole(const struct marker *m)
{
	return is_plain(m->saveset) && id_ok(m->id) && (!m->volume[0] || id_ok(m->volume)) &&
	       m->status[0] && strspn(m->status, "abcdefghijklmnopqrstuvwxyz-") == strlen(m->status) &&
	       digest_ok(m->metadata) && digest_ok(m->full);
}

/*
 * Has the marker of a host, which m was read from, a right checksum of the key it names?
 * The checksum must stand right before the end: what is behind it is not covered.
 */
static int is_sealed(const struct marker *m, const char *host, const char *text, size_t len)
{
	const size_t line = strlen(MAC) + SEAL_MAC + 1, tail = line + strlen(END);
	const struct seal_key *k = m->key[0] ? keys_find(m->key) : NULL;
	char mac[SEAL_MAC + 1] = "";

	if (!k || len < tail || strcmp(text + len - strlen(END), END) != 0 ||
	    memcmp(text + len - tail, MAC, strlen(MAC)) != 0)
		return 0;
	memcpy(mac, text + len - tail + strlen(MAC), SEAL_MAC);
	return seal_fits(k, host, text, len - tail, mac);
}

/* Append the two lines that seal what is in b; nothing where there is no key.  0 or -1. */
static int seal(struct buf *b, const char *host)
{
	const struct seal_key *k = keys_need() ? keys_own() : NULL;
	char mac[SEAL_MAC + 1];

	if (!k)
		return 0;
	buf_printf(b, "key %s\n", k->id);
	if (seal_mac(k, host, b->p, b->len, mac) < 0)
		return -1;
	buf_printf(b, MAC "%s\n", mac);
	return 0;
}

/* 0, or -1 if text is not a whole marker. */
static int parse(struct marker *m, char *text)
{
	char *save = NULL, *line = strtok_r(text, "\n", &save);

	if (!line || strcmp(line, HEAD))
		return -1;
	while ((line = strtok_r(NULL, "\n", &save))) {
		if (!strcmp(line, "end"))
			return is_whole(m) ? 0 : -1;
		char *space = strchr(line, ' ');
		if (!space)
			return -1;
		*space = 0;
		if (set(m, line, space + 1) < 0)
			return -1;
	}
	return -1;
}

/* Is the tree there that a marker of host would speak of?  1, 0, or -1 after reporting. */
static int has_tree(int location, const char *host)
{
	struct stat st;

	if (fstatat(location, host, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode);
	if (errno == ENOENT)
		return 0;
	msg_error("%s%s: cannot see whether its tree is there: %m", escape_name(host), place(location));
	return -1;
}

/* Is the tree of host an empty directory?  1 or 0: no, or it cannot be read, which is for who reads it. */
static int is_bare(int location, const char *host)
{
	int fd = openat(location, host, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), n = 0, bare = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d) {
		/* A third entry is one besides . and .. */
		for (errno = 0; n < 3 && readdir(d); n++)
			;
		bare = n < 3 && !errno;
		closedir(d);
	} else if (fd >= 0) {
		close(fd);
	}
	return bare;
}

/* Take the marker of host apart.  0, or -1 if it is none. */
static int read_text(struct marker *m, const char *host, const char *text, size_t len)
{
	char *copy = mem_dup(text, len);
	int rc = parse(m, copy);

	free(copy);
	if (rc == 0)
		m->sealed = is_sealed(m, host, text, len);
	return rc;
}

int marker_read(int location, const char *host, struct marker *m)
{
	int dir, rc;
	size_t len;

	*m = (struct marker){ 0 };
	rc = has_tree(location, host);
	if (rc <= 0)
		return rc;
	dir = open_dir(location);
	if (dir < 0) {
		/* A file in its place says nothing about a host: reconcile tells of it. */
		if (errno == ENOENT || is_no_directory(errno))
			return 0;
		msg_error("%s%s: cannot open the directory of markers: %m", escape_name(host), place(location));
		return -1;
	}
	char *text = file_read(dir, host, &len);
	if (!text && errno == ENOENT) {
		rc = 0;
	} else if (!text) {
		msg_error("marker of %s%s: %m", escape_name(host), place(dir));
		rc = -1;
	} else if (strlen(text) != len || read_text(m, host, text, len) < 0) {
		msg_error("marker of %s%s: damaged, or of a newer version", escape_name(host), place(dir));
		errno = EINVAL;
		rc = -1;
	} else {
		/* A tree of which nothing but its top directory is left is not there, either. */
		rc = m->entries <= 1 || !is_bare(location, host);
	}
	int err = errno;
	free(text);
	close(dir);
	errno = err;
	return rc;
}

int marker_is_published(const struct marker *m)
{
	return !strcmp(m->status, "complete") || !strcmp(m->status, "partial");
}

int marker_has_id(int location, const char *host, const char *id)
{
	struct marker m;

	return marker_read(location, host, &m) > 0 && !strcmp(m.id, id);
}

int marker_write(int location, const char *host, const struct marker *m)
{
	struct buf b = { 0 };
	int dir, rc = -1;

	dir = open_to_change(location, host);
	if (dir < 0)
		goto out;
	buf_printf(&b, HEAD "\nsaveset %s\nid %s\nvolume %s\nstatus %s\ncreated %" PRId64 "\n",
		   m->saveset, m->id, m->volume, m->status, m->created);
	buf_printf(&b, "entries %" PRIu64 "\nfiles %" PRIu64 "\nbytes %" PRIu64 "\n",
		   m->entries, m->files, m->bytes);
	if (m->metadata[0])
		buf_printf(&b, "metadata %s\n", m->metadata);
	if (m->full[0])
		buf_printf(&b, "full %s\n", m->full);
	if (seal(&b, host) < 0) {
		errno = ENOTSUP;
		goto out;
	}
	buf_str(&b, END);
	rc = file_replace(dir, host, b.p, b.len, 0600);
out:
	if (rc < 0)
		msg_error("cannot write the marker of %s: %m", escape_name(host));
	buf_free(&b);
	if (dir >= 0)
		close(dir);
	return rc;
}

int marker_drop(int location, const char *host)
{
	int dir = open_dir(location), rc = 0;

	if (dir < 0 && (errno == ENOENT || is_no_directory(errno)))
		return 0;
	if (dir >= 0)
		close(dir);
	dir = open_to_change(location, host);
	if (dir < 0 || (unlinkat(dir, host, 0) < 0 && errno != ENOENT) || fsync(dir) < 0) {
		msg_error("cannot remove the marker of %s: %m", escape_name(host));
		rc = -1;
	}
	if (dir >= 0)
		close(dir);
	return rc;
}

int marker_waits(const struct marker *m)
{
	return !strcmp(m->status, MARKER_WAITING) || !strcmp(m->status, MARKER_WAITING_PARTIAL) ||
	       !strcmp(m->status, MARKER_WAITING_UNKNOWN);
}
