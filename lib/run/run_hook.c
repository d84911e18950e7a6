/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_hook.c - the hooks of a run: when, with which facts, and what a failure means. */
#include "run/run_hook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/event.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/quote.h"
#include "run/hook.h"
#include "run/run_cmd.h"
#include "run/run_summary.h"

int run_hook_check(const struct conf *c)
{
	const struct { const char *key, *command; } hook[] = {
		{ "hook.pre", c->hook_pre }, { "hook.post", c->hook_post },
		{ "hook.host-pre", c->hook_host_pre }, { "hook.host-post", c->hook_host_post },
		{ "hook.failure", c->hook_failure },
	};
	size_t i;
	int n = 0, bad = 0;

	for (i = 0; i < sizeof(hook) / sizeof(hook[0]); i++) {
		if (!hook[i].command)
			continue;
		n++;
		if (hook_check(hook[i].key, hook[i].command) != 0)
			bad = 1;
	}
	return bad ? -1 : n;
}

/* Names, one a line. */
static void list_fact(struct hook_facts *f, const char *name, const struct run *r, int good)
{
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < r->nhost; i++) {
		enum run_state state = r->host[i].became;

		if (good ? state != RUN_COMPLETE && state != RUN_PARTIAL : state != RUN_FAILED)
			continue;
		if (b.len)
			buf_char(&b, '\n');
		buf_str(&b, r->host[i].name);
	}
	hook_fact(f, name, b.p ? b.p : "");
	buf_free(&b);
}

static void number_fact(struct hook_facts *f, const char *name, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	hook_fact(f, name, text);
}

/* What each hook is told. */
static void run_facts(struct hook_facts *f, const struct run *r, const char *key)
{
	char started[CLOCK_TEXT];

	hook_fact(f, "EVENT", key + strlen("hook."));
	hook_fact(f, "BACKUP_HOST", r->conf.backup_host);
	hook_fact(f, "VOLUME", r->conf.volume);
	hook_fact(f, "CONF", r->conf.config);
	hook_fact(f, "STARTED", clock_text(r->now, started));
	hook_fact(f, "RUN", r->id[0] ? r->id : NULL);
	if (r->rsnap)
		hook_fact(f, "ROOT", r->rsnap->root);
}

static void host_facts(struct hook_facts *f, const struct run *r, const struct run_host *h, int after)
{
	char *tree = mem_printf("%s/.sync/%s", r->rsnap->root, h->name);
	char *why = h->why ? quote_text(h->why) : NULL;

	hook_fact(f, "HOST", h->name);
	if (after) {
		hook_fact(f, "STATUS", run_summary_status(h));
		hook_fact(f, "REASON", why);
		hook_fact(f, "SAVESET", h->saveset);
		if (h->became == RUN_COMPLETE || h->became == RUN_PARTIAL) {
			hook_fact(f, "LOCATION", ".sync");
			hook_fact(f, "TREE", tree);
			if (h->saveset)
				number_fact(f, "FILES", h->files);
		}
	}
	free(why);
	free(tree);
}

static void end_facts(struct hook_facts *f, const struct run *r, int code)
{
	number_fact(f, "RESULT", code);
	list_fact(f, "HOSTS_GOOD", r, 1);
	list_fact(f, "HOSTS_FAILED", r, 0);
}

/* Print what a dry run would call. */
static void print(const struct run *r, const char *command)
{
	const char *why;
	char **words = hook_words(command, &why), **w;
	struct run_cmd c = { 0 };

	for (w = words; w && *w; w++)
		run_cmd_add(&c, *w);
	run_cmd(r, &c);
	hook_words_free(words);
}

/* NULL, or what went wrong, "hook.pre: exit 1", malloc'd, not escaped. */
static char *call(const struct run *r, const char *key, const char *command,
		  const struct hook_facts *f, const char *host)
{
	int64_t start = clock_ms();
	struct event e = { 0 };
	char *why, *text;

	if (r->dry) {
		print(r, command);
		return NULL;
	}
	why = hook_run(key, command, f, r->conf.hook_timeout);
	event_begin(&e, MSG_DEBUG, "hook");
	event_text(&e, "hook", key);
	event_text(&e, "host", host);
	event_text(&e, "result", why ? "failed" : "done");
	event_number(&e, "ms", clock_ms() - start);
	event_say(&e, "%s: %s", key, why ? escape_name(why) : "done");
	text = why ? mem_printf("%s: %s", key, why) : NULL;
	free(why);
	return text;
}

/* A hook whose failure stops nothing. */
static void call_after(struct run *r, const char *key, const char *command,
		       const struct hook_facts *f, const char *host)
{
	char *why = call(r, key, command, f, host);

	if (why) {
		if (host)
			msg_warn("%s: %s", escape_name(host), escape_name(why));
		else
			msg_warn("%s", escape_name(why));
		run_worse(r, SS_INCOMPLETE);
	}
	free(why);
}

int run_hook_pre(struct run *r)
{
	struct hook_facts f = { 0 };
	char *why = NULL;

	if (!r->conf.hook_pre)
		return 0;
	run_facts(&f, r, "hook.pre");
	why = call(r, "hook.pre", r->conf.hook_pre, &f, NULL);
	hook_facts_free(&f);
	if (!why)
		return 0;
	if (!run_stopped())
		msg_error("%s; nothing is backed up", escape_name(why));
	free(why);
	return -1;
}

char *run_hook_host_pre(struct run *r, const struct run_host *h)
{
	struct hook_facts f = { 0 };
	char *why;

	if (!r->conf.hook_host_pre)
		return NULL;
	run_facts(&f, r, "hook.host-pre");
	host_facts(&f, r, h, 0);
	why = call(r, "hook.host-pre", r->conf.hook_host_pre, &f, h->name);
	hook_facts_free(&f);
	return why;
}

void run_hook_host_post(struct run *r, const struct run_host *h)
{
	struct hook_facts f = { 0 };

	if (!r->conf.hook_host_post)
		return;
	run_facts(&f, r, "hook.host-post");
	host_facts(&f, r, h, 1);
	call_after(r, "hook.host-post", r->conf.hook_host_post, &f, h->name);
	hook_facts_free(&f);
}

static void at_end(struct run *r, const char *key, const char *command, int code)
{
	struct hook_facts f = { 0 };

	if (!command)
		return;
	run_facts(&f, r, key);
	end_facts(&f, r, code);
	call_after(r, key, command, &f, NULL);
	hook_facts_free(&f);
}

void run_hook_failure(struct run *r, int code)
{
	if (!r->dry && (code == SS_FINDINGS || code == SS_FAIL || run_stopped()))
		at_end(r, "hook.failure", r->conf.hook_failure, run_stopped() ? 128 + run_stopped() : code);
}

void run_hook_post(struct run *r, int code)
{
	at_end(r, "hook.post", r->conf.hook_post, run_stopped() ? 128 + run_stopped() : code);
}
