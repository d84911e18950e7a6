/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SQLite behind db.h.  A rollback journal with synchronous=EXTRA: in WAL mode
 * SQLite 3.7.0-3.51.2 can corrupt a database when two connections write and
 * checkpoint at once, and Debian 12's is one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/quote.h"
#include "base/trust.h"
#include "db/db_driver.h"
#include "db/db_journal.h"

#define APPLICATION_ID "1397965906"	/* "SSHR" */

#define SYNCHRONOUS "PRAGMA synchronous = EXTRA;"	/* before the first write */

#define CUT_OFF "; a transaction was cut off and must be undone: open it once where it can be written"
#define DAMAGED "; put a copy in its place, see IF SOMETHING IS LOST in secondshot(7)"

struct conn {
	sqlite3 *h;
	char *path;
	int timeout;
};

static void fail(struct conn *c, const char *doing)
{
	int code = sqlite3_extended_errcode(c->h), primary = code & 0xff;
	char *why = quote_text(sqlite3_errmsg(c->h));	/* names of a schema that anybody may have made */

	if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
		msg_error("%s: locked by another process for %d seconds",
			  escape_name(c->path), c->timeout);
	else if (primary == SQLITE_NOTADB)
		msg_error("%s: not a secondshot catalog: no SQLite database", escape_name(c->path));
	else
		msg_error("%s: %s: %s (SQLite %d)%s", escape_name(c->path), doing,
			  why, code, primary == SQLITE_CORRUPT ? DAMAGED :
			  code == SQLITE_READONLY_ROLLBACK ? CUT_OFF : "");
	free(why);
}

static int script(void *conn, const char *sql)
{
	struct conn *c = conn;

	if (sqlite3_exec(c->h, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	fail(c, "cannot run a statement");
	return -1;
}

/* The one integer that sql gives, or -1 after reporting. */
static int64_t number(struct conn *c, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(c->h, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	else
		fail(c, "cannot read it");
	sqlite3_finalize(st);
	return n;
}

static int configure(struct conn *c, enum db_use use)
{
	if (sqlite3_busy_timeout(c->h, c->timeout * 1000) != SQLITE_OK ||
	    sqlite3_extended_result_codes(c->h, 1) != SQLITE_OK) {
		fail(c, "cannot set it up");
		return -1;
	}
	int64_t id = number(c, "PRAGMA application_id");
	int64_t tables = id < 0 ? -1 : number(c, "SELECT count(*) FROM sqlite_master");
	if (tables < 0)
		return -1;
	if (tables == 0 && use == DB_CREATE) {
		/* Larger pages than usual: a first catalogue writes a twentieth faster. */
		if (script(c, SYNCHRONOUS "PRAGMA page_size = 8192;"
			      "PRAGMA application_id = " APPLICATION_ID) < 0)
			return -1;
	} else if (tables == 0 || id != atoll(APPLICATION_ID)) {
		msg_error("%s: not a secondshot catalog%s", escape_name(c->path),
			  tables ? ": a database of something else"
				 : ": it is empty; 'ss-catalog init' makes one");
		return -1;
	}
	return script(c, SYNCHRONOUS "PRAGMA journal_mode = DELETE;"
			 "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
			 "PRAGMA cell_size_check = ON; PRAGMA cache_size = -16384;"
			 /* Nothing of the file changes before its first page is in the journal: see
			  * db_journal.h.  Transactions are small. */
			 "PRAGMA cache_spill = OFF;");
}

/* Say why there is no catalog (errno), and what to do. */
static void no_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash && slash > path ? mem_dup(path, (size_t)(slash - path)) : NULL;
	int error = errno;

	if (error == ENOENT && dir && access(dir, F_OK) < 0)
		msg_error("%s: there is no directory for the catalog: make %s (mode 0700), or mount it",
			  escape_name(path), escape_name(dir));
	else if (error == ENOENT)
		msg_error("%s: there is no catalog; 'ss-catalog init' makes one", escape_name(path));
	errno = error;
	if (error != ENOENT)
		msg_error("%s: cannot open the catalog: %m%s", escape_name(path), msg_as_root());
	free(dir);
}

/*
 * Check who may write the file before SQLite opens it; create it 0600 if asked to.
 * 0, 1 it can only be read, which is enough; -1 after reporting.
 */
static int prepare_file(const char *path, enum db_use use)
{
	struct stat sb;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), only_read = 0;

	if (fd < 0 && errno == ENOENT && use == DB_CREATE) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	} else if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM) && use == DB_READ) {
		only_read = 1;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0) {
		no_file(path);
		return -1;
	}
	int ok = fstat(fd, &sb) == 0;
	if (!ok) {
		msg_error("%s: %m", escape_name(path));
	} else if (!S_ISREG(sb.st_mode)) {
		msg_error("%s: not a secondshot catalog: no regular file", escape_name(path));
		ok = 0;
	} else if ((sb.st_uid != 0 && sb.st_uid != geteuid()) || (sb.st_mode & 022)) {
		msg_error("%s: others than root can write this catalog; refused (chown root it,"
			  " chmod 600 it)", escape_name(path));
		ok = 0;
	} else if (trust_above(fd, path) < 0 || db_journal_belongs(fd, path) < 0) {
		/* SQLite believes what lies beside it. */
		ok = 0;
	}
	close(fd);
	return ok ? only_read : -1;
}

static void close_conn(void *conn)
{
	struct conn *c = conn;

	sqlite3_close(c->h);
	free(c->path);
	free(c);
}

static void *open_conn(const struct db_login *login, enum db_use use, int *away)
{
	(void)away;
	const char *url = login->url;
	const char *path = strncmp(url, "sqlite:///", 10) ? url : url + 10;
	int only_read;

	if (!*path || strstr(path, "://")) {
		msg_error("%s: a catalog's url is sqlite:////PATH", db_shown(url));
		return NULL;
	}
	only_read = prepare_file(path, use);
	if (only_read < 0)
		return NULL;

	struct conn *c = mem_alloc(sizeof(*c));
	c->path = mem_strdup(path);
	c->timeout = login->timeout;
	/* One thread uses a connection: no need for SQLite's own mutexes. */
	if (sqlite3_open_v2(path, &c->h, (only_read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
			    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		fail(c, "cannot open it");
		close_conn(c);
		return NULL;
	}
	if (configure(c, use) < 0) {
		close_conn(c);
		return NULL;
	}
	return c;
}

static const char *name(void *conn)
{
	return ((struct conn *)conn)->path;
}

static int begin(void *conn, int again)
{
	(void)again;
	return script(conn, "BEGIN IMMEDIATE");
}

/* The lock that keeps others from committing is taken by the first read. */
static int begin_read(void *conn)
{
	return script(conn, "BEGIN") < 0 || number(conn, "SELECT count(*) FROM sqlite_master") < 0
		? -1 : 0;
}

static int commit(void *conn)
{
	return script(conn, "COMMIT");
}

static void rollback(void *conn)
{
	struct conn *c = conn;

	if (!sqlite3_get_autocommit(c->h))
		sqlite3_exec(c->h, "ROLLBACK", NULL, NULL, NULL);
}

static int end_read(void *conn)
{
	rollback(conn);
	return 0;
}

/* The busy handler has waited already, and nothing else is cured by a second try. */
static enum db_failure failure(void *conn)
{
	(void)conn;
	return DB_FAILURE_FINAL;
}

static void report(void *conn)
{
	(void)conn;	/* every failure was */
}

static void *prepare(void *conn, const char *sql, const char *plain)
{
	(void)plain;
	struct conn *c = conn;
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v3(c->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
		fail(c, "cannot prepare a statement");
		return NULL;
	}
	return st;
}

static void finalize(void *st)
{
	sqlite3_finalize(st);
}

/*
 * A failing bind (no memory, too large, no such parameter) leaves NULL behind,
 * which every column that matters refuses; so it surfaces in the step.
 */
static void bind_int(void *st, int i, int64_t v)
{
	sqlite3_bind_int64(st, i, v);
}

static void bind_bytes(void *st, int i, const void *p, size_t len)
{
	sqlite3_bind_blob64(st, i, len ? p : "", len, SQLITE_STATIC);
}

static void bind_null(void *st, int i)
{
	sqlite3_bind_null(st, i);
}

static enum db_got step(void *conn, void *st)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return DB_ROW;
	case SQLITE_DONE:
		return DB_DONE;
	default:
		fail(conn, "a statement failed");
		return DB_FAIL;
	}
}

static void reset(void *st)
{
	sqlite3_reset(st);
}

static int64_t changes(void *conn)
{
	return sqlite3_changes(((struct conn *)conn)->h);
}

static int64_t col_int(void *st, int col)
{
	return sqlite3_column_int64(st, col);
}

static const void *col_bytes(void *st, int col, size_t *len)
{
	const void *p = sqlite3_column_blob(st, col);

	*len = sqlite3_column_bytes(st, col);
	return p ? p : "";
}

static int col_null(void *st, int col)
{
	return sqlite3_column_type(st, col) == SQLITE_NULL;
}

static int copy_into(struct conn *c, const char *path)
{
	sqlite3_stmt *st = NULL;
	mode_t mask = umask(077);
	int rc = -1;

	if (sqlite3_prepare_v2(c->h, "VACUUM INTO ?1", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_DONE)
		rc = 0;
	else
		fail(c, "cannot copy it");
	sqlite3_finalize(st);
	umask(mask);
	return rc;
}

/* Flush a file, or a directory.  0, or -1 with errno. */
static int flush(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

/* What has the name is whole, and on the disk: not every SQLite flushes what VACUUM INTO wrote. */
static int backup(void *conn, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *new = mem_printf("%s.new-%ld", path, (long)getpid());
	char *dir = slash ? mem_dup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
	int rc = -1;

	unlink(new);	/* left by a killed process that had our number */
	if (copy_into(conn, new) == 0) {
		rc = flush(new) == 0 && file_rename_new(AT_FDCWD, new, AT_FDCWD, path) == 0 &&
		     flush(dir) == 0 ? 0 : -1;
		if (rc < 0)
			msg_error("%s: %m", escape_name(path));
	}
	if (rc < 0)
		unlink(new);
	free(dir);
	free(new);
	return rc;
}

static int integrity(void *conn)
{
	struct conn *c = conn;
	sqlite3_stmt *st = NULL;
	int rc = -1, got;

	if (sqlite3_prepare_v2(c->h, "PRAGMA integrity_check", -1, &st, NULL) == SQLITE_OK) {
		rc = 0;
		while ((got = sqlite3_step(st)) == SQLITE_ROW) {
			const char *text = (const char *)sqlite3_column_text(st, 0);
			if (text && strcmp(text, "ok")) {
				char *what = quote_text(text);

				msg_error("%s: %s", escape_name(c->path), what);
				free(what);
				rc = 1;
			}
		}
		if (got != SQLITE_DONE) {
			fail(c, "cannot check it");
			rc = 1;
		}
	} else {
		fail(c, "cannot check it");
	}
	sqlite3_finalize(st);
	return rc;
}

static const char *const schemes[] = { "sqlite", NULL };

const struct db_driver db_sqlite = {
	.schemes = schemes, .dialect = SQL_SQLITE, .file = name, .report = report,
	.open = open_conn, .close = close_conn, .name = name,
	.begin = begin, .begin_read = begin_read, .end_read = end_read, .commit = commit, .rollback = rollback,
	.failure = failure,
	.script = script, .prepare = prepare, .finalize = finalize, .bind_int = bind_int,
	.bind_bytes = bind_bytes, .bind_null = bind_null, .step = step, .reset = reset,
	.changes = changes, .col_int = col_int, .col_bytes = col_bytes, .col_null = col_null,
	.backup = backup, .integrity = integrity,
};
