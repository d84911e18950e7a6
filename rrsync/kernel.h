/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel.h - words of the kernel for sandbox.c: rights, and how a filter is written.
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

#endif
