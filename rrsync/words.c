/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "words.h"

static const char *const spaces[] = {
	" ", "\t", "\n", "\v", "\f", "\r", "\x1c", "\x1d", "\x1e", "\x1f", "\xc2\x85", "\xc2\xa0", "\u1680",
	"\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009",
	"\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
};

/* Length of the white space at p, 0 if there is none. */
static size_t space_length(const char *p)
{
	/* Nearly all that comes; the rest of a character is looked for by its first byte. */
	if (*p > ' ' && *p < 0x7f)
		return 0;
	for (size_t i = 0; i < LEN(spaces); i++)
		if (strncmp(p, spaces[i], strlen(spaces[i])) == 0)
			return strlen(spaces[i]);
	return 0;
}

/* The bytes of a character at p, with the backslash before it; is this the end of a word? */
static size_t char_length(const char *p, bool *end)
{
	/* A backslash protects what follows, but not a newline, nor nothing. */
	bool escape = *p == '\\' && p[1] && p[1] != '\n';
	size_t space = space_length(p + escape);

	*end = !escape && (space || *p == '\\');
	return escape + (space ? space : 1);
}

char *words_next(char **rest)
{
	char *word = NULL, *p = *rest;
	size_t n = 0;
	bool end;

	for (; *p; p += n) {
		n = char_length(p, &end);
		if (end && word)
			break;
		if (!end && !word)
			word = p;
	}
	*rest = *p ? p + n : p;
	*p = '\0';
	return word;
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
