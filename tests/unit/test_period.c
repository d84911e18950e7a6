/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_period.c - what is due, by the calendar: zones, changes of the clock, leap days, random nights. */
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/period.h"
#include "unit.h"

/* As TZ has them, so that no database of zones is needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define SAO_PAULO "<-03>3<-02>,M10.3.0/0,M2.3.0/0"	/* at midnight: one is missing, one comes twice */
#define ST_JOHNS "NST3:30NDT,M4.1.0/0:01,M10.5.0/0:01"	/* back from 0:01 of Sunday to Saturday */
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"	/* by half an hour */
#define TROLL "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"	/* by two */
#define KATHMANDU "<+0545>-5:45"
#define KIRITIMATI "<+14>-14"
#define FARTHEST_WEST "<-12>12"

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

/* "2026-03-29 02:30[:15]" there; the later one of two, where then says so. */
static int64_t at_then(const char *text, int isdst)
{
	struct tm tm = { .tm_isdst = isdst };

	need(sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		    &tm.tm_min, &tm.tm_sec) >= 5);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return mktime(&tm);
}

static int64_t at(const char *text)
{
	return at_then(text, -1);
}

static const char *text_of(int64_t when)
{
	static char text[4][64];
	static int n;
	time_t t = when;
	struct tm tm;

	n = (n + 1) % 4;
	strftime(text[n], sizeof(text[n]), "%Y-%m-%d %H:%M:%S %Z", localtime_r(&t, &tm));
	return text[n];
}

static struct period period(const char *text)
{
	struct period p;

	need(period_parse(text, &p) == 0 || period_parse_days(text, &p) == 0);
	return p;
}

/* After last the period is due from next on, and not a second before. */
static void from(const char *text, int64_t last, int64_t next)
{
	struct period p = period(text);
	int64_t got = period_next(&p, last);

	ok(got == next && !period_due(&p, last, next - 1) && period_due(&p, last, next) &&
	   !period_due(&p, last, last), "%s: %s after %s: %s", getenv("TZ"), text, text_of(last), text_of(got));
}

static void next_is(const char *text, const char *last, const char *next)
{
	from(text, at(last), at(next));
}

static void test_dates(void)
{
	zone(BERLIN);
	next_is("1d", "2026-11-22 00:00", "2026-11-23 00:00");
	next_is("1d", "2026-11-22 23:59:59", "2026-11-23 00:00");
	next_is("1w", "2026-11-22 12:00", "2026-11-29 00:00");
	next_is("3d", "2026-12-30 12:00", "2027-01-02 00:00");
	next_is("1mo", "2026-01-31 12:00", "2026-02-28 00:00");
	next_is("1mo", "2024-01-31 12:00", "2024-02-29 00:00");
	next_is("1mo", "2026-12-15 12:00", "2027-01-15 00:00");
	next_is("6mo", "2026-08-31 04:00", "2027-02-28 00:00");
	next_is("1y", "2024-02-29 04:00", "2025-02-28 00:00");
	next_is("4y", "2024-02-29 04:00", "2028-02-29 00:00");
	next_is("1y", "2099-12-31 23:00", "2100-12-31 00:00");
	next_is("1mo", "2100-01-30 23:00", "2100-02-28 00:00");	/* no leap year */
	next_is("1000y", "2026-02-03 04:00", "3026-02-03 00:00");
	next_is("1d", "2038-01-19 04:00", "2038-01-20 00:00");
	next_is("1y", "1969-12-31 23:00", "1970-12-31 00:00");
}

static void test_fixed(void)
{
	zone(NEW_YORK);
	next_is("sunday", "2026-11-21 23:59:59", "2026-11-22 00:00");
	next_is("sun", "2026-11-22 00:00", "2026-11-29 00:00");
	next_is("Sunday, Wednesday", "2026-11-22 01:00", "2026-11-25 00:00");
	next_is("1", "2026-11-01 00:00", "2026-12-01 00:00");
	next_is("1", "2026-11-30 23:59:59", "2026-12-01 00:00");
	next_is("1,15", "2026-11-01 00:00", "2026-11-15 00:00");
	next_is("31", "2026-01-31 08:00", "2026-02-28 00:00");
	next_is("31", "2026-02-28 08:00", "2026-03-31 00:00");
	next_is("sep-1", "2026-09-01 00:30", "2027-09-01 00:00");
	next_is("September-1", "2026-08-31 00:30", "2026-09-01 00:00");
	next_is("mar-1,sep-1", "2026-11-22 00:30", "2027-03-01 00:00");
	next_is("mar-1,sep-1", "2027-03-01 00:30", "2027-09-01 00:00");
	next_is("feb-29", "2026-11-22 00:30", "2027-02-28 00:00");
	next_is("feb-29", "2027-11-22 00:30", "2028-02-29 00:00");
}

static void test_clock_changes(void)
{
	zone(BERLIN);
	next_is("1d", "2026-03-28 23:30", "2026-03-29 00:00");	/* a day of 23 hours */
	next_is("1d", "2026-03-29 23:30", "2026-03-30 00:00");
	next_is("1d", "2026-10-25 02:30", "2026-10-26 00:00");	/* of 25 */
	zone(SAO_PAULO);
	next_is("1d", "2018-10-20 12:00", "2018-10-21 01:00");	/* its first hour is missing */
	next_is("sunday", "2018-10-20 12:00", "2018-10-21 01:00");
	from("1d", at_then("2018-02-17 23:30", 1), at("2018-02-18 00:00"));
	from("1d", at_then("2018-02-17 23:30", 0), at("2018-02-18 00:00"));
	zone(LORD_HOWE);
	next_is("1d", "2026-04-05 01:45", "2026-04-06 00:00");
	zone(KIRITIMATI);
	next_is("1w", "2026-12-31 23:59:59", "2027-01-07 00:00");
	zone(FARTHEST_WEST);
	next_is("1w", "2026-12-31 00:00", "2027-01-07 00:00");
}

/* Saturday, a minute of Sunday, and an hour of Saturday again. */
static void test_midnight_twice(void)
{
	struct period day = period("1d");
	int64_t sunday;

	zone(ST_JOHNS);
	sunday = at_then("2010-10-31 00:00:30", 1);
	ok(strncmp(text_of(sunday + 60), "2010-10-30 23:01", 16) == 0, "%s, then %s", text_of(sunday),
	   text_of(sunday + 60));
	ok(period_due(&day, sunday - 3600, sunday), "due in the minute of Sunday");
	ok(!period_due(&day, sunday, sunday + 60) && !period_due(&day, sunday, sunday + 7200),
	   "and not again, neither on Saturday nor on Sunday");
	ok(period_due(&day, sunday + 60, sunday + 3600 + 60), "what was done on Saturday's second evening is due on Sunday");
	ok(period_due(&day, sunday, at("2010-11-01 00:00")), "and on Monday");
}

static void test_missing_date(void)
{
	struct period day = period("1d");
	int64_t last;

	if (access("/usr/share/zoneinfo/Pacific/Apia", R_OK) != 0) {
		ok(1, "a date that a zone left out # SKIP needs tzdata");
		return;
	}
	zone("Pacific/Apia");
	last = at("2011-12-29 12:00");
	ok(period_next(&day, last) == at("2011-12-31 00:00") && period_due(&day, last, at("2011-12-31 00:00")),
	   "a date that a zone left out: %s", text_of(period_next(&day, last)));
}

static void test_hours(void)
{
	zone("UTC0");
	next_is("1h", "2026-11-22 00:59:59", "2026-11-22 01:00");
	next_is("12h", "2026-11-22 00:33", "2026-11-22 12:00");
	next_is("36h", "2026-11-22 00:33", "2026-11-23 12:00");
	zone(KATHMANDU);
	next_is("12h", "2026-11-22 00:33", "2026-11-22 12:00");
	zone(BERLIN);
	next_is("12h", "2026-03-29 00:33", "2026-03-29 12:00");	/* eleven hours later */
	next_is("1h", "2026-03-29 01:30", "2026-03-29 03:00");
	next_is("12h", "2026-10-25 00:33", "2026-10-25 11:00");	/* twelve */
	from("1h", at_then("2026-10-25 02:30", 1), at_then("2026-10-25 02:00", 0));
	from("1h", at_then("2026-10-25 02:30", 0), at("2026-10-25 03:00"));
	zone(LORD_HOWE);
	next_is("8h", "2026-10-04 00:10", "2026-10-04 08:00");
}

static void test_clock_back(void)
{
	struct period day = period("1d"), always = { 0 };
	int64_t now;

	zone(BERLIN);
	now = at("2026-11-22 12:00");
	ok(!period_due(&day, now + 86400 * 3650, now), "done in the future counts as now");
	ok(period_due(&always, now, now) && period_due(&always, now + 9, now), "always");
	ok(period_due(&day, now, at("2030-01-01 00:00")), "years later");
}

static void test_parse(void)
{
	static const char *const bad[] = {
		"", "1", "d", "0d", "-1d", "+1d", " 1d", "1d ", "1 d", "1D", "1m", "1mon", "1.5d", "1001d",
		"99999999999999999999d", "1dd", "1w1d",
	};
	static const char *const bad_days[] = {
		"", ",", "1,", ",1", "0", "32", "-1", "1d", "sunda", "sund", "su", "someday", "sep", "sep-",
		"sep-0", "sep-31", "feb-30", "sep1", "sep -1", "1-sep", "1 2", "sunday monday", "99999999999999999999",
		"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	};
	struct period p;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(period_parse(bad[i], &p) == -1, "no period: \"%s\"", bad[i]);
	for (i = 0; i < sizeof(bad_days) / sizeof(bad_days[0]); i++)
		ok(period_parse_days(bad_days[i], &p) == -1, "no days: \"%s\"", bad_days[i]);
	ok(period_parse("1000d", &p) == 0 && p.unit == PERIOD_DAYS && p.n == 1000, "1000d");
	ok(period_parse("6mo", &p) == 0 && p.unit == PERIOD_MONTHS && p.n == 6, "6mo");
	ok(period_parse_days(" 1 ,\t15 , feb-29 ", &p) == 0 && p.unit == PERIOD_ON && p.nday == 3 &&
	   p.day[2].month == 2 && p.day[2].mday == 29, "blanks");
	ok(period_parse_days("SAT,may-31", &p) == 0 && p.day[0].wday == 6 && p.day[1].month == 5, "capitals, May");
	ok(strcmp(period_of_name("semiannually"), "6mo") == 0 && strcmp(period_of_name("weekly"), "1w") == 0 &&
	   !period_of_name("alpha") && !period_of_name("Weekly"), "names of intervals");
}

/* --- random nights ---------------------------------------------------------- */

static unsigned long long dice;

static unsigned roll(unsigned n)
{
	dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(dice >> 33) % n;
}

/* A random moment of the date which is so many days after the first of year 2015. */
static int64_t moment_of(int day, struct tm *date)
{
	struct tm tm, got;
	time_t t;

	*date = (struct tm){ .tm_year = 115, .tm_mday = 1 + day, .tm_hour = 12, .tm_isdst = -1 };
	mktime(date);
	do {
		tm = *date;
		tm.tm_hour = (int)roll(24);
		tm.tm_min = (int)roll(60);
		tm.tm_sec = (int)roll(60);
		tm.tm_isdst = (int)roll(3) - 1;
		t = mktime(&tm);
		localtime_r(&t, &got);
	} while (got.tm_yday != date->tm_yday);
	return t;
}

/* The calendar's unit a date lies in, counted without the code under test; day is its number. */
static int unit_of(const char *text, const struct tm *date, int day)
{
	int months = date->tm_year * 12 + date->tm_mon;

	if (strcmp(text, "1d") == 0)
		return day;
	if (strcmp(text, "1w") == 0)
		return day / 7;
	if (strcmp(text, "sunday") == 0)
		return (day + 7 - date->tm_wday) / 7;
	if (strcmp(text, "1mo") == 0 || strcmp(text, "1") == 0)
		return months;
	if (strcmp(text, "6mo") == 0)
		return months / 6;
	if (strcmp(text, "mar-1,sep-1") == 0)
		return (months - 2) / 6;
	if (strcmp(text, "sep-1") == 0)
		return (months - 8) / 12;
	need(strcmp(text, "1y") == 0);
	return date->tm_year;
}

/* A run on each date, at whatever time: one promotion in each unit, and none left out. */
static void each_night(const char *tz, const char *text, int nights)
{
	struct period p = period(text);
	int day, first = (int)roll(365) / 7 * 7, unit, seen = 0, wrong = 0, n = 0;
	int64_t last = 0, now;
	struct tm date;

	zone(tz);
	for (day = first; day < first + nights; day++) {
		now = moment_of(day, &date);
		unit = unit_of(text, &date, day);
		if (n > 0 && unit > seen + 1)
			wrong++, seen = unit - 1;
		if (n > 0 && !period_due(&p, last, now))
			continue;
		wrong += n++ > 0 && unit != seen + 1;
		seen = unit;
		last = now;
	}
	ok(wrong == 0 && n > nights / 366, "%s: %s, %d nights: %d times", tz, text, nights, n);
}

/* Off for days or months: due at the first run from the date on that a counter of dates tells. */
static void some_nights(const char *tz, int months, int days)
{
	struct period p = { .unit = months ? PERIOD_MONTHS : PERIOD_DAYS, .n = months ? months : days };
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t last = 0, now;
	struct tm date, want = { 0 };
	int day = 0, wrong = 0, n, mon, length, due;

	zone(tz);
	for (n = 0; n < 400; n++) {
		day += roll(4) ? (int)roll(3) : (int)roll(60);
		now = moment_of(day, &date);
		due = n == 0 || date.tm_year * 366 + date.tm_yday >= want.tm_year * 366 + want.tm_yday;
		wrong += n > 0 && period_due(&p, last, now) != due;
		if (!due)
			continue;
		last = now;
		want = date;
		want.tm_hour = 12;
		want.tm_mday += days;
		if (months) {
			mon = (date.tm_mon + months) % 12;
			want.tm_year += (date.tm_mon + months) / 12;
			want.tm_mon = mon;
			length = lengths[mon] + (mon == 1 && want.tm_year % 4 == 0);
			want.tm_mday = date.tm_mday < length ? date.tm_mday : length;
		}
		want.tm_isdst = -1;
		mktime(&want);
	}
	ok(wrong == 0, "%s: %d months or %d days, often off", tz, months, days);
}

/* cron every step hours, some minutes late each time: no turn is left out. */
static void each_turn(const char *tz, int step)
{
	struct period p = { .unit = PERIOD_HOURS, .n = step };
	int64_t last = 0, now;
	int turn, skipped = 0;

	zone(tz);
	for (turn = 0; turn < 800 * 24 / step; turn++) {
		struct tm tm = { .tm_year = 115, .tm_mday = 1 + turn * step / 24, .tm_hour = turn * step % 24,
				 .tm_min = (int)roll(40), .tm_sec = (int)roll(60), .tm_isdst = -1 };
		now = mktime(&tm);
		/* cron leaves the hour out that the clock leaves out. */
		if (tm.tm_hour != turn * step % 24)
			continue;
		skipped += turn > 0 && !period_due(&p, last, now);
		last = now;
	}
	ok(skipped == 0, "%s: every %d hours with jitter", tz, step);
}

static void test_nights(void)
{
	static const char *const zones[] = {
		"UTC0", BERLIN, NEW_YORK, SAO_PAULO, ST_JOHNS, LORD_HOWE, TROLL, KATHMANDU, KIRITIMATI,
		FARTHEST_WEST,
	};
	static const char *const texts[] = { "1d", "1w", "1mo", "6mo", "1y", "sunday", "1", "mar-1,sep-1", "sep-1" };
	static const int steps[] = { 1, 2, 6, 8, 12, 24 };
	const char *seed = getenv("SEED");
	size_t z, i;

	dice = seed != NULL ? strtoull(seed, NULL, 10) : 1;
	printf("# SEED=%llu\n", dice);
	for (z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			each_night(zones[z], texts[i], strstr(texts[i], "sep") || strstr(texts[i], "y") ? 800 : 1200);
		for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			each_turn(zones[z], steps[i]);
		some_nights(zones[z], 0, 1);
		some_nights(zones[z], 0, 10);
		some_nights(zones[z], 1, 0);
		some_nights(zones[z], 6, 0);
		some_nights(zones[z], 12, 0);
	}
}

int main(void)
{
	test_dates();
	test_fixed();
	test_clock_changes();
	test_midnight_twice();
	test_missing_date();
	test_hours();
	test_clock_back();
	test_parse();
	test_nights();
	return done();
}
