/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rrsync.c - libFuzzer on what reads a stranger's command: words, then policy.
 *
 *	make fuzz				some seconds, from the kept corpus
 *	make fuzz FUZZ_RUNS=100000000		what a release should have seen
 *	make fuzz FUZZ_TIME=60 FUZZ_RUNS=-1	a minute
 *
 * Both are pure, so a run costs a few microseconds; paths, which need a file system,
 * are the differential test's (tests/rrsync/diff).  The first byte of an input is the
 * server's options, the second what -allow and -deny name; the rest is the command.
 *
 * The corpus is in tests/fuzz/corpus-rrsync, one input a file.  To keep what a run
 * found: build/fuzz-rrsync -merge=1 tests/fuzz/corpus-rrsync build/corpus-rrsync
 */
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "words.h"

#define CHECK(what) do { if (!(what)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static jmp_buf refused;

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

static void check_word_as_option(const struct rules *r, const char *word, bool sender)
{
	struct option o;

	if (setjmp(refused))
		return;
	policy_option(r, word, sender, &o);
	check_accepted(r, word, sender, &o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules r = { .dir = "/srv", .dirfd = -1 };
	char *command, *rest, *word;

	if (size < 2 || memchr(data + 2, '\0', size - 2))
		return 0;
	r.ro = data[0] & 1;
	r.wo = data[0] & 2;
	r.no_del = data[0] & 4;
	r.no_overwrite = data[0] & 8;
	if (data[0] & 32)
		r.dir = "/";
	if (data[1] & 3)
		policy_name(&r, data[1] & 1 ? "copy-unsafe-links" : "-k", false);
	if (data[1] & 12)
		policy_name(&r, data[1] & 4 ? "z" : "--delete", true);
	/* Of its own size, so that a byte too far is seen. */
	command = rest = malloc(size - 1);
	CHECK(command);
	memcpy(command, data + 2, size - 2);
	command[size - 2] = '\0';
	while ((word = words_next(&rest))) {
		CHECK(word >= command && rest > word && rest < command + size - 1);
		check_word(word);
		check_escape(word);
		check_unescape(word);
		check_word_as_option(&r, word, data[0] & 16);
	}
	CHECK(rest == command + size - 2);
	free(command);
	return 0;
}
