/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash_open.h - opening a file below a root that strangers fill.
 */
#ifndef SS_HASH_OPEN_H
#define SS_HASH_OPEN_H

#include <stddef.h>
#include <sys/types.h>

struct hash_place {
	int root;		/* open directory, or AT_FDCWD: paths are the caller's own */
	dev_t dev;		/* file system of root */
	int openat2;		/* the kernel confines the path for us */
};

/* Find out what the kernel can do for root.  0, or -1 with errno. */
int hash_open_init(struct hash_place *at, int root);

/*
 * Open path (NUL-ended, len bytes, of any length) for reading; O_NOFOLLOW,
 * O_NONBLOCK, O_NOCTTY and O_CLOEXEC are added to flags.  Below a root no
 * component may be a link, "..", or on another file system (ELOOP, EXDEV).
 * The descriptor, or -1 with errno.
 */
int hash_open(const struct hash_place *at, const char *path, size_t len, int flags);

#endif
