/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * period.c - how often something is to be done, by the calendar.
 *
 * A date is a number here, that of its day since 1970: dates can be compared and
 * counted, whatever a zone does to its hours.
 */
#include "base/period.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY 86400
#define HOUR 3600

/* Number of a date; month and mday may be beyond their ranges, and carry over then. */
static int64_t date_number(int year, int month, int mday)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = mday };

	return timegm(&tm) / DAY;
}

static struct tm date_parts(int64_t date)
{
	time_t t = date * DAY;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	return tm;
}

static struct tm local(int64_t when)
{
	time_t t = when;
	struct tm tm = { 0 };

	localtime_r(&t, &tm);
	return tm;
}

static int64_t local_date(int64_t when)
{
	struct tm tm = local(when);

	return date_number(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* The day of this month, or the month's last where it is shorter. */
static int64_t clipped(int year, int month, int mday)
{
	int64_t end = date_number(year, month + 1, 0), date = date_number(year, month, mday);

	return date < end ? date : end;
}

/* The first moment of a date, or of the next one that the zone has. */
static int64_t date_begin(int64_t date)
{
	/* No zone is a day and a half away from UTC. */
	int64_t before = (date - 2) * DAY, in = (date + 2) * DAY, middle;

	while (in - before > 1) {
		middle = before + (in - before) / 2;
		if (local_date(middle) < date)
			before = middle;
		else
			in = middle;
	}
	return in;
}

static int is_day(const struct period_day *day, int64_t date)
{
	struct tm tm = date_parts(date);

	if (day->wday >= 0)
		return tm.tm_wday == day->wday;
	if (day->month != 0 && day->month != tm.tm_mon + 1)
		return 0;
	return clipped(tm.tm_year + 1900, tm.tm_mon + 1, day->mday) == date;
}

/* The first fixed day after date; each of them comes once in a year. */
static int64_t next_day(const struct period *p, int64_t date)
{
	size_t i;

	for (;;) {
		date++;
		for (i = 0; i < p->nday; i++)
			if (is_day(&p->day[i], date))
				return date;
	}
}

/* The date on which it is to be done after this one. */
static int64_t next_date(const struct period *p, int64_t date)
{
	struct tm tm;

	if (p->unit == PERIOD_DAYS)
		return date + p->n;
	if (p->unit == PERIOD_ON)
		return next_day(p, date);
	tm = date_parts(date);
	return clipped(tm.tm_year + 1900, tm.tm_mon + 1 + p->n, tm.tm_mday);
}

/* n full hours on, passed or shown by the clock on the wall. */
static int64_t next_hour(int64_t last, int n)
{
	struct tm tm = local(last);
	int64_t passed = last - tm.tm_min * 60 - tm.tm_sec + (int64_t)n * HOUR, shown;

	tm.tm_hour += n;
	tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	shown = mktime(&tm);
	return shown > last && shown < passed ? shown : passed;
}

int64_t period_next(const struct period *p, int64_t last)
{
	if (p->unit == PERIOD_ALWAYS)
		return last;
	if (p->unit == PERIOD_HOURS)
		return next_hour(last, p->n);
	return date_begin(next_date(p, local_date(last)));
}

int period_due(const struct period *p, int64_t last, int64_t now)
{
	if (last > now)
		last = now;
	if (p->unit == PERIOD_ALWAYS || p->unit == PERIOD_HOURS)
		return period_next(p, last) <= now;
	/* Dates, not moments: a clock that is put back over midnight shows one twice. */
	return next_date(p, local_date(last)) <= local_date(now);
}

/* A number from 1 to max at *text, which is moved behind it.  0 = there is none. */
static int number(const char **text, int max)
{
	char *end;
	long n;

	if (**text < '1' || **text > '9')
		return 0;
	n = strtol(*text, &end, 10);
	*text = end;
	return n <= max ? (int)n : 0;
}

int period_parse(const char *text, struct period *p)
{
	static const struct { const char *name; enum period_unit unit; int n; } units[] = {
		{ "h", PERIOD_HOURS, 1 }, { "d", PERIOD_DAYS, 1 }, { "w", PERIOD_DAYS, 7 },
		{ "mo", PERIOD_MONTHS, 1 }, { "y", PERIOD_MONTHS, 12 },
	};
	int n = number(&text, 1000);
	size_t i;

	*p = (struct period){ 0 };
	if (n == 0)
		return -1;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text, units[i].name) == 0) {
			p->unit = units[i].unit;
			p->n = n * units[i].n;
			return 0;
		}
	return -1;
}

/* Which name (or its first three letters) is it?  Its index, or -1. */
static int one_of(const char *const *names, int n, const char *word, size_t len)
{
	int i;

	for (i = 0; i < n; i++)
		if ((len == 3 || len == strlen(names[i])) && strncasecmp(names[i], word, len) == 0)
			return i;
	return -1;
}

/* The day at *text, which is moved behind it.  0 or -1. */
static int parse_day(const char **text, struct period_day *day)
{
	static const char *const weekdays[] = {
		"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"
	};
	static const char *const months[] = {
		"january", "february", "march", "april", "may", "june", "july", "august",
		"september", "october", "november", "december"
	};
	size_t len = strcspn(*text, "-, \t0123456789");

	*day = (struct period_day){ .wday = one_of(weekdays, 7, *text, len) };
	if (len > 0 && day->wday < 0)
		day->month = one_of(months, 12, *text, len) + 1;
	*text += len;
	if (day->wday >= 0)
		return 0;
	if (len > 0 && (day->month == 0 || *(*text)++ != '-'))
		return -1;
	/* In a year that has them all: no month has more days than in that. */
	day->mday = number(text, 31);
	return day->mday == 0 ||
	       (day->month != 0 && clipped(2000, day->month, day->mday) !=
				   date_number(2000, day->month, day->mday)) ? -1 : 0;
}

int period_parse_days(const char *text, struct period *p)
{
	*p = (struct period){ .unit = PERIOD_ON };
	for (;;) {
		text += strspn(text, " \t");
		if (p->nday == PERIOD_DAYS_MAX || parse_day(&text, &p->day[p->nday++]) != 0)
			return -1;
		text += strspn(text, " \t");
		if (*text == '\0')
			return 0;
		if (*text++ != ',')
			return -1;
	}
}

const char *period_of_name(const char *name)
{
	static const char *const known[][2] = {
		{ "hourly", "1h" }, { "daysago", "1d" }, { "daily", "1d" }, { "weeksago", "1w" },
		{ "weekly", "1w" }, { "monthsago", "1mo" }, { "monthly", "1mo" },
		{ "semiannually", "6mo" }, { "yearsago", "1y" }, { "yearly", "1y" },
		{ "annually", "1y" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i][0]) == 0)
			return known[i][1];
	return NULL;
}
