/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t clock_now(void)
{
	const char *fake = getenv("SECONDSHOT_NOW");

	if (fake && *fake) {
		char *end;

		errno = 0;
		long long t = strtoll(fake, &end, 10);
		if (!errno && !*end)
			return t;
	}
	return time(NULL);
}

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A time that no calendar holds is written as "@SECONDS". */
static int broken_down(int64_t t, struct tm *tm, char *buf)
{
	time_t when = t;

	if (gmtime_r(&when, tm))
		return 1;
	snprintf(buf, CLOCK_TEXT, "@%lld", (long long)t);
	return 0;
}

char *clock_text(int64_t t, char *buf)
{
	struct tm tm;

	if (broken_down(t, &tm, buf))
		strftime(buf, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

char *clock_stamp(int64_t t, char *buf)
{
	struct tm tm;

	if (broken_down(t, &tm, buf))
		strftime(buf, CLOCK_TEXT, "%Y%m%d-%H%M%SZ", &tm);
	return buf;
}

char *clock_span(int seconds, char *buf)
{
	static const struct { int seconds; char sign; } unit[] = {
		{ 604800, 'w' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' },
	};
	size_t i = 0;

	while (seconds == 0 ? unit[i].seconds > 1 : seconds % unit[i].seconds != 0)
		i++;
	snprintf(buf, CLOCK_TEXT, "%d%c", seconds / unit[i].seconds, unit[i].sign);
	return buf;
}
