/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pair.h - "key=value" pairs on one line, as the log has them.
 *
 * A value of letters, digits and ._:/@%+,- stands as it is.  Any other stands in
 * double quotes, its bytes escaped as escape.h says; what is within them never
 * holds a double quote (\x22), an equals sign (\x3d) or a control character.  So a
 * line is one line, a value ends with its quote, and " key=" is found nowhere but
 * where that key is, whatever a stranger's name looks like.
 */
#ifndef SS_PAIR_H
#define SS_PAIR_H

#include <stddef.h>
#include "base/mem.h"

/* Append " key=value" to b; value is bytes that anybody may have chosen. */
void pair_add(struct buf *b, const char *key, const char *value);

/*
 * The value for len bytes of text in which names are escaped already, into to,
 * size bytes at most with the NUL behind it (size > 2); what does not fit is left
 * out.  PAIR_SIZE(len) bytes are enough.  Its length.
 */
size_t pair_text(char *to, size_t size, const char *text, size_t len);
#define PAIR_SIZE(len) (4 * (len) + 3)

#endif
