/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* view.c - a mount namespace in which nothing lies but DIR and what rsync needs. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VIEW_EMPTY "/empty"
#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static int set_mount(int fd, const char *path, int flags, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = attributes };

	return mount_setattr(fd, path, flags, &attr, sizeof(attr));
}

/* Make path below root: directories, and a file at its end unless it is to be one too. */
static int make_place(int root, const char *path, bool dir)
{
	char part[PATH_MAX];
	int fd;

	for (const char *p = strchr(path + 1, '/'); p || dir; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", p ? (int)(p - path) : PATH_MAX - 1, path);
		if (mkdirat(root, part + 1, 0755) && errno != EEXIST)
			return -1;
		if (!p)
			return 0;
	}
	fd = openat(root, path + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : close(fd);
}

/* A copy of the mounts at path below dir, or at dir itself if path is "". */
static int copy(int dir, const char *path, uint64_t attributes)
{
	int flags = AT_EMPTY_PATH | AT_RECURSIVE;
	int fd = open_tree(dir, path, (unsigned)flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd >= 0 && set_mount(fd, "", flags, attributes)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Show below root what exists at path: a link, unless to a file, as a link, all else as a mount. */
static int show(const char *path, int root)
{
	char link[PATH_MAX] = "";
	struct stat st = { 0 };
	int missing = stat(path, &st), fd, rc = -1;

	/* Where a link leads may be hidden now, and seen again in the new root. */
	if (!S_ISREG(st.st_mode) && readlink(path, link, sizeof(link) - 1) > 0)
		return symlinkat(link, root, path + 1);
	if (missing)
		return 0;
	fd = copy(AT_FDCWD, path, QUIET | MOUNT_ATTR_RDONLY);
	if (fd >= 0 && make_place(root, path, S_ISDIR(st.st_mode)) == 0)
		rc = move_mount(fd, "", root, path + 1, MOVE_MOUNT_F_EMPTY_PATH);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int new_tmpfs(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (fs >= 0 && fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, QUIET);
	if (fs >= 0)
		close(fs);
	return fd;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

/* Make the new root, with all that is to be seen in it, and go there. */
static int build(const struct rules *r, bool writes)
{
	int tree = copy(r->dirfd, "", QUIET | (writes ? 0 : MOUNT_ATTR_RDONLY)), root = new_tmpfs(), rc = -1;
	int at = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
	const char *const *need = sandbox_needs;

	/* It is mounted over DIR, which is known to be there; older kernels fill no unmounted one. */
	if (tree < 0 || root < 0 || move_mount(root, "", r->dirfd, "", (unsigned)at))
		goto out;
	rc = mkdirat(root, &VIEW_EMPTY[1], 0555);
	for (; *need && rc == 0; need++)
		rc = is_below(*need, r->dir) ? 0 : show(*need, root);
	if (rc || make_place(root, r->dir, true) ||
	    move_mount(tree, "", root, r->dir + 1, MOVE_MOUNT_F_EMPTY_PATH) ||
	    set_mount(root, "", AT_EMPTY_PATH, QUIET | MOUNT_ATTR_RDONLY) || fchdir(root) ||
	    syscall(SYS_pivot_root, ".", ".")) {
		umount2(r->dir, MNT_DETACH);
		rc = -1;
	} else {
		rc = umount2(".", MNT_DETACH);
	}
out:
	close(tree);
	close(root);
	return rc;
}

/* A namespace of our own, and in it the working directory. */
static int unshare_mounts(const struct rules *r)
{
	struct statx top;
	int fd, rc;

	/* In a plain chroot there is no way to it, and none back. */
	if (statx(AT_FDCWD, "/", 0, STATX_TYPE, &top) || !(top.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -1;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? -1 : dup3(fd, r->dirfd, O_CLOEXEC);
	close(fd);
	return rc;
}

/* The same directories as before, seen from here: the way up from the old ones leads out. */
static int renew(const struct rules *r, struct paths *p)
{
	int fd = open(r->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), empty;
	int rc = fd < 0 || fchdir(fd) ? -1 : dup3(fd, r->dirfd, O_CLOEXEC);

	empty = open(VIEW_EMPTY, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rc >= 0)
		rc = paths_renew(p, empty);
	close(fd);
	close(empty);
	return rc;
}

int view_enter(const struct rules *r, struct args *a)
{
	bool everything = strcmp(r->dir, "/") == 0;

	if (!SANDBOX)
		return 0;
	/* Nothing is outside of "/", but it can be made read-only. */
	if (unshare_mounts(r) < 0 || (!everything && build(r, a->writes)) ||
	    (everything && !a->writes && set_mount(AT_FDCWD, "/", AT_RECURSIVE, MOUNT_ATTR_RDONLY))) {
		sandbox_lacks("mount namespace");
		return fchdir(r->dirfd);
	}
	if (everything || renew(r, &a->paths) == 0)
		return 0;
	paths_refuse(&a->paths, "the restricted directory changed meanwhile", NULL);
	return -1;
}
