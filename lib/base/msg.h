/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * msg.h - talk for people, on stderr and in the log.
 *
 * An error is reported once, where it is detected, with the object's name and
 * the reason (use %m for errno).  Names go through escape_name() first.
 */
#ifndef SS_MSG_H
#define SS_MSG_H

#include <stdarg.h>

enum msg_level { MSG_NONE, MSG_ERROR, MSG_WARN, MSG_INFO, MSG_DEBUG };

/* Set the program's name (kept, not copied) that starts each line. */
void msg_program(const char *name);

/* Show messages up to level on stderr; the default is MSG_INFO. */
void msg_level(enum msg_level level);

/* Parse none, error, warn, info or debug into *level; -1 if it is none of them. */
int msg_parse_level(const char *word, enum msg_level *level);

/*
 * Append every message up to level also to file, as pairs (pair.h) with an RFC
 * 3339 UTC time and our process id before them.  0, or -1 after reporting why not.
 */
int msg_logfile(const char *file, enum msg_level level);

/*
 * What to add to a message whose reason is errno: that root may, where a plain user may
 * not; else "".  errno is preserved.
 */
const char *msg_as_root(void);

/*
 * Give them to the system's log as well: daemon, user, local0 ... local7; none: no more.
 * That there is no such log is no error.
 */
void msg_syslog(const char *facility, enum msg_level level);

/* printf-like; the newline is added.  errno is preserved. */
void msg_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The text of the last error, "" = there was none; cut to 1000 bytes. */
const char *msg_last_error(void);

/* For event.c: a message with further pairs (" key=value...") for the log. */
void msg_event(enum msg_level level, const char *pairs, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

#endif
