/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_guard.c - what changed or lost too much to be rotated unseen. */
#include <string.h>

#include "run/guard.h"
#include "unit.h"

static struct buf why;

/* Judge 1000 files of 5000 bytes that became these. */
static int judge(int64_t files, int64_t bytes, int64_t changed, int64_t removed, int change, int shrink)
{
	struct guard_facts f = { 1000, 5000, files, bytes, changed, removed };

	buf_reset(&why);
	buf_add(&why, "", 0);
	return guard_judge(&f, change, shrink, &why);
}

static void changes(void)
{
	ok(judge(1000, 5000, 0, 0, 40, 20) == 0 && !*why.p, "nothing changed");
	ok(judge(1000, 5000, 400, 0, 40, 20) == 0, "just as much as is allowed");
	ok(judge(1000, 5000, 401, 0, 40, 20) == 1, "one more");
	ok(!strcmp(why.p, "401 of 1000 files are changed or gone (40.1%), max-change is 40%"),
	   "what is said of it: %s", why.p);
	ok(judge(1000, 5000, 0, 401, 40, 20) == 1, "removed ones count, though as many were added");
	ok(judge(1000, 5000, 201, 200, 40, 0) == 1, "both together");
	ok(judge(1000, 5000, 1000, 0, 0, 20) == 0, "0 is no limit");
	ok(judge(1000, 5000, 1000, 0, 100, 20) == 0, "100 never trips");
	ok(judge(1000, 5000, -1, -1, 1, 20) == 0, "what nobody counted is not judged");
}

static void shrinking(void)
{
	ok(judge(800, 5000, 0, 200, 40, 20) == 0, "a fifth fewer files");
	ok(judge(799, 5000, 0, 201, 40, 20) == 1, "one more");
	ok(!strcmp(why.p, "799 files instead of 1000 (20.1% less), max-shrink is 20%"),
	   "what is said of it: %s", why.p);
	ok(judge(1000, 3999, 0, 0, 40, 20) == 1 && strstr(why.p, "3999 bytes instead of 5000"),
	   "fewer bytes");
	ok(judge(1000, 4000, 0, 0, 40, 20) == 0, "a fifth of the bytes");
	ok(judge(2000, 50000, 0, 0, 1, 1) == 0, "growth is none of our business");
	ok(judge(1, 1, 0, 999, 0, 0) == 0, "0 is no limit");
	ok(judge(-1, -1, 0, 0, 1, 1) == 0, "what nobody counted is not judged");
	ok(judge(500, 2500, 0, 500, 40, 20) == 1, "all of it");
	ok(strstr(why.p, "max-change is 40%; 500 files") &&
	   strstr(why.p, "max-shrink is 20%; 2500 bytes"), "all that is passed is said: %s", why.p);
}

static void edges(void)
{
	struct guard_facts none = { 0, 0, 0, 0, 0, 0 }, unknown = { -1, -1, 5, 5, 5, 5 },
		huge = { INT64_MAX, INT64_MAX, INT64_MAX / 2, INT64_MAX, 0, 0 };

	ok(guard_judge(&none, 1, 1, &why) == 0, "a predecessor without files");
	ok(guard_judge(&unknown, 1, 1, &why) == 0, "an unknown predecessor");
	ok(guard_judge(&huge, 40, 20, &why) == 1, "no number is too large");
}

int main(void)
{
	changes();
	shrinking();
	edges();
	buf_free(&why);
	return done();
}
