/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* words.c - the command that sshd was asked to run, as words; text for people. */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the white space at p, 0 if there is none. */
static size_t space_length(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned low;

	if ((u[0] >= 0x09 && u[0] <= 0x0d) || (u[0] >= 0x1c && u[0] <= 0x20))
		return 1;
	if (len >= 2 && u[0] == 0xc2 && (u[1] == 0x85 || u[1] == 0xa0))
		return 2;
	if (len < 3 || u[0] < 0xe1 || u[0] > 0xe3)
		return 0;
	/* U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000 */
	low = (u[0] & 0x0fu) << 16 | (unsigned)u[1] << 8 | u[2];
	return low == 0x19a80 || (low >= 0x28080 && low <= 0x2808a) || low == 0x280a8 || low == 0x280a9 ||
	       low == 0x280af || low == 0x2819f || low == 0x38080 ? 3 : 0;
}

/* The bytes that belong to the word at p; 0: here is none. */
static size_t word_length(const char *p, size_t len)
{
	size_t n = 0, space;

	while (n < len && !space_length(p + n, len - n)) {
		if (p[n] == '\\') {
			/* It protects what follows, but not a newline, nor nothing. */
			if (n + 1 >= len || p[n + 1] == '\n')
				break;
			space = space_length(p + n + 1, len - n - 1);
			n += space ? space : 1;
		}
		n++;
	}
	return n;
}

int words_parse(struct words *w, const char *text, size_t len)
{
	size_t i, n;
	char *end;

	/* No word is shorter than a byte, and all but the last have one behind them. */
	w->n = 0;
	w->v = calloc(len / 2 + 2, sizeof(*w->v));
	w->text = end = malloc(len + len / 2 + 2);
	if (!w->v || !w->text)
		return -1;
	for (i = 0; i < len; i += n) {
		n = word_length(text + i, len - i);
		if (!n) {
			n = space_length(text + i, len - i);
			n += !n;	/* a backslash that protects nothing */
			continue;
		}
		w->v[w->n++] = memcpy(end, text + i, n);
		end[n] = '\0';
		end += n + 1;
	}
	return 0;
}

void words_free(struct words *w)
{
	free(w->v);
	free(w->text);
	*w = (struct words){ 0 };
}

void words_unescape(char *word)
{
	char *to = word;

	for (; *word; word++) {
		if (*word == '\\' && word[1])
			word++;
		*to++ = *word;
	}
	*to = '\0';
}

char *words_escape(char *out, size_t size, const char *text)
{
	char *p = out, *end = out + size - 8;

	for (; *text && p < end; text++) {
		if (*text >= 0x20 && *text < 0x7f && *text != '\\')
			*p++ = *text;
		else
			p += sprintf(p, "\\x%02x", (unsigned)(unsigned char)*text);
	}
	strcpy(p, *text ? "..." : "");
	return out;
}
