/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_text.h - the text of a configuration file that root may believe.
 */
#ifndef SS_RSNAP_TEXT_H
#define SS_RSNAP_TEXT_H

#include "base/mem.h"

/*
 * Append to text what the file name holds, which with its directory must be
 * writable by root or ourselves alone, or, for a name between back quotes, what
 * that command prints.  text->p is not NULL then.  0, or -1 after reporting: a NUL
 * byte in it, too.
 */
int rsnap_text(const char *name, struct buf *text);

struct rsnap_text_at {
	char *rest;		/* of the text; it is cut to pieces */
	size_t line;		/* number of the line that was found last, from 1 */
	size_t read;		/* so many lines of the file have been */
};

/*
 * The next line that is neither blank nor a comment, in place of what line held,
 * with those that continue it behind it, after a tab each.  1, or 0 at the end.
 */
int rsnap_text_line(struct rsnap_text_at *at, struct buf *line);

#endif
