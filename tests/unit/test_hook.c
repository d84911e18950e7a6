/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_hook.c - hooks: their words, their end, what they get and what they leave. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "run/hook.h"
#include "unit.h"

/* The words, each in brackets; or why there are none. */
static void splits(const char *text, const char *want)
{
	const char *why;
	char **words = hook_words(text, &why), **w;
	struct buf b = { 0 };

	for (w = words; w && *w; w++)
		buf_printf(&b, "[%s]", *w);
	if (!words)
		buf_str(&b, why);
	ok(b.p && strcmp(b.p, want) == 0 && !words == (why != NULL), "%s -> %s", text, want);
	buf_free(&b);
	hook_words_free(words);
}

static void words(void)
{
	splits("/a", "[/a]");
	splits("/a b  c\td ", "[/a][b][c][d]");
	splits(" /a", "[/a]");
	splits("/a 'b c' \"d e\"", "[/a][b c][d e]");
	splits("/a --x='b c'd", "[/a][--x=b cd]");
	splits("/a '\"' \"'\"", "[/a][\"][']");
	splits("/a '' \"\"", "[/a][][]");
	splits("/a b\\ c $HOME `id` ; | > * ~", "[/a][b\\][c][$HOME][`id`][;][|][>][*][~]");
	splits("", "it names no program");
	splits(" \t ", "it names no program");
	splits("/a 'b", "a quote is not closed");
	splits("/a \"b'", "a quote is not closed");
}

/* What became of a command for the shell; timeout in seconds. */
static char *shell(const char *script, int timeout)
{
	char *command = mem_printf("/bin/sh -c \"%s\"", script), *why;
	struct hook_facts f = { 0 };

	hook_fact(&f, "EVENT", "test");
	hook_fact(&f, "HOST", "a b\n\"c\"");
	hook_fact(&f, "NOTHING", NULL);
	why = hook_run("hook.test", command, &f, timeout);
	hook_facts_free(&f);
	free(command);
	return why;
}

static void ends(const char *script, int timeout, const char *want)
{
	int64_t before = clock_ms();
	char *why = shell(script, timeout);

	ok(want ? why && strcmp(why, want) == 0 : !why, "%s: %s", script, why ? why : "good");
	ok(clock_ms() - before < 60000, "and in time");
	free(why);
}

static void outcomes(void)
{
	ends("exit 0", 10, NULL);
	ends("echo something; exit 0", 0, NULL);
	ends("echo first; echo last >&2; echo; exit 3", 10, "exit 3: last");
	ends("printf 'no newline'; exit 1", 10, "exit 1: no newline");
	ends("printf '\\033[2J'; exit 1", 10, "exit 1: \033[2J");
	ends("kill -9 $$", 10, "signal 9 (Killed)");
	ends("read x && exit 1; exit 0", 10, NULL);
	ends("yes | head -n 100000; exit 4", 10, "exit 4: y");
	ends("tr a-z b </dev/zero | head -c 1000000; exit 0", 10, NULL);
}

/* The number that a file holds once somebody has written it; 0 = nobody has. */
static long number_in(int dir, const char *name)
{
	size_t len;
	char *text = file_read(dir, name, &len);
	long n = text ? atol(text) : 0;

	free(text);
	return n;
}

static int gone(long pid)
{
	int i;
	char text[64];

	for (i = 0; i < 100; i++) {
		/* Somebody else reaps it: a zombie is gone. */
		if (file_of_process(pid, "stat", text, sizeof(text)) == 0 || strstr(text, ") Z "))
			return 1;
		usleep(50000);
	}
	return 0;
}

/* A daemon keeps what it got, and nobody waits for it. */
static void daemon_stays(const char *at, int dir)
{
	char *script = mem_printf("sleep 100 & echo $! >%s/daemon", at);
	long pid;

	ends(script, 10, NULL);
	pid = number_in(dir, "daemon");
	ok(pid > 1 && kill((pid_t)pid, SIGKILL) == 0, "a daemon that it leaves goes on");
	free(script);
}

static void too_long(const char *at, int dir)
{
	char *script = mem_printf("sleep 100 & echo $! >%s/one; sleep 100", at);

	ends("sleep 100", 1, "ended after 1 s, hook.timeout");
	ends("exec 2>/dev/null; trap 'exit 0' TERM; while :; do sleep 0.1; done", 1, "ended after 1 s, hook.timeout");
	ends("trap '' TERM; while :; do sleep 0.1; done", 1, "ended after 1 s, hook.timeout");
	ends(script, 1, "ended after 1 s, hook.timeout");
	ok(number_in(dir, "one") > 1 && gone(number_in(dir, "one")), "what it started is gone, too");
	free(script);
	script = mem_printf("(trap '' TERM; echo $(exec sh -c 'echo $PPID') >%s/two; while :; do sleep 0.1; done) &"
			    " exec sleep 100", at);
	ends(script, 1, "ended after 1 s, hook.timeout");
	ok(number_in(dir, "two") > 1 && gone(number_in(dir, "two")), "also what will not hear of it");
	free(script);
}

/* Run the script, which writes to AT/out, and say if want is what it wrote. */
static void writes(const char *at, int dir, const char *script, const char *want)
{
	char *command = mem_printf("exec >%s/out; %s", at, script), *why = shell(command, 10), *text;
	size_t len = 0;

	text = file_read(dir, "out", &len);
	ok(!why && text && strcmp(text, want) == 0, "%s -> %s", script, escape_name(text ? text : why));
	free(text);
	free(why);
	free(command);
}

static void surroundings(const char *at, int dir)
{
	int fd = open("/dev/null", O_RDONLY);	/* one that would be inherited */

	setenv("DBPASS", "geheim", 1);
	setenv("SOME_PASSWORD", "geheim", 1);
	setenv("SECONDSHOT_LOCK_FD", "5", 1);
	setenv("PATH", "/nowhere", 1);
	setenv("TZ", "UTC", 1);
	writes(at, dir, "env | grep -c geheim || :", "0\n");
	writes(at, dir, "echo $PATH $TZ $SECONDSHOT_LOCK_FD",
	       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin UTC\n");
	writes(at, dir, "env | sed -n '/^SECONDSHOT_HOST=/{N;p}'; echo $SECONDSHOT_EVENT",
	       "SECONDSHOT_HOST=a b\n\"c\"\ntest\n");
	writes(at, dir, "env | grep -c SECONDSHOT_NOTHING || echo none", "0\nnone\n");
	writes(at, dir, "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ");	/* 3 is ls's own */
	close(fd);
}

static void refused(const char *at, int dir)
{
	char *file = mem_printf("%s/hook", at), *why;
	struct hook_facts none = { 0 };
	int fd = openat(dir, "hook", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	need(fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10 && close(fd) == 0);
	ok(hook_check("hook.test", file) == 0, "a program of our own");
	need(chmod(file, 0775) == 0);
	ok(hook_check("hook.test", file) < 0, "one that others can write");
	why = hook_run("hook.test", file, &none, 10);
	ok(why != NULL, "it is not run: %s", why);
	free(why);
	need(chmod(file, 0644) == 0);
	ok(hook_check("hook.test", file) < 0, "one that is no program");
	ok(hook_check("hook.test", "sh -c true") < 0, "one that is not named by its path");
	ok(hook_check("hook.test", "/nowhere/at/all") < 0, "one that is not there");
	ok(hook_check("hook.test", at) < 0, "a directory");
	ok(hook_check("hook.test", "/bin/sh '") < 0, "a quote that is not closed");
	free(file);
}

int main(void)
{
	char at[] = "/tmp/test_hook.XXXXXX";
	int dir;

	msg_level(MSG_NONE);
	need(mkdtemp(at) != NULL);
	dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(dir >= 0);
	words();
	outcomes();
	daemon_stays(at, dir);
	too_long(at, dir);
	surroundings(at, dir);
	refused(at, dir);
	unlinkat(dir, "one", 0);
	unlinkat(dir, "two", 0);
	unlinkat(dir, "daemon", 0);
	unlinkat(dir, "out", 0);
	unlinkat(dir, "hook", 0);
	close(dir);
	rmdir(at);
	return done();
}
