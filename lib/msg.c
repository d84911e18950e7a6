/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* msg.c - talk for people, on stderr and in the log. */
#include "msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"

static const char *msg_name = "secondshot";
static enum msg_level msg_shown = MSG_INFO;
static int msg_log = -1;
static enum msg_level msg_logged = MSG_NONE;

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
	static const char *const names[] = { "none", "error", "warn", "info", "debug" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
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

static void msg_to_log(const char *word, char *text, size_t len)
{
	char head[160], stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(head, sizeof(head), "%s %.60s[%ld]: %s", stamp, msg_name, (long)getpid(), word);
	msg_write(msg_log, head, text, len);
}

/* Memory is asked for without mem_alloc(), which ends up here when there is none. */
static void __attribute__((format(printf, 3, 0)))
msg_put(enum msg_level level, const char *word, const char *fmt, va_list ap)
{
	int saved = errno, len;
	char small[1024], *text = small, head[100];
	va_list again;

	if (level > msg_shown && (msg_log < 0 || level > msg_logged))
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
	if (level <= msg_shown) {
		snprintf(head, sizeof(head), "%.60s: %s", msg_name, word);
		msg_write(STDERR_FILENO, head, text, (size_t)len);
	}
	if (msg_log >= 0 && level <= msg_logged)
		msg_to_log(word, text, (size_t)len);
	if (text != small)
		free(text);
	errno = saved;
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
	msg_put(MSG_WARN, "warning: ", fmt, ap);
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
	msg_put(MSG_DEBUG, "debug: ", fmt, ap);
	va_end(ap);
}
