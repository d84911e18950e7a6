/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sandbox.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#include "calls.h"
#include "child.h"
#include "paths.h"

/* rsync and what it needs to start. */
static const char *const needs[] = {
	RSYNC, "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/nsswitch.conf",
	"/etc/passwd", "/etc/group", "/etc/localtime", "/etc/ssl/openssl.cnf", "/proc", NULL,
};

char sandbox_missing[300];
static const char *loader;	/* NULL: none is needed */
static bool separate;		/* we are in a pid namespace of our own */

static void lacks(bool missing, const char *part)
{
	if (missing)
		strcat(strcat(sandbox_missing, *sandbox_missing ? ", " : ""), part);
}

/* Looked for in its file: to start it costs as much as a small transfer. */
void sandbox_probe(struct rules *r)
{
	int fd = open(RSYNC, O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	const char *map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		refuse("cannot read %s: %m", RSYNC);
	/* The name of the loader is near the beginning of a file that needs one. */
	loader = memmem(map, size < 4096 ? (size_t)size : 4096, "/lib", 4);
	r->can_confine = memmem(map, (size_t)size, "confine-root", 13) && memmem(map, (size_t)size, "drop-D", 7);
	lacks(!r->can_confine, "rsync --confine-root");
}

int sandbox_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* What cannot be opened needs no rule; a file has no directory's rights. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { rights, open(path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (fstat(rule.parent_fd, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_FILE;
	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static int restrict_files(const struct request *q)
{
	int abi = sandbox_abi(), fd, bad;
	struct { uint64_t fs, tcp, scoped; } all = {
		.fs = (1ull << (13 + (abi >= 2) + (abi >= 3) + (abi >= 5))) - 1,
		.tcp = abi >= 4 ? 3 : 0,	/* bind, connect */
		.scoped = abi >= 6 ? 3 : 0,	/* abstract sockets, signals */
	};
	uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | FS_IOCTL_DEV | (q->rules->dir[1] ? FS_SPECIAL : 0);

	/* The first ABI forbids every hard link and move between directories. */
	if (abi < (q->writes ? 2 : 1))
		return -1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	bad = allow(fd, q->rules->dir, q->writes ? all.fs & ~never : FS_READ) | allow(fd, RSYNC, FS_PROGRAM) |
	      allow(fd, loader ? loader : RSYNC, FS_PROGRAM);
	/* /proc, the last one, is walked through, to descriptors; nothing of it is opened. */
	for (const char *const *need = needs + 1; need[1]; need++)
		bad |= allow(fd, *need, FS_READ);
	return bad ? bad : (int)syscall(SYS_landlock_restrict_self, fd, 0);
}

static int restrict_capabilities(const struct request *q)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t keep = CAP(DAC_READ_SEARCH);

	if (q->writes)
		keep |= CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) |
			(q->rules->dir[1] ? 0 : CAP(MKNOD)) | (q->xattrs ? CAP(SETFCAP) : 0);
	if (syscall(SYS_capget, &head, data))
		return -1;
	/* The bounding set first, and in it what root would get back from exec. */
	for (int c = 0; c < 64; c++)
		if (!(keep >> c & 1))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &head, data);
}

static const char nowhere[] = "";
static int program = -1;	/* rsync */

static int restrict_calls(const struct request *q)
{
	struct sock_filter filter[] = {
		LOAD(arch), UNLESS(CALLS_ARCH, 1), RETURN(KILL_PROCESS), LOAD(nr),
		/* x32 has numbers of its own. */
		IF(GE, 0x40000000, 1), FAIL(ENOSYS),
		/* What glibc then uses is clone, whose flags can be looked at. */
		IS(SYS_clone3, 1), FAIL(ENOSYS),
		IS(SYS_clone, 4), LOAD(args[0]), IF(SET, CLONE_NAMESPACES, 1), FAIL(EPERM), RETURN(ALLOW),
		/* The program may be executed, by the one address where its empty name lies. */
		IS(SYS_execveat, 6), LOAD(args[0]), IS(program, 3), LOAD(args[1]), IS((uintptr_t)nowhere, 1),
		RETURN(ALLOW), FAIL(EPERM),
		/* One process, by its number; of its own limits only, and to nobody what its files do. */
		IS(SYS_kill, 6), LOAD(args[0]), IF(SET, 0x80000000, 1), FAIL(EPERM), IS(0, 1), FAIL(EPERM),
		RETURN(ALLOW),
		IS(SYS_prlimit64, 4), LOAD(args[0]), IS(0, 1), RETURN(ALLOW), FAIL(EPERM),
		IS(SYS_fcntl, 6), LOAD(args[1]), IS(F_SETOWN, 1), FAIL(EPERM), IS(F_SETOWN_EX, 1), FAIL(EPERM),
		RETURN(ALLOW),
		IS(SYS_prctl, 4), LOAD(args[0]), IS(PR_SCHED_CORE, 1), FAIL(EPERM), RETURN(ALLOW),
		IS(SYS_ioctl, 1), FAIL(ENOTTY), CALLS_OUT(OUT) RETURN(ALLOW),
	}, reading[] = { LOAD(nr), CALLS_CHANGING(CHANGING) RETURN(ALLOW) };
	struct sock_fprog all = { LEN(filter), filter }, more = { LEN(reading), reading };

	return !CALLS_ARCH || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all) ||
	       (!q->writes && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &more));
}

static int set_mount(int fd, uint64_t attributes)
{
	struct mount_attr attr = { .attr_set = attributes };

	return mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

/* Make the directories above path in the new root, which is the working directory. */
static void make_parents(const char *path)
{
	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/'))
		mkdir(args_text("%.*s", (int)(p - path - 1), path + 1), 0755);
}

/* Show there what exists at path: a link, unless to a file, as a link, all else as a mount. */
static int show(const char *path)
{
	char link[PATH_MAX] = "";
	struct stat st = { 0 };
	int missing = stat(path, &st);

	make_parents(path);
	/* Where a link leads may be hidden now, and seen again in the new root. */
	if (!S_ISREG(st.st_mode) && readlink(path, link, sizeof(link) - 1) > 0)
		return symlink(link, path + 1);
	if (S_ISDIR(st.st_mode))
		mkdir(path + 1, 0755);
	else if (!missing)
		mknod(path + 1, S_IFREG | 0644, 0);
	return missing ? 0 : mount(path, path + 1, NULL, MS_BIND | MS_REC, NULL);
}

/* In place of the /proc there, one with no other process in it, and no setting of the kernel. */
static void own_proc(const char *there)
{
	if (separate)
		lacks(mount("proc", there, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "subset=pid"),
		      "/proc of its own");
}

/* Make the new root, with all that is to be seen in it, and go there. */
static int build(const struct rules *r, bool writes)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), root, tree, bad;

	/* What fails here makes the next one fail. */
	fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0);
	fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	root = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_QUIET);
	tree = open_tree(r->dirfd, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	/* It is mounted over DIR, which is known to be there; older kernels fill no unmounted one. */
	if (set_mount(tree, MOUNT_QUIET | (writes ? 0 : MOUNT_ATTR_RDONLY)) ||
	    move_mount(root, "", r->dirfd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return -1;
	bad = fchdir(root) || mkdir(&PATHS_EMPTY[1], 0555);
	for (const char *const *need = needs; *need && !bad; need++)
		bad = !paths_below(*need, r->dir) && show(*need);
	own_proc("proc");
	make_parents(args_text("%s/", r->dir));
	if (bad || set_mount(root, MOUNT_QUIET | MOUNT_ATTR_RDONLY) ||
	    move_mount(tree, "", root, r->dir + 1, MOVE_MOUNT_F_EMPTY_PATH) || syscall(SYS_pivot_root, ".", ".")) {
		umount2(r->dir, MNT_DETACH);
		return -1;
	}
	return umount2(".", MNT_DETACH);
}

void sandbox_spaces(void)
{
	if (!SANDBOX)
		return;
	lacks(unshare(CLONE_NEWIPC), "ipc namespace");
	separate = child_separate();
	lacks(!separate, "pid namespace");
}

void sandbox_view(struct request *q)
{
	const struct rules *r = q->rules;
	struct statx top = { 0 };

	if (!SANDBOX)
		return;
	/* In a plain chroot there is no way to a namespace of our own, and none back. */
	statx(AT_FDCWD, "/", 0, STATX_TYPE, &top);
	if (!(top.stx_attributes & STATX_ATTR_MOUNT_ROOT) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    dup3(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), r->dirfd, O_CLOEXEC) < 0 ||
	    /* Nothing is outside of "/", but it can be made read-only. */
	    (r->dir[1] ? build(r, q->writes) : !q->writes && set_mount(r->dirfd, MOUNT_ATTR_RDONLY))) {
		lacks(true, "mount namespace");
		if (fchdir(r->dirfd))
			refuse("cannot go back to %s: %m", r->dir);
	} else if (r->dir[1]) {
		paths_renew(q);
	} else {
		own_proc("/proc");
	}
}

void sandbox_restrict(const struct request *q)
{
	int bad;

	program = open(RSYNC, O_PATH | O_CLOEXEC);
	if (!SANDBOX)
		return;
	lacks(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	bad = restrict_files(q);
	lacks(bad, "Landlock");
	/* One of the two keeps signals from other processes. */
	lacks(!separate && (bad || sandbox_abi() < 6), "signal scope");
	lacks(restrict_capabilities(q), "capabilities");
	lacks(restrict_calls(q), "seccomp filter");
}

void sandbox_exec(const struct request *q)
{
	/* Of our environment only how names are to be read; rsync would read $HOME/.popt. */
	static const char *const kept[] = { "LANG", "LC_ALL", "LC_CTYPE" };
	const char *env[LEN(kept) + 2] = { "PATH=/usr/bin:/bin" }, **next = env + 1, *value;

	for (size_t i = 0; i < LEN(kept); i++) {
		value = getenv(kept[i]);
		if (value && !strchr(value, '/'))
			*next++ = args_text("%s=%s", kept[i], value);
	}
	if (separate && !child_start())
		return;
	if (!SANDBOX)
		syscall(SYS_execve, RSYNC, q->args, env);
	syscall(SYS_execveat, program, nowhere, q->args, env, AT_EMPTY_PATH);
}
