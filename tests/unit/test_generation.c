/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_generation.c - the stamps of a disk: how two records are to each other, and which record is one. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "tree/generation.h"
#include "unit.h"

static char dir[64];
static struct volume v;

/* "a3 a2 a1": a stamp for each word, of that copy's (the letter) and number. */
static void fill(struct generation *g, const char *text)
{
	char word[16];
	int used;

	*g = (struct generation){ .n = 0 };
	while (sscanf(text, "%15s%n", word, &used) == 1) {
		struct stamp *s = &g->stamp[g->n++];

		s->n = atoi(word + 1);
		memset(s->id, word[0], ID_LEN);
		s->at = s->n;
		text += used;
	}
}

static void compares(const char *on, const char *in, enum generation_order order)
{
	struct generation disk, catalog;
	enum generation_order got;

	fill(&disk, on);
	fill(&catalog, in);
	got = generation_compare(&disk, &catalog);
	ok(got == order, "disk [%s], catalog [%s]: %d", on, in, (int)got);
}

static void test_compare(void)
{
	compares("", "", GENERATION_SAME);
	compares("a2 a1", "", GENERATION_SAME);
	compares("a2 a1", "a2 a1", GENERATION_SAME);
	compares("a2", "a2 a1", GENERATION_SAME);
	compares("", "a1", GENERATION_UNRELATED);
	/* Killed between disk and catalog; without the catalog; an older copy of the catalog. */
	compares("a3 a2 a1", "a2 a1", GENERATION_AHEAD);
	compares("a9 a8 a7 a6 a5", "a5 a4", GENERATION_AHEAD);
	/* So many without the catalog that none is left: it may be a copy that went on by itself. */
	compares("a9 a8 a7", "a5 a4", GENERATION_UNRELATED);
	/* An image, a copy that took turns. */
	compares("a2 a1", "a3 a2 a1", GENERATION_BEHIND);
	compares("a1", "a3 a2 a1", GENERATION_BEHIND);
	compares("b3 a2 a1", "a3 a2 a1", GENERATION_FORKED);
	compares("b4 b3 a2 a1", "a3 a2 a1", GENERATION_FORKED);
	compares("b3 a2 a1", "a4 a3 a2 a1", GENERATION_FORKED);
	/* One was accepted, and the other one is back; and that one in its turn. */
	compares("a4 a3 a2", "b5 a4 a3 a2", GENERATION_BEHIND);
	compares("b5 a2 a1", "a6 b5 a4 a3", GENERATION_BEHIND);
	/* Accepted, and killed before the catalog knew. */
	compares("b5 a2 a1", "a4 a3 a2 a1", GENERATION_FORKED);
	/* An older catalog knows what the accepted copy never had. */
	compares("b9 a2 a1", "a7 a6 a5 a2", GENERATION_FORKED);
	/* An image so old that nothing is left of it. */
	compares("a2 a1", "a9 a8 a7", GENERATION_UNRELATED);
	/* A record that was lost, and begun anew. */
	compares("z2 z1", "a9 a8 a7", GENERATION_UNRELATED);
	compares("z9 z8", "a9 a8 a7", GENERATION_UNRELATED);
}

static void test_record(void)
{
	struct generation g, again;
	char path[128];
	int i;

	ok(generation_read(&v, &g) == 0 && g.n == 0, "no record yet");
	for (i = 1; i <= GENERATION_KEPT + 5; i++)
		need(generation_raise(&v, &g, 0, 1000 + i) == 0);
	ok(g.n == GENERATION_KEPT && g.stamp[0].n == GENERATION_KEPT + 5 && g.stamp[0].at == 1000 + GENERATION_KEPT + 5,
	   "so many are kept");
	ok(generation_read(&v, &again) == 1 && again.n == g.n && again.stamp[99].n == 6 &&
	   strcmp(again.stamp[0].id, g.stamp[0].id) == 0 && strcmp(again.stamp[0].id, again.stamp[1].id) != 0,
	   "as they were written");
	ok(generation_raise(&v, &g, 500, 1) == 0 && g.stamp[0].n == 501 && g.stamp[1].n == GENERATION_KEPT + 5,
	   "a number above those of the catalog");
	again = g;
	ok(generation_raise(&v, &g, INT64_MAX / 2 - 1, 1) == 0 && g.n == GENERATION_KEPT &&
	   g.stamp[0].n == INT64_MAX / 2 && generation_read(&v, &g) == 1, "the largest that can be read");
	ok(generation_raise(&v, &g, 0, 1) == 0 && g.n == 1 && g.stamp[0].n == 1 && generation_read(&v, &g) == 1,
	   "behind it they begin anew, and can be read");
	g = again;
	ok(generation_raise(&v, &g, INT64_MAX, 1) == 0 && g.n == 1 && g.stamp[0].n == 1,
	   "nor is one above the catalog's");
	g = again;
	snprintf(path, sizeof(path), "%s/generation", dir);
	need(unlink(path) == 0 && mkdir(path, 0700) == 0);
	again = g;
	ok(generation_read(&v, &g) == -1 && g.n == 0, "a directory in its place");
	g = again;
	ok(generation_raise(&v, &g, 0, 1) == -1 && g.stamp[0].n == 501, "it cannot be raised then");
	need(rmdir(path) == 0);
}

static void is_none(const char *lines)
{
	struct generation g;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/generation", dir);
	f = fopen(path, "w");
	need(f);
	fprintf(f, "secondshot-generation 1\n%send\n", lines);
	need(fclose(f) == 0);
	ok(generation_read(&v, &g) == -1 && g.n == 0, "no record: %.*s", (int)strcspn(lines, "\n"), lines);
}

static void test_damage(void)
{
#define ID "00112233445566778899aabbccddeeff"
	struct buf b = { 0 };
	int i;

	is_none("x\n");
	is_none("0 " ID " 5\n");
	is_none("-1 " ID " 5\n");
	is_none("9223372036854775807 " ID " 5\n");
	is_none("99999999999999999999 " ID " 5\n");
	is_none("5 " ID "\n");
	is_none("5 " ID " \n");
	is_none("5 " ID " 5x\n");
	is_none("5 " ID "0 5\n");
	is_none("5 0011 5\n");
	is_none("5  " ID " 5\n");
	is_none("5 " ID " 5\n5 " ID " 5\n");
	is_none("5 " ID " 5\n6 " ID " 5\n");
	for (i = 200; i > 200 - GENERATION_KEPT - 1; i--)
		buf_printf(&b, "%d " ID " 5\n", i);
	is_none(b.p);
	buf_free(&b);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");

	msg_level(MSG_NONE);
	snprintf(dir, sizeof(dir), "%.40s/generation.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	need(mkdtemp(dir));
	v = (struct volume){ .root = dir, .fd = -1, .own = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	need(v.own >= 0);
	test_compare();
	test_record();
	test_damage();
	unlinkat(v.own, "generation", 0);
	close(v.own);
	rmdir(dir);
	return done();
}
