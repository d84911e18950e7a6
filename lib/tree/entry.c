/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* entry.c - what a tree holds at one path. */
#include "tree/entry.h"

#include <string.h>

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
