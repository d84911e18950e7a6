/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel.h - words of the kernel for sandbox.c: system calls that rsync does not get, as
 * lists X(name); how a filter is written; rights; what its own headers may still lack.
 */
#ifndef RRSYNC_KERNEL_H
#define RRSYNC_KERNEL_H

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_PROGRAM (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE)
#define FS_FILE (FS_PROGRAM | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_SPECIAL (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
		    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK)

#define CAP(name) (1ull << CAP_##name)
#define CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | \
			  CLONE_NEWUTS | CLONE_NEWCGROUP)
#define MOUNT_QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* One filter instruction each but for the last two; what IF and IS hold of goes on, others skip. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(test, value, skip) BPF_JUMP(BPF_JMP | BPF_J##test | BPF_K, (uint32_t)(value), 0, skip)
#define IS(value, skip) IF(EQ, value, skip)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##what)
#define FAIL(e) RETURN(ERRNO | (e))
#define OUT(call) IS(SYS_##call, 1), FAIL(EPERM),
#define CHANGING(call) IS(SYS_##call, 1), FAIL(EROFS),

#if defined(__x86_64__)
#define CALLS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CALLS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define CALLS_ARCH AUDIT_ARCH_RISCV64
#else
#define CALLS_ARCH 0	/* this architecture has no filter yet */
#endif

/* The numbers that came after the headers we may be built with; they are the same everywhere. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif
#ifndef SYS_removexattrat
#define SYS_removexattrat 466
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

/* Another program, another view, another process's memory, the network, the kernel's knobs. */
#define CALLS_OUT(X) \
	X(execve) X(socket) X(connect) X(bind) X(ptrace) X(process_vm_readv) \
	X(process_vm_writev) X(pidfd_getfd) X(kcmp) X(mount) X(umount2) X(pivot_root) \
	X(chroot) X(unshare) X(setns) X(open_tree) X(open_tree_attr) X(move_mount) \
	X(fsopen) X(fsconfig) X(fsmount) X(fspick) X(mount_setattr) X(io_uring_setup) \
	X(io_uring_enter) X(io_uring_register) X(open_by_handle_at) X(name_to_handle_at) \
	X(fanotify_init) X(bpf) X(perf_event_open) X(userfaultfd) X(keyctl) X(add_key) \
	X(request_key) X(init_module) X(finit_module) X(delete_module) X(kexec_load) \
	X(reboot) X(swapon) X(swapoff) X(quotactl) X(quotactl_fd) X(acct) X(syslog) \
	X(settimeofday) X(clock_settime) X(clock_adjtime) X(adjtimex) X(sethostname) \
	X(setdomainname) X(shmget) X(shmat) X(msgget) X(semget) X(mq_open)

/* What changes a file or makes one, by name or not. */
#define CALLS_CHANGING(X) CALLS_OLD(X) \
	X(fchmod) X(fchmodat) X(fchmodat2) X(fchown) X(fchownat) X(utimensat) X(truncate) \
	X(ftruncate) X(fallocate) X(setxattr) X(lsetxattr) X(fsetxattr) X(setxattrat) \
	X(removexattr) X(lremovexattr) X(fremovexattr) X(removexattrat) X(file_setattr) \
	X(unlinkat) X(renameat2) X(linkat) X(symlinkat) X(mkdirat) X(mknodat)

/* Newer architectures have no old calls. */
#if defined(SYS_chmod)
#define CALLS_OLD(X) \
	X(chmod) X(chown) X(lchown) X(utime) X(utimes) X(futimesat) X(unlink) X(rmdir) \
	X(rename) X(link) X(symlink) X(mkdir) X(creat) X(mknod) X(renameat)
#elif defined(SYS_renameat)
#define CALLS_OLD(X) X(renameat)
#else
#define CALLS_OLD(X)
#endif

#endif
