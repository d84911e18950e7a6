/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* put.c - the fields of a line of text. */
#include "tree/put.h"

void put_unsigned(struct buf *b, uint64_t n)
{
	char text[21], *p = text + sizeof(text);

	*--p = '\t';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

void put_signed(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_char(b, '-');
	put_unsigned(b, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void put_word(struct buf *b, const char *word)
{
	buf_str(b, word);
	buf_char(b, '\t');
}

void put_mode(struct buf *b, uint32_t mode)
{
	const char text[] = {
		(char)('0' + (mode >> 9 & 7)), (char)('0' + (mode >> 6 & 7)),
		(char)('0' + (mode >> 3 & 7)), (char)('0' + (mode & 7)), '\t',
	};

	buf_add(b, text, sizeof(text));
}

void put_time(struct buf *b, int64_t seconds, uint32_t ns)
{
	char text[11] = ".000000000";
	int i;

	put_signed(b, seconds);
	buf_cut(b, b->len - 1);
	for (i = 9; i > 0; i--, ns /= 10)
		text[i] = (char)('0' + ns % 10);
	text[10] = '\t';
	buf_add(b, text, sizeof(text));
}

void put_hex(struct buf *b, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * ENTRY_DIGEST_MAX];
	size_t i, n;

	for (; len > 0; p += n, len -= n) {
		n = len < ENTRY_DIGEST_MAX ? len : ENTRY_DIGEST_MAX;
		for (i = 0; i < n; i++) {
			text[2 * i] = digits[p[i] >> 4];
			text[2 * i + 1] = digits[p[i] & 15];
		}
		buf_add(b, text, 2 * n);
	}
}

void put_digest(struct buf *b, const struct entry *e)
{
	if (!e->digest_len) {
		buf_str(b, "-\t-\t");
		return;
	}
	put_word(b, e->algo);
	put_hex(b, e->digest, e->digest_len);
	buf_char(b, '\t');
}
