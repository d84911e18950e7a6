/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pair.c - "key=value" pairs on one line, as the log has them. */
#include "base/pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* May the text stand without quotes? */
static int is_bare(const char *text, size_t len)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "._:/@%+,-";
	size_t i;

	for (i = 0; i < len; i++)
		if (!text[i] || !strchr(safe, text[i]))
			return 0;
	return len > 0;
}

static int is_unsafe(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '"' || c == '=';
}

size_t pair_text(char *to, size_t size, const char *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0, i;

	if (is_bare(text, len)) {
		n = len < size ? len : size - 1;
		memcpy(to, text, n);
		to[n] = '\0';
		return n;
	}
	to[n++] = '"';
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t takes = is_unsafe(c) ? 4 : 1;

		if (n + takes + 2 > size)
			break;
		if (takes == 1) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '\\';
		to[n++] = 'x';
		to[n++] = digits[c >> 4];
		to[n++] = digits[c & 15];
	}
	to[n++] = '"';
	to[n] = '\0';
	return n;
}

void pair_add(struct buf *b, const char *key, const char *value)
{
	struct buf text = { 0 };
	char *quoted;

	escape_add(&text, value, strlen(value));
	quoted = mem_alloc(PAIR_SIZE(text.len));
	pair_text(quoted, PAIR_SIZE(text.len), text.p ? text.p : "", text.len);
	buf_printf(b, " %s=%s", key, quoted);
	free(quoted);
	buf_free(&text);
}
