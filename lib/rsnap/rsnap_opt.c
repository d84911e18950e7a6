/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rsnap_opt.c - what rsnapshot makes of its options for a backup point. */
#include "rsnap/rsnap_opt.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

#define SSH "/usr/bin/ssh"	/* where cmd_ssh is not given */
#define BLANKS " \t"
/* Where none are given. */
#define SHORT_ARGS "-a"
#define LONG_ARGS "--delete --numeric-ids --relative --delete-excluded"

enum source_kind rsnap_opt_source(const char *src)
{
	struct source s;

	if (src == NULL)
		return SOURCE_OTHER;
	source_parse(&s, src);
	/* rsnapshot takes no path that depends on where somebody is. */
	if ((s.kind == SOURCE_LOCAL || s.kind == SOURCE_SSH) && *s.path != '/' &&
	    (s.kind == SOURCE_LOCAL || (strncmp(s.path, "~/", 2) != 0 && strncmp(s.path, "./", 2) != 0)))
		return SOURCE_OTHER;
	return s.kind;
}

char *rsnap_opt_login(const char *src)
{
	char *login, *open;
	struct source s;
	size_t n;

	source_parse(&s, src);
	login = mem_dup(s.login, s.login_len);
	open = strchr(login, '[');
	n = strlen(login);
	/* ssh wants the address of [::1] without the brackets. */
	if (s.kind == SOURCE_SSH && open != NULL && login[n - 1] == ']') {
		login[n - 1] = '\0';
		memmove(open, open + 1, strlen(open));
	}
	return login;
}

/* Append the values that opts (NAME=VALUE,+NAME=VALUE...) has for name; one without "+" replaces what is there. */
static void add_value(struct buf *to, const char *opts, const char *name)
{
	size_t len, n = strlen(name);
	int more;

	for (; opts != NULL && *opts != '\0'; opts += len + (opts[len] == ',')) {
		len = strcspn(opts, ",");
		more = *opts == '+';
		if (strncmp(opts + more, name, n) != 0 || opts[more + n] != '=')
			continue;
		if (!more)
			buf_reset(to);
		buf_char(to, ' ');
		buf_add(to, opts + more + n + 1, len - (size_t)more - n - 1);
	}
}

/* What counts for p of an option: the global value (or NULL) and the point's. */
static char *value_of(const struct rsnap_point *p, const char *name, const char *global)
{
	struct buf b = { 0 };

	buf_str(&b, global != NULL ? global : "");
	add_value(&b, p->opts, name);
	return b.p;
}

/* The next word at *text, malloc'd, *text moved behind it; NULL = there is none. */
static char *next_word(const char **text)
{
	const char *p = *text + strspn(*text, BLANKS);
	struct buf b = { 0 };
	char quote = '\0';

	if (*p == '\0')
		return NULL;
	buf_str(&b, "");
	for (; *p != '\0' && (quote != '\0' || strchr(BLANKS, *p) == NULL); p++) {
		if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == quote && p[1] != quote)
			quote = '\0';
		else
			buf_char(&b, *p == quote ? *p++ : *p);
	}
	*text = p;
	return b.p;
}

char **rsnap_opt_words(const char *command)
{
	char **words = NULL, *word;
	size_t n = 0;

	do {
		word = next_word(&command);
		words = mem_more(words, n, sizeof(*words));
		words[n++] = word;
	} while (word != NULL);
	return words;
}

char **rsnap_opt_ssh(const struct rsnap *r, const struct rsnap_point *p)
{
	char *args = value_of(p, "ssh_args", r->ssh_args);
	char *command = mem_printf("%s %s", r->cmd_ssh != NULL ? r->cmd_ssh : SSH, args);
	char **words = rsnap_opt_words(command);

	free(command);
	free(args);
	return words;
}

/* rsnapshot's keys for what a transfer leaves out, and rsync's options for them, in the order rsnapshot gives them. */
static const char *const filters[][2] = {
	{ "include", "--include=" }, { "exclude", "--exclude=" },
	{ "include_file", "--include-from=" }, { "exclude_file", "--exclude-from=" },
};

/* The value of a line that is the key and a value, or NULL. */
static const char *line_value(const struct rsnap_line *l, const char *key)
{
	size_t n = strlen(key);

	return strncmp(l->text, key, n) == 0 && l->text[n] == '\t' ? l->text + n + strspn(l->text + n, "\t") : NULL;
}

/* The global rsync_long_args and what the lines with filters add to them, malloc'd. */
static char *long_args(const struct rsnap *r)
{
	const struct rsnap_line *l;
	struct buf b = { 0 };
	const char *value;
	size_t files, i;

	buf_str(&b, r->rsync_long_args != NULL ? r->rsync_long_args : LONG_ARGS);
	/* Those of files come behind all others. */
	for (files = 0; files < 2; files++)
		for (l = r->line; l < r->line + r->nline; l++)
			for (i = 2 * files; i < 2 * files + 2; i++) {
				value = line_value(l, filters[i][0]);
				if (value != NULL)
					buf_printf(&b, " %s%s", filters[i][1], value);
			}
	return b.p;
}

/* The long arguments that count for p, malloc'd. */
static char *long_args_of(const struct rsnap *r, const struct rsnap_point *p)
{
	char *all = long_args(r), *many = value_of(p, "rsync_long_args", all), *value;
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		value = value_of(p, filters[i][0], NULL);
		if (*value != '\0')
			buf_printf(&b, " %s%s", filters[i][1], value + strspn(value, BLANKS));
		free(value);
	}
	/* Filters of its own stand in place of all lines with filters. */
	if (b.len > 0) {
		free(many);
		many = value_of(p, "rsync_long_args", r->rsync_long_args != NULL ? r->rsync_long_args : LONG_ARGS);
	}
	value = mem_printf("%s%s", many, b.len > 0 ? b.p : "");
	buf_free(&b);
	free(many);
	free(all);
	return value;
}

/* one_fs: does the transfer stay on one file system?  1 or 0. */
static int one_fs(const struct rsnap *r, const struct rsnap_point *p)
{
	const struct rsnap_line *l;
	const char *value;
	char *own = value_of(p, "one_fs", NULL);
	int yes = 0;

	for (l = r->line; l < r->line + r->nline; l++) {
		value = line_value(l, "one_fs");
		if (value != NULL)
			yes = *value == '1';
	}
	if (*own != '\0')
		yes = strchr(own, '1') != NULL;
	free(own);
	return yes;
}

char **rsnap_opt_rsync(const struct rsnap *r, const struct rsnap_point *p)
{
	char *few = value_of(p, "rsync_short_args", r->rsync_short_args != NULL ? r->rsync_short_args : SHORT_ARGS);
	char *many = long_args_of(r, p);
	char *all = mem_printf("rsync %s %s%s", few, one_fs(r, p) ? "-x " : "", many), **words = rsnap_opt_words(all);
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	words = mem_array(words, n + 3, sizeof(*words));
	words[n++] = mem_strdup(p->src != NULL ? p->src : "");
	words[n++] = mem_strdup(p->dest);
	words[n] = NULL;
	free(few);
	free(many);
	free(all);
	return words;
}

/* The number of words, 1 or 2, that an option takes by which rsync writes elsewhere; 0: it is another. */
static size_t writes_elsewhere(const char *word)
{
	static const char *const writing[] = {
		"--log-file", "--write-batch", "--only-write-batch", "--temp-dir", "--partial-dir", "--backup-dir",
	};
	size_t i, n;

	for (i = 0; i < sizeof(writing) / sizeof(writing[0]); i++) {
		n = strlen(writing[i]);
		if (strncmp(word, writing[i], n) == 0 && (word[n] == '=' || word[n] == '\0'))
			return word[n] == '=' ? 1 : 2;
	}
	return 0;
}

char **rsnap_opt_dry(const struct rsnap *r, const struct rsnap_point *p)
{
	char **all = rsnap_opt_rsync(r, p), **dry = NULL;
	size_t n, i, skip = 1, to = 0;

	for (n = 0; all[n] != NULL; n++)
		;
	dry = mem_array(NULL, n + 1, sizeof(*dry));
	/* Behind the program, before source and destination. */
	for (i = 0; i < n; i++) {
		if (skip == 0)
			skip = i + 2 < n ? writes_elsewhere(all[i]) : n;
		if (skip == 0)
			dry[to++] = all[i];
		else
			free(all[i]);
		skip -= skip > 0;
	}
	dry[to] = NULL;
	free(all);
	return dry;
}

/* What a word says of it: bits. */
enum { DRY = 1, DEEP = 2 };

static int idle_bits(const char *word, int bits)
{
	static const struct { const char *name; int set, clear; } longs[] = {
		{ "--dry-run", DRY, 0 }, { "--list-only", DRY, 0 }, { "--no-dry-run", 0, DRY }, { "--no-n", 0, DRY },
		{ "--archive", DEEP, 0 }, { "--recursive", DEEP, 0 }, { "--dirs", DEEP, 0 },
		{ "--no-recursive", 0, DEEP }, { "--no-r", 0, DEEP },
	};
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
		if (strcmp(word, longs[i].name) == 0)
			return (bits | longs[i].set) & ~longs[i].clear;
	if (strncmp(word, "--files-from", 12) == 0)
		return bits | DEEP;
	if (word[0] != '-' || word[1] == '-')
		return bits;
	for (p = word + 1; *p != '\0'; p++)
		switch (*p) {
		case 'n':
			bits |= DRY;
			break;
		case 'a': case 'r': case 'd':
			bits |= DEEP;
			break;
		case 'e': case 'f': case 'B': case 'T': case 'M': case '@':
			return bits;	/* the rest is its value */
		default:
			break;
		}
	return bits;
}

const char *rsnap_opt_idle(const struct rsnap *r, const struct rsnap_point *p)
{
	char **words = rsnap_opt_dry(r, p);
	int bits = 0;
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		bits = idle_bits(words[i], bits);
	rsnap_opt_free(words);
	if (bits & DRY)
		return "its rsync options have -n (--dry-run) or --list-only: nothing is copied";
	return bits & DEEP ? NULL : "its rsync options have neither -a nor -r: no directory is copied";
}

void rsnap_opt_free(char **words)
{
	size_t i;

	for (i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

/* The one of an rsync's long options that writes into files, if the last that says so is not undone. */
static const char *rewriting(const char *args)
{
	static const char *const yes[] = { "--inplace", "--append", "--append-verify", "--write-devices" };
	static const char *const no[] = { "--no-inplace", "--no-append", "--no-append", "--no-write-devices" };
	const char *found[sizeof(yes) / sizeof(yes[0])] = { NULL };
	char *word;
	size_t i;

	while ((word = next_word(&args)) != NULL) {
		for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
			if (strcmp(word, yes[i]) == 0)
				found[i] = yes[i];
			else if (strcmp(word, no[i]) == 0)
				found[i] = NULL;
		}
		free(word);
	}
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (found[i] != NULL)
			return found[i];
	return NULL;
}

const char *rsnap_opt_rewrites(const struct rsnap *r)
{
	const char *found = NULL;
	char *args;
	size_t i;

	for (i = 0; i < r->npoint && found == NULL; i++) {
		if (r->point[i].src == NULL)
			continue;
		args = value_of(&r->point[i], "rsync_long_args", r->rsync_long_args);
		found = rewriting(args);
		free(args);
	}
	return found;
}

int rsnap_opt_safe(const struct rsnap *r)
{
	const char *option = r->link_dest ? NULL : rsnap_opt_rewrites(r);

	if (option == NULL)
		return 0;
	msg_error("%s: link_dest 0 and %s: every sync would write into older savesets; use link_dest 1",
		  escape_name(r->file), option);
	return -1;
}
