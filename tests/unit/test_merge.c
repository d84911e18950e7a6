/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What disk and catalog say of one path. */
#include <string.h>

#include "catalog/merge.h"
#include "unit.h"

static struct entry file(void)
{
	return (struct entry){ .path = "f", .path_len = 1, .type = 'f', .mode = 0644, .uid = 1,
			       .gid = 2, .size = 10, .mtime = 100, .mtime_ns = 5, .ino = 7,
			       .btime = 99, .data = "" };
}

static enum merge_verdict cmp(struct entry disk, struct entry was)
{
	struct row row = { .e = was };

	return merge_compare(&disk, &row);
}

#define WITH(change) ({ struct entry e = file(); e.change; e; })

static void files(void)
{
	struct entry was = file();

	ok(cmp(file(), was) == MERGE_SAME, "nothing changed");
	ok(cmp(WITH(mode = 0600), was) == MERGE_RELABEL, "mode");
	ok(cmp(WITH(uid = 9), was) == MERGE_RELABEL, "uid");
	ok(cmp(WITH(gid = 9), was) == MERGE_RELABEL, "gid");
	ok(cmp(WITH(size = 9), was) == MERGE_OVERWRITE, "size");
	ok(cmp(WITH(mtime = 9), was) == MERGE_OVERWRITE, "seconds");
	ok(cmp(WITH(mtime_ns = 9), was) == MERGE_OVERWRITE, "nanoseconds");
	ok(cmp(WITH(ino = 9), was) == MERGE_OTHER, "another inode");
	ok(cmp(WITH(btime = 9), was) == MERGE_OTHER, "the inode's number was used again");
	ok(cmp(WITH(type = 'd'), was) == MERGE_OTHER, "another type");
	ok(cmp(WITH(btime = 0), was) == MERGE_SAME, "no birth time now: inode, size and time");
	ok(cmp(WITH(btime = 0; e.mtime_ns = 9), was) == MERGE_OTHER, "no birth time now, another time");
	was.btime = 0;
	ok(cmp(file(), was) == MERGE_SAME, "no birth time: inode, size and time");
	ok(cmp(WITH(size = 9), was) == MERGE_OTHER, "no birth time, another size");
	ok(cmp(WITH(mode = 0), was) == MERGE_RELABEL, "no birth time, another mode");
}

static void others(void)
{
	struct entry a = { .path = "", .type = 'l', .mode = 0777, .data = "x", .data_len = 1 }, b = a;

	ok(cmp(a, b) == MERGE_SAME, "the same link");
	b.data = "y";
	ok(cmp(a, b) == MERGE_OTHER, "another target");
	b = a;
	b.uid = 1;
	ok(cmp(a, b) == MERGE_OTHER, "another owner");
	b = a;
	b.mtime = 1;
	ok(cmp(a, b) == MERGE_OTHER, "another time");
}

int main(void)
{
	files();
	others();
	return done();
}
