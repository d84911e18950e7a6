/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_escape.c - names as text: lossless, harmless, one text a name. */
#include <string.h>

#include "base/escape.h"
#include "unit.h"

/* No byte that a terminal might act on is left. */
static int harmless(const struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if ((unsigned char)b->p[i] < 0x20 || b->p[i] == 0x7f)
			return 0;
	return escape_is_utf8(b->p, b->len) && strlen(b->p) == b->len;
}

/* There, and back again. */
static int round_trip(const void *p, size_t len)
{
	struct buf text = { 0 }, back = { 0 };
	int good;

	escape_add(&text, p, len);
	good = harmless(&text) && escape_undo(&back, text.p, text.len) == 0 &&
	       back.len == len && memcmp(back.p, p, len) == 0;
	buf_free(&text);
	buf_free(&back);
	return good;
}

static int becomes(const char *name, const char *text)
{
	return strcmp(escape_name(name), text) == 0 && round_trip(name, strlen(name));
}

static void test_forms(void)
{
	ok(becomes("", ""), "the empty name");
	ok(becomes("plain name'\"; DROP TABLE", "plain name'\"; DROP TABLE"), "printable ASCII stands for itself");
	ok(becomes("a\\b\tc\nd\re", "a\\\\b\\tc\\nd\\re"), "short escapes");
	ok(becomes("\033[31m\177\a", "\\x1b[31m\\x7f\\x07"), "control characters");
	ok(becomes("gr\303\274n \342\202\254 \360\237\230\200", "gr\303\274n \342\202\254 \360\237\230\200"),
	   "printable UTF-8 stands for itself");
	ok(becomes("\302\205", "\\xc2\\x85"), "C1 in UTF-8");
	ok(becomes("\233m", "\\x9bm"), "C1 as a byte");
	ok(becomes("\342\200\256x\342\201\246\330\234", "\\xe2\\x80\\xaex\\xe2\\x81\\xa6\\xd8\\x9c"), "bidi controls");
	ok(becomes("\342\200\250\342\200\251", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"), "line separators");
	ok(becomes("\357\273\277x", "\\xef\\xbb\\xbfx"), "the byte order mark");
	ok(becomes("\377\300\200\355\240\200\364\220\200\200", "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"),
	   "overlong forms, surrogates, what lies above U+10FFFF");
	ok(becomes("\342\202", "\\xe2\\x82") && becomes("\342\202x", "\\xe2\\x82x"), "characters cut short");
}

static void test_bytes(void)
{
	unsigned char b[2];
	int i, j, bad = 0;

	for (i = 0; i < 256; i++) {
		b[0] = (unsigned char)i;
		bad += !round_trip(b, 1);
		for (j = 0; j < 256; j++) {
			b[1] = (unsigned char)j;
			bad += !round_trip(b, 2);
		}
	}
	ok(bad == 0, "every byte and every pair of bytes, %d bad", bad);
}

static void test_random(void)
{
	unsigned char b[64];
	unsigned seed = 1;
	size_t len, i;
	int n, bad = 0;

	for (n = 0; n < 20000; n++) {
		len = (size_t)n % sizeof(b);
		for (i = 0; i < len; i++) {
			seed = seed * 1103515245u + 12345u;
			b[i] = (unsigned char)(seed >> 16);
			/* Most of UTF-8's trouble starts with these. */
			if (seed >> 30 == 0)
				b[i] = (unsigned char)"\342\200\256\357\273\277\\x"[seed >> 16 & 7];
		}
		bad += !round_trip(b, len);
	}
	ok(bad == 0, "random bytes, %d bad", bad);
}

static int refused(const char *text)
{
	struct buf b = { 0 };
	int rc = escape_undo(&b, text, strlen(text));

	buf_free(&b);
	return rc == -1;
}

static void test_refuse(void)
{
	ok(refused("\\") && refused("a\\"), "a backslash at the end");
	ok(refused("\\a") && refused("\\0") && refused("\\N"), "unknown escapes");
	ok(refused("\\x") && refused("\\x1") && refused("\\xg0") && refused("\\x1G"), "bad hexadecimal");
	ok(refused("\\x1B"), "upper case is another text for the same name");
	ok(refused("\\x41") && refused("\\x0a") && refused("\\x5c") && refused("\\x20"),
	   "so is hexadecimal where there is a shorter form");
	ok(!refused("\\x00") && !refused("\\xff"), "any other byte may be written so");
}

static void test_ring(void)
{
	const char *a = escape_name("a\n"), *b = escape_name("b\n"), *c = escape_name("c\n"), *d = escape_name("d\n");

	ok(strcmp(a, "a\\n") == 0 && strcmp(b, "b\\n") == 0 && strcmp(c, "c\\n") == 0 && strcmp(d, "d\\n") == 0,
	   "four names in one message");
	ok(escape_is_utf8("a\303\274\n", 4) && !escape_is_utf8("a\303", 2), "what is UTF-8");
}

int main(void)
{
	test_forms();
	test_bytes();
	test_random();
	test_refuse();
	test_ring();
	return done();
}
