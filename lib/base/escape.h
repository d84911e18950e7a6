/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * escape.h - names of files as text, without loss and without harm.
 *
 * Names are bytes that strangers chose.  One form serves terminals, logs, mail
 * and the stream of secondshot-stream(5): printable UTF-8 stands for itself,
 * backslash is \\, tab \t, newline \n, carriage return \r, and every other
 * byte of a control character (C0, DEL, C1), of a bidirectional control or line
 * separator (U+061C, U+200E, U+200F, U+2028-U+202E, U+2066-U+2069), of the
 * byte order mark, or of anything that is not valid UTF-8 is \xHH.
 */
#ifndef SS_ESCAPE_H
#define SS_ESCAPE_H

#include <stddef.h>
#include "base/mem.h"

/* Append the escaped form of len bytes at p to out. */
void escape_add(struct buf *out, const void *p, size_t len);

/*
 * Append to out the bytes that the escaped text stands for.  Returns 0, or -1
 * on an escape that escape_add() does not write (out is then undefined).
 */
int escape_undo(struct buf *out, const char *text, size_t len);

/*
 * The escaped form for use in a message: as an argument of the call that prints it,
 * never kept in a variable, since the eighth next call in the same thread takes its
 * place.  The caller does not free it.
 */
const char *escape_name(const char *name);
const char *escape_bytes(const void *p, size_t len);

char *escape_dup(const char *name);	/* the same to keep; malloc'd */

/*
 * What is meant by text that somebody pasted: the name of which it is the escaped form, malloc'd;
 * NULL if it is the escaped form of no other name.  Where the name text itself is known, it wins.
 */
char *escape_meant(const char *text);

/*
 * The same escapes, but a backslash stays as it is: what was escaped before is not changed
 * again, and nothing can be undone.  Into to, size bytes at most with the NUL behind it;
 * what does not fit is left out.  4 * len + 1 bytes are enough.  The length there.
 */
size_t escape_net(char *to, size_t size, const char *text, size_t len);

/* 1 if escape_net() would change nothing. */
int escape_is_clean(const char *text, size_t len);

/* 1 if the bytes are valid UTF-8 (they may hold control characters), else 0. */
int escape_is_utf8(const void *p, size_t len);

#endif
