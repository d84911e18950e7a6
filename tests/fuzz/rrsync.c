/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rrsync.c - libFuzzer on what reads a stranger's command: words, then policy.
 *
 * Both are pure, so a run costs a few microseconds; paths, which need a file system,
 * are the differential test's (tests/rrsync/diff).  The first byte of an input is the
 * server's options, the second what -allow and -deny name; the rest is the command.
 */
#include <setjmp.h>
#include <string.h>

#include "frame.h"
#include "policy.h"
#include "words.h"

static jmp_buf refused;

void fuzz_begin(void)
{
}

/* What the program does not come back from: here it does. */
void refuse(const char *format, ...)
{
	CHECK(*format);
	longjmp(refused, 1);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A word holds no blank that is not escaped, no escaped newline and no lone backslash. */
static void check_word(const char *word)
{
	CHECK(*word);
	for (; *word; word++) {
		CHECK(!is_blank(*word));
		if (*word == '\\')
			CHECK(*++word && *word != '\n');
	}
}

static void check_escape(const char *word)
{
	char out[64];

	CHECK(words_escape(out, sizeof(out), word) == out);
	CHECK(strlen(out) < sizeof(out));
	for (const char *p = out; *p; p++)
		CHECK(*p >= 0x20 && *p < 0x7f);
}

static void check_unescape(const char *word)
{
	char copy[256];

	if (strlen(word) >= sizeof(copy))
		return;
	strcpy(copy, word);
	words_unescape(copy);
	CHECK(strlen(copy) <= strlen(word));
	if (!strchr(word, '\\'))
		CHECK(strcmp(copy, word) == 0);
}

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

/* What must hold of an option that was accepted, whatever the table says. */
static void check_accepted(const struct rules *r, const char *word, bool sender, const struct option *o)
{
	CHECK(word[0] == '-' && word[1] && strcmp(word, "--") != 0);
	if (word[1] != '-') {
		CHECK(!memchr(word, 's', strcspn(word, "e")));
		CHECK(o->kind == POLICY_NONE && !o->value);
		if (r->no_overwrite)
			CHECK(!memchr(word, 'b', strcspn(word, "e")));
		return;
	}
	CHECK(o->name[0] && begins(word + 2, o->name));
	CHECK(o->value ? o->value < strlen(word) + 1 && word[o->value - 1] == '=' : !strchr(word, '='));
	CHECK(!begins(word, "--daemon") && !begins(word, "--config") && !begins(word, "--rsh"));
	CHECK(!begins(word, "--write-devices") && !begins(word, "--copy-devices"));
	CHECK(sender || strcmp(word, "--sender") != 0);
	if (r->ro || r->no_del)
		CHECK(!begins(word, "--delete") && !begins(word, "--remove"));
	if (r->ro || r->no_overwrite)
		CHECK(!begins(word, "--log-file"));
}

static int check_word_as_option(const struct rules *r, const char *word, bool sender)
{
	struct option o;

	if (setjmp(refused))
		return 0;
	policy_option(r, word, sender, &o);
	check_accepted(r, word, sender, &o);
	return 1;
}

int fuzz_one(char *text, size_t len)
{
	struct rules r = { .dir = "/srv", .dirfd = -1 };
	char *rest, *word;
	int accepted = 0;

	if (len < 2 || strlen(text + 2) != len - 2)
		return 0;
	rest = text + 2;
	r.ro = text[0] & 1;
	r.wo = text[0] & 2;
	r.no_del = text[0] & 4;
	r.no_overwrite = text[0] & 8;
	if (text[0] & 32)
		r.dir = "/";
	if (text[1] & 3)
		policy_name(&r, text[1] & 1 ? "copy-unsafe-links" : "-k", false);
	if (text[1] & 12)
		policy_name(&r, text[1] & 4 ? "z" : "--delete", true);
	while ((word = words_next(&rest))) {
		CHECK(word >= text + 2 && rest > word && rest <= text + len);
		check_word(word);
		check_escape(word);
		check_unescape(word);
		accepted |= check_word_as_option(&r, word, text[0] & 16);
	}
	CHECK(rest == text + len);
	return accepted;
}
