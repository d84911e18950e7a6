/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_rsync_args.c - what an rsync's command line says.  The places are those
 * where rsync 3.5.0 was seen to put the trees.
 */
#include <stdlib.h>
#include <string.h>

#include "rsnap/rsync_args.h"
#include "unit.h"

#define WORDS 16

/* Cut a line at blanks into words.  Their number. */
static int cut(char *line, char *word[WORDS])
{
	char *save, *w;
	int n = 0;

	for (w = strtok_r(line, " ", &save); w != NULL && n < WORDS; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	return n;
}

static void test_below(void)
{
	static const struct { const char *line, *below; } is[] = {
		{ "rsync -a /s/a/ d", "." },
		{ "rsync -a /s/a d", "a" },
		{ "rsync -aR /s/a/ d", "s/a" },
		{ "rsync -aR /s/a d", "s/a" },
		{ "rsync -aR /s/./a/ d", "a" },
		{ "rsync -aR /s/a/./b/ d", "b" },
		{ "rsync -aR /s/a/. d", "s/a" },
		{ "rsync -aR /s/a//./ d", "." },
		{ "rsync -aR / d", "." },
		{ "rsync -a / d", "." },
		{ "rsync -a h:/s/a/ d", "." },
		{ "rsync -a h:/s/a d", "a" },
		{ "rsync -aHSRx --rsh=/usr/bin/ssh h:/s/a/ d", "s/a" },
		{ "rsync -aR u@h:/s/./a/ d", "a" },
		{ "rsync -aR h:./a/b/ d", "a/b" },
		{ "rsync -a rsync://h:28/mod/a/ d", "." },
		{ "rsync -aR rsync://h:28/mod/a/ d", "a" },
		{ "rsync -aR rsync://h/mod/ d", "." },
		{ "rsync -aR rsync://h/mod d", "." },
		{ "rsync -a rsync://h/mod d", "." },
		{ "rsync -a rsync://h/mod/a d", "a" },
		{ "rsync -aR rsync://h/mod/a/./b/ d", "b" },
		{ "rsync -aR u@h::mod/a/b/ d", "a/b" },
		{ "rsync -a u@h::mod d", "." },
		{ "rsync -a --relative --no-relative /s/a/ d", "." },
		{ "rsync -a --no-relative --relative /s/a/ d", "s/a" },
		{ "rsync -aR --no-R /s/a/ d", "." },
		{ "rsync -aR --files-from=/l /s/a d", "." },
		{ "rsync -a -e RR --exclude=R -eR /s/a/ d", "." },
		{ "rsync -aR /s/x:y/ d", "s/x:y" },
		{ "rsync -a -- d", "--" },
	};
	char line[128], *word[WORDS], *below;
	size_t i;

	for (i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		strcpy(line, is[i].line);
		below = rsync_args_below(cut(line, word), word);
		ok(strcmp(below, is[i].below) == 0, "%s: %s, %s", is[i].line, is[i].below, below);
		free(below);
	}
}

static void test_timeout(void)
{
	static const struct { const char *line; int set; } is[] = {
		{ "rsync -a /s/ d", 0 }, { "rsync --timeout=5 /s/ d", 1 },
		{ "rsync --timeout 5 /s/ d", 1 }, { "rsync --no-timeout /s/ d", 1 },
		{ "rsync --contimeout=5 /s/ d", 0 }, { "rsync -a --timeout=5 d", 0 },
	};
	char line[128], *word[WORDS];
	size_t i;

	for (i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
		strcpy(line, is[i].line);
		ok(rsync_args_timeout(cut(line, word), word) == is[i].set, "timeout: %s", is[i].line);
	}
}

static void test_remote(void)
{
	ok(rsync_args_remote("h:/x") && rsync_args_remote("u@h::m/x") && rsync_args_remote("rsync://h/m") &&
	   rsync_args_remote("h:x/y"), "another machine's");
	ok(!rsync_args_remote("/x") && !rsync_args_remote("/x:y/z") && !rsync_args_remote("./x:y") &&
	   !rsync_args_remote("x/y:z") && !rsync_args_remote(""), "our own");
}

int main(void)
{
	test_below();
	test_timeout();
	test_remote();
	return done();
}
