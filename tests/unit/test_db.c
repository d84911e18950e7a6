/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test_db.c - the seam to the database: what fails is told, what was bound is what is stored. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/msg.h"
#include "db/db.h"
#include "db/db_login.h"
#include "db/schema.h"
#include "unit.h"

static struct db *db;

/* The number of rows in hosts, which begins empty. */
static int64_t hosts(void)
{
	int64_t n = -1;

	need(db_value(db, &n, SQL_COPY_HOSTS_COUNT, "") == 1);
	return n;
}

static int add_host(void *name)
{
	return db_run(db, SQL_HOST_ADD, "si", (const char *)name, (int64_t)1) == 1 ? 0 : -1;
}

static int add_and_fail(void *name)
{
	return add_host(name) == 0 ? -1 : 0;
}

/* All that is queued comes to the database before the commit does. */
static int queue_two(void *tally)
{
	return db_queue(db, tally, SQL_HOST_ADD, "si", "queued", (int64_t)1) |
	       db_queue(db, tally, SQL_HOST_ADD, "si", "too", (int64_t)1);
}

static void test_bound(void)
{
	static const char name[] = "a'; DROP TABLE hosts; --\0\xff%_\\", shorter[] = "a'; DROP TABLE hosts; --";
	int64_t id = 0;
	size_t len;

	ok(db_run(db, SQL_META_SET, "bb", name, sizeof(name), name + 3, (size_t)7) >= 1, "any bytes are stored");
	struct db_stmt *s = db_bind(db, SQL_META_GET, "b", name, sizeof(name));
	need(s && db_step(s) == DB_ROW);
	ok(!db_is_null(s, 0) && memcmp(db_bytes(s, 0, &len), name + 3, 7) == 0 && len == 7, "and found, as they were");
	db_reset(s);
	ok(db_value(db, &id, SQL_META_GET, "b", shorter, sizeof(shorter) - 1) == 0, "but by all of them");
	ok(db_value(db, &id, SQL_HOST_ID, "s", "nobody") == 0 && id == 0, "what is not there is not found");
	ok(hosts() == 0, "and the table is there");
}

static void test_transaction(void)
{
	struct db_tally tally = { 0, 0 };

	ok(db_transaction(db, add_and_fail, (void *)(uintptr_t)"undone") == -1 && hosts() == 0,
	   "what fails leaves nothing");
	ok(db_transaction(db, add_host, (void *)(uintptr_t)"done") == 0 && hosts() == 1, "what does not stays");
	ok(db_transaction(db, queue_two, &tally) == 0 && hosts() == 3 && tally.rows == 2 && tally.changed == 2,
	   "queued rows, too, and are counted");
}

/* The database refuses a row: there is such a host. */
static void test_refused(void)
{
	struct db_tally tally = { 0, 0 };

	ok(db_run(db, SQL_HOST_ADD, "si", "done", (int64_t)2) == -1, "a row that is refused is a failure");
	ok(db_queue(db, &tally, SQL_HOST_ADD, "si", "done", (int64_t)2) == -1 || db_flush(db) == -1,
	   "a queued one is, too");
	ok(tally.changed == 0, "and counts as no change");
	ok(db_run(db, SQL_HOST_ADD, "si", NULL, (int64_t)2) == -1, "so is NULL where it must not be");
	ok(db_transaction(db, add_host, (void *)(uintptr_t)"done") == -1, "and in a transaction");
	ok(hosts() == 3, "and nothing is changed");
}

/* Another process has the database: reading and writing fail, and say so. */
static void test_locked(const struct db_login *login)
{
	int away;
	int64_t id;
	struct db *mine = db, *other = db_open(login, DB_WRITE, &away);

	need(other);
	need(db_script(other, "BEGIN EXCLUSIVE;") == 0);
	ok(db_value(mine, &id, SQL_HOST_ID, "s", "done") == -1, "a look-up that fails is not one that finds nothing");
	ok(db_transaction(mine, add_host, (void *)(uintptr_t)"late") == -1, "a transaction that cannot begin fails");
	need(db_script(other, "COMMIT;") == 0);
	db_close(other);
	ok(db_value(mine, &id, SQL_HOST_ID, "s", "done") == 1, "afterwards it is found");
	ok(db_value(mine, &id, SQL_HOST_ID, "s", "late") == 0, "what was not stored is not");
}

/* out: what is said goes there. */
static void test_shown(int out)
{
	static const char *const urls[] = {
		"mysql://root:secret@host", "mysql:root:secret@host/name", "root:secret@host/name",
		"mysql:/root:secret@host://name", "root:secret@host://name", "mysql:host/name?password=secret",
		"mysql://host/name?password=secret", "mysql://root@host/name?password=secret",
		"oracle://root:secret@host/name",
	};
	struct db_login login = { .timeout = 1 };
	char text[1000];
	ssize_t len;
	size_t i;
	int away;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		login.url = urls[i];
		need(ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0);
		ok(!db_open(&login, DB_WRITE, &away), "%s is refused", urls[i]);
		len = pread(out, text, sizeof(text) - 1, 0);
		need(len > 0);
		text[len] = '\0';
		text[strcspn(text, "\n")] = '\0';
		ok(!strstr(text, "secret") && !strstr(db_shown(urls[i]), "secret"), "without its password: %s", text);
	}
	ok(!strcmp(db_shown("/var/lib/which?.db"), "/var/lib/which?.db"), "a path is shown whole");
	ok(!strcmp(db_shown("mysql://u@host/name"), "host/name"), "a server by its host");
}

int main(void)
{
	char dir[] = "/tmp/test_db.XXXXXX", path[64];
	int away, none;

	need(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/catalog.db", dir);
	struct db_login login = { .url = path };
	/* What is refused is said, and not shown here. */
	int out = memfd_create("said", MFD_CLOEXEC);
	need(out >= 0 && dup2(out, STDERR_FILENO) >= 0);
	db = db_open(&login, DB_CREATE, &away);
	need(db && schema_upgrade(db, 0, &none) < 0 && none);
	need(schema_upgrade(db, 1, &none) == 0 && !none);
	test_bound();
	test_transaction();
	test_refused();
	test_locked(&login);
	test_shown(out);
	db_close(db);
	unlink(path);
	rmdir(dir);
	return done();
}
