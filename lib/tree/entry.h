/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entry.h - what a tree holds at one path: the currency of walk, catalog,
 * stream and verify.
 */
#ifndef SS_ENTRY_H
#define SS_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#define ENTRY_DIGEST_MAX 64

struct entry {
	const char *path;	/* raw bytes below the host's tree, no leading slash; "" is its top */
	size_t path_len;
	char type;		/* f d l p s b c, as find's %y, and ? for what cannot be told */
	uint32_t mode;		/* permission bits, 07777 */
	uint32_t uid, gid;
	int64_t size;		/* bytes; regular files only, else 0 */
	int64_t blocks;		/* allocated, of 512 bytes; regular files only, else 0 */
	int64_t mtime;		/* seconds since 1970, may be negative; 0 for the top directory */
	uint32_t mtime_ns;
	uint64_t ino;		/* regular files only, else 0 */
	int64_t btime;		/* birth time in nanoseconds modulo 2^64; 0 = the file system has none */
	uint32_t nlink;		/* from disk only; 0 in what comes from a catalog or stream */
	const char *data;	/* target of a link; "MAJOR:MINOR" of a device; else "" */
	size_t data_len;
	int64_t since;		/* with ino the catalog's key of the inode; 0 = none */
	const char *algo;	/* name of the digest's algorithm, NULL = no digest */
	unsigned char digest[ENTRY_DIGEST_MAX];
	size_t digest_len;
};

/* The birth time of a file as an identity: nanoseconds modulo 2^64, 0 = the file system has none. */
struct statx;
int64_t entry_btime(const struct statx *sx);

/*
 * Compare two paths in the project's one order: byte by byte, as LC_ALL=C sort
 * has it.  <0, 0, >0.
 */
int entry_path_cmp(const char *a, size_t alen, const char *b, size_t blen);

/*
 * In that order, what lies in the directory dir comes after its siblings that
 * continue its name with a byte below '/': a, a-b, a/c.  1 if the contents of
 * dir come before its sibling next (a later name; NULL: there is none), else 0.
 */
int entry_dir_first(const char *dir, size_t dlen, const char *next, size_t nlen);

#endif
