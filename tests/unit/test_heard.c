/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of what a failed program printed. */
#include <stdlib.h>
#include <string.h>

#include "run/heard.h"
#include "unit.h"

static int gives(const char *text, const char *want)
{
	char *got = heard_reason_of(text, "mark: ");
	int same = got && !strcmp(got, want);

	free(got);
	return same;
}

int main(void)
{
	ok(!heard_reason_of("", "mark: ") && !heard_reason_of("\n\n", "mark: "), "nothing");
	ok(gives("mark: one", "one") && gives("mark: one\n", "one"), "one line, behind its mark");
	ok(gives("one\n\ntwo\n", "one (and 1 more lines)"), "the first of two");
	ok(gives("mark: mv a b\nmark: cp: cannot create x\nmark: cp: cannot create y\nmark: ERROR: Error!\n",
		 "cp: cannot create x (and 3 more lines)"), "what could not be done");
	ok(gives("mark: echo 1\nmark: ERROR: Error! cp_al\n", "ERROR: Error! cp_al (and 1 more lines)"), "an error");
	ok(gives("mark: ", "mark: "), "a mark alone");
	return done();
}
