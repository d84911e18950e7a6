/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rsnap_errors.c - what went wrong, in the words of rsnapshot and of what it started. */
#include "rsnap/rsnap_errors.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

#define ERROR "ERROR: "
#define BANNER "----------"
#define MOST 8192		/* bytes of text that are enough */
#define OTHERS 200		/* bytes of a line of others */

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
static int is_place(const struct rsnap_errors *e, const char *line, size_t len)
{
	return begins(line, len, e->file) &&
	       begins(line + strlen(e->file), len - strlen(e->file), " on line ");
}

/* Add len bytes at p, without what a C string cannot hold. */
static void add(struct buf *to, const char *p, size_t len)
{
	char *text = NULL;

	quote_keep(&text, p, len, QUOTE_LINE);
	buf_str(to, text);
	free(text);
}

/* The error that was being read is complete: is it to be kept? */
static void complete(struct rsnap_errors *e)
{
	if (e->error.len > 0 && e->text.len < MOST &&
	    (e->only == NULL || strstr(e->error.p, e->only) != NULL)) {
		if (e->text.len > 0)
			buf_str(&e->text, "; ");
		buf_str(&e->text, e->error.p);
	}
	buf_reset(&e->error);
	e->placed = 0;
}

/* A part of an error; a backslash at its end says that the next line belongs to it. */
static void take(struct rsnap_errors *e, const char *line, size_t len)
{
	e->wrapped = len > 1 && line[len - 1] == '\\' && line[len - 2] == ' ';
	len -= e->wrapped ? 2 : 0;
	while (len > 0 && *line == ' ') {
		line++;
		len--;
	}
	if (e->error.len > 0)
		buf_char(&e->error, ' ');
	add(&e->error, line, len);
}

static void take_error(struct rsnap_errors *e, const char *line, size_t len)
{
	e->begun = 1;
	e->banner = e->wrapped = 0;
	if (is_place(e, line, len)) {
		complete(e);
		e->refused = e->placed = 1;
		if (e->numbered)
			add(&e->error, line, len);
		return;
	}
	if (!e->placed)
		complete(e);
	e->placed = 0;
	if (len > 0 && !is_frame(line, len))
		take(e, line, len);
}

/* A line of a program that rsnapshot started.  What rsync says is on record elsewhere. */
static void take_other(struct rsnap_errors *e, const char *line, size_t len)
{
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len == 0 || begins(line, len, "rsync says: "))
		return;
	free(e->line[0]);
	e->line[0] = e->line[1];
	e->line[1] = NULL;
	quote_keep(&e->line[1], line, len, OTHERS);
}

void rsnap_errors_hear(void *arg, const char *line, size_t len)
{
	struct rsnap_errors *e = arg;

	while (len > 0 && line[len - 1] == ' ')
		len--;
	if (begins(line, len, ERROR))
		take_error(e, line + strlen(ERROR), len - strlen(ERROR));
	else if (e->wrapped)
		take(e, line, len);
	else if (!e->begun && begins(line, len, BANNER))
		e->banner = !e->banner;
	else if (!e->begun && !e->banner)
		take_other(e, line, len);
}

void rsnap_errors_end(struct rsnap_errors *e)
{
	const char *between = ": ";
	size_t i;

	complete(e);
	for (i = 0; i < 2; i++) {
		if (e->line[i] != NULL && !e->refused && e->begun) {
			if (e->text.len > 0)
				buf_str(&e->text, between);
			buf_str(&e->text, e->line[i]);
			between = "; ";
		}
		free(e->line[i]);
		e->line[i] = NULL;
	}
	buf_free(&e->error);
}
