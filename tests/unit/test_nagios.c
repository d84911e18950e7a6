/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a monitoring system is told: each limit at its edge, and names that would break the format. */
#include <string.h>

#include "report/nagios.h"
#include "unit.h"

#define NOW 1800000000
#define HOURS(n) (NOW - (n) * 3600)

static char alpha[] = "alpha", beta[] = "beta", odd[] = "a|b='c'\n";

static struct nagios_host two[] = {
	{ .name = alpha, .known = 1, .savesets = 3, .files = 700, .newest = HOURS(2) },
	{ .name = beta, .known = 1, .savesets = 1, .files = 300, .newest = HOURS(20) },
};

/* Judged, the state is this, and the first line has text. */
static void judged(const struct nagios_host *list, size_t n, struct nagios_limits l, enum nagios_state want,
		   const char *text)
{
	struct buf out = { 0 };
	enum nagios_state got;
	char *line;

	l.hours = 24;
	got = nagios_judge(list, n, &l, NOW, &out);
	line = mem_strdup(out.p);
	line[strcspn(line, "\n")] = '\0';
	ok(got == want, "state %d (%d): %s", (int)want, (int)got, line);
	ok(strstr(line, text) != NULL, "... has %s", text);
	free(line);
	buf_free(&out);
}

#define LIMITS(...) (struct nagios_limits){ __VA_ARGS__ }

static void each_limit(void)
{
	judged(two, 2, LIMITS(.warning = 4, .critical = 4, .files = 1000), NAGIOS_OK,
	       "OK - 4 savesets in 24 hours with 1000 files; the last good one of beta is 20 hours old |"
	       " savesets=4;4:;4:;0 files=1000;1000:;;0 age=72000s;;;0");
	judged(two, 2, LIMITS(.warning = 5, .critical = 4), NAGIOS_WARNING, "WARNING - 4 savesets in 24 hours, fewer than 5;");
	judged(two, 2, LIMITS(.warning = 9, .critical = 5), NAGIOS_CRITICAL, "CRITICAL - 4 savesets in 24 hours, fewer than 5;");
	judged(two, 2, LIMITS(.files = 1001), NAGIOS_WARNING, "1000 files in 24 hours, fewer than 1001;");
	judged(two, 2, LIMITS(.age_warning = 20 * 3600), NAGIOS_OK, "age=72000s;72000;;0");
	judged(two, 2, LIMITS(.age_warning = 20 * 3600 - 1), NAGIOS_WARNING, "no good saveset for too long: beta;");
	judged(two, 2, LIMITS(.age_warning = 60, .age_critical = 7200), NAGIOS_CRITICAL, "no good saveset for too long: alpha, beta;");
	judged(two, 1, LIMITS(.age_critical = 7199), NAGIOS_CRITICAL, "no good saveset for too long: alpha;");
	judged(two, 1, LIMITS(.age_critical = 7200), NAGIOS_OK, "of alpha is 2 hours old");
}

static void each_host(void)
{
	judged(two, 2, LIMITS(.warning = 1, .critical = 1, .each = 1), NAGIOS_OK,
	       "| 'alpha savesets'=3;1:;1:;0 'alpha files'=700;;;0 'alpha age'=7200s;;;0 'beta savesets'=1;");
	judged(two, 2, LIMITS(.warning = 2, .each = 1), NAGIOS_WARNING, "WARNING - beta: 1 saveset in 24 hours, fewer than 2;");
	judged(two, 2, LIMITS(.files = 301, .each = 1), NAGIOS_WARNING, "- beta: 300 files in 24 hours, fewer than 301;");
}

static void what_is_wrong_with_a_host(void)
{
	struct nagios_host h = { .name = alpha, .known = 1, .savesets = 9, .files = 9, .newest = NOW };

	h.held = 1;
	judged(&h, 1, LIMITS(.warning = 1), NAGIOS_WARNING, "held back, see 'ss-catalog hosts': alpha;");
	h.held = 0;
	h.future = 1;
	judged(&h, 1, LIMITS(.warning = 1), NAGIOS_WARNING, "made in the future, is a clock wrong?: alpha;");
	h = (struct nagios_host){ .name = alpha };
	judged(&h, 1, LIMITS(.hours = 1), NAGIOS_CRITICAL, "CRITICAL - not in the catalog: alpha;");
	h.known = 1;
	judged(&h, 1, LIMITS(.hours = 1), NAGIOS_OK, "no good one at all of alpha | savesets=0;;;0 files=0;;;0 age=U;;;0");
	judged(&h, 1, LIMITS(.age_warning = 1000000000), NAGIOS_WARNING, "no good saveset for too long: alpha;");
	judged(NULL, 0, LIMITS(.critical = 1), NAGIOS_CRITICAL, "0 savesets in 24 hours, fewer than 1; the catalog has no saveset;");
	judged(NULL, 0, LIMITS(.each = 1, .age_warning = 60), NAGIOS_CRITICAL, "CRITICAL - the catalog has no saveset;");
}

static void hostile_names(void)
{
	struct nagios_host h[7];
	struct buf out = { 0 };
	struct nagios_limits l = { .hours = 1, .each = 1 };
	size_t bars = 0, lines = 0;

	for (size_t i = 0; i < 7; i++)
		h[i] = (struct nagios_host){ .name = odd, .known = 1, .newest = NOW, .held = 1 };
	judged(h, 7, LIMITS(.each = 0), NAGIOS_WARNING, "a\\x7cb='c'\\n, ");
	judged(h, 7, LIMITS(.each = 0), NAGIOS_WARNING, " and 2 more;");
	nagios_judge(h, 7, &l, NOW, &out);
	for (const char *p = out.p; *p; p++) {
		bars += *p == '|';
		lines += *p == '\n';
	}
	ok(bars == 1 && lines == 8, "one bar, one line and one a host");
	ok(strstr(out.p, "'a_b__c_\\n savesets'=0;") != NULL, "a label without quote, = and bar");
	buf_reset(&out);
	nagios_unknown(&out, "no | catalog");
	ok(!strcmp(out.p, "SECONDSHOT UNKNOWN - no \\x7c catalog\n"), "a reason with a bar");
	buf_free(&out);
}

int main(void)
{
	each_limit();
	each_host();
	what_is_wrong_with_a_host();
	hostile_names();
	return done();
}
