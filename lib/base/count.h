/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.h - sums of numbers that a disk or a stranger gave.
 */
#ifndef SS_COUNT_H
#define SS_COUNT_H

#include <stdint.h>

/* Add to *sum, which stays at INT64_MAX rather than to become negative.  A negative number adds nothing. */
static inline void count_add(int64_t *sum, int64_t add)
{
	if (add > 0 && __builtin_add_overflow(*sum, add, sum))
		*sum = INT64_MAX;
}

#endif
