/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_driver.h - what a database driver provides to db.c.  One driver a file.
 */
#ifndef SS_DB_DRIVER_H
#define SS_DB_DRIVER_H

#include "db.h"

enum db_failure {
	DB_FAILURE_FINAL,	/* trying again will not help */
	DB_FAILURE_RETRY,	/* rolled back by the database: try the whole transaction again */
};

struct db_driver {
	const char *scheme;	/* of its urls */
	/* All return 0 (or a pointer) or -1 (NULL) after reporting, unless they say else. */
	void *(*open)(const char *url, int timeout, int create);
	void (*close)(void *conn);
	const char *(*name)(void *conn);
	int (*begin)(void *conn);
	int (*commit)(void *conn);
	void (*rollback)(void *conn);
	enum db_failure (*failure)(void *conn);	/* of what kind the last failure was */
	int (*script)(void *conn, const char *sql);
	void *(*prepare)(void *conn, const char *sql);
	void (*finalize)(void *st);
	void (*bind_int)(void *st, int i, int64_t v);	/* parameters count from 1 */
	void (*bind_bytes)(void *st, int i, const void *p, size_t len);
	void (*bind_null)(void *st, int i);
	enum db_got (*step)(void *conn, void *st);
	void (*reset)(void *st);
	int64_t (*changes)(void *conn);
	int64_t (*col_int)(void *st, int col);
	const void *(*col_bytes)(void *st, int col, size_t *len);
	int (*col_null)(void *st, int col);
	int (*backup)(void *conn, const char *path);
	int (*integrity)(void *conn);
};

extern const struct db_driver db_sqlite;

#endif
