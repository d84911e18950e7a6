/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db/db.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "db/db_copy.h"
#include "db/db_driver.h"

struct db_stmt {
	struct db *db;
	void *st;
	struct db_tally *tally;	/* of the rows queued */
	int queued;		/* there are some */
};

struct db {
	const struct db_driver *drv;
	void *conn;
	int in_transaction;
	int queued;		/* some statement has rows queued */
	struct db_stmt stmt[SQL_COUNT];
};

static const struct db_driver *const drivers[] = { &db_sqlite, &db_maria };

static int has_scheme(const struct db_driver *drv, const char *url, size_t len)
{
	for (const char *const *s = drv->schemes; *s; s++)
		if (strlen(*s) == len && !strncmp(*s, url, len))
			return 1;
	return 0;
}

/* Length of the scheme that url begins with, behind which "://" comes; 0 = there is none. */
static size_t scheme_length(const char *url)
{
	size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return strncmp(url + len, "://", 3) == 0 ? len : 0;
}

const char *db_shown(const char *url)
{
	const char *at = strrchr(url, '@'), *from = at ? at + 1 : url;

	/* Other programs' urls have a password behind a question mark, too. */
	return escape_bytes(from, strchr(url, ':') ? strcspn(from, "?") : strlen(from));
}

/* A scheme that we know, and not what belongs behind it. */
static int is_half_url(const char *url)
{
	size_t len = strcspn(url, ":");

	for (size_t i = 0; url[len] && i < sizeof(drivers) / sizeof(*drivers); i++)
		if (has_scheme(drivers[i], url, len))
			return 1;
	return 0;
}

/* Who understands this url; a plain path is SQLite's.  NULL after reporting. */
static const struct db_driver *driver_of(const char *url)
{
	size_t len = scheme_length(url);

	if (!len && is_half_url(url)) {
		msg_error("%s: neither a path nor a url: there are two slashes behind the colon",
			  db_shown(url));
		return NULL;
	}
	if (!len && strpbrk(url, ":@") && strchr(strpbrk(url, ":@"), '@')) {
		msg_error("%s: looks like a server; a catalog on a server is mysql://USER@HOST/NAME",
			  db_shown(url));
		return NULL;
	}
	if (!len)
		return &db_sqlite;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (has_scheme(drivers[i], url, len))
			return drivers[i];
	msg_error("%s: no such kind of database (known: sqlite, mysql, mariadb, mysql+pymysql)",
		  escape_bytes(url, len));
	return NULL;
}

struct db *db_open(const struct db_login *login, enum db_use use, int *away)
{
	*away = 0;
	const struct db_driver *drv = driver_of(login->url);
	void *conn = drv ? drv->open(login, use, away) : NULL;

	if (!conn)
		return NULL;
	struct db *db = mem_alloc(sizeof(*db));
	db->drv = drv;
	db->conn = conn;
	return db;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		if (db->stmt[i].st)
			db->drv->finalize(db->stmt[i].st);
	if (db->in_transaction)
		db->drv->rollback(db->conn);
	db->drv->close(db->conn);
	free(db);
}

const char *db_name(const struct db *db)
{
	return db->drv->name(db->conn);
}

size_t db_ports(const struct db *db, uint16_t *port, size_t most)
{
	return db->drv->ports ? db->drv->ports(db->conn, port, most) : 0;
}

const char *db_file(const struct db *db)
{
	return db->drv->file(db->conn);
}

int db_ddl_commits(const struct db *db)
{
	return db->drv->ddl_commits;
}

/* Write or drop what is queued.  0, or -1 after reporting. */
static int empty_queues(struct db *db, int drop)
{
	int rc = 0;

	for (int i = 0; db->queued && i < SQL_COUNT; i++) {
		struct db_stmt *s = &db->stmt[i];

		if (!s->queued)
			continue;
		s->queued = 0;
		int64_t changed = 0;
		if (drop || rc < 0)
			db->drv->drop_queue(s->st);
		else
			changed = db->drv->run_queue(db->conn, s->st);
		if (changed < 0)
			rc = -1;
		else if (s->tally)
			s->tally->changed += changed;
	}
	db->queued = 0;
	return rc;
}

int db_flush(struct db *db)
{
	return db->queued ? empty_queues(db, 0) : 0;
}

#define TRIES 10

/* One try: 0 committed, -1 failed and rolled back. */
static int attempt(struct db *db, int (*fn)(void *), void *arg, int again)
{
	int rc = db->drv->begin(db->conn, again);

	if (rc)
		return rc > 0 ? 0 : -1;
	db->in_transaction = 1;
	rc = fn(arg);
	if (rc == 0)
		rc = db_flush(db);
	if (rc == 0)
		rc = db->drv->commit(db->conn);
	if (rc < 0) {
		empty_queues(db, 1);
		db->drv->rollback(db->conn);
	}
	db->in_transaction = 0;
	return rc < 0 ? -1 : 0;
}

int db_transaction(struct db *db, int (*fn)(void *arg), void *arg)
{
	for (int try = 1;; try++) {
		if (attempt(db, fn, arg, try > 1) == 0)
			return 0;
		if (db->drv->failure(db->conn) != DB_FAILURE_RETRY)
			return -1;
		if (try == TRIES) {
			db->drv->report(db->conn);
			return -1;
		}
		/* Jitter, so that two who collided do not collide again. */
		struct timespec pause = { 0, (10 + random() % 50) * try * 1000000L };
		nanosleep(&pause, NULL);
	}
}

int db_may_recover(const struct db *db)
{
	return db->drv->failure(db->conn) == DB_FAILURE_RETRY;
}

int db_snapshot(struct db *db, int (*fn)(void *arg), void *arg)
{
	int rc = db->drv->begin_read(db->conn);

	if (rc == 0) {
		db->in_transaction = 1;
		rc = fn(arg);
		if (db->drv->end_read(db->conn) < 0)
			rc = -1;
		db->in_transaction = 0;
	}
	if (rc < 0 && db->drv->failure(db->conn) == DB_FAILURE_RETRY)
		db->drv->report(db->conn);
	return rc;
}

/* Statement id with its parameters bound; what is queued is not looked at. */
static struct db_stmt *bind_raw(struct db *db, enum sql_id id, const char *fmt, va_list ap)
{
	struct db_stmt *s = &db->stmt[id];

	if (!s->st) {
		s->st = db->drv->prepare(db->conn, sql_text(id, db->drv->dialect),
					 sql_text(id, SQL_SQLITE));
		if (!s->st)
			return NULL;
		s->db = db;
	}
	db_bind_values(db->drv, s->st, fmt, ap);
	return s;
}

static struct db_stmt *bind_list(struct db *db, enum sql_id id, const char *fmt, va_list ap)
{
	return db_flush(db) < 0 ? NULL : bind_raw(db, id, fmt, ap);
}

struct db_stmt *db_bind(struct db *db, enum sql_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct db_stmt *s = bind_list(db, id, fmt, ap);
	va_end(ap);
	return s;
}

int db_stream(struct db_stmt *s)
{
	return s->db->drv->stream ? s->db->drv->stream(s->st) : 0;
}

enum db_got db_step(struct db_stmt *s)
{
	enum db_got got = s->db->drv->step(s->db->conn, s->st);

	if (got != DB_ROW)
		s->db->drv->reset(s->st);
	return got;
}

void db_reset(struct db_stmt *s)
{
	if (s)
		s->db->drv->reset(s->st);
}

int64_t db_run(struct db *db, enum sql_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct db_stmt *s = bind_list(db, id, fmt, ap);
	va_end(ap);
	if (!s)
		return -1;
	enum db_got got = db_step(s);
	if (got == DB_ROW)
		db_reset(s);
	return got == DB_FAIL ? -1 : db->drv->changes(db->conn);
}

int db_queue(struct db *db, struct db_tally *tally, enum sql_id id, const char *fmt, ...)
{
	struct db_stmt *s = &db->stmt[id];
	va_list ap;

	/* Counted apart, so written apart. */
	if (s->queued && s->tally != tally && db_flush(db) < 0)
		return -1;
	va_start(ap, fmt);
	s = bind_raw(db, id, fmt, ap);
	va_end(ap);
	if (!s)
		return -1;
	if (tally)
		tally->rows++;
	if (!db->drv->queue) {
		if (db_step(s) == DB_FAIL)
			return -1;
		if (tally)
			tally->changed += db->drv->changes(db->conn);
		return 0;
	}
	int full = db->drv->queue(s->st);
	s->tally = tally;
	s->queued = db->queued = 1;
	return full ? db_flush(db) : 0;
}

static int value_list(struct db *db, int64_t *value, enum sql_id id, const char *fmt, va_list ap)
{
	struct db_stmt *s = bind_list(db, id, fmt, ap);

	if (!s)
		return -1;
	enum db_got got = db_step(s);
	if (got != DB_ROW)
		return got;
	int found = !db_is_null(s, 0);
	if (found)
		*value = db_int(s, 0);
	db_reset(s);
	return found;
}

int db_value(struct db *db, int64_t *value, enum sql_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int got = value_list(db, value, id, fmt, ap);
	va_end(ap);
	return got;
}

int db_count(struct db *db, int64_t *value, enum sql_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int got = value_list(db, value, id, fmt, ap);
	va_end(ap);
	if (got == 0)
		msg_error("%s: the database sent no answer to a count; is it the right server?",
			  escape_name(db_name(db)));
	return got > 0 ? 0 : -1;
}

int64_t db_int(struct db_stmt *s, int col)
{
	return s->db->drv->col_int(s->st, col);
}

const void *db_bytes(struct db_stmt *s, int col, size_t *len)
{
	return s->db->drv->col_bytes(s->st, col, len);
}

char *db_strdup(struct db_stmt *s, int col)
{
	size_t len;
	const void *p = db_bytes(s, col, &len);

	return mem_dup(p, len);
}

int db_is_null(struct db_stmt *s, int col)
{
	return s->db->drv->col_null(s->st, col);
}

int db_script(struct db *db, const char *sql)
{
	struct buf b = { 0 };
	int rc = 0;

	for (; *sql && rc == 0; sql++) {
		size_t len = *sql == '$' ? 1 + strspn(sql + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
		const char *word = len ? sql_word(sql, len, db->drv->dialect) : NULL;

		if (word) {
			buf_add(&b, word, strlen(word));
			sql += len - 1;
		} else if (*sql != ';') {
			buf_char(&b, *sql);
		} else {
			buf_char(&b, 0);
			rc = db->drv->script(db->conn, b.p);
			buf_reset(&b);
		}
	}
	buf_free(&b);
	return rc;
}

int db_backup(struct db *db, const char *path)
{
	return db->drv->backup(db->conn, path);
}

int db_integrity(struct db *db)
{
	return db->drv->integrity(db->conn);
}
