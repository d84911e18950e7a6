/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.h - what time it is, and how times are written.
 */
#ifndef SS_CLOCK_H
#define SS_CLOCK_H

#include <stdint.h>

/*
 * Seconds since 1970.  For tests only: $SECONDSHOT_NOW (decimal seconds), where
 * it is set, is the time instead.
 */
int64_t clock_now(void);

/* Milliseconds on a clock that nobody sets: for how long something takes. */
int64_t clock_ms(void);

#define CLOCK_TEXT 40

/* "2026-11-22T13:05:00Z" into buf of CLOCK_TEXT bytes; returns buf. */
char *clock_text(int64_t t, char *buf);

/* "20261122-130500Z", the form in names of savesets; returns buf. */
char *clock_stamp(int64_t t, char *buf);

/* A number of seconds in the largest unit that divides it, "1d", "90s", into buf; returns buf. */
char *clock_span(int seconds, char *buf);

#endif
