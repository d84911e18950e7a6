/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lines.c - the input of a filter: pieces that end with newline or NUL. */
#include "base/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define LINES_READ 65536
#define LINES_LONGEST (16u << 20)

struct lines {
	FILE *in;
	int fd;			/* -1: in has none (it is in memory) */
	char *p;		/* bytes start..len are read and not yet taken; one more for a NUL */
	size_t start, len, cap;
	int eof, err;
};

struct lines *lines_open(FILE *in)
{
	struct lines *l = mem_alloc(sizeof(*l));

	l->in = in;
	l->fd = fileno(in);
	return l;
}

/* Read more; 0 when there is no more, with l->eof or l->err set. */
static int lines_fill(struct lines *l)
{
	ssize_t n;

	if (l->eof || l->err)
		return 0;
	if (l->start > 0) {
		memmove(l->p, l->p + l->start, l->len - l->start);
		l->len -= l->start;
		l->start = 0;
	}
	if (l->cap - l->len < LINES_READ + 1) {
		l->cap = l->len + LINES_READ + 1 + l->cap / 2;
		l->p = mem_realloc(l->p, l->cap);
	}
	if (l->fd < 0) {
		n = (ssize_t)fread(l->p + l->len, 1, LINES_READ, l->in);
	} else {
		do
			n = read(l->fd, l->p + l->len, LINES_READ);
		while (n < 0 && errno == EINTR);
	}
	if (n < 0)
		l->err = errno;
	else if (n == 0)
		l->eof = 1;
	else
		l->len += (size_t)n;
	return n > 0;
}

int lines_peek(struct lines *l, const char *word, size_t len)
{
	size_t have;

	do {
		have = l->len - l->start;
		if (have > len)
			have = len;
		/* Stop at the first difference: waiting for more could wait for ever. */
		if (have && memcmp(l->p + l->start, word, have) != 0)
			return 0;
	} while (have < len && lines_fill(l));
	return have == len;
}

int lines_empty(struct lines *l)
{
	while (l->len == l->start && lines_fill(l))
		;
	return l->eof && l->len == l->start;
}

/* The end of the next piece, or NULL where the input has none such (l->eof or l->err, or it is too long). */
static char *lines_find(struct lines *l, char delim)
{
	size_t looked = 0, have;
	char *end;

	do {
		have = l->len - l->start;
		end = have > looked ? memchr(l->p + l->start + looked, delim, have - looked) : NULL;
		if (end)
			return end;
		looked = have;
		if (have > LINES_LONGEST)
			l->err = EMSGSIZE;
	} while (lines_fill(l));
	return NULL;
}

enum lines_got lines_next(struct lines *l, char delim, char **p, size_t *len)
{
	char *end = lines_find(l, delim);
	enum lines_got got = LINES_ONE;

	if (!end) {
		if (l->err) {
			errno = l->err;
			return LINES_ERROR;
		}
		if (l->len == l->start)
			return LINES_EOF;
		end = l->p + l->len;
		got = LINES_TORN;
	}
	*p = l->p + l->start;
	*len = (size_t)(end - *p);
	l->start += *len + (got == LINES_ONE);
	*end = '\0';
	return got;
}

int lines_ready(struct lines *l, char delim, int timeout)
{
	struct pollfd poll_in = { .fd = l->fd, .events = POLLIN };

	if (l->eof || l->err || l->fd < 0)
		return 1;
	if (l->len > l->start && memchr(l->p + l->start, delim, l->len - l->start))
		return 1;
	return poll(&poll_in, 1, timeout) != 0;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	free(l->p);
	free(l);
}
