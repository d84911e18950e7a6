/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* job_line.c - calls of rsnapshot and of ss-run in what is executed. */
#include "rsnap/job_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BLANKS " \t\r\f\v"
#define SIGNS ";|&()<>`\n"
#define QUOTES "\"'\\"

/* Behind n words. */
static const char *skip_words(const char *p, int n)
{
	while (n-- > 0) {
		p += strcspn(p, BLANKS);
		p += strspn(p, BLANKS);
	}
	return p;
}

/* NAME=VALUE, as crontabs have it: blanks may stand around the sign. */
static int is_variable(const char *p)
{
	const char *name = p;

	if (*p == '"' || *p == '\'')
		return 1;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	if (p == name || isdigit((unsigned char)*name))
		return 0;
	p += strspn(p, BLANKS);
	return *p == '=';
}

const char *job_line_command(enum job_form form, const char *line)
{
	const char *p = line + strspn(line, BLANKS);
	int times;

	if (*p == '\0' || *p == '#')
		return NULL;
	if (form == JOB_SCRIPT)
		return p;
	if (is_variable(p))
		return NULL;
	times = *p == '@' ? 1 : 5;
	p = skip_words(p, form == JOB_ANACRON ? 3 : form == JOB_SYSTEM ? times + 1 : times);
	return *p != '\0' ? p : NULL;
}

/* The next word of a command in b, without quotes.  1; 0: the command, or the text, ends. */
static int next_word(const char **text, struct buf *b)
{
	const char *p = *text + strspn(*text, BLANKS QUOTES);

	buf_reset(b);
	/* A comment reaches to the end of the line. */
	if (*p == '#')
		p += strcspn(p, "\n");
	for (; *p != '\0' && strchr(BLANKS SIGNS, *p) == NULL; p++)
		if (strchr(QUOTES, *p) == NULL)
			buf_char(b, *p);
	*text = p;
	return b->len > 0;
}

/* Is it this program, by whatever path? */
static int is_program(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return strcmp(slash != NULL ? slash + 1 : word, name) == 0;
}

static void take(char **to, const char *value)
{
	free(*to);
	*to = mem_strdup(value);
}

/* Letters of an option of rsnapshot's.  1, or 0: it does nothing then. */
static int take_letters(const char *word, const char **text, struct buf *b, struct job_call *c)
{
	const char *p;

	for (p = word + 1; *p != '\0'; p++) {
		if (*p == 't' || *p == 'h')
			return 0;
		if (*p != 'c')
			continue;
		if (p[1] != '\0')
			take(&c->config, p + 1);
		else if (next_word(text, b))
			take(&c->config, b->p);
		break;
	}
	return 1;
}

static int rsnapshot_call(const char **text, struct buf *b, struct job_call *c)
{
	while (next_word(text, b)) {
		if (b->p[0] == '-') {
			if (!take_letters(b->p, text, b, c))
				return 0;
			continue;
		}
		/* A name, or one that is known only when it runs. */
		if (!isalnum((unsigned char)b->p[0]) && strchr("_$%{", b->p[0]) == NULL)
			return 0;
		take(&c->verb, b->p);
		return 1;
	}
	return 0;
}

static int ours_call(const char **text, struct buf *b, struct job_call *c)
{
	static const char *const nothing[] = {
		"--check", "--due", "--dry-run", "-n", "--help", "-h", "--version", "-V", "]", "]]",
	};
	size_t i;

	while (next_word(text, b)) {
		for (i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
			if (strcmp(b->p, nothing[i]) == 0)
				return 0;
		if (strncmp(b->p, "--config=", 9) == 0)
			take(&c->config, b->p + 9);
		else if (strcmp(b->p, "--config") == 0 && next_word(text, b))
			take(&c->config, b->p);
	}
	take(&c->verb, "");
	return 1;
}

/* Is the word in b a program of interest, and does the command call it to do something?  1 with *c, or 0. */
static int take_call(const char **text, struct buf *b, struct job_call *c)
{
	int ours = is_program(b->p, "ss-run");

	*c = (struct job_call){ .ours = ours };
	if (!ours && !is_program(b->p, "rsnapshot"))
		return 0;
	if (ours ? ours_call(text, b, c) : rsnapshot_call(text, b, c))
		return 1;
	job_line_free(c);
	return 0;
}

int job_line_call(const char **text, struct job_call *c)
{
	struct buf b = { 0 };
	int found = 0, asked = 0;

	while (**text != '\0' && !found) {
		if (!next_word(text, &b)) {
			*text += **text != '\0';
			asked = 0;
			continue;
		}
		/* [ -x /usr/bin/rsnapshot ] */
		found = !asked && take_call(text, &b, c);
		asked = b.len == 2 && b.p[0] == '-' && strchr("xefs", b.p[1]) != NULL;
	}
	buf_free(&b);
	return found;
}

void job_line_free(struct job_call *c)
{
	free(c->verb);
	free(c->config);
	*c = (struct job_call){ 0 };
}
