/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hook.c - the administrator's own programs. */
#include "run/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/below.h"
#include "base/child.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"

#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LINES_MAX 200		/* of its output that become messages */
#define LINE_BYTES 1000		/* bytes that each may have */

static void add_word(char ***list, size_t *n, char *word)
{
	*list = mem_array(*list, *n + 2, sizeof(**list));
	(*list)[(*n)++] = word;
	(*list)[*n] = NULL;
}

char **hook_words(const char *text, const char **why)
{
	struct buf word = { 0 };
	char **list = NULL, quote = '\0';
	int begun = 0;
	size_t n = 0;

	for (;; text++) {
		int blank = *text == ' ' || *text == '\t';

		if (*text && (quote ? *text != quote : !blank && *text != '"' && *text != '\'')) {
			buf_char(&word, *text);
			begun = 1;
		} else if (*text && !blank) {
			quote = quote ? '\0' : *text;
			begun = 1;
		} else if (begun) {
			add_word(&list, &n, mem_dup(word.p ? word.p : "", word.len));
			buf_reset(&word);
			begun = 0;
		}
		if (!*text)
			break;
	}
	buf_free(&word);
	*why = quote ? "a quote is not closed" : !n ? "it names no program" : NULL;
	if (!*why)
		return list;
	hook_words_free(list);
	return NULL;
}

void hook_words_free(char **words)
{
	char **w;

	for (w = words; w && *w; w++)
		free(*w);
	free(words);
}

/* Why file cannot be run, or NULL; "" if that was said. */
static const char *unfit(const char *file)
{
	const char *why = NULL;
	int fd;

	if (*file != '/')
		return "it must begin with an absolute path";
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) < 0)
		why = strerror(errno);
	else if (trust_file(fd, file) != 0)
		why = "";
	if (fd >= 0)
		close(fd);
	return why;
}

/* The words of a command that may be run; NULL after reporting. */
static char **checked(const char *key, const char *command)
{
	const char *why;
	char **words = hook_words(command, &why);

	if (words)
		why = unfit(words[0]);
	if (!why)
		return words;
	if (*why)
		msg_error("%s = %s: %s", key, escape_name(command), why);
	hook_words_free(words);
	return NULL;
}

int hook_check(const char *key, const char *command)
{
	char **words = checked(key, command);

	hook_words_free(words);
	return words ? 0 : -1;
}

void hook_fact(struct hook_facts *f, const char *name, const char *value)
{
	if (value)
		add_word(&f->env, &f->n, mem_printf("SECONDSHOT_%s=%s", name, value));
}

void hook_facts_free(struct hook_facts *f)
{
	hook_words_free(f->env);
	*f = (struct hook_facts){ 0 };
}

/* All of a hook's environment; no password stands in it, whatever ours is called. */
static char **environment(const struct hook_facts *f)
{
	static const char *const kept[] = { "HOME", "LOGNAME", "USER", "SHELL", "LANG", "LC_ALL",
					    "TZ", "TMPDIR", "SECONDSHOT_NOW" };
	char **env = NULL;
	size_t n = 0, i;

	add_word(&env, &n, mem_strdup(HOOK_PATH));
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const char *value = getenv(kept[i]);

		if (value)
			add_word(&env, &n, mem_printf("%s=%s", kept[i], value));
	}
	for (i = 0; i < f->n; i++)
		add_word(&env, &n, mem_strdup(f->env[i]));
	return env;
}

/* What a hook prints. */
struct talk {
	const char *key;
	char *last;		/* the last line that was not empty, as it came, or NULL */
};

static void hear(void *arg, const char *line, size_t len)
{
	struct talk *t = arg;

	if (len > 0)
		quote_keep(&t->last, line, len, QUOTE_LINE);
}

static void say(void *arg, const char *text)
{
	const struct talk *t = arg;

	msg_info("%s: %s", t->key, text);
}

/* Why it is no success; NULL if it is one. */
static char *outcome(const struct talk *t, int status, int late, int timeout)
{
	const char *colon = t->last ? ": " : "", *last = t->last ? t->last : "";

	if (late)
		return mem_printf("ended after %d s, hook.timeout%s%s", timeout, colon, last);
	if (status < 0)
		return mem_strdup("not run");
	if (status == 0)
		return NULL;
	return mem_printf("%s%s%s", child_status_text(status), colon, last);
}

char *hook_run(const char *key, const char *command, const struct hook_facts *f, int timeout)
{
	struct talk t = { .key = key };
	struct quote q = { .lines = LINES_MAX, .bytes = LINES_MAX * LINE_BYTES, .say = say, .hear = hear,
			   .arg = &t };
	struct below b = { .out = &q, .limit = (int64_t)timeout * 1000, .grace = BELOW_GRACE };
	char **words = checked(key, command), **env, *why;
	int status;

	if (!words)
		return mem_strdup("not run");
	env = environment(f);
	status = below_run(&b, (const char *const *)words, (const char *const *)env);
	why = outcome(&t, status, b.late, timeout);
	free(t.last);
	hook_words_free(env);
	hook_words_free(words);
	return why;
}
