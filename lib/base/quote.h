/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * quote.h - what others say, made fit to be printed, logged and kept: what a host, a
 * server, a library or a program of somebody else writes.
 *
 * All of it passes here.  What comes out is valid UTF-8 without a control character
 * (escape.h), a line is one line behind a mark that says whose it is, and both a line
 * and the whole are bounded; how much was left out is said.
 */
#ifndef SS_QUOTE_H
#define SS_QUOTE_H

#include <stddef.h>
#include <stdint.h>
#include "base/mem.h"

#define QUOTE_LINE 1000		/* bytes of a line, or of a message, that are passed on */

/*
 * Append the escaped form of len bytes at p to out, of most of them where there are more:
 * then " [N more bytes]" follows.  No character is cut in two.
 */
void quote_add(struct buf *out, const void *p, size_t len, size_t most);

/* The same of a text, QUOTE_LINE bytes of it: malloc'd, "" for NULL. */
char *quote_text(const char *text);

/*
 * To be kept as it is, and escaped where it is shown: most of len bytes at p, as quote_add()
 * cuts them, replace *to (malloc'd, or NULL).  Each NUL becomes a space.
 */
void quote_keep(char **to, const char *p, size_t len, size_t most);

/*
 * A stream of lines.  It is escaped so that it may pass here twice (escape_net()): what
 * one of ours has quoted comes out as it went in.  The first part is set by the caller,
 * the rest is zero.
 */
struct quote {
	const char *mark;	/* stands before each line: "rsync says: " */
	int fd;			/* where the lines go, below 0 = nowhere */
	uint64_t lines, bytes;	/* so many may go there, written; then they are counted only */
	/* NULL, or instead of fd: text is one line, escaped, without newline and mark. */
	void (*say)(void *arg, const char *text);
	/* NULL, or every line as it came, QUOTE_LINE bytes of it; a NUL stands behind len bytes. */
	void (*hear)(void *arg, const char *line, size_t len);
	void *arg;

	struct buf line, text;	/* what has no end yet; what is said */
	uint64_t more;		/* bytes of the line that are not kept */
	uint64_t lines_out, bytes_out;	/* left out */
};

/*
 * n bytes came.  A line ends with a newline, perhaps a carriage return before it.  What is
 * empty is heard, but not said.
 */
void quote_take(struct quote *q, const char *p, size_t n);

/* No more comes: take what has no newline for a line, say what was left out, free. */
void quote_end(struct quote *q);

#endif
