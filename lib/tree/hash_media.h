/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash_media.h - reading what is on the disk, not what the kernel remembers of it.
 *
 * What lies behind the disk's connector, its own cache above all, nobody here
 * can see.
 */
#ifndef SS_HASH_MEDIA_H
#define SS_HASH_MEDIA_H

#include <sys/types.h>
#include "tree/stream.h"

#define HASH_ALIGN 4096		/* offsets, lengths and memory for O_DIRECT */

/*
 * Make the next reads of fd (size bytes) reach the medium: by O_DIRECT, then
 * *direct is set and they must be aligned, or by writing out and dropping what
 * is cached.  What they will reach.
 */
enum stream_medium hash_media_begin(int fd, off_t size, int *direct);

/* A direct read said EINVAL: go on without.  What the reads will reach now. */
enum stream_medium hash_media_fallback(int fd, off_t size);

#endif
