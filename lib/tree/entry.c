/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* entry.c - what a tree holds at one path. */
#include "tree/entry.h"

#include <string.h>
#include <sys/stat.h>

int64_t entry_btime(const struct statx *sx)
{
	/* An identity, not a time: any 64 bits will do, so let it wrap. */
	return (sx->stx_mask & STATX_BTIME) == 0 ? 0
		: (int64_t)((uint64_t)sx->stx_btime.tv_sec * 1000000000u + sx->stx_btime.tv_nsec);
}

int entry_path_cmp(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen;
	int c = n ? memcmp(a, b, n) : 0;

	if (c)
		return c;
	return (alen > blen) - (alen < blen);
}

int entry_dir_first(const char *dir, size_t dlen, const char *next, size_t nlen)
{
	if (!next || nlen <= dlen || (dlen && memcmp(dir, next, dlen)))
		return 1;
	return (unsigned char)next[dlen] > '/';
}
