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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "words.h"

#define CHECK(what) do { if (!(what)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char allow_unsafe[] = "copy-unsafe-links", allow_k[] = "-k";
static char deny_z[] = "z", deny_delete[] = "--delete";

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
	CHECK(o->name[0] == '-' && begins(word, o->name));
	CHECK(o->value ? o->value[-1] == '=' : !strchr(word, '='));
	CHECK(!begins(word, "--daemon") && !begins(word, "--config") && !begins(word, "--rsh"));
	CHECK(!begins(word, "--write-devices") && !begins(word, "--copy-devices"));
	CHECK(sender || strcmp(word, "--sender") != 0);
	if (r->ro || r->no_del)
		CHECK(!begins(word, "--delete") && !begins(word, "--remove"));
	if (r->ro || r->no_overwrite)
		CHECK(!begins(word, "--log-file"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *allow[] = { NULL, NULL, NULL }, *deny[] = { NULL, NULL, NULL };
	struct rules r = { .dir = "/srv", .dirfd = -1, .allow = allow, .deny = deny };
	struct words w = { 0 };
	struct option o;
	bool sender;

	if (size < 2 || memchr(data + 2, '\0', size - 2))
		return 0;
	r.ro = data[0] & 1;
	r.wo = data[0] & 2;
	r.no_del = data[0] & 4;
	r.no_overwrite = data[0] & 8;
	sender = data[0] & 16;
	if (data[0] & 32)
		r.dir = "/";
	allow[0] = data[1] & 1 ? allow_unsafe : data[1] & 2 ? allow_k : NULL;
	deny[0] = data[1] & 4 ? deny_z : data[1] & 8 ? deny_delete : NULL;
	CHECK(words_parse(&w, (const char *)data + 2, size - 2) == 0);
	for (size_t i = 0; i < w.n; i++) {
		check_word(w.v[i]);
		check_escape(w.v[i]);
		check_unescape(w.v[i]);
		if (policy_option(&r, w.v[i], sender, &o) == POLICY_OK)
			check_accepted(&r, w.v[i], sender, &o);
	}
	words_free(&w);
	return 0;
}
