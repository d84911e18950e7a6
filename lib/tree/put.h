/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * put.h - the fields of a line of text, as secondshot-stream(5) has them; those
 * of a line that is digested (summary.h) are the same.
 *
 * Each appends its field and a tab, but for put_hex().
 */
#ifndef SS_PUT_H
#define SS_PUT_H

#include <stdint.h>
#include "base/mem.h"
#include "tree/entry.h"

void put_unsigned(struct buf *b, uint64_t n);
void put_signed(struct buf *b, int64_t n);
void put_word(struct buf *b, const char *word);
void put_mode(struct buf *b, uint32_t mode);	/* four octal digits */

/* Seconds, a point, nine digits; the seconds may be negative, the nanoseconds count upwards from them. */
void put_time(struct buf *b, int64_t seconds, uint32_t ns);

/* ALGO and DIGEST, or two hyphens. */
void put_digest(struct buf *b, const struct entry *e);

/* len bytes as lower-case hexadecimal digits, no tab. */
void put_hex(struct buf *b, const unsigned char *p, size_t len);

#endif
