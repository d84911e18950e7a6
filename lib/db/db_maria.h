/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_maria.h - what the parts of the MariaDB driver share: the address
 * (db_maria_url.c), the connection (db_maria_link.c), its statements
 * (db_maria_stmt.c, db_maria_bulk.c) and transactions (db_maria.c).
 */
#ifndef SS_DB_MARIA_H
#define SS_DB_MARIA_H

#include <mysql.h>
#include <time.h>
#include "base/id.h"
#include "db/db_driver.h"

#define MARIA_HOSTS 16

/* Where the database is: mysql://USER@HOST[:PORT][,HOST[:PORT]...]/NAME[?unix_socket=PATH] */
struct maria_address {
	char *user, *name, *socket;	/* socket: NULL = none */
	struct {
		char *host;
		unsigned port;		/* 0 = the usual one */
	} node[MARIA_HOSTS];
	size_t n;
	int local;			/* this machine, by a socket or its loopback */
};

/* Parse url; percent-encoded bytes are decoded.  0, or -1 after reporting; free it in both cases. */
int db_maria_url(struct maria_address *a, const char *url);
void db_maria_url_free(struct maria_address *a);

struct maria {
	MYSQL *h;		/* NULL: not connected */
	struct maria_address at;
	size_t node;		/* the one in use */
	char *password, *ca, *label;
	enum db_tls tls;
	int timeout;
	unsigned generation;	/* connections made; a statement belongs to one of them */
	int in_transaction, wrote;
	int limited;		/* a cluster that refuses updates by a table; see db_maria_failed() */
	int doomed;		/* a statement of this transaction failed: no other may follow */
	void *ask, *leave, *old, *drop;	/* statements on the table commits */
	char session[ID_LEN + 1];	/* our key in it */
	int64_t number;		/* the last one left there */
	int64_t doubt;		/* the first of this transaction whose COMMIT got no reply; 0 = none */
	enum db_failure failure;
	int busy;		/* a server was there, and broke off or had no room for us */
	int refused;		/* it was a cluster that is busy with itself, or may have been */
	time_t since;		/* when what is being tried again failed first */
	char *why;		/* of a failure that is not reported yet */
	int64_t changes;
};

/* Take note of a failure (of h, or of st if it is not NULL) while doing; reports it if it is final. */
void db_maria_failed(struct maria *m, MYSQL_STMT *st, const char *doing);

/*
 * Connect if we are not.  The first time a server that is away is told at once, and one that
 * breaks off or has no room for us is asked a few times; later one that is being started
 * again is waited for.  0 or -1.
 */
int db_maria_connect(struct maria *m);
int db_maria_connect_first(struct maria *m);
int db_maria_reconnect(struct maria *m);
void db_maria_hang_up(struct maria *m);

/* Run one statement without parameters and without a result.  0 or -1; see db_maria_failed(). */
int db_maria_query(struct maria *m, const char *sql, const char *doing);

/* May what just failed outside a transaction be tried again now?  Connects anew if it must. */
int db_maria_again(struct maria *m, int try);

/* The statements of struct db_driver. */
void *db_maria_prepare(void *conn, const char *sql, const char *plain);	/* plain: or NULL */
void db_maria_finalize(void *st);
void db_maria_bind_int(void *st, int i, int64_t v);
void db_maria_bind_bytes(void *st, int i, const void *p, size_t len);
void db_maria_bind_null(void *st, int i);
enum db_got db_maria_step(void *conn, void *st);
void db_maria_reset(void *st);
int db_maria_stream(void *st);
int db_maria_queue(void *st);
int64_t db_maria_run_queue(void *conn, void *st);
void db_maria_drop_queue(void *st);
int64_t db_maria_col_int(void *st, int col);
const void *db_maria_col_bytes(void *st, int col, size_t *len);
int db_maria_col_null(void *st, int col);

#endif
