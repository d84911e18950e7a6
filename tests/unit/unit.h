/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unit.h - C unit tests that speak TAP: ok() for each claim, done() at the end
 * of main.
 */
#ifndef SS_UNIT_H
#define SS_UNIT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int unit_count, unit_failed;

/* "ok N - WHAT", or "not ok" and the place; returns yes. */
#define ok(yes, ...) unit_ok((yes) != 0, #yes, __FILE__, __LINE__, __VA_ARGS__)

static inline int __attribute__((format(printf, 5, 6)))
unit_ok(int yes, const char *claim, const char *file, int line, const char *what, ...)
{
	va_list ap;

	va_start(ap, what);
	printf("%sok %d - ", yes ? "" : "not ", ++unit_count);
	vprintf(what, ap);
	putchar('\n');
	va_end(ap);
	if (!yes) {
		unit_failed++;
		printf("# %s:%d: %s\n", file, line, claim);
	}
	fflush(stdout);
	return yes;
}

/* A step that the test needs but is not about: without it there is no going on. */
#define need(yes) do { \
	if (!(yes)) { \
		printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__, #yes); \
		exit(1); \
	} \
} while (0)

/* Print the plan; the exit code of the test program. */
static inline int done(void)
{
	printf("1..%d\n", unit_count);
	return unit_failed || fflush(stdout) ? 1 : 0;
}

#endif
