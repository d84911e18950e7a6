/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls.h - which system calls rsync does not get, as lists X(name), for sandbox.c's
 * filter; and the numbers that the kernel's own headers may still lack.
 */
#ifndef RRSYNC_CALLS_H
#define RRSYNC_CALLS_H

#include "kernel.h"

#define OUT(call) IS(SYS_##call, 1), FAIL(EPERM),
#define CHANGING(call) IS(SYS_##call, 1), FAIL(EROFS),

#if defined(__x86_64__)
#define CALLS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CALLS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define CALLS_ARCH AUDIT_ARCH_RISCV64
#else
#define CALLS_ARCH 0	/* this architecture has no filter yet */
#endif
/* An argument is looked at by its lower half, and each call has a number of its own. */
#if CALLS_ARCH && (defined(SYS_ipc) || defined(SYS_socketcall))
#error "several calls behind one number: they are missing in CALLS_OUT"
#endif

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif
/* The numbers that came after the headers we may be built with; they are the same everywhere. */
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
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

/* Another program, another view, the network, the kernel's knobs. */
#define CALLS_OUT(X) CALLS_OTHERS(X) CALLS_SHARED(X) \
	X(execve) X(socket) X(connect) X(bind) X(mount) X(umount2) X(pivot_root) \
	X(chroot) X(unshare) X(setns) X(open_tree) X(open_tree_attr) X(move_mount) \
	X(fsopen) X(fsconfig) X(fsmount) X(fspick) X(mount_setattr) X(io_uring_setup) \
	X(io_uring_enter) X(io_uring_register) X(open_by_handle_at) X(name_to_handle_at) \
	X(fanotify_init) X(bpf) X(perf_event_open) X(userfaultfd) X(init_module) \
	X(finit_module) X(delete_module) X(kexec_load) X(kexec_file_load) X(reboot) \
	X(swapon) X(swapoff) X(quotactl) X(quotactl_fd) X(acct) X(syslog) X(settimeofday) \
	X(clock_settime) X(clock_adjtime) X(adjtimex) X(sethostname) X(setdomainname)

/*
 * Another process, by its number, its user's or its group's.  Signals are sent by kill
 * and tgkill, which rsync needs for its own processes, and by nothing else.
 */
#define CALLS_OTHERS(X) \
	X(ptrace) X(process_vm_readv) X(process_vm_writev) X(process_madvise) \
	X(process_mrelease) X(kcmp) X(pidfd_open) X(pidfd_getfd) X(pidfd_send_signal) \
	X(rt_sigqueueinfo) X(rt_tgsigqueueinfo) X(tkill) X(setpriority) X(ioprio_set) \
	X(sched_setparam) X(sched_setscheduler) X(sched_setattr) X(sched_setaffinity) \
	X(migrate_pages) X(move_pages) X(get_robust_list)

/* What several processes know by a number or a name and is no file. */
#define CALLS_SHARED(X) \
	X(shmget) X(shmat) X(shmdt) X(shmctl) X(msgget) X(msgsnd) X(msgrcv) X(msgctl) \
	X(semget) X(semop) X(semtimedop) X(semctl) X(mq_open) X(mq_unlink) X(mq_notify) \
	X(mq_timedsend) X(mq_timedreceive) X(mq_getsetattr) X(keyctl) X(add_key) X(request_key)

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
