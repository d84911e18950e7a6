/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "args.h"

#include "paths.h"
#include "words.h"

char *args_text(const char *format, ...)
{
	va_list values;
	char *text;

	va_start(values, format);
	if (vasprintf(&text, format, values) < 0)
		refuse("out of memory");
	va_end(values);
	return text;
}

void args_add(struct request *q, const char *text)
{
	q->args = realloc(q->args, (q->n_args + 2) * sizeof(*q->args));
	if (!q->args)
		refuse("out of memory");
	q->args[q->n_args++] = text;
	q->args[q->n_args] = NULL;
}

double args_rate(const char *text)
{
	static const char units[] = "kmg";
	const char *letter = text + strspn(text, "0123456789."), *unit = strchr(units, *letter | 0x20);
	double rate = strtod(text, NULL);

	if (*letter && (!unit || letter[1]))
		return 0;
	while (unit && unit-- > units)
		rate *= 1024;
	return rate;
}

/* The option that word is; its value may be the next one of *rest. */
static void add_option(struct request *q, char *word, char **rest)
{
	struct option o;
	const char *path;
	char *value;

	policy_option(q->rules, word, q->sender, &o);
	q->relative = (q->relative || o.relative) && strcmp(o.name, "no-relative") != 0;
	q->xattrs |= o.xattrs;
	q->writes |= o.removes || strcmp(o.name, "log-file") == 0;
	if (o.kind == POLICY_NONE) {
		args_add(q, word);
		return;
	}
	value = o.value ? word + o.value : words_next(rest);
	if (!value)
		refuse("invalid rsync-command syntax or options, no value behind: %s", word);
	words_unescape(value);
	if (strcmp(o.name, "bwlimit") == 0)
		q->rate = args_rate(value);
	path = paths_value(q, &o, value);
	args_add(q, o.value ? args_text("%.*s%s", (int)o.value, word, path) : word);
	if (!o.value)
		args_add(q, path);
}

/* What the rules add behind the client's options. */
static void add_ours(struct request *q)
{
	const struct rules *r = q->rules;

	if (r->can_confine && r->dir[1] && !q->sender)
		args_add(q, "--drop-D");
	if (r->can_confine && r->dir[1])
		args_add(q, args_text("--confine-root=%s", r->dir));
	if (r->munge)
		args_add(q, "--munge-links");
	if (r->no_overwrite)
		args_add(q, "--ignore-existing");
	/* The last one counts.  Below 1 the client's could come to mean no limit at all. */
	if (r->rate && (q->rate < 1 || q->rate > args_rate(r->rate)))
		args_add(q, args_text("--bwlimit=%s", r->rate));
	args_add(q, "--");
	args_add(q, ".");
}

/* Does the command begin with these words, and nothing that is stuck to them?  1 or 0. */
static int begins(const char *command, const char *words)
{
	size_t len = strlen(words);

	return strncmp(command, words, len) == 0 && (command[len] == ' ' || command[len] == '\0');
}

void args_make(struct request *q, const char *command)
{
	char *rest = args_text("%s", command), *word = words_next(&rest);

	if (!begins(command, "rsync"))
		refuse("SSH_ORIGINAL_COMMAND does not run rsync: %s", command);
	if (!begins(command, "rsync --server"))
		refuse("--server option is not the first arg");
	q->sender = strncmp(command, "rsync --server --sender ", 24) == 0;
	q->writes = !q->sender;
	if (q->sender ? q->rules->wo : q->rules->ro)
		refuse("%s server is not allowed", q->sender ? "reading from write-only" : "sending to read-only");
	for (args_add(q, word); (word = words_next(&rest)) && strcmp(word, ".") != 0;)
		add_option(q, word, &rest);
	if (!word)
		refuse("invalid rsync-command syntax or options, no . behind them");
	add_ours(q);
	if (!(word = words_next(&rest)))
		args_add(q, ".");
	for (; word; word = words_next(&rest)) {
		words_unescape(word);
		paths_add(q, word);
	}
}
