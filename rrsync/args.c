/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* args.c - from the command that a client sent to the arguments of rsync. */
#include "args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* text is a's now; NULL is a failure that has its reason, or no memory. */
static int add(void *to, char *text)
{
	struct args *a = to;
	char **more = text ? realloc(a->v, (a->n + 2) * sizeof(*more)) : NULL;

	if (!more) {
		free(text);
		return -1;
	}
	a->v = more;
	more[a->n++] = text;
	more[a->n] = NULL;
	return 0;
}

/* Add name, then value; a value that is NULL is a failure. */
static int add_pair(struct args *a, const char *name, const char *value)
{
	char *text;

	return add(a, value && asprintf(&text, "%s%s", name, value) >= 0 ? text : NULL);
}

static int refuse(struct args *a, const char *why, const char *name)
{
	paths_refuse(&a->paths, why, name);
	return -1;
}

double args_rate(const char *text)
{
	size_t digits = strspn(text, "0123456789.");
	static const char units[] = "kmg";
	const char *unit = text[digits] ? strchr(units, text[digits] | 0x20) : units;
	double rate = strtod(text, NULL);

	if (!unit || (text[digits] && text[digits + 1]))
		return 0;
	for (; unit > units; unit--)
		rate *= 1024;
	return rate;
}

/* The option at w->v[*i], and its value; *i is left on the last word that belongs to it. */
static int add_option(struct args *a, struct words *w, size_t *i)
{
	enum policy_verdict verdict;
	char *word = w->v[*i], *value;
	struct option o;
	int rc;

	verdict = policy_option(a->paths.rules, word, a->sender, &o);
	if (verdict == POLICY_OFF)
		return refuse(a, "option has been disabled on this server", o.name);
	if (verdict == POLICY_BAD || (o.kind != POLICY_NONE && !o.value && *i + 1 >= w->n))
		return refuse(a, "invalid rsync-command syntax or options", word);
	a->relative = (a->relative || o.relative) && strcmp(o.name, "--no-relative") != 0;
	a->xattrs |= o.xattrs;
	a->writes |= o.removes || strcmp(o.name, "--log-file") == 0;
	if (o.kind == POLICY_NONE)
		return add_pair(a, word, "");
	value = o.value ? word + (o.value - word) : w->v[++*i];
	words_unescape(value);
	if (strcmp(o.name, "--bwlimit") == 0)
		a->rate = args_rate(value);
	value = paths_value(&a->paths, &o, value, a->sender);
	if (o.value)
		word[o.value - word] = '\0';	/* "--name=" is left */
	rc = (o.value ? 0 : add_pair(a, word, "")) || add_pair(a, o.value ? word : "", value) ? -1 : 0;
	free(value);
	return rc;
}

/* What the rules add behind the client's options. */
static int add_ours(struct args *a)
{
	const struct rules *r = a->paths.rules;
	bool confined = strcmp(r->dir, "/") != 0;
	/* The last one counts.  Below 1 the client's could come to mean no limit at all. */
	bool slow = r->rate && (a->rate < 1 || a->rate > args_rate(r->rate));

	return (confined && r->can_drop && !a->sender && add_pair(a, "--drop-D", "")) ||
	       (confined && r->can_confine && add_pair(a, "--confine-root=", r->dir)) ||
	       (r->munge && add_pair(a, "--munge-links", "")) ||
	       (r->no_overwrite && add_pair(a, "--ignore-existing", "")) ||
	       (slow && add_pair(a, "--bwlimit=", r->rate)) ||
	       add_pair(a, "--", "") || add_pair(a, ".", "") ? -1 : 0;
}

static int add_words(struct args *a, struct words *w)
{
	size_t i;

	if (add_pair(a, "rsync", ""))
		return -1;
	for (i = 1; i < w->n && strcmp(w->v[i], ".") != 0; i++)
		if (add_option(a, w, &i))
			return -1;
	if (i >= w->n)
		return refuse(a, "invalid rsync-command syntax or options, no . behind them", NULL);
	if (add_ours(a) || (i + 1 == w->n && add_pair(a, ".", "")))
		return -1;
	while (++i < w->n) {
		words_unescape(w->v[i]);
		if (paths_names(&a->paths, w->v[i], a->sender, a->relative, add, a))
			return -1;
	}
	return 0;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

int rrsync_args(struct args *a, const struct rules *r, const char *command)
{
	struct words w = { 0 };
	int rc = -1;

	*a = (struct args){ .paths.rules = r };
	if (!begins(command, "rsync ") && strcmp(command, "rsync") != 0)
		return refuse(a, "SSH_ORIGINAL_COMMAND does not run rsync", command);
	if (!begins(command, "rsync --server ") && strcmp(command, "rsync --server") != 0)
		return refuse(a, "--server option is not the first arg", NULL);
	a->sender = begins(command, "rsync --server --sender ");
	a->writes = !a->sender;
	if (!a->sender && r->ro)
		return refuse(a, "sending to read-only server is not allowed", NULL);
	if (a->sender && r->wo)
		return refuse(a, "reading from write-only server is not allowed", NULL);
	if (words_parse(&w, command, strlen(command)) == 0)
		rc = add_words(a, &w);
	words_free(&w);
	if (rc && !a->paths.why[0])
		refuse(a, "out of memory", NULL);
	return rc;
}

void rrsync_free(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	a->v = NULL;
	a->n = 0;
	paths_free(&a->paths);
}
