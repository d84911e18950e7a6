/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * driver.c - our rrsync up to where it would confine itself and start rsync, for
 * tests/rrsync/diff.
 *
 * A record on stdin: the number of server options, these (the last one is DIR), the
 * command, each ended by a NUL.  The answer: eight hex digits, the bytes that follow;
 * then the status, the message and, if it is accepted, three fields for each argument:
 * the text before a descriptor's name, the descriptor's mode and path, the text behind.
 *
 * Each record is judged in a child of its own: what one opens or breaks, the next one
 * does not see.  A child that dies by a signal has the status 128 + signal.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "words.h"

#define OPTIONS_MAX 16
#define FD_DIR "/proc/self/fd/"

static _Noreturn void give_up(const char *what)
{
	perror(what);
	_exit(99);
}

static char *read_field(void)
{
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, '\0', stdin) < 0)
		exit(0);
	return text;
}

/* Where the name of a descriptor begins in an argument, or NULL; DIR=/ has none of ours. */
static const char *find_fd(const struct rules *r, const char *arg)
{
	const char *p = arg;

	if (strcmp(r->dir, "/") == 0)
		return NULL;
	if (p[0] == '-' && p[1] == '-' && strchr(p, '='))
		p = strchr(p, '=') + 1;
	if (strncmp(p, FD_DIR, strlen(FD_DIR)) != 0 || !isdigit((unsigned char)p[strlen(FD_DIR)]))
		return NULL;
	return p;
}

/* In the child: where the rest of the answer goes. */
static FILE *out;

static void put(const struct rules *r, const char *arg)
{
	char name[64], path[PATH_MAX];
	const char *fd = find_fd(r, arg);
	struct stat st;
	ssize_t len;
	int digits;

	if (!fd) {
		fprintf(out, "%s%c%c%c", arg, 0, 0, 0);
		return;
	}
	digits = (int)strspn(fd + strlen(FD_DIR), "0123456789");
	snprintf(name, sizeof(name), FD_DIR "%.*s", digits, fd + strlen(FD_DIR));
	len = readlink(name, path, sizeof(path) - 1);
	if (len < 0 || stat(name, &st))
		give_up(name);
	path[len] = '\0';
	fprintf(out, "%.*s%c%06o %s%c%s%c", (int)(fd - arg), arg, 0, (unsigned)st.st_mode, path, 0,
		fd + strlen(FD_DIR) + digits, 0);
}

static void set_rules(struct rules *r, char **options, size_t n)
{
	const struct { const char *name; bool *where; } flags[] = {
		{ "-ro", &r->ro }, { "-wo", &r->wo }, { "-munge", &r->munge },
		{ "-absolute", &r->absolute }, { "-no-del", &r->no_del },
		{ "-no-lock", &r->no_lock }, { "-no-overwrite", &r->no_overwrite },
	};
	size_t i, j;

	*r = (struct rules){ .can_confine = true };
	for (i = 0; i + 1 < n; i++) {
		for (j = 0; j < sizeof(flags) / sizeof(*flags); j++)
			if (strcmp(flags[j].name, options[i]) == 0)
				break;
		if (j == sizeof(flags) / sizeof(*flags))
			give_up(options[i]);
		*flags[j].where = true;
	}
	r->dir = realpath(options[n - 1], NULL);
	r->dirfd = r->dir ? open(r->dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (r->dirfd < 0 || fchdir(r->dirfd))
		give_up(options[n - 1]);
}

static _Noreturn void end(int status)
{
	if (fclose(out))
		give_up("answer");
	_exit(status);
}

void refuse(const char *format, ...)
{
	char text[500], shown[400];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	fprintf(out, "%s%c", words_escape(shown, sizeof(shown), text), 0);
	end(1);
}

static void answer(int fd, char **options, size_t n, const char *command)
{
	struct rules r;
	struct request q = { .rules = &r };

	out = fdopen(fd, "w");
	if (!freopen("/dev/null", "r", stdin))
		give_up("/dev/null");
	set_rules(&r, options, n);
	args_make(&q, command);
	putc('\0', out);
	for (size_t i = 0; i < q.n_args; i++)
		put(&r, q.args[i]);
	end(0);
}

static void send_answer(int fd, int status)
{
	static char text[1 << 22];
	char head[16];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	int n = snprintf(head, sizeof(head), "%d%c", WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
			 WEXITSTATUS(status), 0);

	if (len < 0 || len == sizeof(text))
		give_up("answer");
	if (!len)	/* it died before it said anything */
		text[len++] = '\0';
	printf("%08zx", (size_t)(len + n));
	fwrite(head, 1, (size_t)n, stdout);
	fwrite(text, 1, (size_t)len, stdout);
	if (fflush(stdout))
		give_up("stdout");
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		give_up("answer");
}

int main(void)
{
	char *options[OPTIONS_MAX], *field, *command;
	int fd = memfd_create("answer", MFD_CLOEXEC), status;
	size_t n;
	pid_t pid;

	if (fd < 0)
		give_up("memfd");
	for (;;) {
		field = read_field();
		n = strtoul(field, NULL, 10);
		free(field);
		if (n < 1 || n > OPTIONS_MAX)
			return 2;
		for (size_t i = 0; i < n; i++)
			options[i] = read_field();
		command = read_field();
		pid = fork();
		if (pid == 0)
			answer(fd, options, n, command);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			give_up("fork");
		send_answer(fd, status);
		while (n)
			free(options[--n]);
		free(command);
	}
}
