/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mem.c - allocation that does not return NULL, and a growing byte buffer. */
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exits.h"
#include "base/msg.h"

/* Nothing may be allocated from here on; msg_error() copes without memory. */
static void __attribute__((noreturn)) mem_out(void)
{
	msg_error("out of memory");
	_Exit(SS_FAIL);
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		mem_out();
	return p;
}

void *mem_realloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		mem_out();
	return p;
}

void *mem_array(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		mem_out();
	return mem_realloc(p, bytes);
}

void *mem_more(void *p, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return p;
	return mem_array(p, n == 0 ? 1 : 2 * n, size);
}

char *mem_dup(const void *p, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		mem_out();
	copy = mem_realloc(NULL, len + 1);
	if (len)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s));
}

static void __attribute__((noinline)) buf_grow(struct buf *b, size_t more)
{
	size_t need, cap = b->cap ? b->cap : 64;

	if (__builtin_add_overflow(b->len, more, &need) || need > SIZE_MAX / 2 - 1)
		mem_out();
	while (cap <= need)
		cap *= 2;
	b->p = mem_realloc(b->p, cap);
	b->cap = cap;
}

/* Make room for more bytes and the NUL behind them. */
static inline void buf_room(struct buf *b, size_t more)
{
	/* len is always less than cap, or both are 0. */
	if (more >= b->cap - b->len)
		buf_grow(b, more);
}

/* Append what fmt makes; errno is the caller's for %m, and stays so. */
static void __attribute__((format(printf, 2, 0), nonnull))
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	int saved = errno, len;
	va_list again;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len < 0)
		mem_out();
	buf_room(b, (size_t)len);
	errno = saved;
	vsnprintf(b->p + b->len, (size_t)len + 1, fmt, again);
	va_end(again);
	b->len += (size_t)len;
	errno = saved;
}

char *mem_printf(const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return b.p;
}

void buf_add(struct buf *b, const void *p, size_t len)
{
	buf_room(b, len);
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_room(b, 1);
	b->p[b->len++] = c;
	b->p[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_reset(struct buf *b)
{
	buf_cut(b, 0);
}

void buf_cut(struct buf *b, size_t len)
{
	if (len < b->len)
		b->len = len;
	if (b->p)
		b->p[b->len] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}
