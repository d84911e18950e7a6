/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * heard.h - what a program that we wait for prints, kept until it is known how it ended:
 * then it is passed on, or one line of it is the reason, and the others are counted.
 */
#ifndef SS_HEARD_H
#define SS_HEARD_H

#include <stddef.h>

/* A file without a name, as the program's stderr; -1 where there can be none: then ours is as good. */
int heard_open(void);

/* Write all of it to stderr, as it is: a program of ours has escaped it.  fd may be -1. */
void heard_pass(int fd);

/*
 * The line that tells best why the program failed, behind mark if it begins with that, and
 * how many lines there are besides; malloc'd, NULL where it said nothing.  fd may be -1.
 */
char *heard_reason(int fd, const char *mark);

/* The same of a text.  Pure. */
char *heard_reason_of(const char *text, const char *mark);

void heard_close(int fd);	/* -1 is a no-op */

#endif
