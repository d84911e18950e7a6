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
	char **more;

	if (!text)
		return -1;
	more = realloc(a->v, (a->n + 2) * sizeof(*more));
	if (!more) {
		free(text);
		return -1;
	}
	a->v = more;
	more[a->n++] = text;
	more[a->n] = NULL;
	return 0;
}

static int add_copy(struct args *a, const char *text)
{
	return add(a, strdup(text));
}

static int refuse(struct args *a, const char *why, const char *name)
{
	paths_refuse(&a->paths, why, name);
	return -1;
}

/* The words of the option at w->v[*i], and of its value; *i is left on the last. */
static int add_option(struct args *a, struct words *w, size_t *i)
{
	const struct rules *r = a->paths.rules;
	char *word = w->v[*i], *value, *text;
	struct option o;
	int rc;

	switch (policy_option(r, word, a->sender, &o)) {
	case POLICY_BAD:
		return refuse(a, "invalid rsync-command syntax or options", word);
	case POLICY_OFF:
		return refuse(a, "option has been disabled on this server", o.name);
	case POLICY_OK:
		break;
	}
	a->relative = (a->relative || o.relative) && strcmp(o.name, "--no-relative") != 0;
	a->xattrs |= o.xattrs;
	a->writes |= o.removes || strcmp(o.name, "--log-file") == 0;
	if (o.kind == POLICY_NONE)
		return add_copy(a, word);
	if (!o.value && *i + 1 >= w->n)
		return refuse(a, "invalid rsync-command syntax or options", word);
	value = o.value ? word + (o.value - word) : w->v[++*i];
	words_unescape(value);
	value = paths_value(&a->paths, &o, value, a->sender);
	if (!o.value) {
		rc = add_copy(a, word);
		if (rc)
			free(value);
		return rc ? rc : add(a, value);
	}
	if (!value || asprintf(&text, "%s=%s", o.name, value) < 0)
		text = NULL;
	free(value);
	return add(a, text);
}

/* What the rules add behind the client's options. */
static int add_ours(struct args *a)
{
	const struct rules *r = a->paths.rules;
	bool confined = strcmp(r->dir, "/") != 0;
	char *text = NULL;

	if (confined && r->can_drop && !a->sender && add_copy(a, "--drop-D"))
		return -1;
	if (confined && r->can_confine && (asprintf(&text, "--confine-root=%s", r->dir) < 0 || add(a, text)))
		return -1;
	if (r->munge && add_copy(a, "--munge-links"))
		return -1;
	if (r->no_overwrite && add_copy(a, "--ignore-existing"))
		return -1;
	if (r->rate && (asprintf(&text, "--bwlimit=%s", r->rate) < 0 || add(a, text)))
		return -1;
	return add_copy(a, "--") || add_copy(a, ".") ? -1 : 0;
}

static int add_words(struct args *a, struct words *w)
{
	size_t i;

	if (add_copy(a, "rsync"))
		return -1;
	for (i = 1; i < w->n && strcmp(w->v[i], ".") != 0; i++)
		if (add_option(a, w, &i))
			return -1;
	if (i >= w->n)
		return refuse(a, "invalid rsync-command syntax or options", "no . behind the options");
	if (add_ours(a))
		return -1;
	if (i + 1 == w->n)
		return add_copy(a, ".");
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
