/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* view.c - a mount namespace in which nothing lies but DIR and what rsync needs. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VIEW_EMPTY "/empty"
#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* A copy of the mount at path, or of that of the descriptor dir if path is "". */
static int copy_mount(int dir, const char *path, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = attributes };
	int flags = AT_EMPTY_PATH | AT_RECURSIVE;
	int fd = open_tree(dir, path, (unsigned)flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd >= 0 && mount_setattr(fd, "", flags, &attr, sizeof(attr))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int new_tmpfs(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -1;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, QUIET);
	close(fs);
	return fd;
}

/* Make path below root: directories, and a file at its end unless it is to be a directory too. */
static int make_place(int root, const char *path, bool dir)
{
	char part[PATH_MAX];
	int fd;

	for (const char *p = strchr(path + 1, '/'); ; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", p ? (int)(p - path) : PATH_MAX - 1, path);
		if (!p && !dir)
			break;
		if (mkdirat(root, part + 1, 0755) && errno != EEXIST)
			return -1;
		if (!p)
			return 0;
	}
	fd = openat(root, path + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : close(fd);
}

/* Show the tree that fd is a copy of at path below root.  fd is closed. */
static int show(int fd, int root, const char *path, bool dir)
{
	int rc = -1;

	if (fd >= 0 && make_place(root, path, dir) == 0)
		rc = move_mount(fd, "", root, path + 1, MOVE_MOUNT_F_EMPTY_PATH);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The same name as here, if it exists: a link as a link to where it leads, a tree read-only. */
static int show_need(int root, const char *path)
{
	char link[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (stat(path, &st))
		return 0;
	n = S_ISDIR(st.st_mode) ? readlink(path, link, sizeof(link) - 1) : -1;
	if (n > 0) {
		link[n] = '\0';
		return symlinkat(link, root, path + 1);
	}
	return show(copy_mount(AT_FDCWD, path, QUIET | MOUNT_ATTR_RDONLY), root, path, S_ISDIR(st.st_mode));
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

static int change_root(int root)
{
	struct mount_attr attr = { .attr_set = QUIET | MOUNT_ATTR_RDONLY };

	if (mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) || fchdir(root))
		return -1;
	return syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ? -1 : 0;
}

/* Make the new root, with all that is to be seen in it, and go there. */
static int build(const struct rules *r, bool writes)
{
	/* The copy first: the new root is mounted over the original. */
	int tree = copy_mount(r->dirfd, "", QUIET | (writes ? 0 : MOUNT_ATTR_RDONLY));
	int root = new_tmpfs();
	const char *const *need;
	int rc;

	if (tree < 0 || root < 0)
		goto failed;
	if (move_mount(root, "", r->dirfd, "",
					       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		goto failed;
	rc = mkdirat(root, &VIEW_EMPTY[1], 0555);
	for (need = sandbox_needs; *need; need++)
		if (!is_below(*need, r->dir))
			rc |= show_need(root, *need);
	rc |= show(tree, root, r->dir, true);
	if (rc == 0 && change_root(root) == 0)
		return close(root);
	/* DIR as it was: without a view we go on in the old one. */
	umount2(r->dir, MNT_DETACH);
	tree = -1;
failed:
	if (tree >= 0)
		close(tree);
	if (root >= 0)
		close(root);
	return -1;
}

/* A namespace of our own; the working directory goes along. */
static int unshare_mounts(const struct rules *r)
{
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dup3(fd, r->dirfd, O_CLOEXEC) < 0)
		return -1;
	return close(fd);
}

/* The same directories as before, seen from here: the way up from the old ones leads out. */
static int renew(const struct rules *r, struct paths *p)
{
	int fd = open(r->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || dup3(fd, r->dirfd, O_CLOEXEC) < 0 || fchdir(fd))
		return -1;
	close(fd);
	fd = open(VIEW_EMPTY, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : paths_renew(p, fd) | close(fd);
}

int view_enter(struct rules *r, struct args *a)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (!SANDBOX)
		return 0;
	if (unshare_mounts(r))
		goto none;
	if (strcmp(r->dir, "/") == 0) {
		/* Nothing is outside; but what is only read can be made so. */
		if (!a->writes && mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)))
			goto none;
		return chdir("/") || dup3(open("/", O_PATH | O_CLOEXEC), r->dirfd, O_CLOEXEC) < 0 ? -1 : 0;
	}
	if (build(r, a->writes))
		goto none;
	if (renew(r, &a->paths) == 0)
		return 0;
	paths_refuse(&a->paths, "the restricted directory changed meanwhile", NULL);
	return -1;
none:
	sandbox_lacks("mount namespace");
	return 0;
}
