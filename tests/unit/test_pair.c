/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_pair.c - pairs on a line: nothing in a value ends it, or looks like another. */
#include <string.h>

#include "base/escape.h"
#include "base/pair.h"
#include "unit.h"

static void says(const char *value, const char *want)
{
	struct buf b = { 0 };

	pair_add(&b, "key", value);
	ok(strcmp(b.p, want) == 0, "%s", want);
	buf_free(&b);
}

/* What a reader makes of the value: without its quotes, escapes undone.  Into back. */
static int reads_back(const char *pair, struct buf *back)
{
	const char *p = strchr(pair, '=') + 1;
	size_t len = strlen(p), i;
	struct buf plain = { 0 };

	if (*p != '"') {
		buf_str(back, p);
		return 1;
	}
	if (len < 2 || strchr(p + 1, '"') != p + len - 1)
		return 0;
	for (i = 1; i + 1 < len; i++) {
		if (!strncmp(p + i, "\\\\", 2)) {
			buf_str(&plain, "\\\\");
			i++;
		} else if (!strncmp(p + i, "\\x22", 4) || !strncmp(p + i, "\\x3d", 4)) {
			buf_char(&plain, p[i + 2] == '2' ? '"' : '=');
			i += 3;
		} else {
			buf_char(&plain, p[i]);
		}
	}
	escape_undo(back, plain.p ? plain.p : "", plain.len);
	buf_free(&plain);
	return 1;
}

static void each_pair_of_bytes(void)
{
	int bad = 0, a, c;

	for (a = 1; a < 256; a++)
		for (c = 1; c < 256; c++) {
			const char value[] = { (char)a, (char)c, '\0' };
			struct buf b = { 0 }, back = { 0 };
			char *p;

			pair_add(&b, "key", value);
			bad += !reads_back(b.p, &back) || !back.p || strcmp(back.p, value) != 0;
			bad += strchr(b.p, '=') != strrchr(b.p, '=') || !escape_is_utf8(b.p, b.len);
			for (p = b.p; *p; p++)
				bad += (unsigned char)*p < 0x20 || *p == 0x7f;
			buf_free(&b);
			buf_free(&back);
		}
	ok(bad == 0, "every two bytes come back, and nothing else looks like a pair: %d do not", bad);
}

static void what_does_not_fit(void)
{
	static const char text[] = "a\n\"=b and more of it";
	char to[128], whole[128];
	size_t size, len, bad = 0;

	pair_text(whole, sizeof(whole), text, strlen(text));
	for (size = 3; size < sizeof(to); size++) {
		memset(to, 'x', sizeof(to));
		len = pair_text(to, size, text, strlen(text));
		bad += len >= size || to[len] || to[0] != '"' || to[len - 1] != '"' || len < 2 ||
		       strncmp(to, whole, len - 1) != 0;
	}
	ok(bad == 0, "what does not fit is left out between whole escapes");
	ok(pair_text(to, 4, "abcdef", 6) == 3 && !strcmp(to, "abc"), "also without quotes");
	ok(strlen(whole) < PAIR_SIZE(strlen(text)), "PAIR_SIZE is enough");
}

int main(void)
{
	says("alpha", " key=alpha");
	says("hourly.0/a-b_c:d@e%f+g,h", " key=hourly.0/a-b_c:d@e%f+g,h");
	says("", " key=\"\"");
	says("two words", " key=\"two words\"");
	says("a\nevent=host", " key=\"a\\nevent\\x3dhost\"");
	says("say \"so\"", " key=\"say \\x22so\\x22\"");
	says("back\\slash", " key=\"back\\\\slash\"");
	says("\xc3\xbc", " key=\"\xc3\xbc\"");
	says("\xff\x1b[2J", " key=\"\\xff\\x1b[2J\"");
	says("\xe2\x80\xae", " key=\"\\xe2\\x80\\xae\"");
	each_pair_of_bytes();
	what_does_not_fit();
	return done();
}
