/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_rsnap_errors.c - what went wrong, in the words of rsnapshot and of what it started. */
#include <string.h>

#include "rsnap/rsnap_errors.h"
#include "unit.h"

#define BANNER "----------------------------------------------------------------------------\n" \
	"rsnapshot encountered an error! The program was invoked with these options:\n"        \
	"/usr/bin/rsnapshot -c /c sync alpha/ \n"                                               \
	"----------------------------------------------------------------------------\n"
#define END "ERROR: ---------------------------------------------------------------------\n"   \
	"ERROR: Errors were found in /c,\n"                                                     \
	"ERROR: rsnapshot can not continue. If you think an entry looks right, make\n"         \
	"ERROR: sure you don't have spaces where only tabs should be.\n"

/* Is this what is kept of text? */
static int keeps(const char *text, struct rsnap_errors e, const char *kept, int refused)
{
	const char *end;
	int same;

	e.file = "/c";
	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		need(end);
		char *line = mem_dup(text, (size_t)(end - text));

		rsnap_errors_hear(&e, line, strlen(line));
		free(line);
	}
	rsnap_errors_end(&e);
	same = (kept ? e.text.p && !strcmp(e.text.p, kept) : e.text.len == 0) && e.refused == refused;
	if (!same)
		printf("# %s\n", e.text.p ? e.text.p : "nothing");
	buf_free(&e.text);
	return same;
}

static void commands(void)
{
	const struct rsnap_errors e = { 0 };

	ok(keeps("", e, NULL, 0) && keeps("a\nb\n", e, NULL, 0), "without an error there is nothing to tell");
	ok(keeps(BANNER "ERROR: Create LVM snapshot failed: 1280\n", e, "Create LVM snapshot failed: 1280", 0),
	   "an error");
	ok(keeps("  No group\n" BANNER "ERROR: Create failed\n", e, "Create failed: No group", 0),
	   "and the command's own line before it");
	ok(keeps("leaked\n  No group\n\n  Cannot\n" BANNER "ERROR: Create failed\nlater\n", e,
		 "Create failed: No group; Cannot", 0), "the last two lines, and no later one");
	ok(keeps("rsync says: hello\nown\n" BANNER "ERROR: no\n", e, "no: own", 0), "what rsync says is not kept here");
	ok(keeps("a\n-----------\nb\n", e, NULL, 0) && keeps("a\n-----------\nb\nERROR: c\nd\n", e, "c: a", 0),
	   "a line of dashes of somebody else's");
	ok(keeps("mount: no\n" BANNER "ERROR: Mount failed\nERROR: Removal failed\n", e,
		 "Mount failed; Removal failed: mount: no", 0), "two errors");
}

static void refusals(void)
{
	const struct rsnap_errors e = { 0 }, n = { .numbered = 1 }, alpha = { .numbered = 1, .only = "alpha/" },
		beta = { .numbered = 1, .only = "beta/" };
	const char *two = BANNER "ERROR: /c on line 12:\nERROR: backup /src alpha/ x=1 - \\\n         Syntax error in \\\n"
			  "         opts: x=1 \nERROR: /c on line 14:\nERROR: backup /s beta/ - no\n" END;

	ok(keeps(two, e, "backup /src alpha/ x=1 - Syntax error in opts: x=1; backup /s beta/ - no", 1),
	   "lines that are cut are joined, the frame is left out, and where the numbers are another file's");
	ok(keeps(two, n, "/c on line 12: backup /src alpha/ x=1 - Syntax error in opts: x=1;"
		 " /c on line 14: backup /s beta/ - no", 1), "with the numbers");
	ok(keeps(two, alpha, "/c on line 12: backup /src alpha/ x=1 - Syntax error in opts: x=1", 1) &&
	   keeps(two, beta, "/c on line 14: backup /s beta/ - no", 1), "only of one line");
	ok(keeps("other\n" BANNER "ERROR: /c on line 1:\nERROR: bad\n" END, e, "bad", 1),
	   "no command had anything to do with that");
	ok(keeps(BANNER "ERROR: /c on line 1:\n", e, NULL, 1) && keeps("ERROR: \n", e, NULL, 0), "torn ones");
}

int main(void)
{
	commands();
	refusals();
	return done();
}
