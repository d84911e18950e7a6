/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_promoted.c - the record of promotions: kept whole, and what wrong clocks do to it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "rsnap/promoted.h"
#include "unit.h"

#define NOW 1795392000

static char name[] = "alpha", second[] = "beta", *alpha[] = { name, NULL }, *both[] = { name, second, name, NULL };
static char dir[64];
static struct volume v;

static void put(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/promoted", dir);
	f = fopen(path, "w");
	need(f);
	fputs(text, f);
	need(fclose(f) == 0);
}

static int64_t last_of(const char *host, const char *interval, int64_t now)
{
	struct promoted p;
	int64_t when;

	promoted_read(&v, &p);
	when = promoted_last(&p, interval, host, now);
	promoted_free(&p);
	return when;
}

static int64_t last(const char *interval, int64_t now)
{
	return last_of("alpha", interval, now);
}

/* A run finds out and writes down what is in the future. */
static void seen(const char *interval, int64_t now)
{
	struct promoted p;

	promoted_read(&v, &p);
	promoted_enter(&p, interval, "alpha", now, 1);
	need(promoted_write(&v, &p) == 0);
	promoted_free(&p);
}

static void test_record(void)
{
	ok(last("daysago", NOW) == 0, "no record yet");
	ok(promoted_set(&v, "daysago", alpha, NOW - 5) == 0 && promoted_set(&v, "weeksago", alpha, NOW - 9) == 0 &&
	   promoted_set(&v, "daysago", alpha, NOW - 3) == 0, "set");
	ok(last("daysago", NOW) == NOW - 3 && last("weeksago", NOW) == NOW - 9 && last("days", NOW) == 0,
	   "each has its own");
}

static void test_hosts(void)
{
	put("secondshot-promoted 1\ndaysago 5\ndaysago 7 0 beta\nend\n");
	ok(last_of("", "daysago", NOW) == 5 && last_of("beta", "daysago", NOW) == 7 && last("daysago", NOW) == 0,
	   "a line of an older version beside a host's own");
	need(promoted_set(&v, "daysago", alpha, NOW - 3) == 0);
	ok(last("daysago", NOW) == NOW - 3 && last_of("beta", "daysago", NOW) == 7, "another host's stays");
	need(promoted_set(&v, "daysago", NULL, NOW - 2) == 0);
	ok(last("daysago", NOW) == NOW - 2 && last_of("beta", "daysago", NOW) == NOW - 2 &&
	   last_of("", "daysago", NOW) == NOW - 2, "a journal of an older version: everybody's");
	need(promoted_set(&v, "weeksago", both, NOW - 1) == 0);
	ok(last("weeksago", NOW) == NOW - 1 && last_of("beta", "weeksago", NOW) == NOW - 1 &&
	   last_of("", "weeksago", NOW) == 0, "a journal that names a host twice");
	put("secondshot-promoted 1\ndaysago 5 0 a b  c\nend\n");
	ok(last_of("a b  c", "daysago", NOW) == 5, "a host's name may have spaces");
}

static void test_clocks(void)
{
	need(promoted_set(&v, "daysago", alpha, NOW) == 0);
	ok(last("daysago", NOW - 1000) == NOW - 1000, "in the future: counts as now");
	seen("daysago", NOW - 1000);
	ok(last("daysago", NOW - 1) == NOW - 1000, "as it was when it was seen, from then on");
	seen("daysago", NOW - 2000);
	ok(last("daysago", NOW - 1) == NOW - 2000, "a clock that goes back further");
	ok(last("daysago", NOW) == NOW, "and where the clock was right before, that counts again");
	need(promoted_set(&v, "daysago", alpha, NOW - 10) == 0);
	ok(last("daysago", NOW) == NOW - 10, "a promotion replaces it");
}

static void test_damage(void)
{
	static const char *const bad[] = {
		"", "\n", "secondshot-promoted 1\n", "secondshot-promoted 1\ndaysago 5\n",
		"secondshot-promoted 2\ndaysago 5\nend\n", "secondshot-promoted 1\ndaysago\nend\n",
		"secondshot-promoted 1\ndaysago x\nend\n", "secondshot-promoted 1\n 5\nend\n",
		"secondshot-promoted 1\ndaysago 5 6 ..\nend\n", "secondshot-promoted 1\ndaysago 5 6 \nend\n",
		"secondshot-promoted 1\ndaysago 5 0 alpha\ndaysago 4\ndaysago 6 0 alpha\nend\n", "secondshot-promoted 1\ndaysago 0\nend\n",
		"secondshot-promoted 1\ndaysago 99999999999999999999\nend\n",
		"secondshot-promoted 1\ndaysago 5\ndaysago 6\nend\n",
	};
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i]);
		ok(last("daysago", NOW) == 0, "no record: the damaged one number %zu", i);
	}
	put("secondshot-promoted 1\ndaysago 5 3 alpha\nend\n");
	ok(last("daysago", NOW) == 5 && last("daysago", 4) == 3, "this is one");
	snprintf(path, sizeof(path), "%s/promoted", dir);
	need(unlink(path) == 0 && mkdir(path, 0700) == 0);
	ok(last("daysago", NOW) == 0 && promoted_set(&v, "daysago", alpha, NOW) == -1, "a directory in its place");
	need(rmdir(path) == 0 && symlink("/etc/passwd", path) == 0);
	ok(last("daysago", NOW) == 0 && promoted_set(&v, "daysago", alpha, NOW) == 0 && last("daysago", NOW) == NOW,
	   "a link is not followed, and replaced");
	unlink(path);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");

	msg_level(MSG_NONE);
	snprintf(dir, sizeof(dir), "%.40s/promoted.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	need(mkdtemp(dir));
	v = (struct volume){ .root = dir, .fd = -1, .own = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	need(v.own >= 0);
	test_record();
	test_hosts();
	test_clocks();
	test_damage();
	close(v.own);
	rmdir(dir);
	return done();
}
