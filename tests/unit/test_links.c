/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_links.c - new names of files with links, as a walk meets them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/batch.h"
#include "catalog/summary.h"
#include "db/db_login.h"
#include "db/schema.h"
#include "unit.h"

static struct catalog cat;
static struct batch *batch;
static int wanted;

static void want(const struct entry *e, void *arg)
{
	(void)arg;
	wanted += e->since == 1;
}

/* Saveset 1 of a series of its own, with its top directory. */
static void begin(int64_t series)
{
	struct entry top = { .path = "", .type = 'd', .data = "" };

	batch = batch_new(&cat, series, 1, 1, hash_algo_find("sha256"), want, NULL);
	batch_open(batch, &top, 0, ROWS_TOP, 0);
	wanted = 0;
}

static void name(const char *path, uint64_t ino, uint32_t nlink, int64_t size)
{
	struct entry e = { .path = path, .path_len = strlen(path), .type = 'f', .size = size,
			   .ino = ino, .btime = 1, .nlink = nlink, .data = "" };

	batch_open(batch, &e, ROWS_TOP, 0, 0);
}

static void flush(void)
{
	need(batch_flush(batch, 2, 1) == 0);
}

/* All is there: so many bytes, digests asked for, and files that changed meanwhile? */
static int is(int64_t series, int64_t bytes, int digests, unsigned long moved)
{
	struct summary sum;
	unsigned long conflicts;

	flush();
	conflicts = batch_conflicts(batch);
	batch_free(batch);
	need(summary_make(&cat, series, 1, SUMMARY_BOTH, &sum) == 0);
	if (sum.bytes != bytes || wanted != digests || conflicts != moved)
		printf("# %lld bytes, %d wanted, %lu moved\n", (long long)sum.bytes, wanted, conflicts);
	return sum.bytes == bytes && wanted == digests && conflicts == moved;
}

static void names(void)
{
	begin(1);
	name("a", 7, 3, 10);
	name("b", 7, 3, 10);
	flush();
	name("c", 7, 3, 10);
	name("d", UINT64_MAX, 2, 1);
	name("e", UINT64_MAX, 2, 1);
	ok(is(1, 11, 2, 0), "names in one batch and in two");

	begin(2);
	name("a", 7, 1, 10);
	name("b", 8, 1, 1);
	name("c", 7, 2, 10);
	name("d", 7, 2, 10);
	ok(is(2, 11, 2, 0), "another name is made while the tree is walked");

	begin(3);
	name("a", 7, 1, 10);
	flush();
	name("b", 7, 2, 10);
	ok(is(3, 10, 1, 0), "and is met in a later batch");

	begin(4);
	name("a", 7, 1, 10);
	name("b", 7, 2, 11);
	ok(is(4, 20, 2, 1), "and the file is written to");
}

int main(void)
{
	char dir[] = "/tmp/ss-links.XXXXXX", file[sizeof(dir) + 3];
	struct db_login login = { .url = file };

	need(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/db", dir);
	cat.db = db_open(&login, DB_CREATE, &cat.away);
	need(cat.db && schema_upgrade(cat.db, 1, &cat.none) == 0);
	names();
	db_close(cat.db);
	need(unlink(file) == 0 && rmdir(dir) == 0);
	return done();
}
