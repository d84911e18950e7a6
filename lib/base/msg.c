/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* msg.c - talk for people, on stderr and in the log. */
#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/pair.h"

static const char *const msg_words[] = { "none", "error", "warn", "info", "debug" };
static const char *msg_name = "secondshot";
static enum msg_level msg_shown = MSG_INFO;
static int msg_log = -1;
static int msg_system;		/* the system's log gets them too */
static enum msg_level msg_logged = MSG_NONE;
static char msg_error_text[1001];

const char *msg_last_error(void)
{
	return msg_error_text;
}

void msg_program(const char *name)
{
	msg_name = name;
}

void msg_level(enum msg_level level)
{
	msg_shown = level;
}

int msg_parse_level(const char *word, enum msg_level *level)
{
	size_t i;

	for (i = 0; i < sizeof(msg_words) / sizeof(msg_words[0]); i++) {
		if (strcmp(word, msg_words[i]) == 0) {
			*level = (enum msg_level)i;
			return 0;
		}
	}
	return -1;
}

int msg_logfile(const char *file, enum msg_level level)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
			    O_NONBLOCK, 0640);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
		close(fd);
		fd = -1;
		errno = EINVAL;
	}
	if (fd < 0) {
		msg_error("log file %s: %m", escape_name(file));
		return -1;
	}
	if (msg_log >= 0)
		close(msg_log);
	msg_log = fd;
	msg_logged = level;
	return 0;
}

const char *msg_as_root(void)
{
	return (errno == EACCES || errno == EPERM) && geteuid() != 0 ? ": run it as root" : "";
}

void msg_syslog(const char *facility, enum msg_level level)
{
	static const int local[] = { LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
				     LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7 };
	int where = strcmp(facility, "user") == 0 ? LOG_USER : LOG_DAEMON;

	if (strncmp(facility, "local", 5) == 0 && facility[5] >= '0' && facility[5] <= '7')
		where = local[facility[5] - '0'];
	msg_system = strcmp(facility, "none") != 0;
	if (!msg_system)
		return;
	openlog(msg_name, LOG_PID, where);
	msg_logged = level;
}

/* One line in one write, so that lines of several processes do not mix. */
static void msg_write(int fd, char *head, char *text, size_t len)
{
	char nl[] = "\n";
	struct iovec v[] = {
		{ .iov_base = head, .iov_len = strlen(head) },
		{ .iov_base = text, .iov_len = len },
		{ .iov_base = nl, .iov_len = 1 },
	};

	/* There is nobody left to tell that a message could not be written. */
	if (writev(fd, v, 3) < 0)
		return;
}

/* "level=info event=... msg=..." to the log file and the system's log. */
static void msg_to_log(enum msg_level level, const char *pairs, const char *text, size_t len)
{
	static const int priority[] = { LOG_DEBUG, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	char head[160], stamp[CLOCK_TEXT], small[4096], *line = small;
	size_t given = strlen(pairs), size = given + PAIR_SIZE(len) + 32, n;

	if (size > sizeof(small))
		line = malloc(size);
	if (!line || line == small) {
		/* Where there is no memory, what does not fit is left out; the message has its place. */
		line = small;
		size = sizeof(small);
		given = given < size / 2 ? given : size / 2;
	}
	n = (size_t)snprintf(line, size, "level=%s%.*s msg=", msg_words[level], (int)given, pairs);
	n += pair_text(line + n, size - n, text, len);
	if (msg_log >= 0) {
		snprintf(head, sizeof(head), "%s %.60s[%ld]: ", clock_text(clock_now(), stamp),
			 msg_name, (long)getpid());
		msg_write(msg_log, head, line, n);
	}
	if (msg_system)
		syslog(priority[level], "%s", line);
	if (line != small)
		free(line);
}

/*
 * Whatever was forgotten where the message was made, nothing of a stranger's goes out
 * raw.  text, *len bytes, or another one, to be freed; *len is its length then.
 */
static char *msg_net(char *text, size_t *len)
{
	size_t size = 4 * *len + 1, i;
	char *clean;

	if (escape_is_clean(text, *len))
		return text;
	clean = malloc(size);
	if (clean) {
		*len = escape_net(clean, size, text, *len);
		return clean;
	}
	/* No memory for it: plain ASCII is left. */
	for (i = 0; i < *len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '?';
	return text;
}

/* Memory is asked for without mem_alloc(), which ends up here when there is none. */
static void __attribute__((format(printf, 3, 0)))
msg_put(enum msg_level level, const char *pairs, const char *fmt, va_list ap)
{
	int saved = errno, len, logs = (msg_log >= 0 || msg_system) && level <= msg_logged;
	const char *word = level == MSG_WARN ? "warning: " : level == MSG_DEBUG ? "debug: " : "";
	char small[1024], *text = small, *clean, head[100];
	va_list again;
	size_t n;

	if (level > msg_shown && !logs && level != MSG_ERROR)
		return;
	va_copy(again, ap);
	len = vsnprintf(small, sizeof(small), fmt, ap);
	if (len < 0)
		len = 0;
	if ((size_t)len >= sizeof(small)) {
		text = malloc((size_t)len + 1);
		errno = saved;
		if (text) {
			vsnprintf(text, (size_t)len + 1, fmt, again);
		} else {
			text = small;
			len = sizeof(small) - 1;
		}
	}
	va_end(again);
	n = (size_t)len;
	clean = msg_net(text, &n);
	if (level <= msg_shown) {
		snprintf(head, sizeof(head), "%.60s: %s", msg_name, word);
		msg_write(STDERR_FILENO, head, clean, n);
	}
	if (logs)
		msg_to_log(level, pairs, clean, n);
	if (level == MSG_ERROR)
		snprintf(msg_error_text, sizeof(msg_error_text), "%.*s", (int)n, clean);
	if (clean != text)
		free(clean);
	if (text != small)
		free(text);
	errno = saved;
}

void msg_event(enum msg_level level, const char *pairs, const char *fmt, va_list ap)
{
	msg_put(level, pairs, fmt, ap);
}

void msg_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_put(MSG_ERROR, "", fmt, ap);
	va_end(ap);
}

void msg_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_put(MSG_WARN, "", fmt, ap);
	va_end(ap);
}

void msg_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_put(MSG_INFO, "", fmt, ap);
	va_end(ap);
}

void msg_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_put(MSG_DEBUG, "", fmt, ap);
	va_end(ap);
}
