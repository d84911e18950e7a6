/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rsnap/rsnap_test.h"

#include <string.h>

#include "base/below.h"
#include "base/mem.h"
#include "base/quote.h"

#define ERROR "ERROR: "
#define WHY_MAX 8192		/* bytes of them that are enough */

static int begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(line, with, strlen(with)) == 0;
}

/* What it says of every file that has errors, under a line. */
static int is_frame(const char *line, size_t len)
{
	return begins(line, len, "-----") || begins(line, len, "Errors were found in ") ||
	       begins(line, len, "rsnapshot can not continue.") ||
	       begins(line, len, "sure you don't have spaces");
}

/* "FILE on line 5:", and the next line has what is there. */
static int is_place(const char *line, size_t len, const char *file)
{
	return begins(line, len, file) && begins(line + strlen(file), len - strlen(file), " on line ");
}

/* The errors in what it prints; see rsnap_test(). */
struct errors {
	const char *file;
	int numbered;
	const char *between;
	struct buf text;
};

static void hear(void *arg, const char *line, size_t len)
{
	struct errors *e = arg;

	if (!begins(line, len, ERROR) || e->text.len > WHY_MAX)
		return;
	line += strlen(ERROR);
	len -= strlen(ERROR);
	while (len > 0 && line[len - 1] == ' ')
		len--;
	if (len == 0 || is_frame(line, len) || (!e->numbered && is_place(line, len, e->file)))
		return;
	buf_str(&e->text, e->between);
	quote_add(&e->text, line, len, QUOTE_LINE);
	e->between = is_place(line, len, e->file) ? " " : "; ";
}

int rsnap_test(const char *file, const char *const env[], int numbered, int dir, char **why)
{
	const char *const argv[] = { RSNAPSHOT, "-c", file, "configtest", NULL };
	struct errors e = { .file = file, .numbered = numbered, .between = "" };
	struct quote q = { .fd = -1, .hear = hear, .arg = &e };
	struct below b = { .out = &q, .family = 1, .keep = dir, .patient = 1 };
	int status = below_run(&b, argv, env);

	*why = e.text.p;
	return status;
}
