/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * words.h - the command that sshd was asked to run, as words; text for people.
 *
 * Words end at white space (Unicode's, in UTF-8) that no backslash precedes.
 * There are no quotes, variables or operators: no shell ever sees the text.
 */
#ifndef RRSYNC_WORDS_H
#define RRSYNC_WORDS_H

#include "base.h"

/*
 * The next word of *rest, cut out of it in place and still with its backslashes; NULL
 * at the end.  *rest is then what follows.
 */
char *words_next(char **rest);

/* Take the backslashes out, in place. */
void words_unescape(char *word);

/*
 * Copy text to out (size > 8 bytes, always ended) with all but printable ASCII as
 * \xHH, safe on terminals and in logs.  "..." stands for what does not fit.
 * Returns out.
 */
char *words_escape(char *out, size_t size, const char *text);

#endif
