/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_inodes.c - is a new name that of an inode that is known?  Later savesets; files that move. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/batch.h"
#include "db/db_login.h"
#include "db/schema.h"
#include "unit.h"

static struct catalog cat;
static struct batch *batch;
static int wanted;
static int64_t since;		/* of the one wanted last */

static void want(const struct entry *e, void *arg)
{
	(void)arg;
	wanted++;
	since = e->since;
}

/* Saveset seq of a series, that takes no inode from before saveset oldest for a new name's. */
static void begin(int64_t series, int64_t seq, int64_t oldest)
{
	batch = batch_new(&cat, series, seq, oldest, hash_algo_find("sha256"), want, NULL);
	wanted = 0;
	since = 0;
}

static void name(const char *path, uint64_t ino, int64_t btime, uint32_t nlink)
{
	struct entry e = { .path = path, .path_len = strlen(path), .type = 'f', .size = 10,
			   .mtime = 100, .ino = ino, .btime = btime, .nlink = nlink, .data = "" };

	batch_open(batch, &e, ROWS_TOP, 0, 0);
}

static unsigned long end(void)
{
	unsigned long conflicts;

	need(batch_flush(batch, 2, 1) == 0);
	conflicts = batch_conflicts(batch);
	batch_free(batch);
	return conflicts;
}

static void moves(void)
{
	begin(1, 1, 1);
	name("a", 7, 1, 1);
	name("b", 7, 1, 1);
	ok(end() == 1, "a file that moves while it is walked is met twice");
	begin(2, 1, 1);
	name("a", 7, 1, 1);
	need(batch_flush(batch, 2, 1) == 0);
	name("b", 7, 1, 1);
	ok(end() == 1, "also in a later batch");
	begin(3, 1, 1);
	name("a", 7, 1, 1);
	name("b", 8, 1, 1);
	ok(end() == 0, "two files are two");
}

/* Saveset 1 of the series that it is about lies somewhere. */
static void locate(void)
{
	need(db_script(cat.db, "INSERT INTO volumes VALUES (1, 'u', 'v', 'b', '/', '', 0);") == 0);
	for (int i = 4; i <= 10; i++) {
		char sql[512];

		snprintf(sql, sizeof(sql), "INSERT INTO hosts VALUES (%d, '%d', 0);"
			 "INSERT INTO series VALUES (%d, %d, 1, 1, 2, NULL);"
			 "INSERT INTO savesets (id, series, seq, name, uid, status, created, hash)"
			 " VALUES (%d, %d, 1, '%d', '%d', 1, 0, '');"
			 "INSERT INTO locations VALUES (%d, 'hourly.0');", i, i, i, i, i, i, i, i, i);
		need(db_script(cat.db, sql) == 0);
	}
}

/* A file of saveset 1, and a further name in saveset 2: which saveset's inode is it? */
static int64_t later(int64_t series, int64_t was_born, int64_t is_born, int64_t oldest)
{
	begin(series, 1, 1);
	name("a", 7, was_born, 2);
	need(end() == 0 && wanted == 1 && since == 1);
	begin(series, 2, oldest);
	name("b", 7, is_born, 2);
	need(end() == 0 && wanted == 1);
	return since;
}

static void names(void)
{
	ok(later(4, 5, 5, 1) == 1, "inode and birth time are those of a known file");
	ok(later(5, 5, 6, 1) == 2, "the inode's number was used again");
	ok(later(6, 0, 0, 1) == 2, "no birth time: nobody knows");
	ok(later(7, 0, 5, 1) == 2, "there was none then");
	ok(later(8, 5, 0, 1) == 2, "there is none now");
	ok(later(9, 5, 5, 2) == 2, "on another file system no inode means what it meant");
	need(db_script(cat.db, "DELETE FROM locations WHERE saveset = 10;") == 0);
	ok(later(10, 5, 5, 1) == 2, "nothing on disk covers the file of that inode any more");
}

int main(void)
{
	char dir[] = "/tmp/ss-inodes.XXXXXX", file[sizeof(dir) + 3];
	struct db_login login = { .url = file };

	need(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/db", dir);
	cat.db = db_open(&login, DB_CREATE, &cat.away);
	need(cat.db && schema_upgrade(cat.db, 1, &cat.none) == 0);
	moves();
	locate();
	names();
	db_close(cat.db);
	need(unlink(file) == 0 && rmdir(dir) == 0);
	return done();
}
