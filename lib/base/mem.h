/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mem.h - allocation that does not return NULL, and a growing byte buffer.
 *
 * Running out of memory ends the program with exit code 2 and a message:
 * nothing here can go on without it, and every tool may be killed anywhere.
 */
#ifndef SS_MEM_H
#define SS_MEM_H

#include <stddef.h>

#define MEM_NONNULL __attribute__((returns_nonnull))

void *mem_alloc(size_t size) MEM_NONNULL;			/* zeroed */
void *mem_realloc(void *p, size_t size) MEM_NONNULL;	/* not zeroed */
void *mem_array(void *p, size_t n, size_t size) MEM_NONNULL;	/* realloc, overflow checked */
/* Make room for one more element in a list that holds n and has only grown by this.  The room doubles. */
void *mem_more(void *p, size_t n, size_t size) MEM_NONNULL;
char *mem_strdup(const char *s);
char *mem_dup(const void *p, size_t len);	/* len bytes and a NUL behind them */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Bytes that grow; all zero is an empty buffer.  p is NUL-ended once anything was added. */
struct buf {
	char *p;
	size_t len, cap;
};

void buf_add(struct buf *b, const void *p, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reset(struct buf *b);			/* empty it, keep the memory */
void buf_cut(struct buf *b, size_t len);	/* shorten it to len bytes */
void buf_free(struct buf *b);

#endif
