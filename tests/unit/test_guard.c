/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_guard.c - what changed or lost too much to be rotated unseen. */
#include <string.h>

#include "catalog/guard.h"
#include "conf/conf.h"
#include "unit.h"

static struct buf why;

/* Judge 1000 files of 5000 bytes that became these. */
static int judge(int64_t files, int64_t bytes, int64_t changed, int64_t removed, int change, int shrink)
{
	struct guard_facts f = { 1000, 5000, files, bytes, changed, removed };

	const struct guard_limits l = { .max_change = change, .max_shrink = shrink };

	buf_reset(&why);
	buf_add(&why, "", 0);
	return guard_judge(&f, &l, &why);
}

/* Judge a host of so many files and bytes by the sample's limits, and one for bytes alone. */
static int sample(int64_t was_files, int64_t was_bytes, int64_t files, int64_t bytes, int64_t changed,
		  int64_t removed, int shrink_bytes)
{
	struct guard_facts f = { was_files, was_bytes, files, bytes, changed, removed };
	const struct guard_limits l = { 40, 20, shrink_bytes, 10 };

	buf_reset(&why);
	buf_add(&why, "", 0);
	return guard_judge(&f, &l, &why);
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
	ok(judge(1000, 3999, 201, 0, 40, 20) == 1 && strstr(why.p, "3999 bytes instead of 5000"),
	   "fewer bytes, in more than a fifth of the files");
	ok(judge(1000, 3999, 200, 0, 40, 20) == 0, "fewer bytes, in a fifth of the files");
	ok(judge(1000, 4000, 201, 0, 40, 20) == 0, "a fifth of the bytes");
	ok(judge(2000, 50000, 0, 0, 1, 1) == 0, "growth is none of our business");
	ok(judge(1, 1, 0, 999, 0, 0) == 0, "0 is no limit");
	ok(judge(-1, -1, 0, 0, 1, 1) == 0, "what nobody counted is not judged");
	ok(judge(500, 2500, 0, 500, 40, 20) == 1, "all of it");
	ok(strstr(why.p, "max-change is 40%; 500 files") &&
	   strstr(why.p, "max-shrink is 20%; 2500 bytes"), "all that is passed is said: %s", why.p);
}

static void few_and_large(void)
{
	const int64_t gb = 1000000000, mb = 1000000;

	ok(sample(800, 1600 * mb, 799, 100 * mb, 0, 1, 0) == 0, "one large file of 800 is deleted: 94%% of the bytes");
	ok(sample(6, 1600 * mb, 5, 100 * mb, 0, 1, 0) == 0, "one of six");
	ok(sample(800, 1600 * mb, 799, 100 * mb, 0, 1, 50) == 1 &&
	   !strcmp(why.p, "100000000 bytes instead of 1600000000 (93.8% less), max-shrink-bytes is 50%"),
	   "a limit for bytes alone: %s", why.p);
	ok(sample(800, 1600 * mb, 799, 801 * mb, 0, 1, 50) == 0, "and a little more than half is left");
	ok(sample(4, 80 * gb, 4, 81 * gb, 4, 0, 0) == 0, "four dumps that are new each night");
	ok(sample(4, 80 * gb, 0, 0, 0, 4, 0) == 1, "all four are gone");
	ok(sample(4, 80 * gb, 4, 8 * gb, 4, 0, 50) == 1, "bytes alone are judged however few the files are");
	ok(sample(10, 100, 10, 100, 10, 0, 0) == 1, "ten files are enough");
	ok(sample(9, 100, 9, 100, 9, 0, 0) == 0, "nine are not");
	ok(sample(30, 100, 21, 90, -1, -1, 0) == 0 && sample(30, 100, 20, 90, -1, -1, 0) == 1,
	   "where nobody counted what changed, those that are fewer count");
	ok(sample(30, 100, 30, 10, -1, -1, 0) == 0, "and fewer bytes alone say nothing");
}

/* Whose limits? */
static void hosts(void)
{
	const char *key[] = { "max-change.alpha", "max-shrink-bytes.alpha", "min-change.alpha", "max-change.al" };
	const char *value[] = { "0", "60%", "1", "7" };
	struct conf_pair pair[4];
	struct conf c = { .max_change = 40, .max_shrink = 20, .min_change = 10, .pair = pair, .npair = 4 };
	struct guard_limits l;

	for (size_t i = 0; i < 4; i++)
		pair[i] = (struct conf_pair){ key[i], value[i] };
	l = guard_limits(&c, "alpha");
	ok(l.max_change == 0 && l.max_shrink == 20 && l.max_shrink_bytes == 60 && l.min_change == 1, "its own, each");
	l = guard_limits(&c, "alphabet");
	ok(l.max_change == 40 && l.max_shrink == 20 && l.max_shrink_bytes == 0 && l.min_change == 10, "none of its own");
	l = guard_limits(&c, "al");
	ok(l.max_change == 7, "another's");
}

static void edges(void)
{
	const struct guard_limits tight = { 1, 1, 0, 0 }, usual = { 40, 20, 0, 0 };

	struct guard_facts none = { 0, 0, 0, 0, 0, 0 }, unknown = { -1, -1, 5, 5, 5, 5 },
		huge = { INT64_MAX, INT64_MAX, INT64_MAX / 2, INT64_MAX, INT64_MAX, INT64_MAX };

	ok(guard_judge(&none, &tight, &why) == 0, "a predecessor without files");
	ok(guard_judge(&unknown, &tight, &why) == 0, "an unknown predecessor");
	ok(guard_judge(&huge, &usual, &why) == 1, "no number is too large");
}

int main(void)
{
	changes();
	shrinking();
	few_and_large();
	hosts();
	edges();
	buf_free(&why);
	return done();
}
