/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_text.h - the text of a configuration file that root may believe.
 */
#ifndef SS_RSNAP_TEXT_H
#define SS_RSNAP_TEXT_H

#include "mem.h"

/*
 * Append to text what the file name holds, which with its directory must be
 * writable by root or ourselves alone, or, for a name between back quotes, what
 * that command prints.  text->p is not NULL then.  0, or -1 after reporting.
 */
int rsnap_text(const char *name, struct buf *text);

#endif
