/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base.h - what all of rrsync uses.
 *
 * This process soon becomes rsync, or ends: what is not accepted is the end at once
 * (refuse), and strings and descriptors are not given back.
 */
#ifndef RRSYNC_BASE_H
#define RRSYNC_BASE_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Say why on stderr and, with -log, in the log, and exit with status 1.  Like printf;
 * what it makes is escaped.
 */
void refuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
