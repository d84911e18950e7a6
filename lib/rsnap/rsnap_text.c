/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_text.c - the text of a configuration file that root may believe.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/child.h"
#include "base/escape.h"
#include "base/msg.h"
#include "base/quote.h"
#include "base/trust.h"
#include "rsnap/rsnap_text.h"

#define SAID_LINES 50		/* of what a command complains of */

/* Append all of fd to text. */
static int read_all(int fd, const char *name, struct buf *text)
{
	char part[8192];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			msg_error("%s: cannot read: %m", escape_name(name));
			return -1;
		}
		buf_add(text, part, (size_t)n);
	}
	return 0;
}

static int of_file(const char *file, struct buf *text)
{
	struct stat st;
	int fd, ret = -1;

	fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		msg_error("%s: cannot open rsnapshot's configuration: %m%s", escape_name(file),
			  errno == ENOENT ? " (rsnapshot-conf names it)" : msg_as_root());
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		msg_error("%s: not a regular file", escape_name(file));
		goto out;
	}
	if (trust_file(fd, file) == 0)
		ret = read_all(fd, file, text);
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Run it, with what it prints into the pipe end, and read that.  0 or -1; its status is in c. */
static int read_command(struct child *c, const char *command, const int end[2], struct buf *text)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	int ret = child_start(c, argv, NULL, -1, end[1]);

	close(end[1]);
	if (ret != 0)
		return -1;
	ret = read_all(end[0], command, text);
	return child_wait(c) == 0 ? ret : -1;
}

/* What it complained of is not ours. */
static void pass_on(struct capture *c)
{
	struct quote q = { .mark = "include_conf: ", .fd = STDERR_FILENO, .lines = SAID_LINES,
			   .bytes = SAID_LINES * QUOTE_LINE };
	char *said = capture_end(c);

	quote_take(&q, said, strlen(said));
	quote_end(&q);
	free(said);
}

/* include_conf `command`: what a command prints. */
static int of_command(const char *command, struct buf *text)
{
	struct child c = { 0 };
	struct capture said;
	int end[2] = { -1, -1 }, ret;

	if (capture_begin(&said) != 0)
		return -1;
	ret = pipe2(end, O_CLOEXEC);
	if (ret != 0)
		msg_error("cannot make a pipe: %m");
	else
		ret = read_command(&c, command, end, text);
	if (end[0] >= 0)
		close(end[0]);
	pass_on(&said);
	if (c.status != 0)
		msg_error("%s: %s", escape_name(command), child_status_text(c.status));
	return ret;
}

int rsnap_text(const char *name, struct buf *text)
{
	size_t len = strlen(name);
	char *command;
	int ret;

	buf_str(text, "");
	if (len < 2 || name[0] != '`' || name[len - 1] != '`') {
		ret = of_file(name, text);
	} else {
		command = mem_dup(name + 1, len - 2);
		ret = of_command(command, text);
		free(command);
	}
	if (ret == 0 && strlen(text->p) != text->len) {
		msg_error("%s: it has NUL bytes", escape_name(name));
		ret = -1;
	}
	return ret;
}

/* Does the line continue the one before: indented, and not blank? */
static int continues(const char *line)
{
	size_t indent = strspn(line, " \t");

	return indent > 0 && line[indent] != '\0' && !isspace((unsigned char)line[indent]);
}

/* Cut the next line off, without its newline; NULL at the end. */
static char *next_line(struct rsnap_text_at *at)
{
	char *line = at->rest, *end;

	if (*line == '\0')
		return NULL;
	end = strchrnul(line, '\n');
	at->rest = *end == '\0' ? end : end + 1;
	*end = '\0';
	at->read++;
	return line;
}

int rsnap_text_line(struct rsnap_text_at *at, struct buf *line)
{
	static const char blanks[] = " \t\r\f\v";
	char *next;
	size_t len;

	do {
		next = next_line(at);
		if (next == NULL)
			return 0;
	} while (*next == '#' || next[strspn(next, blanks)] == '\0');
	at->line = at->read;
	buf_reset(line);
	buf_str(line, next);
	while (continues(at->rest)) {
		next = next_line(at);
		next += strspn(next, blanks);
		for (len = strlen(next); len > 0 && strchr(blanks, next[len - 1]) != NULL;)
			len--;
		buf_char(line, '\t');
		buf_add(line, next, len);
	}
	return 1;
}
