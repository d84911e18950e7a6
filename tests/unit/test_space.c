/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_space.c - is there room for another run? */
#include <string.h>

#include "tree/space.h"
#include "unit.h"

static struct buf why;

/* Judge a volume of 1000 MiB and 1000 inodes. */
static enum space_verdict judge(uint64_t mib, uint64_t inodes, uint64_t took_mib, uint64_t took_inodes,
				int min_free)
{
	struct space s = { 1000ull << 20, mib << 20, 1000, inodes };
	struct space_used last = { took_mib << 20, took_inodes };

	buf_reset(&why);
	buf_add(&why, "", 0);
	return space_judge(&s, &last, min_free, &why);
}

static void bytes(void)
{
	ok(judge(500, 500, 100, 100, 1) == SPACE_OK && !*why.p, "plenty");
	ok(judge(10, 500, 0, 0, 1) == SPACE_OK, "just min-free");
	ok(judge(9, 500, 0, 0, 1) == SPACE_FULL, "less");
	ok(!strcmp(why.p, "9.0 MiB of 1.0 GiB are free (0.9%)"), "what is said: %s", why.p);
	ok(judge(0, 500, 0, 0, 1) == SPACE_FULL && strstr(why.p, "0 B of "), "nothing");
	ok(judge(110, 500, 100, 0, 1) == SPACE_OK, "just what the last run took, and min-free");
	ok(judge(109, 500, 100, 0, 1) == SPACE_TIGHT, "less");
	ok(!strcmp(why.p, "109 MiB of 1.0 GiB are free (10.9%), the last run took 100 MiB"),
	   "what is said: %s", why.p);
	ok(judge(50, 500, 100, 0, 1) == SPACE_TIGHT, "less than the last run took");
	ok(judge(5, 500, 100, 0, 1) == SPACE_FULL, "full is worse than tight");
	ok(judge(0, 0, 100, 100, 0) == SPACE_OK, "0 is no limit");
}

static void inodes(void)
{
	struct space none = { 1000, 500, 0, 0 }, nothing = { 0 };
	struct space_used huge = { 0, UINT64_MAX };

	ok(judge(500, 9, 0, 0, 1) == SPACE_FULL, "few inodes");
	ok(!strcmp(why.p, "9 of 1000 inodes are free (0.9%)"), "what is said: %s", why.p);
	ok(judge(500, 100, 0, 95, 1) == SPACE_TIGHT, "few after a run");
	ok(judge(5, 100, 0, 95, 1) == SPACE_FULL, "few of both");
	ok(strstr(why.p, "(0.5%); 100 of "), "what is said: %s", why.p);
	ok(space_judge(&none, &huge, 99, &why) == SPACE_FULL, "bytes count where there are no inodes");
	ok(space_judge(&none, &huge, 50, &why) == SPACE_OK, "a file system that does not count inodes");
	ok(space_judge(&nothing, &huge, 50, &why) == SPACE_OK, "one that does not count anything");
}

static void taken(void)
{
	struct space before = { 1000, 500, 100, 50 }, after = { 1000, 300, 100, 20 };
	struct space_used u = space_taken(&before, &after);

	ok(u.bytes == 200 && u.inodes == 30, "what was taken");
	u = space_taken(&after, &before);
	ok(u.bytes == 0 && u.inodes == 0, "what became free is nothing taken");
}

int main(void)
{
	bytes();
	inodes();
	taken();
	buf_free(&why);
	return done();
}
