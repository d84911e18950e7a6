/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

/*
 * Names, paths, ids and digests are bytes.  Rows of one series lie together, and
 * in each directory by name, so that a tree is read with one ordered scan.  $NEW
 * and its like are words of the dialects (sql.c).
 *
 *   paths   one physical version of one path: in the savesets first..last of
 *           its series (last NULL: up to the newest).  A regular file points to
 *           its inode by (ino, since), a directory to its contents by sub.
 *   inodes  what a regular file's inode held from saveset `since` on.
 *   dirs    where a directory's contents hang: (parent, name).
 */
static const char v1[] =
	"CREATE TABLE $NEWmeta (keyword VARBINARY(64) NOT NULL PRIMARY KEY, value VARBINARY(255))$TABLE;"
	"CREATE TABLE $NEWhosts (id $ID, name VARBINARY(255) NOT NULL UNIQUE,"
	" created BIGINT NOT NULL)$TABLE;"
	"CREATE TABLE $NEWvolumes (id $ID, uid VARBINARY(32) NOT NULL,"
	" name VARBINARY(255) NOT NULL, backup_host VARBINARY(255) NOT NULL,"
	" root BLOB NOT NULL, fs VARBINARY(80) NOT NULL, created BIGINT NOT NULL,"
	" UNIQUE (backup_host, name), UNIQUE (backup_host, uid))$TABLE;"
	"CREATE TABLE $NEWseries (id $ID,"
	" host BIGINT NOT NULL REFERENCES hosts(id), volume BIGINT NOT NULL REFERENCES volumes(id),"
	" last_seq BIGINT NOT NULL, next_dir BIGINT NOT NULL, UNIQUE (host, volume))$TABLE;"
	"CREATE TABLE $NEWsavesets (id $ID,"
	" series BIGINT NOT NULL REFERENCES series(id), seq BIGINT,"
	" name VARBINARY(320) NOT NULL UNIQUE, uid VARBINARY(32) NOT NULL UNIQUE,"
	" status BIGINT NOT NULL, relabelled BIGINT NOT NULL DEFAULT 0,"
	" overwritten BIGINT NOT NULL DEFAULT 0, created BIGINT NOT NULL,"
	" finished BIGINT, hash VARBINARY(16) NOT NULL, entries BIGINT NOT NULL DEFAULT 0,"
	" files BIGINT NOT NULL DEFAULT 0, dirs BIGINT NOT NULL DEFAULT 0,"
	" others BIGINT NOT NULL DEFAULT 0, bytes BIGINT NOT NULL DEFAULT 0,"
	" blocks BIGINT NOT NULL DEFAULT 0, vanished BIGINT NOT NULL DEFAULT 0,"
	" unhashed BIGINT NOT NULL DEFAULT 0, metadata VARBINARY(64), digest VARBINARY(64),"
	" reason BLOB, UNIQUE (series, seq))$TABLE;"
	"CREATE TABLE $NEWlocations (saveset BIGINT NOT NULL REFERENCES savesets(id),"
	" location VARBINARY(255) NOT NULL, PRIMARY KEY (saveset, location))$CLUSTERED;"
	"CREATE TABLE $NEWdirs (series BIGINT NOT NULL, id BIGINT NOT NULL, parent BIGINT NOT NULL,"
	" name VARBINARY(255) NOT NULL, first BIGINT NOT NULL,"
	" PRIMARY KEY (series, id))$CLUSTERED;"
	"CREATE TABLE $NEWpaths (series BIGINT NOT NULL, dir BIGINT NOT NULL,"
	" name VARBINARY(255) NOT NULL, first BIGINT NOT NULL, last BIGINT,"
	" type BIGINT NOT NULL, mode BIGINT NOT NULL, uid BIGINT NOT NULL, gid BIGINT NOT NULL,"
	" ino BIGINT, since BIGINT, sub BIGINT, mtime BIGINT, mtime_ns BIGINT, data BLOB,"
	" PRIMARY KEY (series, dir, name, first))$CLUSTERED;"
	"CREATE TABLE $NEWinodes (series BIGINT NOT NULL, ino BIGINT NOT NULL, since BIGINT NOT NULL,"
	" btime BIGINT NOT NULL, size BIGINT NOT NULL, blocks BIGINT NOT NULL,"
	" mtime BIGINT NOT NULL, mtime_ns BIGINT NOT NULL, shared BIGINT NOT NULL,"
	" algo VARBINARY(16), digest VARBINARY(64), verified BIGINT, verdict BIGINT,"
	" medium BIGINT, PRIMARY KEY (series, ino, since))$CLUSTERED;"
	"CREATE INDEX $NEWpaths_inode ON paths (series, ino, since);";

/*
 * How many rows a saveset added and closed: what it cost, and what changed; and
 * the file system on which the inodes of a series mean something.
 */
static const char v2[] =
	"ALTER TABLE savesets ADD COLUMN $NEWrows_added BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE savesets ADD COLUMN $NEWrows_closed BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE series ADD COLUMN $NEWfs VARBINARY(80);";

/*
 * commits: the last transaction of each connection to a server; was its COMMIT,
 * whose reply got lost, done?  room: the bytes that a digest will take, so that
 * its row keeps its size and its place when it comes (a third of the time).  Beside a
 * digest: the file has not been read, its content is only expected to have that one.
 */
static const char v3[] =
	"ALTER TABLE inodes ADD COLUMN $NEWroom VARBINARY(64);"
	"CREATE TABLE $NEWcommits (session VARBINARY(32) NOT NULL PRIMARY KEY, n BIGINT NOT NULL,"
	" at BIGINT NOT NULL)$TABLE;";

/*
 * What a saveset changed and lost of its predecessor's regular files; NULL where
 * nobody counted.  runs: when each run of ss-run was and how it ended; ended NULL,
 * it is under way or was killed.  volume_uid NULL: its volume could not be opened.
 */
static const char v4[] =
	"ALTER TABLE savesets ADD COLUMN $NEWchanged BIGINT;"
	"ALTER TABLE savesets ADD COLUMN $NEWremoved BIGINT;"
	"CREATE TABLE $NEWruns (id $ID, uid VARBINARY(32) NOT NULL UNIQUE,"
	" backup_host VARBINARY(255) NOT NULL, volume VARBINARY(255) NOT NULL,"
	" volume_uid VARBINARY(32), started BIGINT NOT NULL, ended BIGINT, result BIGINT,"
	" summary MEDIUMBLOB)$TABLE;"
	"CREATE INDEX $NEWruns_of ON runs (backup_host, volume, id);";

/*
 * generations: the newest stamps of each disk, by its id, whichever backup host had it
 * (tree/generation.h).
 */
static const char v5[] =
	"CREATE TABLE $NEWgenerations (volume VARBINARY(32) NOT NULL, n BIGINT NOT NULL,"
	" id VARBINARY(32) NOT NULL, made BIGINT NOT NULL, PRIMARY KEY (volume, n))$CLUSTERED;";

static const char *const steps[SCHEMA_VERSION + 1] = { NULL, v1, v2, v3, v4, v5 };

static int set_version(struct db *db, int version)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", version);
	return db_run(db, SQL_META_SET, "ss", "schema", text) < 0 ? -1 : 0;
}

/* Version of the schema in db, 0 = it has none, -1 after reporting. */
static int version_of(struct db *db)
{
	int64_t tables;

	if (db_count(db, &tables, SQL_META_EXISTS, "") < 0)
		return -1;
	if (tables == 0)
		return 0;
	struct db_stmt *st = db_bind(db, SQL_META_GET, "s", "schema");
	enum db_got got = st ? db_step(st) : DB_FAIL;
	if (got == DB_FAIL)
		return -1;
	int version = 0;
	if (got == DB_ROW) {
		char *text = db_strdup(st, 0);

		version = atoi(text);
		free(text);
		db_reset(st);
	}
	/* Where each CREATE stands at once, an init that was killed leaves tables without a version. */
	if (version > 0 || (got == DB_DONE && db_ddl_commits(db)))
		return version;
	msg_error("%s: not a secondshot catalog: it does not tell its schema",
		  escape_name(db_name(db)));
	return -1;
}

/* Each step can be done again: it may have been killed on the way. */
static int apply(void *arg)
{
	struct db *db = arg;
	int from = version_of(db);	/* again: another process may have been faster */

	if (from < 0)
		return -1;
	for (int v = 1; v <= SCHEMA_VERSION; v++)
		if (v > from && (db_script(db, steps[v]) < 0 || set_version(db, v) < 0))
			return -1;
	return 0;
}

static int copy_aside(struct db *db, int version)
{
	char *copy = NULL;
	int rc = -1;

	for (int n = 0; n < 100; n++) {
		free(copy);
		copy = n ? mem_printf("%s.schema-%d.%d", db_name(db), version, n)
			 : mem_printf("%s.schema-%d", db_name(db), version);
		if (access(copy, F_OK) < 0)
			break;
	}
	rc = db_backup(db, copy);
	if (rc == 0)
		msg_info("%s: schema %d is upgraded to %d; the old catalog is kept in %s",
			 escape_name(db_name(db)), version, SCHEMA_VERSION, escape_name(copy));
	free(copy);
	return rc;
}

/*
 * Where each CREATE stands at once: has the database tables of our names that are another
 * program's?  Nothing is made then.  0, or -1 after reporting.
 */
static int refuse_foreign(struct db *db)
{
	if (!db_ddl_commits(db))
		return 0;
	struct db_stmt *st = db_bind(db, SQL_TABLES_FOREIGN, "");
	enum db_got got = st ? db_step(st) : DB_FAIL;

	if (got == DB_ROW) {
		char *table = db_strdup(st, 0);

		msg_error("%s: it has a table %s already, of another program; the catalog needs a"
			  " database of its own", escape_name(db_name(db)), escape_name(table));
		free(table);
		db_reset(st);
	}
	return got == DB_DONE ? 0 : -1;
}

/* May the program make or change the tables by itself?  0, or -1 after reporting. */
static int may_upgrade(struct db *db, int from, int init)
{
	if (from == 0 && !init) {
		msg_error("%s: there is no catalog; 'ss-catalog init' makes one",
			  escape_name(db_name(db)));
		return -1;
	}
	if (from == 0)
		return refuse_foreign(db);
	if (db_file(db))
		return copy_aside(db, from);
	/* Other backup hosts use it too, and no copy can be made from here. */
	if (init)
		return 0;
	msg_error("%s: the catalog has schema %d, this program needs %d; dump the database, then"
		  " let 'ss-catalog init' upgrade it", escape_name(db_name(db)), from,
		  SCHEMA_VERSION);
	return -1;
}

int schema_upgrade(struct db *db, int init, int *none)
{
	int from = version_of(db);

	*none = from == 0 && !init;
	if (from < 0)
		return -1;
	if (from == SCHEMA_VERSION)
		return 0;
	if (from > SCHEMA_VERSION) {
		msg_error("%s: the catalog has schema %d, this program knows up to %d;"
			  " use a newer secondshot", escape_name(db_name(db)), from,
			  SCHEMA_VERSION);
		return -1;
	}
	if (may_upgrade(db, from, init) < 0)
		return -1;
	/* Where each statement stands at once, a transaction would have nothing to roll back. */
	return db_ddl_commits(db) ? apply(db) : db_transaction(db, apply, db);
}
