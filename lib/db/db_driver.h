/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_driver.h - what a database driver provides to db.c.  One driver a file.
 */
#ifndef SS_DB_DRIVER_H
#define SS_DB_DRIVER_H

#include <stdarg.h>
#include "db/db.h"
#include "db/db_login.h"
#include "db/sql.h"

enum db_failure {
	DB_FAILURE_FINAL,	/* trying again will not help */
	DB_FAILURE_RETRY,	/* rolled back by the database: try the whole transaction again */
};

struct db_driver {
	const char *const *schemes;	/* of its urls; NULL-ended */
	enum sql_dialect dialect;
	int ddl_commits;
	/* All return 0 (or a pointer) or -1 (NULL) after reporting, unless they say else. */
	void *(*open)(const struct db_login *login, enum db_use use, int *away);
	void (*close)(void *conn);
	const char *(*name)(void *conn);
	const char *(*file)(void *conn);	/* or NULL */
	size_t (*ports)(void *conn, uint16_t *port, size_t most);	/* NULL: none */
	/*
	 * again: the one before is tried again.  1: it is committed already, though that
	 * was not known.
	 */
	int (*begin)(void *conn, int again);
	int (*begin_read)(void *conn);	/* of one state */
	int (*end_read)(void *conn);	/* -1: it was not all of one state; maybe not reported yet */
	int (*commit)(void *conn);
	void (*rollback)(void *conn);
	/* Of what kind the last failure was; one that may be cured is not reported yet. */
	enum db_failure (*failure)(void *conn);
	void (*report)(void *conn);		/* that failure, after the last try */
	int (*script)(void *conn, const char *sql);	/* one statement */
	/*
	 * In the driver's own words and in those of any database, with the same parameters; the
	 * texts stay, and the connection owns what is returned until finalize().
	 */
	void *(*prepare)(void *conn, const char *sql, const char *plain);
	void (*finalize)(void *st);
	void (*bind_int)(void *st, int i, int64_t v);	/* parameters count from 1 */
	void (*bind_bytes)(void *st, int i, const void *p, size_t len);
	void (*bind_null)(void *st, int i);
	enum db_got (*step)(void *conn, void *st);
	void (*reset)(void *st);
	/* NULL: rows come one by one anyway.  Run it without waiting for its rows; until reset(). */
	int (*stream)(void *st);
	int64_t (*changes)(void *conn);
	/* NULL: it has no bulk.  Append what is bound as a row, copied: 1 if that is enough for once. */
	int (*queue)(void *st);
	int64_t (*run_queue)(void *conn, void *st);	/* rows changed, or -1; empty afterwards */
	void (*drop_queue)(void *st);
	int64_t (*col_int)(void *st, int col);
	const void *(*col_bytes)(void *st, int col, size_t *len);
	int (*col_null)(void *st, int col);
	int (*backup)(void *conn, const char *path);
	int (*integrity)(void *conn);
};

/* Bind what fmt tells of (see db_bind() in db.h) to st, one of drv's. */
void db_bind_values(const struct db_driver *drv, void *st, const char *fmt, va_list ap);

extern const struct db_driver db_sqlite, db_maria;

#endif
