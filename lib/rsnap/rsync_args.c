/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rsync_args.c - what an rsync's command line says, as far as it matters to us. */
#include "rsnap/rsync_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rsnap/source.h"

#define WITH_VALUE "efBTM@"	/* short options: what follows in the word is their value */

static int starts(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

int rsync_args_remote(const char *source)
{
	struct source s;

	source_parse(&s, source);
	return s.kind != SOURCE_LOCAL;
}

int rsync_args_timeout(int argc, char *const argv[])
{
	int i;

	for (i = 1; i < argc - 2; i++)
		if (strcmp(argv[i], "--timeout") == 0 || starts(argv[i], "--timeout=") ||
		    strcmp(argv[i], "--no-timeout") == 0)
			return 1;
	return 0;
}

/* Is R among the short options of a word such as -aHSR? */
static int short_relative(const char *word)
{
	if (word[0] != '-' || word[1] == '-')
		return 0;
	for (word++; *word != '\0' && strchr(WITH_VALUE, *word) == NULL; word++)
		if (*word == 'R')
			return 1;
	return 0;
}

enum layout { PLAIN, RELATIVE, LISTED };

static enum layout layout_of(int argc, char *const argv[])
{
	enum layout is = PLAIN;
	int i;

	for (i = 1; i < argc - 2; i++) {
		/* What a list names may lie anywhere. */
		if (starts(argv[i], "--files-from"))
			return LISTED;
		if (short_relative(argv[i]) || strcmp(argv[i], "--relative") == 0)
			is = RELATIVE;
		else if (strcmp(argv[i], "--no-relative") == 0 || strcmp(argv[i], "--no-R") == 0)
			is = PLAIN;
	}
	return is;
}

/* The path on its machine; a module's root is "/". */
static const char *path_on_host(const char *source)
{
	struct source s;

	source_parse(&s, source);
	return s.kind == SOURCE_DAEMON && *s.path == '\0' ? "/" : s.path;
}

/* path without "." components and slashes that say nothing; "." if nothing is left. */
static char *clean(const char *path)
{
	struct buf b = { 0 };
	size_t n;

	buf_str(&b, "");
	for (; *path != '\0'; path += n) {
		n = strcspn(path, "/");
		if (n == 0) {
			n = 1;
			continue;
		}
		if (n == 1 && *path == '.')
			continue;
		if (b.len > 0)
			buf_char(&b, '/');
		buf_add(&b, path, n);
	}
	if (b.len == 0)
		buf_char(&b, '.');
	return b.p;
}

char *rsync_args_below(int argc, char *const argv[])
{
	const char *path = path_on_host(argv[argc - 2]), *from;
	enum layout is = layout_of(argc, argv);
	size_t len = strlen(path);

	if (is == RELATIVE) {
		/* The part behind the first one counts. */
		from = strstr(path, "/./");
		return clean(from != NULL ? from + 3 : path);
	}
	if (is == LISTED || len == 0 || path[len - 1] == '/')
		return mem_strdup(".");
	from = strrchr(path, '/');
	return clean(from != NULL ? from : path);
}

/* The value that a word of short options has for letter: "" = it is the next word; NULL = it has none. */
static const char *short_value(const char *word, char letter)
{
	if (letter == '\0' || word[0] != '-' || word[1] == '-')
		return NULL;
	for (word++; *word != '\0'; word++) {
		if (*word == letter)
			return word + 1;
		if (strchr(WITH_VALUE, *word) != NULL)
			return NULL;
	}
	return NULL;
}

const char *rsync_args_value(int argc, char *const argv[], const char *name, char letter, int *i)
{
	size_t len = strlen(name);
	const char *value;

	for (; *i < argc - 2; (*i)++) {
		value = short_value(argv[*i], letter);
		if (value == NULL && starts(argv[*i], name) && (argv[*i][len] == '=' || argv[*i][len] == '\0'))
			value = argv[*i] + len + (argv[*i][len] == '=');
		else if (value == NULL)
			continue;
		/* "--NAME=" has a value, which is empty. */
		if (*value != '\0' || value[-1] == '=')
			return (*i)++, value;
		if (*i + 1 < argc - 2) {
			*i += 2;
			return argv[*i - 1];
		}
	}
	return NULL;
}

const char *rsync_args_last(int argc, char *const argv[], const char *name, char letter)
{
	const char *value, *last = NULL;
	int i = 1;

	while ((value = rsync_args_value(argc, argv, name, letter, &i)) != NULL)
		last = value;
	return last;
}
