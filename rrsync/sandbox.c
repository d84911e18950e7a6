/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.c - what this process and rsync give away: capabilities, files, system calls. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const sandbox_needs[] = {
	RSYNC, "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/nsswitch.conf",
	"/etc/passwd", "/etc/group", "/etc/localtime", "/etc/ssl/openssl.cnf", "/proc", NULL,
};

static char loader[64], missing[200];

void sandbox_lacks(const char *part)
{
	size_t len = strlen(missing);

	snprintf(missing + len, sizeof(missing) - len, "%s%s", len ? ", " : "", part);
}

const char *sandbox_missing(void)
{
	return missing;
}

/* Looked for in its file: to start it costs as much as a small transfer. */
int sandbox_probe(struct rules *r)
{
	int fd = open(RSYNC, O_RDONLY | O_CLOEXEC);
	const char *map = MAP_FAILED, *interp;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return -1;
	r->can_confine = memmem(map, (size_t)st.st_size, "confine-root", 13) != NULL;
	r->can_drop = memmem(map, (size_t)st.st_size, "drop-D", 7) != NULL;
	/* The name of the loader is near the beginning of a file that needs one. */
	interp = memmem(map, st.st_size < 4096 ? (size_t)st.st_size : 4096, "/lib", 4);
	if (interp)
		snprintf(loader, sizeof(loader), "%s", interp);
	munmap((void *)(uintptr_t)map, (size_t)st.st_size);
	if (!r->can_confine || !r->can_drop)
		sandbox_lacks("rsync --confine-root");
	return 0;
}

/* --- files -------------------------------------------------------------- */

/* Rights and fields that came after the kernel headers we may be built with. */
#define FS_ABI1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define FS_READ ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
#define FS_PROGRAM ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE))
/* Not even below DIR; and, unless that is everything, no devices and no special files. */
#define FS_NEVER (LANDLOCK_ACCESS_FS_EXECUTE | FS_IOCTL_DEV)
#define FS_SPECIAL (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
		    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK)

struct ruleset {
	uint64_t fs, net, scoped;
};

int sandbox_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* What does not exist needs no rule; a file has no directory's rights. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	struct stat st;
	int rc;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_PROGRAM | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return rc;
}

static int restrict_files(const struct rules *r, const struct args *a)
{
	int abi = sandbox_abi(), fd, rc;
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	struct ruleset all = {
		.fs = FS_ABI1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
		      (abi >= 5 ? FS_IOCTL_DEV : 0),
		.net = 3,	/* TCP: bind, connect */
		.scoped = 3,	/* abstract sockets, signals */
	};
	const char *const *need;

	/* The first ABI forbids every hard link and move between directories. */
	if (abi < (a->writes ? 2 : 1))
		return -1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (fd < 0)
		return -1;
	rc = allow(fd, r->dir, !a->writes ? FS_READ : all.fs & ~(FS_NEVER | (r->dir[1] ? FS_SPECIAL : 0))) |
	     allow(fd, RSYNC, FS_PROGRAM) | allow(fd, loader, FS_PROGRAM);
	/* /proc is walked through, to descriptors; nothing of it is opened. */
	for (need = sandbox_needs + 1; *need; need++)
		if (strcmp(*need, "/proc") != 0)
			rc |= allow(fd, *need, FS_READ);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return rc;
}

/* --- capabilities ------------------------------------------------------- */

#define CAP_BIT(c) (1ull << (c))

static int restrict_capabilities(const struct rules *r, const struct args *a)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t keep = CAP_BIT(CAP_DAC_READ_SEARCH), had;

	if (a->writes)
		keep |= CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID);
	if (a->writes && !r->dir[1])
		keep |= CAP_BIT(CAP_MKNOD);
	if (a->writes && a->xattrs)
		keep |= CAP_BIT(CAP_SETFCAP);
	if (syscall(SYS_capget, &head, data))
		return -1;
	had = data[0].permitted | (uint64_t)data[1].permitted << 32;
	/* The bounding set first, and in it what root would get back from exec. */
	if (had & CAP_BIT(CAP_SETPCAP))
		for (int c = 0, rc = 0; c < 64 && rc == 0; c++)
			rc = keep & CAP_BIT(c) ? 0 : prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	keep &= had;
	for (int i = 0; i < 2; i++) {
		data[i].effective = data[i].permitted = (uint32_t)(keep >> 32 * i);
		data[i].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &head, data);
}

/* --- system calls ------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#else
#define ARCH 0		/* this architecture has no filter yet */
#endif

/* No other program, no other view, no other process's memory, no network, no kernel's knobs. */
static const unsigned denied[] = {
	SYS_execve, SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_ptrace,
	SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, 438 /* pidfd_getfd */, SYS_mount, SYS_umount2,
	SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, 425, 426, 427 /* io_uring */, 428 /* open_tree */,
	429 /* move_mount */, 430, 431, 432, 433 /* fsopen and its like */, 442 /* mount_setattr */,
	467 /* open_tree_attr */, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_fanotify_init, SYS_bpf,
	SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module,
	SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_quotactl,
	443 /* quotactl_fd */, SYS_acct, SYS_syslog, SYS_personality, SYS_settimeofday, SYS_clock_settime,
	SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname, SYS_setuid, SYS_setgid,
	SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid,
	424 /* pidfd_send_signal */, SYS_rt_sigqueueinfo, SYS_setpriority, SYS_ioprio_set, SYS_sched_setaffinity,
	SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_move_pages, SYS_migrate_pages,
	SYS_shmget, SYS_shmat, SYS_msgget, SYS_semget, SYS_mq_open,
	SYS_ioctl,	/* the last one, as its error is another */
};

/* What changes a file or makes one, by name or not: none of it where rsync only reads. */
static const unsigned changing[] = {
#ifdef SYS_chmod
	SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat, SYS_unlink, SYS_rmdir, SYS_rename,
	SYS_link, SYS_symlink, SYS_mkdir, SYS_creat,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_truncate,
	SYS_ftruncate, SYS_fallocate, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, 463 /* setxattrat */,
	SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, 466 /* removexattrat */, 469 /* file_setattr */,
	SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mkdirat,
};

static const unsigned making[] = {
#ifdef SYS_mknod
	SYS_mknod,
#endif
	SYS_mknodat,
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, skip)
#define FAIL(e) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (e))

static const char nowhere[] = "";

/* Two instructions for each call of the list. */
static size_t forbid(struct sock_filter *f, const unsigned *calls, size_t n, unsigned error)
{
	for (size_t i = 0; i < n; i++) {
		*f++ = (struct sock_filter)IS(calls[i], 1);
		*f++ = (struct sock_filter)FAIL(error);
	}
	return 2 * n;
}

/* program: the descriptor that may be executed, by the one address where its empty name lies. */
static int restrict_calls(const struct rules *r, const struct args *a, int program)
{
	const struct sock_filter head[] = {
		LOAD(arch), IS(ARCH, 1), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), LOAD(nr),
		/* x32 has numbers of its own. */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), FAIL(ENOSYS),
		/* glibc then uses clone, whose flags can be looked at. */
		IS(435 /* clone3 */, 1), FAIL(ENOSYS),
		IS(SYS_clone, 4), LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
			 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP, 0, 1), FAIL(EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		IS(SYS_execveat, 6), LOAD(args[0]), IS(program, 3),
		LOAD(args[1]), IS((uintptr_t)nowhere, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), FAIL(EPERM),
	};
	struct sock_filter f[LEN(head) + 2 * (LEN(denied) + LEN(changing) + LEN(making)) + 1];
	struct sock_fprog prog = { .filter = f };
	size_t n = LEN(head);

	if (!ARCH)
		return -1;
	memcpy(f, head, sizeof(head));
	n += forbid(f + n, denied, LEN(denied) - 1, EPERM);
	n += forbid(f + n, &denied[LEN(denied) - 1], 1, ENOTTY);
	if (!a->writes)
		n += forbid(f + n, changing, LEN(changing), EROFS);
	if (!a->writes || r->dir[1])
		n += forbid(f + n, making, LEN(making), a->writes ? EPERM : EROFS);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

/* --- all of it ---------------------------------------------------------- */

static int program = -1;	/* rsync */

void sandbox_restrict(const struct rules *r, const struct args *a)
{
	program = open(RSYNC, O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < a->paths.n; i++)
		fcntl(a->paths.pins[i].fd, F_SETFD, 0);
	if (!SANDBOX)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		sandbox_lacks("no_new_privs");
	if (restrict_files(r, a))
		sandbox_lacks("Landlock");
	if (restrict_capabilities(r, a))
		sandbox_lacks("capabilities");
	if (restrict_calls(r, a, program))
		sandbox_lacks("seccomp filter");
}

void sandbox_exec(const struct args *a)
{
	/* Of our environment only how names are to be read; rsync would read $HOME/.popt. */
	static const char *const kept[] = { "LANG", "LC_ALL", "LC_CTYPE" };
	char *env[LEN(kept) + 2] = { strdup("PATH=/usr/bin:/bin") }, **next = env + 1;
	const char *value;

	for (size_t i = 0; i < LEN(kept); i++) {
		value = getenv(kept[i]);
		if (value && !strchr(value, '/') && asprintf(next, "%s=%s", kept[i], value) > 0)
			next++;
	}
	*next = NULL;
	if (!SANDBOX)
		execve(RSYNC, a->v, env);
	syscall(SYS_execveat, program, nowhere, a->v, env, AT_EMPTY_PATH);
}
