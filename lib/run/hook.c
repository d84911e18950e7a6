/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hook.c - the administrator's own programs. */
#include "run/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"

#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define GRACE_MS 5000		/* between SIGTERM and SIGKILL */
#define NAP_MS 50		/* how late we may notice that it has ended */
#define LINES_MAX 200		/* of its output that become messages */
#define LINE_BYTES 1000		/* bytes of each */

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

/* A hook that runs. */
struct running {
	const char *key;
	struct child child;
	int out;		/* what it prints, -1 once nobody can print any more */
	struct buf line;	/* of that what has no end yet */
	size_t lines;
	char *last;		/* the last line that was not empty, or NULL; escaped */
	int64_t deadline;	/* on clock_ms(), 0 = none */
	int stopped;		/* we were asked to stop before it was started */
	int killed;		/* the signal its group got last */
	int late;		/* it got that because it took too long */
};

static void say_line(struct running *h)
{
	if (h->line.len > 0) {
		free(h->last);
		h->last = mem_strdup(escape_bytes(h->line.p, h->line.len));
		if (h->lines < LINES_MAX)
			msg_info("%s: %s", h->key, h->last);
		else if (h->lines == LINES_MAX)
			msg_warn("%s: prints more than %d lines, the rest is left out", h->key, LINES_MAX);
		h->lines++;
	}
	buf_reset(&h->line);
}

/* Take what it has printed, waiting wait milliseconds for it at most. */
static void take_output(struct running *h, int wait)
{
	struct pollfd p = { .fd = h->out, .events = POLLIN };	/* one below 0 is passed over */
	char block[4096];
	ssize_t n, i;

	if (poll(&p, 1, wait) <= 0)
		return;
	n = read(h->out, block, sizeof(block));
	for (i = 0; i < n; i++) {
		if (block[i] == '\n')
			say_line(h);
		else if (h->line.len < LINE_BYTES)
			buf_char(&h->line, block[i]);
	}
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return;
	close(h->out);
	h->out = -1;
}

/* The next signal for its group.  While its leader is not waited for, the number is nobody else's. */
static void push(struct running *h)
{
	h->killed = h->killed ? SIGKILL : SIGTERM;
	kill(-h->child.pid, h->killed);
	h->deadline = clock_ms() + GRACE_MS;
}

/* Until it has ended, or nothing more can be done about it. */
static void attend(struct running *h)
{
	int ended = 0;

	for (;;) {
		int64_t now = clock_ms();

		if (!h->stopped && child_stopped()) {
			/* Its group got SIGTERM, as everybody did. */
			h->stopped = 1;
			h->killed = SIGTERM;
			h->deadline = now + GRACE_MS;
		}
		ended = child_ended(&h->child);
		/* Those that it started have their time, too, when it is told to end. */
		if (ended && (!h->killed || h->out < 0 || h->killed == SIGKILL))
			break;
		if (h->deadline && now >= h->deadline) {
			if (h->killed == SIGKILL)
				break;
			h->late |= !h->killed;
			push(h);
		}
		take_output(h, NAP_MS);
	}
	if (h->killed && h->killed != SIGKILL)
		kill(-h->child.pid, SIGKILL);
	/* What is there; a daemon that it left may hold the pipe for ever. */
	for (size_t left = LINES_MAX; left > 0 && h->out >= 0; left--)
		take_output(h, 0);
	say_line(h);
}

/* Why it is no success; NULL if it is one. */
static char *outcome(struct running *h, int timeout)
{
	int status = child_ended(&h->child) ? child_wait(&h->child) : 128 + SIGKILL;
	const char *colon = h->last ? ": " : "", *last = h->last ? h->last : "";

	if (h->late)
		return mem_printf("ended after %d s, hook.timeout%s%s", timeout, colon, last);
	if (status == 0)
		return NULL;
	return mem_printf("%s%s%s", child_status_text(status < 0 ? 128 + SIGKILL : status), colon, last);
}

char *hook_run(const char *key, const char *command, const struct hook_facts *f, int timeout)
{
	struct running h = { .key = key, .out = -1, .stopped = child_stopped() };
	char **words = checked(key, command), **env = NULL, *why = NULL;
	int end[2] = { -1, -1 };

	if (!words)
		return mem_strdup("not run");
	if (pipe2(end, O_CLOEXEC) != 0) {
		why = mem_printf("not run: %s", strerror(errno));
		goto out;
	}
	fcntl(end[0], F_SETFL, O_NONBLOCK);
	env = environment(f);
	if (child_start_group(&h.child, (const char *const *)words, (const char *const *)env,
			      end[1]) != 0) {
		why = mem_strdup("not run");
		goto out;
	}
	close(end[1]);
	end[1] = -1;
	h.out = end[0];
	end[0] = -1;
	h.deadline = timeout ? clock_ms() + (int64_t)timeout * 1000 : 0;
	attend(&h);
	why = outcome(&h, timeout);
out:
	for (int i = 0; i < 2; i++)
		if (end[i] >= 0)
			close(end[i]);
	if (h.out >= 0)
		close(h.out);
	buf_free(&h.line);
	free(h.last);
	hook_words_free(env);
	hook_words_free(words);
	return why;
}
