/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rsnap/rsnap_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/capture.h"
#include "base/child.h"
#include "base/escape.h"
#include "base/mem.h"

#define ERROR "ERROR: "

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

/* The errors in what it printed; see rsnap_test(). */
static char *errors(const char *text, const char *file, int numbered)
{
	const char *between = "";
	struct buf b = { 0 };
	size_t len, next;

	for (; *text != '\0'; text += next) {
		len = strcspn(text, "\n");
		next = len + (text[len] == '\n');
		if (!begins(text, len, ERROR))
			continue;
		text += strlen(ERROR);
		next -= strlen(ERROR);
		len -= strlen(ERROR);
		while (len > 0 && text[len - 1] == ' ')
			len--;
		if (len == 0 || is_frame(text, len) || (!numbered && is_place(text, len, file)))
			continue;
		buf_str(&b, between);
		buf_str(&b, escape_bytes(text, len));
		between = is_place(text, len, file) ? " " : "; ";
	}
	return b.p;
}

int rsnap_test(const char *file, const char *const env[], int numbered, int dir, char **why)
{
	const char *const argv[] = { RSNAPSHOT, "-c", file, "configtest", NULL };
	const struct child_more more = { .err = -1, .keep = dir, .domain = -1 };
	struct child child = { 0 };
	struct capture c;
	int status = -1;
	char *said;

	if (capture_begin(&c) == 0 && child_start_with(&child, argv, env, -1, c.file, &more) == 0)
		status = child_wait(&child);
	said = capture_end(&c);
	*why = errors(said, file, numbered);
	free(said);
	return status;
}
