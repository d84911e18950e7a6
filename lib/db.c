/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db_driver.h"
#include "escape.h"
#include "mem.h"
#include "msg.h"

struct db_stmt {
	struct db *db;
	void *st;
};

struct db {
	const struct db_driver *drv;
	void *conn;
	int in_transaction;
	struct db_stmt stmt[SQL_COUNT];
};

static const struct db_driver *const drivers[] = { &db_sqlite };

struct db *db_open(const char *url, int timeout, int create)
{
	const struct db_driver *drv = &db_sqlite;
	const char *colon = strstr(url, "://");

	if (colon) {
		drv = NULL;
		for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
			if (strlen(drivers[i]->scheme) == (size_t)(colon - url) &&
			    !strncmp(drivers[i]->scheme, url, colon - url))
				drv = drivers[i];
		if (!drv) {
			msg_error("%s: no such kind of database in this build (it has: sqlite)",
				  escape_bytes(url, (size_t)(colon - url)));
			return NULL;
		}
	}

	void *conn = drv->open(url, timeout, create);
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

#define TRIES 10

/* One try: 0 committed, -1 failed and rolled back. */
static int attempt(struct db *db, int (*fn)(void *), void *arg)
{
	if (db->drv->begin(db->conn) < 0)
		return -1;
	db->in_transaction = 1;
	int rc = fn(arg);
	if (rc == 0)
		rc = db->drv->commit(db->conn);
	if (rc < 0)
		db->drv->rollback(db->conn);
	db->in_transaction = 0;
	return rc < 0 ? -1 : 0;
}

int db_transaction(struct db *db, int (*fn)(void *arg), void *arg)
{
	for (int try = 1;; try++) {
		if (attempt(db, fn, arg) == 0)
			return 0;
		if (db->drv->failure(db->conn) != DB_FAILURE_RETRY || try == TRIES)
			return -1;
		/* Jitter, so that two who collided do not collide again. */
		struct timespec pause = { 0, (10 + random() % 50) * try * 1000000L };
		nanosleep(&pause, NULL);
	}
}

static struct db_stmt *bind_list(struct db *db, enum sql_id id, const char *fmt, va_list ap)
{
	struct db_stmt *s = &db->stmt[id];

	if (!s->st) {
		s->st = db->drv->prepare(db->conn, sql_text(id));
		if (!s->st)
			return NULL;
		s->db = db;
	}
	for (int i = 1; *fmt; fmt++, i++) {
		const char *str;
		const void *p;
		int64_t v;

		switch (*fmt) {
		case 'i':
			db->drv->bind_int(s->st, i, va_arg(ap, int64_t));
			break;
		case 'z':
			v = va_arg(ap, int64_t);
			if (v)
				db->drv->bind_int(s->st, i, v);
			else
				db->drv->bind_null(s->st, i);
			break;
		case 'b':
			p = va_arg(ap, const void *);
			db->drv->bind_bytes(s->st, i, p, va_arg(ap, size_t));
			break;
		case 's':
			str = va_arg(ap, const char *);
			if (str)
				db->drv->bind_bytes(s->st, i, str, strlen(str));
			else
				db->drv->bind_null(s->st, i);
			break;
		default:
			db->drv->bind_null(s->st, i);
		}
	}
	return s;
}

struct db_stmt *db_bind(struct db *db, enum sql_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct db_stmt *s = bind_list(db, id, fmt, ap);
	va_end(ap);
	return s;
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

int db_value(struct db *db, int64_t *value, enum sql_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct db_stmt *s = bind_list(db, id, fmt, ap);
	va_end(ap);
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
	return db->drv->script(db->conn, sql);
}

int db_backup(struct db *db, const char *path)
{
	return db->drv->backup(db->conn, path);
}

int db_integrity(struct db *db)
{
	return db->drv->integrity(db->conn);
}
