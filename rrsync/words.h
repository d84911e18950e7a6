/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * words.h - the command that sshd was asked to run, as words; text for people.
 *
 * Words end at white space (Unicode's, in UTF-8) that no backslash precedes.
 * There are no quotes, variables or operators: no shell ever sees the text.
 */
#ifndef RRSYNC_WORDS_H
#define RRSYNC_WORDS_H

#include <stddef.h>

struct words {
	char **v;	/* each still with its backslashes */
	size_t n;
	char *text;	/* what they point into */
};

/*
 * Split len bytes at text (without NUL).  Returns 0, or -1 without memory.  The
 * caller frees *w with words_free(), also after -1.
 */
int words_parse(struct words *w, const char *text, size_t len);
void words_free(struct words *w);

/* Take the backslashes out, in place. */
void words_unescape(char *word);

/*
 * Copy text to out (size > 8 bytes, always ended) with all but printable ASCII as
 * \xHH, safe on terminals and in logs.  "..." stands for what does not fit.
 * Returns out.
 */
char *words_escape(char *out, size_t size, const char *text);

#endif
