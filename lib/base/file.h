/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file.h - small files that are replaced as a whole, and read with care.
 */
#ifndef SS_FILE_H
#define SS_FILE_H

#include <stddef.h>

#define FILE_SMALL 65536
#define FILE_NEW ".new-"	/* how the names of temporary files begin */

/* 1 for the name of a temporary file that a killed process may have left. */
int file_is_new(const char *name);

/*
 * Put len bytes in place of name below the open directory dir: a temporary file
 * beside it, fsync, rename, fsync of dir.  0, or -1 with errno; no temporary
 * file is left then.
 */
int file_replace(int dir, const char *name, const void *p, size_t len, unsigned mode);

/*
 * Open the directory name below the open directory dir.  Where there is none it is made,
 * and dir is flushed: what is put into a new directory lasts no longer than its name.  A
 * descriptor, or -1 with errno.
 */
int file_make_dir(int dir, const char *name, unsigned mode);

/*
 * Rename from below the open directory dir to name below todir, where nothing may have
 * that name.  0, or -1 with errno (EEXIST: something has).  A file system that cannot ask
 * for that by itself (NFS, older ZFS, FUSE) is asked first whether the name is free: then
 * nobody else may be at work there.
 */
int file_rename_new(int dir, const char *from, int todir, const char *name);

/*
 * Read a regular file of at most FILE_SMALL - 1 bytes, no link followed, into
 * a malloc'd, NUL-ended string.  NULL with errno (EINVAL: no regular file, EFBIG).
 */
char *file_read(int dir, const char *name, size_t *len);

/* The same for a file of at most most - 1 bytes. */
char *file_read_most(int dir, const char *name, size_t most, size_t *len);

/*
 * Read what /proc tells of a process, /proc/PID/NAME, as far as it fits into size
 * bytes with the NUL behind it.  Number of bytes; 0 nothing, or there is no such process.
 */
size_t file_of_process(long pid, const char *name, char *to, size_t size);

#endif
