/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_due.c - what is due: the record, the disk, the keys and the feeder put together. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "rsnap/due.h"
#include "rsnap/promoted.h"
#include "unit.h"

static char dir[64];
static struct volume v;
static struct conf_pair pairs[4];
static struct conf conf;
static char hourly[] = "hourly", daysago[] = "daysago", weeksago[] = "weeksago", monthsago[] = "monthsago";
static char alpha[] = "alpha", beta[] = "beta", gamma_[] = "gamma", delta[] = "delta";
static struct rsnap_retain usual[] = { { hourly, 6 }, { daysago, 7 }, { weeksago, 4 }, { monthsago, 6 } };
static struct rsnap_retain named[] = { { alpha, 6 }, { beta, 7 }, { gamma_, 4 }, { delta, 3 } };
static char host_one[] = "one", host_two[] = "two", *hosts[] = { host_one, NULL }, *two_hosts[] = { host_one, host_two };
static struct rsnap rs;

/* "2026-11-22 00:30" in the zone that main has set. */
static int64_t at(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };

	need(sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		    &tm.tm_min, &tm.tm_sec) >= 5);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return mktime(&tm);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make_for(const char *name, const char *host)
{
	char tree[64];

	mkdir(path_of(name), 0700);
	snprintf(tree, sizeof(tree), "%s/%s", name, host);
	need(mkdir(path_of(tree), 0700) == 0);
}

static void make(const char *name)
{
	make_for(name, host_one);
}

static void drop(const char *name)
{
	char tree[64];

	snprintf(tree, sizeof(tree), "%s/%s", name, host_one);
	rmdir(path_of(tree));
	snprintf(tree, sizeof(tree), "%s/%s", name, host_two);
	rmdir(path_of(tree));
	need(rmdir(path_of(name)) == 0);
}

static void forget(void)
{
	unlink(path_of("promoted"));
}

static void promoted(const char *interval, const char *when)
{
	need(promoted_set(&v, interval, hosts, at(when)) == 0);
}

/* The interval is due at now, or not, and that is why. */
static void says(int64_t now, const char *interval, int due, const char *why)
{
	struct due_list l;
	size_t i;

	need(due_list(&v, &rs, &conf, now, &l) == 0);
	for (i = 0; i < l.n && strcmp(l.due[i].name, interval) != 0; i++)
		;
	need(i < l.n);
	ok(l.due[i].due == due && strcmp(l.due[i].why, why) == 0, "%s: %s: %s", interval,
	   l.due[i].due ? "due" : "not due", l.due[i].why);
	due_free(&l);
}

static int64_t next(int64_t now, const char *interval)
{
	struct due_list l;
	int64_t when = -1;
	size_t i;

	need(due_list(&v, &rs, &conf, now, &l) == 0);
	for (i = 0; i < l.n; i++)
		if (strcmp(l.due[i].name, interval) == 0)
			when = l.due[i].next;
	due_free(&l);
	return when;
}

/* The names of those that are due, the largest first. */
static const char *all_due(int64_t now)
{
	static char text[128];
	struct due_list l;
	size_t i;

	text[0] = '\0';
	need(due_list(&v, &rs, &conf, now, &l) == 0);
	for (i = 0; i < l.n; i++)
		if (l.due[i].due)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", l.due[i].name);
	due_free(&l);
	return text;
}

static void test_feeder(void)
{
	int64_t now = at("2026-11-22 00:30");

	promoted("daysago", "2026-11-21 00:31");
	says(now, "daysago", 0, "hourly.5, which feeds it, is not there yet");
	make("hourly.4");
	make("hourly.6");
	says(now, "daysago", 0, "hourly.5, which feeds it, is not there yet");
	make("hourly.5");
	says(now, "daysago", 1, "1d has passed");
	says(now, "weeksago", 0, "daysago.6, which feeds it, is not there yet");
	drop("hourly.4");
	drop("hourly.6");
	make("daysago.6");
	make("weeksago.3");
	says(now, "weeksago", 1, "never before");
	says(now, "monthsago", 1, "never before");
	says(now, "hourly", 1, "at every run");
}

/* To the second, at the border that people see. */
static void test_borders(void)
{
	promoted("daysago", "2026-11-21 00:31");
	says(at("2026-11-21 23:59:59"), "daysago", 0, "1d has not passed yet");
	says(at("2026-11-22 00:00:00"), "daysago", 1, "1d has passed");
	promoted("weeksago", "2026-11-15 23:59");
	says(at("2026-11-21 23:59:59"), "weeksago", 0, "1w has not passed yet");
	says(at("2026-11-22 00:00:00"), "weeksago", 1, "1w has passed");
	promoted("monthsago", "2026-10-31 00:30");
	says(at("2026-11-29 23:59:59"), "monthsago", 0, "1mo has not passed yet");
	says(at("2026-11-30 00:00:00"), "monthsago", 1, "1mo has passed");
}

/* Without a record: when NAME.0 came there. */
static void test_disk(void)
{
	struct stat st;

	forget();
	make("daysago.0");
	need(stat(path_of("daysago.0"), &st) == 0);
	says(st.st_ctime, "daysago", 0, "1d has not passed yet");
	says(st.st_ctime + 86400, "daysago", 1, "1d has passed");
	says(st.st_ctime - 86400, "daysago", 0, "1d has not passed yet");
	drop("daysago.0");
	says(st.st_ctime, "daysago", 1, "never before");
}

static void test_future(void)
{
	int64_t now = at("2026-11-22 00:30");

	forget();
	promoted("daysago", "2030-01-01 00:00");
	promoted("weeksago", "2026-11-22 00:31");
	says(now, "daysago", 0, "1d has not passed yet");
	ok(next(now, "daysago") == at("2026-11-23 00:00"), "a promotion in the future counts as now");
	says(now, "weeksago", 0, "1w has not passed yet");
}

/* Does the host have its turn at now? */
static int over(int64_t now, const char *interval, size_t host)
{
	struct due_list l;
	int yes = -1;
	size_t i;

	need(due_list(&v, &rs, &conf, now, &l) == 0);
	for (i = 0; i < l.n; i++)
		if (strcmp(l.due[i].name, interval) == 0)
			yes = l.due[i].host[host].over;
	due_free(&l);
	return yes;
}

/* Hosts of two configurations on one root, and one that both have. */
static void test_hosts(void)
{
	int64_t now = at("2026-11-22 00:30");
	char *other[] = { host_two, NULL };

	forget();
	drop("hourly.5");
	make_for("hourly.5", host_two);
	make_for("daysago.0", host_two);
	says(now, "daysago", 0, "hourly.5, which feeds it, has no tree yet of a host whose turn it is");
	make_for("hourly.5", host_one);
	says(now, "daysago", 1, "never before");
	need(promoted_set(&v, "daysago", other, now - 60) == 0);
	says(now, "daysago", 1, "never before");
	rs.nhost = 2;
	promoted("daysago", "2026-11-21 00:30");
	says(now, "daysago", 1, "1d has passed");
	ok(over(now, "daysago", 0) == 1 && over(now, "daysago", 1) == 0, "the other's turn was a minute ago");
	need(promoted_set(&v, "daysago", hosts, now - 30) == 0);
	says(now, "daysago", 0, "1d has not passed yet");
	rs.nhost = 1;
	forget();
	need(promoted_set(&v, "daysago", other, now - 60) == 0);
	rs.nhost = 2;
	says(now, "daysago", 0, "1d has not passed yet");
	ok(over(now, "daysago", 0) == 0, "a new host goes with the others");
	rs.nhost = 1;
	forget();
	drop("daysago.0");
}

static void test_year_off(void)
{
	static const char *const all[] = { "hourly", "daysago", "weeksago", "monthsago" };
	size_t i;

	for (i = 0; i < 4; i++)
		promoted(all[i], "2026-11-22 00:30");
	ok(strcmp(all_due(at("2027-11-30 17:00")), "monthsago weeksago daysago hourly ") == 0,
	   "after a year off each is due, the largest first");
	for (i = 0; i < 4; i++)
		promoted(all[i], "2027-11-30 17:00");
	ok(strcmp(all_due(at("2027-11-30 23:59:59")), "hourly ") == 0, "once");
	ok(strcmp(all_due(at("2027-12-01 00:00:00")), "daysago hourly ") == 0, "and daysago on the next date");
	forget();
}

/* Fixed days, and periods of intervals with names of their own. */
static void test_keys(void)
{
	int64_t now = at("2026-11-22 00:30");

	rs.retain = named;
	pairs[0] = (struct conf_pair){ "period.beta", "12h" };
	pairs[1] = (struct conf_pair){ "on.gamma", "mar-1, nov-22" };
	conf.npair = 2;
	make("alpha.5");
	make("beta.6");
	make("gamma.3");
	promoted("beta", "2026-11-21 12:30");
	promoted("gamma", "2026-11-21 23:59");
	promoted("delta", "2020-01-01 00:00");
	says(now, "beta", 1, "12h has passed");
	says(now, "gamma", 1, "mar-1, nov-22 has come");
	says(now, "delta", 0, "no period is known: write period.delta = 1d, or on.delta = sunday");
	says(now, "alpha", 1, "at every run");
	promoted("beta", "2026-11-21 13:00");
	promoted("gamma", "2026-11-22 00:00");
	says(now, "beta", 0, "12h has not passed yet");
	says(now, "gamma", 0, "waits for mar-1, nov-22");
	ok(next(now, "gamma") == at("2027-03-01 00:00"), "its next day");
	drop("alpha.5");
	drop("beta.6");
	drop("gamma.3");
	forget();
}

/* The lowest interval, where it has a period of its own; it needs no feeder. */
static void test_lowest(void)
{
	int64_t now = at("2026-11-22 00:30");

	rs.retain = usual;
	pairs[0] = (struct conf_pair){ "period.hourly", "8h" };
	conf.npair = 1;
	says(now, "hourly", 1, "never before");
	promoted("hourly", "2026-11-21 16:30");
	says(now, "hourly", 1, "8h has passed");
	promoted("hourly", "2026-11-21 17:30");
	says(now, "hourly", 0, "8h has not passed yet");
	conf.npair = 0;
}

static void complains(const char *key, const char *value, int yes)
{
	char *text;

	pairs[0] = (struct conf_pair){ key, value };
	conf.npair = 1;
	text = due_complaint(&conf, &rs);
	ok(yes ? text != NULL && strncmp(text, key, strlen(key)) == 0 : text == NULL, "%s = %s: %s", key, value,
	   text != NULL ? text : "good");
	free(text);
}

static void test_complaints(void)
{
	char *text;

	complains("period.fortnightly", "1d", 1);
	complains("on.fortnightly", "1", 1);
	complains("period.daysago", "1 d", 1);
	complains("period.daysago", "soon", 1);
	complains("on.daysago", "someday", 1);
	complains("on.daysago", "feb-30", 1);
	complains("period.daysago", "1d", 0);
	complains("on.daysago", "1", 0);
	complains("max.daysago", "1", 0);
	pairs[0] = (struct conf_pair){ "on.daysago", "1" };
	pairs[1] = (struct conf_pair){ "period.daysago", "1d" };
	conf.npair = 2;
	text = due_complaint(&conf, &rs);
	ok(text != NULL && strstr(text, "on.daysago: it has period.daysago as well") != NULL, "both of them: %s", text);
	free(text);
	conf.npair = 0;
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	char file[] = "rsnapshot.conf";

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	msg_level(MSG_NONE);
	snprintf(dir, sizeof(dir), "%.40s/due.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	need(mkdtemp(dir));
	v = (struct volume){ .root = dir, .fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	need(v.fd >= 0);
	v.own = v.fd;
	conf.pair = pairs;
	rs = (struct rsnap){ .file = file, .root = dir, .retain = usual, .nretain = 4, .host = two_hosts, .nhost = 1 };
	test_feeder();
	test_borders();
	test_disk();
	test_future();
	test_hosts();
	test_year_off();
	test_keys();
	test_lowest();
	test_complaints();
	drop("hourly.5");
	drop("daysago.6");
	drop("weeksago.3");
	forget();
	close(v.fd);
	rmdir(dir);
	return done();
}
