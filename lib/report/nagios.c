/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nagios.c - what was backed up lately, as one state: pure. */
#include "report/nagios.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/escape.h"

#define HOUR NAGIOS_HOUR
#define TOLD 5			/* so many hosts of a kind are named in the first line */
#define LINES 100		/* and so many have a line of their own, and performance data */

static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* What is wrong, as it is found. */
struct judging {
	const struct nagios_limits *l;
	int64_t now;
	enum nagios_state state;
	struct buf text;
};

static void worse(struct judging *j, enum nagios_state state)
{
	if (state > j->state)
		j->state = state;
}

/* The place for the next thing that is wrong. */
static struct buf *wrong(struct judging *j, enum nagios_state state)
{
	worse(j, state);
	if (j->text.len > 0)
		buf_str(&j->text, "; ");
	return &j->text;
}

/* "|" begins performance data, whatever stands before it. */
static void add_safe(struct buf *to, const char *text)
{
	for (; *text; text++)
		if (*text == '|')
			buf_str(to, "\\x7c");
		else
			buf_char(to, *text);
}

static void add_name(struct buf *to, const char *name)
{
	add_safe(to, escape_name(name));
}

static void add_number(struct buf *to, int64_t n, const char *what)
{
	buf_printf(to, "%" PRId64 " %s%s", n, what, n == 1 ? "" : "s");
}

/* "3 hours", "2 days": rounded down. */
static void add_span(struct buf *to, int64_t seconds)
{
	if (seconds >= 48 * HOUR)
		add_number(to, seconds / (24 * HOUR), "day");
	else if (seconds >= HOUR)
		add_number(to, seconds / HOUR, "hour");
	else
		add_number(to, seconds > 0 ? seconds / 60 : 0, "minute");
}

/* Seconds since the host's last good saveset; -1 = there is none. */
static int64_t age_of(const struct nagios_host *h, int64_t now)
{
	return h->newest == 0 ? -1 : now > h->newest ? now - h->newest : 0;
}

/* The one whose last good saveset is the oldest, or that has none; n > 0. */
static const struct nagios_host *oldest(const struct nagios_host *list, size_t n)
{
	const struct nagios_host *o = list;

	for (size_t i = 1; i < n; i++)
		if (list[i].newest < o->newest)
			o = &list[i];
	return o;
}

/* The numbers of all, or of the host that is named. */
static void judge_numbers(struct judging *j, const char *host, int64_t savesets, int64_t files)
{
	int few = savesets < j->l->critical || savesets < j->l->warning;
	struct buf *to;

	if (!few && files >= j->l->files)
		return;
	to = wrong(j, savesets < j->l->critical ? NAGIOS_CRITICAL : NAGIOS_WARNING);
	if (host) {
		add_name(to, host);
		buf_str(to, ": ");
	}
	if (few) {
		add_number(to, savesets, "saveset");
		buf_printf(to, " in %d hours, fewer than %d", j->l->hours,
			   savesets < j->l->critical ? j->l->critical : j->l->warning);
	} else {
		add_number(to, files, "file");
		buf_printf(to, " in %d hours, fewer than %d", j->l->hours, j->l->files);
	}
}

static enum nagios_state age_state(const struct nagios_limits *l, int64_t age)
{
	if (l->age_critical && (age < 0 || age > l->age_critical))
		return NAGIOS_CRITICAL;
	return l->age_warning && (age < 0 || age > l->age_warning) ? NAGIOS_WARNING : NAGIOS_OK;
}

/* Something about a host: is it so?  Its state then, else NAGIOS_OK. */
typedef enum nagios_state (*kind_fn)(const struct judging *j, const struct nagios_host *h);

static enum nagios_state is_missing(const struct judging *j, const struct nagios_host *h)
{
	(void)j;
	return h->known ? NAGIOS_OK : NAGIOS_CRITICAL;
}

static enum nagios_state is_old(const struct judging *j, const struct nagios_host *h)
{
	return h->known ? age_state(j->l, age_of(h, j->now)) : NAGIOS_OK;
}

static enum nagios_state is_held_back(const struct judging *j, const struct nagios_host *h)
{
	(void)j;
	return h->held ? NAGIOS_WARNING : NAGIOS_OK;
}

static enum nagios_state is_future(const struct judging *j, const struct nagios_host *h)
{
	(void)j;
	return h->future ? NAGIOS_WARNING : NAGIOS_OK;
}

/* Name the hosts of which it is so. */
static void judge_kind(struct judging *j, const struct nagios_host *list, size_t n, kind_fn kind, const char *what)
{
	enum nagios_state worst = NAGIOS_OK, state;
	size_t found = 0;
	struct buf *to;

	for (size_t i = 0; i < n; i++) {
		state = kind(j, &list[i]);
		worst = state > worst ? state : worst;
	}
	if (worst == NAGIOS_OK)
		return;
	to = wrong(j, worst);
	buf_str(to, what);
	for (size_t i = 0; i < n; i++) {
		if (kind(j, &list[i]) == NAGIOS_OK || ++found > TOLD)
			continue;
		buf_str(to, found > 1 ? ", " : " ");
		add_name(to, list[i].name);
	}
	if (found > TOLD)
		buf_printf(to, " and %zu more", found - TOLD);
}

/* A threshold as performance data has it: "3:" is "fewer than 3 alerts". */
static void add_least(struct buf *out, int warning, int critical)
{
	if (warning > 0)
		buf_printf(out, "%d:", warning);
	buf_char(out, ';');
	if (critical > 0)
		buf_printf(out, "%d:", critical);
	buf_str(out, ";0");
}

static void add_most(struct buf *out, int limit)
{
	buf_char(out, ';');
	if (limit > 0)
		buf_printf(out, "%d", limit);
}

/* A label must have neither quote nor "=". */
static void add_label(struct buf *out, const char *host, const char *what)
{
	char *name;

	buf_char(out, ' ');
	if (!host) {
		buf_printf(out, "%s=", what);
		return;
	}
	buf_char(out, '\'');
	name = escape_dup(host);
	for (const char *p = name; *p; p++)
		buf_char(out, strchr("'=|", *p) ? '_' : *p);
	free(name);
	buf_printf(out, " %s'=", what);
}

static void add_performance(struct buf *out, const struct nagios_limits *l, const char *host, int64_t savesets,
			    int64_t files, int64_t age)
{
	add_label(out, host, "savesets");
	buf_printf(out, "%" PRId64 ";", savesets);
	add_least(out, l->warning, l->critical);
	add_label(out, host, "files");
	buf_printf(out, "%" PRId64 ";", files);
	add_least(out, l->files, 0);
	add_label(out, host, "age");
	if (age < 0)
		buf_char(out, 'U');
	else
		buf_printf(out, "%" PRId64 "s", age);
	add_most(out, l->age_warning);
	add_most(out, l->age_critical);
	buf_str(out, ";0");
}

/* A line for people, below the first. */
static void add_host(struct buf *out, const struct nagios_host *h, const struct nagios_limits *l, int64_t now)
{
	add_name(out, h->name);
	buf_str(out, ": ");
	if (!h->known) {
		buf_str(out, "not in the catalog\n");
		return;
	}
	add_number(out, h->savesets, "saveset");
	buf_printf(out, " in %d hours with ", l->hours);
	add_number(out, h->files, "file");
	if (h->newest == 0) {
		buf_str(out, ", no good saveset at all");
	} else {
		buf_str(out, ", the last good one ");
		add_span(out, age_of(h, now));
		buf_str(out, " old");
	}
	buf_str(out, h->held ? ", one is held back\n" : "\n");
}

static void add_state(struct buf *out, enum nagios_state state)
{
	buf_printf(out, "SECONDSHOT %s - ", words[state]);
}

/* "3 savesets in 24 hours with 41213 files; the last good one of alpha is 2 hours old". */
static void add_summary(struct buf *out, const struct nagios_host *list, size_t n, const struct nagios_host *sum,
			const struct judging *j)
{
	const struct nagios_host *o = n > 0 ? oldest(list, n) : NULL;

	add_number(out, sum->savesets, "saveset");
	buf_printf(out, " in %d hours with ", j->l->hours);
	add_number(out, sum->files, "file");
	if (!o)
		return;
	buf_str(out, o->newest ? "; the last good one of " : "; no good one at all of ");
	add_name(out, o->name);
	if (o->newest == 0)
		return;
	buf_str(out, " is ");
	add_span(out, age_of(o, j->now));
	buf_str(out, " old");
}

enum nagios_state nagios_judge(const struct nagios_host *list, size_t n, const struct nagios_limits *l, int64_t now,
			       struct buf *out)
{
	struct judging j = { .l = l, .now = now };
	struct nagios_host sum = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		count_add(&sum.savesets, list[i].savesets);
		count_add(&sum.files, list[i].files);
		if (l->each)
			judge_numbers(&j, list[i].name, list[i].savesets, list[i].files);
	}
	if (!l->each || n == 0)
		judge_numbers(&j, NULL, sum.savesets, sum.files);
	/* Whatever the limits are, that is no backup. */
	if (n == 0)
		buf_str(wrong(&j, NAGIOS_CRITICAL), "the catalog has no saveset");
	judge_kind(&j, list, n, is_missing, "not in the catalog:");
	judge_kind(&j, list, n, is_old, "no good saveset for too long:");
	judge_kind(&j, list, n, is_held_back, "held back, see 'ss-catalog hosts':");
	judge_kind(&j, list, n, is_future, "made in the future, is a clock wrong?:");
	add_state(out, j.state);
	if (j.text.len > 0) {
		buf_add(out, j.text.p, j.text.len);
		buf_str(out, "; ");
	}
	add_summary(out, list, n, &sum, &j);
	buf_str(out, " |");
	if (!l->each)
		add_performance(out, l, NULL, sum.savesets, sum.files, n > 0 ? age_of(oldest(list, n), now) : -1);
	for (i = 0; l->each && i < n && i < LINES; i++)
		add_performance(out, l, list[i].name, list[i].savesets, list[i].files, age_of(&list[i], now));
	buf_char(out, '\n');
	for (i = 0; i < n && i < LINES; i++)
		add_host(out, &list[i], l, now);
	if (n > LINES)
		buf_printf(out, "and %zu more hosts\n", n - LINES);
	buf_free(&j.text);
	return j.state;
}

void nagios_unknown(struct buf *out, const char *why)
{
	add_state(out, NAGIOS_UNKNOWN);
	add_safe(out, why);
	buf_char(out, '\n');
}
