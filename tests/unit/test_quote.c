/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_quote.c - what others say: escaped, bounded, counted; their end and what they started. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/below.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/quote.h"
#include "unit.h"

/* What was said and heard, each piece in brackets. */
struct talk {
	struct buf said, heard;
};

static void on_say(void *arg, const char *text)
{
	struct talk *t = arg;

	buf_printf(&t->said, "[%s]", text);
}

static void on_hear(void *arg, const char *line, size_t len)
{
	struct talk *t = arg;

	buf_char(&t->heard, '[');
	buf_add(&t->heard, line, len);
	buf_char(&t->heard, ']');
}

/* n bytes in pieces of step come to said. */
static void says(const char *text, size_t n, size_t step, const char *want, const char *what)
{
	struct talk t = { 0 };
	struct quote q = { .lines = 3, .bytes = 100, .say = on_say, .hear = on_hear, .arg = &t };
	size_t at;

	for (at = 0; at < n; at += step)
		quote_take(&q, text + at, n - at < step ? n - at : step);
	quote_end(&q);
	buf_str(&t.said, "");
	ok(strcmp(t.said.p, want) == 0, "%s, %zu at a time: %s", what, step, t.said.p);
	ok(escape_is_clean(t.said.p, t.said.len), "and nothing of it is raw");
	buf_free(&t.said);
	buf_free(&t.heard);
}

static void lines(void)
{
	static const struct { const char *text; size_t n; const char *want, *what; } line[] = {
		{ "a\nb\n", 4, "[a][b]", "lines" },
		{ "a\nb", 3, "[a][b]", "the last without newline" },
		{ "a\r\nb\rc\r", 7, "[a][b\\rc]", "carriage returns" },
		{ "\n\n\na\n\n", 6, "[a]", "empty ones" },
		{ "a\0b\n", 4, "[a\\x00b]", "NUL" },
		{ "\033[2J\302\233\342\200\256\377\303\244\n", 13, "[\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae\\xffä]",
		  "controls" },
		{ "C:\\x1b \\xff\n", 11, "[C:\\x1b \\xff]", "what was quoted before" },
		{ "1\n2\n3\n4\n5\n", 10, "[1][2][3][[2 more lines, 2 bytes, are left out]]", "too many" },
		{ "", 0, "", "nothing" },
	};
	size_t i, step;

	for (i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		for (step = 1; step < 4; step++)
			says(line[i].text, line[i].n, step, line[i].want, line[i].what);
	says("1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n"
	     "x\n", 103, 50, "[[2 more lines, 101 bytes, are left out]]", "too long: nothing follows it");
}

/* One line of a unit n times and then its end: only so much of it is kept and heard. */
static void endless(const char *unit, size_t n, const char *want, size_t heard)
{
	struct talk t = { 0 };
	struct quote q = { .lines = 2, .bytes = 9000, .say = on_say, .hear = on_hear, .arg = &t };
	size_t i, most = 0;

	for (i = 0; i < n; i++) {
		quote_take(&q, unit, strlen(unit));
		if (q.line.cap > most)
			most = q.line.cap;
	}
	quote_take(&q, "\nend\n", 5);
	quote_end(&q);
	ok(t.said.len > strlen(want) && strcmp(t.said.p + t.said.len - strlen(want), want) == 0,
	   "...%s", t.said.p + t.said.len - strlen(want));
	ok(most < 8192 && t.heard.len <= heard + 7, "%zu bytes are kept, %zu heard", most, t.heard.len);
	ok(escape_is_clean(t.said.p, t.said.len), "no character is cut in two");
	buf_free(&t.said);
	buf_free(&t.heard);
}

static void added(const char *text, size_t len, size_t most, const char *want)
{
	struct buf b = { 0 };

	quote_add(&b, text, len, most);
	ok(strcmp(b.p, want) == 0, "%zu of %zu: %s", most, len, b.p);
	buf_free(&b);
}

static void texts(void)
{
	char *kept = mem_strdup("before"), *text;

	added("abc", 3, 3, "abc");
	added("abc", 3, 2, "ab [1 more bytes]");
	added("a\303\244b", 4, 2, "a [3 more bytes]");
	added("a\303\244b", 4, 3, "aä [1 more bytes]");
	added("\200\200\200\200\200\200", 6, 5, "\\x80\\x80\\x80\\x80\\x80 [1 more bytes]");
	added("\\\n", 2, 2, "\\\\\\n");
	text = quote_text(NULL);
	ok(strcmp(text, "") == 0, "nothing is an empty text");
	free(text);
	quote_keep(&kept, "a\0b\303\244", 5, 4);
	ok(strcmp(kept, "a b") == 0, "kept: %s", kept);
	free(kept);
}

/* What a message forgot to escape is escaped all the same. */
static void net(void)
{
	char name[] = "/tmp/test_quote.XXXXXX", text[200] = "";
	int fd = mkstemp(name);

	need(fd >= 0 && msg_logfile(name, MSG_ERROR) == 0);
	msg_error("%s", "a\033[2J\\x1b \302\233 \377\n2026 forged");
	need(pread(fd, text, sizeof(text) - 1, 0) > 0);
	ok(strstr(text, "msg=\"a\\x1b[2J\\x1b \\xc2\\x9b \\xff\\n2026 forged\"\n") != NULL, "in the log: %s", text);
	need(msg_logfile("/dev/null", MSG_NONE) == 0 && unlink(name) == 0);
	close(fd);
}

/* Run a script; what it said in *t.  Its status. */
static int run(const char *script, struct talk *t, struct below *b)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct quote q = { .lines = 100, .bytes = 100000, .say = on_say, .arg = t };

	b->out = &q;
	return below_run(b, argv, env);
}

static void programs(void)
{
	struct talk t = { 0 };
	struct below b = { .grace = 200 };
	int status = 0;

	ok(run("echo out; echo err >&2; printf no-newline; exit 7", &t, &b) == 7 && !b.late, "its status");
	ok(strcmp(t.said.p, "[out][err][no-newline]") == 0, "both of its outputs: %s", t.said.p);
	buf_reset(&t.said);
	ok(run("exec >/dev/null 2>&1; sleep 0.2; exit 4", &t, &b) == 4, "what closes its outputs is waited for");
	ok(run("(sleep 300 & echo $!) ; exit 5", &t, &b) == 5, "a daemon is not");
	kill((pid_t)atol(t.said.p + 1), SIGKILL);
	buf_reset(&t.said);
	/* On a slow machine a shell takes its time to come as far as that. */
	for (b.limit = 300; b.limit < 600000; b.limit *= 4) {
		buf_reset(&t.said);
		status = run("trap '' TERM; echo begun; while :; do echo x; sleep 0.05; done", &t, &b);
		if (t.said.p && strstr(t.said.p, "begun"))
			break;
	}
	ok(status == 128 + SIGKILL && b.late, "what takes too long");
	ok(t.said.p && strstr(t.said.p, "begun") != NULL, "what it said is there");
	b.limit = 600000;
	ok(run("exit 0", &t, &b) == 0 && !b.late, "the next does not");
	buf_free(&t.said);
}

int main(void)
{
	msg_level(MSG_NONE);
	lines();
	endless("x", 2000, "x [1000 more bytes]][end]", 1004);
	endless("\303\244", 1000, "ä [1000 more bytes]][end]", 1004);
	endless("\303\244x", 1000, "x [2001 more bytes]][end]", 1004);
	endless("\377", 3000, "\\xff [2000 more bytes]][end]", 1004);
	texts();
	net();
	programs();
	return done();
}
