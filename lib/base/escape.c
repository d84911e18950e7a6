/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* escape.c - names of files as text, without loss and without harm. */
#include "base/escape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Length of the well-formed UTF-8 character at p (RFC 3629: no overlong form, no
 * surrogate, nothing above U+10FFFF), its code point in *cp; 0 = it is none.
 */
static size_t utf8_char(const unsigned char *p, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	uint32_t c;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xe0) == 0xc0 ? 2 : 0;
	if (!n || n > len)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return n;
}

/* Does this character stand for itself?  (Backslash has its own escape.) */
static int plain_char(uint32_t c)
{
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f && c != '\\';
	if (c < 0xa0 || c == 0x061c || c == 0xfeff)
		return 0;
	return !(c >= 0x200e && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069);
}

/* Length of the character at p, or 0 if its first byte must be escaped alone or with it (*hex bytes). */
static size_t plain_len(const unsigned char *p, size_t len, size_t *hex)
{
	uint32_t c;
	size_t n = utf8_char(p, len, &c);

	*hex = n ? n : 1;
	return n && plain_char(c) ? n : 0;
}

static void escape_hex(struct buf *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char text[] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

	buf_add(out, text, sizeof(text));
}

void escape_add(struct buf *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	size_t i, n, run, hex = 1;

	for (i = 0; i < len; i += hex) {
		/* Most names are plain ASCII: keep the general case out of their way. */
		for (run = i; run < len; run += n) {
			n = 1;
			if (p[run] >= 0x20 && p[run] < 0x7f && p[run] != '\\')
				continue;
			n = plain_len(p + run, len - run, &hex);
			if (!n)
				break;
		}
		buf_add(out, p + i, run - i);
		i = run;
		if (i >= len)
			return;
		if (p[i] == '\\')
			buf_str(out, "\\\\");
		else if (p[i] == '\t')
			buf_str(out, "\\t");
		else if (p[i] == '\n')
			buf_str(out, "\\n");
		else if (p[i] == '\r')
			buf_str(out, "\\r");
		else
			for (n = 0; n < hex; n++)
				escape_hex(out, p[i + n]);
	}
	buf_add(out, "", 0);
}

/* Bytes from p on that escape_net() leaves as they are, one character at most; 0: *hex are not. */
static size_t clean_len(const char *p, size_t len, size_t *hex)
{
	*hex = 1;
	return *p == '\\' ? 1 : plain_len((const unsigned char *)p, len, hex);
}

int escape_is_clean(const char *text, size_t len)
{
	size_t i, n, hex;

	for (i = 0; i < len; i += n) {
		n = clean_len(text + i, len - i, &hex);
		if (!n)
			return 0;
	}
	return 1;
}

/* The escape of one byte into to; its length. */
static size_t net_byte(char *to, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	to[0] = '\\';
	if (c == '\t' || c == '\n' || c == '\r') {
		to[1] = c == '\t' ? 't' : c == '\n' ? 'n' : 'r';
		return 2;
	}
	to[1] = 'x';
	to[2] = digits[c >> 4];
	to[3] = digits[c & 15];
	return 4;
}

size_t escape_net(char *to, size_t size, const char *text, size_t len)
{
	size_t used = 0, i, n, hex, k;

	for (i = 0; i < len; i += n ? n : hex) {
		n = clean_len(text + i, len - i, &hex);
		if (used + (n ? n : 4 * hex) + 1 > size)
			break;
		memcpy(to + used, text + i, n);
		used += n;
		for (k = 0; n == 0 && k < hex; k++)
			used += net_byte(to + used, (unsigned char)text[i + k]);
	}
	to[used] = '\0';
	return used;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte behind the backslash at text; *used characters stand for it.  -1: no such escape. */
static int escape_one(const char *text, size_t len, size_t *used)
{
	int c;

	*used = 2;
	if (len < 2)
		return -1;
	switch (text[1]) {
	case '\\':
		return '\\';
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 'x':
		*used = 4;
		if (len < 4 || hex_value(text[2]) < 0 || hex_value(text[3]) < 0)
			return -1;
		c = hex_value(text[2]) << 4 | hex_value(text[3]);
		/* What has a shorter form is never written so: each name has one text only. */
		return (c < 0x80 && plain_char((uint32_t)c)) || strchr("\\\t\n\r", c ? c : 1) ? -1 : c;
	}
	return -1;
}

int escape_undo(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len, *back;
	size_t used;
	int c;

	buf_add(out, "", 0);
	while (text < end) {
		back = memchr(text, '\\', (size_t)(end - text));
		buf_add(out, text, (size_t)((back ? back : end) - text));
		if (!back)
			break;
		c = escape_one(back, (size_t)(end - back), &used);
		if (c < 0)
			return -1;
		buf_char(out, (char)c);
		text = back + used;
	}
	return 0;
}

char *escape_meant(const char *text)
{
	struct buf plain = { 0 };
	char *name = NULL;

	if (strchr(text, '\\') && escape_undo(&plain, text, strlen(text)) == 0) {
		buf_char(&plain, 0);
		if (strlen(plain.p) + 1 == plain.len)
			name = mem_strdup(plain.p);
	}
	buf_free(&plain);
	return name;
}

const char *escape_bytes(const void *p, size_t len)
{
	static _Thread_local struct buf ring[8];
	static _Thread_local unsigned next;
	struct buf *b = &ring[next++ % 8];

	/* One enormous name must not hold its memory for ever. */
	if (b->cap > 65536)
		buf_free(b);
	buf_reset(b);
	escape_add(b, p, len);
	return b->p;
}

const char *escape_name(const char *name)
{
	return escape_bytes(name, strlen(name));
}

char *escape_dup(const char *name)
{
	return mem_strdup(escape_name(name));
}

int escape_is_utf8(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint32_t c;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = utf8_char(p + i, len - i, &c);
		if (!n)
			return 0;
	}
	return 1;
}
