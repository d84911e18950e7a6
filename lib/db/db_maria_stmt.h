/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* db_maria_stmt.h - a prepared statement, for those who run one (db_maria_stmt.c) or many (db_maria_bulk.c). */
#ifndef SS_DB_MARIA_STMT_H
#define SS_DB_MARIA_STMT_H

#include "base/mem.h"
#include "db/db_maria.h"

/*
 * What stands between two of these in a statement is one row of a table that it
 * uses, and is there so many times; rows that are not needed are NULL.
 */
#define TABLE_MARK '$'
#define TABLE_ROWS 512

enum kind { IS_NULL, IS_INT, IS_BYTES };

struct param {
	enum kind kind;
	int64_t number;
	const void *p;
	unsigned long len;
};

struct column {
	int64_t number;
	char *bytes;
	size_t cap;
	unsigned long len;
	my_bool null, cut;
};

struct stmt {
	struct maria *m;
	char *sql;
	const char *plain;	/* the same for one row at a time; or NULL */
	MYSQL_STMT *h;
	unsigned generation;	/* of the connection h was prepared on */
	int table;		/* queued rows go as a table of TABLE_ROWS */
	size_t nparams;		/* of one row */
	struct param *param;
	/* rows queued: QUEUE_ROWS params each, row by row */
	struct param *row;
	size_t rows;
	struct buf bytes;	/* of theirs; p is an offset meanwhile */
	/* result */
	int running;
	int streams;		/* rows are fetched as they are asked for */
	uint64_t given;		/* of those */
	unsigned ncols;
	struct column *col;
	MYSQL_BIND *out;
};

/* Have s->h on the connection there is.  0 or -1; see db_maria_failed(). */
int db_maria_prepared(struct stmt *s);

#endif
