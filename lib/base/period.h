/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * period.h - how often something is to be done, by the calendar.  Pure: times come
 * as arguments; the time zone is the process's (call tzset() after changing TZ).
 *
 * Days, weeks, months and years count local dates: what was done at any time of
 * Monday is done for Monday, and a day later is Tuesday from its first moment.  So
 * a job that starts minutes earlier or later never skips a turn, nor does it have
 * two.  A day that a month does not have is its last one.  Hours count from full
 * hour to full hour, by the clock on the wall or by time passed, whichever comes
 * first: the two differ on the days on which the clock is changed.
 */
#ifndef SS_PERIOD_H
#define SS_PERIOD_H

#include <stddef.h>
#include <stdint.h>

enum period_unit {
	PERIOD_ALWAYS,		/* at every opportunity */
	PERIOD_HOURS, PERIOD_DAYS, PERIOD_MONTHS,	/* n of them */
	PERIOD_ON,		/* on the fixed days */
};

struct period_day {		/* a weekday, or a day of a month, or of every month */
	int wday;		/* 0 = Sunday ... 6, or -1 */
	int month, mday;	/* 1-12 or 0 = every; 1-31 */
};

#define PERIOD_DAYS_MAX 16	/* fixed days of one period */

struct period {
	enum period_unit unit;
	int n;
	struct period_day day[PERIOD_DAYS_MAX];
	size_t nday;
};

/* "12h", "1d", "2w", "6mo", "1y" into *p.  0, or -1: it is no such text. */
int period_parse(const char *text, struct period *p);

/* "sunday", "1", "mar-1,sep-1" into *p.  0, or -1: it is no such text. */
int period_parse_days(const char *text, struct period *p);

/* The period that the name of an interval tells (hourly, daysago, weekly ...) as text, or NULL: none. */
const char *period_of_name(const char *name);

/*
 * Is it to be done now, when it was last done at last (both seconds since 1970)?
 * A last that lies in the future counts as now.  1 or 0.
 */
int period_due(const struct period *p, int64_t last, int64_t now);

/* The first moment at which it is to be done after last; PERIOD_ALWAYS: last itself. */
int64_t period_next(const struct period *p, int64_t last);

#endif
