/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/volume_trust.h"
#include "tree/walk.h"

#define HEAD "secondshot-volume 1\nid "
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* FS_IOC_GETFSUUID of Linux 6.9, for headers that do not have it yet. */
struct fs_uuid {
	unsigned char len;
	unsigned char uuid[16];
};
#define ZFS_SUPER_MAGIC 0x2fc12fc1	/* not in the kernel's headers */
#define GET_FS_UUID _IOR(0x15, 0, struct fs_uuid)

/* File systems whose f_fsid is made of their UUID; that of others is the number of a device. */
static int has_lasting_fsid(uint32_t type)
{
	return type == EXT4_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC || type == ZFS_SUPER_MAGIC;
}

/* Find the name by which the file system is known for good: its UUID, or an f_fsid that is made of it; else "". */
static void identify(struct volume *v)
{
	struct fs_uuid u = { 0 };
	struct statfs fs;
	char *to = v->fs;

	if (ioctl(v->fd, GET_FS_UUID, &u) == 0 && u.len <= sizeof(u.uuid) && u.len > 0) {
		to += sprintf(to, "uuid:");
		for (unsigned i = 0; i < u.len; i++)
			to += sprintf(to, "%02x", u.uuid[i]);
	} else if (fstatfs(v->fd, &fs) == 0 && has_lasting_fsid((uint32_t)fs.f_type)) {
		snprintf(v->fs, sizeof(v->fs), "fsid:%08x%08x", (unsigned)fs.f_fsid.__val[0],
			 (unsigned)fs.f_fsid.__val[1]);
	}
}

/* Open root and root/.secondshot.  0, 1 if the latter is missing (silent), -1 after reporting. */
static int open_root(struct volume *v, const char *root)
{
	int missing;

	*v = (struct volume){ .fd = -1, .own = -1 };
	v->root = mem_strdup(root);
	/* The root itself may be a link that the administrator made. */
	v->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->fd < 0) {
		msg_error("volume offline: %s: %m%s", escape_name(root),
			  errno == ENOENT ? ": mount the disk, or make the directory for a new one"
					  : msg_as_root());
		return -1;
	}
	identify(v);
	v->own = openat(v->fd, MARKER_DIR, DIR_FLAGS);
	missing = v->own < 0 && errno == ENOENT;
	if (v->own >= 0 || missing)
		return volume_trust(v) ? -1 : missing;
	msg_error("volume offline: %s/%s: %m%s", escape_name(root), MARKER_DIR, msg_as_root());
	return -1;
}

/* 0, 1 if there is no id (silent), -1 after reporting. */
static int read_id(struct volume *v)
{
	size_t len, head = strlen(HEAD);
	char *text = file_read(v->own, "volume", &len);
	int ok;

	if (!text) {
		if (errno == ENOENT)
			return 1;
		msg_error("volume offline: %s/%s/volume: %m%s", escape_name(v->root), MARKER_DIR,
			  msg_as_root());
		return -1;
	}
	ok = len == head + ID_LEN + 1 && !memcmp(text, HEAD, head) && text[len - 1] == '\n' &&
	     strspn(text + head, "0123456789abcdef") == ID_LEN;
	if (ok)
		memcpy(v->id, text + head, ID_LEN);
	else
		msg_error("volume offline: %s/%s/volume: does not hold a volume's id",
			  escape_name(v->root), MARKER_DIR);
	free(text);
	return ok ? 0 : -1;
}

int volume_open(struct volume *v, const char *root)
{
	int rc = open_root(v, root);

	if (rc == 0)
		rc = read_id(v);
	if (rc == 1)
		msg_error("volume offline: %s has no %s/volume: is the disk mounted?"
			  " ('ss-catalog init' prepares a new one)",
			  escape_name(root), MARKER_DIR);
	return rc ? -1 : 0;
}

int volume_away(const char *root)
{
	char *path = mem_printf("%s/" MARKER_DIR "/volume", root);
	struct stat st;
	int away = lstat(path, &st) < 0 && errno == ENOENT;

	free(path);
	return away;
}

int volume_is(const struct volume *v, const char *id)
{
	if (!strcmp(v->id, id))
		return 0;
	msg_error("volume offline: %s is another volume", escape_name(v->root));
	return -1;
}

int volume_attests(const struct volume *v, const struct marker *m)
{
	return m->sealed && !strcmp(v->id, m->volume);
}

static int nothing_but_lost_found(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..") && strcmp(d->d_name, "lost+found");
}

/*
 * A root that is ours and empty, as a tmpfs of mode 1777 that was just mounted, is made such
 * that nobody else can write it.  All else is for the check of it.
 */
static void close_to_others(const char *root)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;
	struct dirent **list;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022)) {
		n = scandirat(fd, ".", &list, nothing_but_lost_found, NULL);
		if (n == 0 && fchmod(fd, st.st_mode & 07777 & ~(mode_t)(S_ISVTX | 022)) == 0)
			msg_info("%s: an empty root that others could write: its mode is %04o now, not %04o",
				 escape_name(root), st.st_mode & 07777 & ~(mode_t)(S_ISVTX | 022),
				 st.st_mode & 07777);
		for (int i = 0; i < n; i++)
			free(list[i]);
		if (n >= 0)
			free(list);
	}
	close(fd);
}

int volume_create(struct volume *v, const char *root, int *fresh)
{
	close_to_others(root);
	int rc = open_root(v, root);

	*fresh = 0;
	if (rc < 0)
		return -1;
	if (rc == 1) {
		v->own = file_make_dir(v->fd, MARKER_DIR, 0700);
		if (v->own < 0) {
			msg_error("%s/%s: %m%s", escape_name(root), MARKER_DIR, msg_as_root());
			return -1;
		}
		/* Another may have made it meanwhile. */
		if (volume_trust(v))
			return -1;
	}
	rc = read_id(v);
	if (rc != 1)
		return rc;

	char text[sizeof(HEAD) + ID_LEN + 2];
	id_new(v->id);
	int len = snprintf(text, sizeof(text), HEAD "%s\n", v->id);
	if (file_replace(v->own, "volume", text, len, 0600) < 0) {
		msg_error("%s/%s/volume: %m", escape_name(root), MARKER_DIR);
		return -1;
	}
	*fresh = 1;
	return 0;
}

void volume_close(struct volume *v)
{
	free(v->root);
	if (v->own >= 0)
		close(v->own);
	if (v->fd >= 0)
		close(v->fd);
	*v = (struct volume){ .fd = -1, .own = -1 };
}

int volume_name_ok(const char *name)
{
	/* A name that stands in markers, names of savesets and configurations is one plain word. */
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < ' ' || *p == 127)
			return 0;
	return *name && strlen(name) <= NAME_MAX && strcmp(name, ".") && strcmp(name, "..") && strcmp(name, MARKER_DIR) &&
	       !file_is_new(name) && !strchr(name, '/');
}

int volume_is_tree(const struct dirent *d)
{
	return (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN) && volume_name_ok(d->d_name) &&
	       strncmp(d->d_name, MARKER_BAD, strlen(MARKER_BAD)) != 0;
}

int volume_in_rotation(const struct volume *v)
{
	return faccessat(v->own, VOLUME_ROTATION, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int volume_location(const struct volume *v, const char *location)
{
	if (!volume_name_ok(location)) {
		errno = EINVAL;
		return -1;
	}
	return openat(v->fd, location, DIR_FLAGS);
}

/* ".sync", or a name that ends in a dot and digits: what rsnapshot makes. */
static int is_location(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!strcmp(name, ".sync"))
		return 1;
	return dot && dot > name && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1) &&
	       strncmp(name, "_delete.", 8) != 0;
}

static int only_locations(const struct dirent *d)
{
	return is_location(d->d_name);
}

int volume_each(const struct volume *v, volume_each_fn *fn, void *arg)
{
	struct dirent **list;
	int n = scandirat(v->fd, ".", &list, only_locations, versionsort), rc = 0;

	if (n < 0) {
		msg_error("%s: %m", escape_name(v->root));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		int fd = rc ? -1 : volume_location(v, name);

		if (!rc && fd < 0 && errno != ENOTDIR && errno != ELOOP) {
			msg_error("%s/%s: %m", escape_name(v->root), escape_name(name));
			rc = -1;
		}
		if (fd >= 0) {
			rc = fn(name, fd, arg);
			close(fd);
		}
		free(list[i]);
	}
	free(list);
	return rc;
}

int64_t volume_files(const struct volume *v, const char *location, const char *host, int64_t most)
{
	int fd = volume_location(v, location), got = -1;
	int tree = fd < 0 ? -1 : openat(fd, host, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct entry *e;
	int64_t n = 0;

	if (tree < 0) {
		int why = errno;

		if (fd >= 0)
			close(fd);
		errno = why;
		return VOLUME_NO_TREE;
	}
	char *at = mem_printf("%s/%s/%s", v->root, location, host);
	struct walk *w = walk_open(tree, at);

	while (w && n < most && (got = walk_next(w, &e)) > 0)
		n += e->type == 'f';
	walk_close(w);
	close(tree);
	close(fd);
	free(at);
	return got < 0 ? -1 : n;
}
