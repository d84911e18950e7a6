/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.h - sums of numbers that a disk or a stranger gave.
 */
#ifndef SS_COUNT_H
#define SS_COUNT_H

#include <stdint.h>

/* Add to *sum.  The sum stops at INT64_MAX; it never becomes negative.  A negative number adds nothing. */
static inline void count_add(int64_t *sum, int64_t add)
{
	if (add > 0 && __builtin_add_overflow(*sum, add, sum))
		*sum = INT64_MAX;
}

/* The number of bytes in so many blocks of 512; it stops at INT64_MAX. */
static inline int64_t count_bytes(int64_t blocks)
{
	return blocks > INT64_MAX / 512 ? INT64_MAX : blocks * 512;
}

#endif
