/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db.h - the seam to the database: nothing above it knows which one it is.
 *
 * Statements are named in sql.h, prepared once, and take bound parameters only.  Every
 * failure is reported where it is detected, by the driver; callers just pass it on.
 */
#ifndef SS_DB_H
#define SS_DB_H

#include <stddef.h>
#include <stdint.h>
#include "db/sql.h"

struct db;		/* a connection */
struct db_stmt;		/* a prepared statement, owned by its connection */
struct db_login;	/* db_login.h */

/* What a url names, for messages: the file, or host and database, never a password. */
const char *db_name(const struct db *db);

/* The file the database is, or NULL if a server has it; a name that may lead there by a link. */
const char *db_file(const struct db *db);
/* The TCP ports by which its servers are reached anew, most at most; how many: 0 for a file or a socket. */
size_t db_ports(const struct db *db, uint16_t *port, size_t most);

/* Also make the file, for its owner only (a server's database is its administrator's); a read-only one will do. */
enum db_use { DB_WRITE, DB_CREATE, DB_READ };
/* Open a database.  NULL after reporting; *away: its server may be back later. */
struct db *db_open(const struct db_login *login, enum db_use use, int *away);
void db_close(struct db *db);		/* rolls back what is open; NULL is a no-op */

/*
 * Run fn(arg) in a write transaction and commit it.  fn returns 0, or -1 to have it rolled
 * back.  Where the database asks for it (deadlock, lost connection) the whole transaction is
 * tried again, a bounded number of times: fn must be able to run again.  0, or -1 after reporting.
 */
int db_transaction(struct db *db, int (*fn)(void *arg), void *arg);

int db_may_recover(const struct db *db);	/* might what failed last be gone by the next time? */

/*
 * Get statement id with its parameters bound, ready to be stepped.  fmt has a letter for
 * each: i an int64_t; b const void * and size_t; s const char * (its bytes; NULL is SQL's
 * NULL); n nothing, SQL's NULL; z an int64_t of which 0 is SQL's NULL; a or c, as the last,
 * const int64_t * or const struct db_cell * and a size_t: so many.  Bytes must live until the
 * statement is stepped to its end or reset.  NULL after reporting.
 */
struct db_stmt *db_bind(struct db *db, enum sql_id id, const char *fmt, ...);

/*
 * Begin with a statement of many rows: they come while the database looks for more.  Until
 * it ends or is reset no other may be run.  For rows that stay the same ones, in one order:
 * who loses a connection asks again.  0, or -1 after reporting.
 */
int db_stream(struct db_stmt *st);

enum db_got { DB_FAIL = -1, DB_DONE = 0, DB_ROW = 1 };

/* The next result row; after DB_DONE and DB_FAIL (reported) the statement is reset. */
enum db_got db_step(struct db_stmt *st);
void db_reset(struct db_stmt *st);	/* leave the rest of the result; NULL is a no-op */

/* Columns of the row, from 0; bytes are valid until the next step or reset.  NULL reads as 0 or "". */
int64_t db_int(struct db_stmt *st, int col);
const void *db_bytes(struct db_stmt *st, int col, size_t *len);
char *db_strdup(struct db_stmt *st, int col);	/* malloc'd, NUL-ended */
int db_is_null(struct db_stmt *st, int col);

/* db_bind() and step to the end.  Number of rows changed, or -1 after reporting. */
int64_t db_run(struct db *db, enum sql_id id, const char *fmt, ...);

/* Rows queued, and how many of them changed something; that is known once they are flushed. */
struct db_tally { int64_t rows, changed; };

/*
 * db_run() for one row of many: a server gets them in bulk.  Queued rows are written by
 * db_flush(), before any other statement and at the transaction's end; rows of one statement in
 * their order, but of two that change the same the first may win; those of different ones in any.
 * Bytes are copied.  tally may be NULL.  0, or -1 after reporting.
 */
int db_queue(struct db *db, struct db_tally *tally, enum sql_id id, const char *fmt, ...);
int db_flush(struct db *db);

/* db_run() for one row with one integer: 1 and *value, 0 there is no row or it is NULL, -1. */
int db_value(struct db *db, int64_t *value, enum sql_id id, const char *fmt, ...);

/* The same for a count, which always has an answer: 0 and *value, or -1 after reporting, also without a row. */
int db_count(struct db *db, int64_t *value, enum sql_id id, const char *fmt, ...);

/* Run the program's own SQL text: statements ended by semicolons, with words as in schema.c.  0 or -1. */
int db_script(struct db *db, const char *sql);
/* Does a statement that makes or alters a table take effect at once, in a transaction too? */
int db_ddl_commits(const struct db *db);
/* Write a consistent copy to the new file path (if it is a file), and flush it.  0, or -1 after reporting. */
int db_backup(struct db *db, const char *path);
/* The database's own check of its structure: 0 sound, 1 damaged (reported), -1. */
int db_integrity(struct db *db);
#endif
