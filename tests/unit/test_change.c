/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_change.c - what became of files, and in which directories most of it did. */
#include <string.h>

#include "catalog/change.h"
#include "unit.h"

static struct entry at(const char *path, char type, int64_t size, int64_t mtime)
{
	return (struct entry){ .path = path, .path_len = strlen(path), .type = type, .mode = 0644,
			       .size = size, .mtime = mtime, .mtime_ns = 5, .ino = 7, .data = "" };
}

static int is(const struct change *c, int changed, int removed, int added)
{
	return c->changed == changed && c->removed == removed && c->added == added;
}

static struct change one(const struct entry *now, const struct entry *was)
{
	struct change c = { 0 };

	change_count(&c, now, was);
	return c;
}

static void kinds(void)
{
	struct entry was = at("f", 'f', 10, 100), now = was, dir = at("f", 'd', 0, 100),
		     lnk = at("f", 'l', 0, 100);
	struct change c = one(&now, &was);

	ok(is(&c, 0, 0, 0), "the same");
	now.mode = 0600;
	now.uid = 9;
	now.ino = 8;
	now.btime = 1;
	c = one(&now, &was);
	ok(is(&c, 0, 0, 0), "mode, owner and inode are no change");
	now.size = 11;
	c = one(&now, &was);
	ok(is(&c, 1, 0, 0), "size");
	now = was;
	now.mtime = 101;
	c = one(&now, &was);
	ok(is(&c, 1, 0, 0), "seconds");
	now = was;
	now.mtime_ns = 6;
	c = one(&now, &was);
	ok(is(&c, 1, 0, 0), "nanoseconds");
	c = one(NULL, &was);
	ok(is(&c, 0, 1, 0), "gone");
	c = one(&dir, &was);
	ok(is(&c, 0, 1, 0), "a directory now");
	c = one(&was, &lnk);
	ok(is(&c, 0, 0, 1), "was a link");
	c = one(&was, NULL);
	ok(is(&c, 0, 0, 1), "new");
	c = one(&dir, NULL);
	ok(is(&c, 0, 0, 0), "a new directory");
	c = one(&lnk, &dir);
	ok(is(&c, 0, 0, 0), "no file before nor after");
}

static void put(struct change_path *p, const char *path)
{
	struct entry e = at(path, 'f', 1, 1);

	change_path_add(p, &e, NULL);
}

static int dir_is(const struct change_dir *d, const char *path, int added)
{
	return d->len == strlen(path) && memcmp(d->path, path, d->len) == 0 && d->n.added == added;
}

static void directories(void)
{
	struct change_top top = { 0 };
	struct change_path *p = change_path_new(&top);
	struct entry was = at("d/sub/x", 'f', 1, 1), same = was;

	/* In path order: what lies in "a" comes after "a-b", and around what lies in "a/b". */
	put(p, "a-b");
	put(p, "a/a");
	put(p, "a/b/c/d");
	put(p, "a/b/c/e");
	put(p, "a/c");
	put(p, "a/d\n");
	put(p, "a/e");
	change_path_add(p, &same, &was);
	change_path_add(p, NULL, &was);
	put(p, "e");
	change_path_end(p);
	ok(top.n == 4, "directories with changes alone: %zu", top.n);
	ok(dir_is(&top.dir[0], "a", 4), "most first, interrupted by what lies below it");
	ok(dir_is(&top.dir[1], "a/b/c", 2), "of equals the deeper one is left first");
	ok(dir_is(&top.dir[2], "", 2), "the top directory");
	ok(dir_is(&top.dir[3], "d/sub", 0) && top.dir[3].n.removed == 1, "something removed");
	ok(strcmp(top.dir[0].name[0], "a") == 0 && strcmp(top.dir[0].name[2], "d\\n") == 0,
	   "names, escaped, without their directory");
	ok(top.dir[1].name[1] && !top.dir[1].name[2], "no more names than there are");
	change_top_free(&top);
	ok(top.n == 0, "freed");
}

static void many(void)
{
	struct change_top top = { 0 };
	struct change_path *p = change_path_new(&top);
	char path[32];
	int i, k, fit = 1;

	for (i = 10; i < 90; i++)
		for (k = 0; k < (i * 37) % 80 + 1; k++) {
			snprintf(path, sizeof(path), "%d/%03d", i, k);
			put(p, path);
		}
	change_path_end(p);
	ok(top.n == CHANGE_DIRS, "ten directories of eighty");
	for (i = 0; i < CHANGE_DIRS; i++)
		fit = fit && top.dir[i].n.added == 80 - i;
	ok(fit, "the ten with most, in order");
	change_top_free(&top);
}

static void deep(void)
{
	struct change_top top = { 0 };
	struct change_path *p = change_path_new(&top);
	static char path[20001];
	size_t n;

	for (n = 0; n + 2 < sizeof(path); n += 2) {
		path[n] = 'f';
		put(p, path);
		path[n] = 'd';
		path[n + 1] = '/';
	}
	change_path_end(p);
	ok(top.n == CHANGE_DIRS && top.dir[0].n.added == 1, "ten thousand levels");
	change_top_free(&top);
}

int main(void)
{
	kinds();
	directories();
	many();
	deep();
	return done();
}
