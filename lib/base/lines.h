/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lines.h - the input of a filter: pieces that end with newline or NUL.
 *
 * It reads the descriptor itself, so it can look ahead, and say whether the
 * next piece would have to be waited for.
 */
#ifndef SS_LINES_H
#define SS_LINES_H

#include <stddef.h>
#include <stdio.h>

struct lines;

/* Read what in reads (in stays the caller's; nothing may have been read from it yet). */
struct lines *lines_open(FILE *in);

/* 1 if what comes next begins with the len bytes at word, 0 if not; nothing is consumed. */
int lines_peek(struct lines *l, const char *word, size_t len);

/* 1 if there is not one byte; waits for the first. */
int lines_empty(struct lines *l);

enum lines_got { LINES_ONE, LINES_TORN, LINES_EOF, LINES_ERROR };

/*
 * Take the next piece, without its delim; NUL-ended, valid until the next call.
 * LINES_TORN: the input stopped before delim (*p and *len tell what there was).
 * LINES_ERROR: see errno; a piece of more than 16 MiB is EMSGSIZE.
 */
enum lines_got lines_next(struct lines *l, char delim, char **p, size_t *len);

/* 1 if lines_next() has something to work on within timeout milliseconds, 0 if it would have to wait on. */
int lines_ready(struct lines *l, char delim, int timeout);

void lines_close(struct lines *l);	/* NULL is a no-op */

#endif
