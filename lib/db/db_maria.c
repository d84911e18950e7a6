/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MariaDB behind db.h: transactions, and what struct db_driver wants.
 *
 * Each transaction begins by leaving a new number in the row of table commits that is
 * this connection's alone, and looks for it again before COMMIT: a cluster's node
 * that gives a transaction up for another node's while a statement is prepared loses
 * the error (seen with MariaDB 10.11).  What follows would be committed by itself, so
 * autocommit is off meanwhile.
 *
 * A COMMIT without a reply: the next transaction locks that row first, so it waits
 * until the server is done with the one before, and the number says how that ended.
 */
#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "db/db_maria.h"

#define STALE (7 * 86400)	/* seconds, by the server's clock: nobody asks for that row of commits any more */
#define SWEEP 64		/* of them at once */

static void report(void *conn)
{
	struct maria *m = conn;

	msg_error("%s", m->why ? m->why : "the database failed");
	m->failure = DB_FAILURE_FINAL;
}

int db_maria_again(struct maria *m, int try)
{
	struct timespec pause = { 0, (100 + random() % 200) * 1000000L };

	if (m->failure != DB_FAILURE_RETRY || m->in_transaction)
		return 0;
	if (try == 1)
		m->since = time(NULL);
	/* While a cluster finds out who is left of it, it refuses everything, and at once. */
	if (m->refused ? time(NULL) - m->since < m->timeout : try < 5) {
		nanosleep(&pause, NULL);
		if (db_maria_reconnect(m) == 0)
			return 1;
	}
	if (m->failure == DB_FAILURE_RETRY)
		report(m);
	return 0;
}

/*
 * Take our row out of commits, and those that others left long ago.  Each goes by
 * its key: a statement that went through the table would wait for rows in use.
 */
static void sweep(struct maria *m)
{
	char session[SWEEP][ID_LEN];
	size_t n = 0, len[SWEEP];

	m->in_transaction = 1;	/* do not try again: if this fails, a later one does it */
	m->doomed = 0;
	db_maria_bind_bytes(m->drop, 1, m->session, strlen(m->session));
	db_maria_step(m, m->drop);
	db_maria_reset(m->drop);
	db_maria_bind_int(m->old, 1, STALE);
	db_maria_bind_int(m->old, 2, SWEEP);
	while (n < SWEEP && db_maria_step(m, m->old) == DB_ROW) {
		const void *p = db_maria_col_bytes(m->old, 0, &len[n]);

		if (len[n] <= ID_LEN)
			memcpy(session[n], p, len[n]), n++;
	}
	db_maria_reset(m->old);
	while (n-- > 0) {
		db_maria_bind_bytes(m->drop, 1, session[n], len[n]);
		db_maria_step(m, m->drop);
		db_maria_reset(m->drop);
	}
}

static void close_conn(void *conn)
{
	struct maria *m = conn;

	if (m->h && m->wrote)
		sweep(m);
	db_maria_finalize(m->ask);
	db_maria_finalize(m->leave);
	db_maria_finalize(m->old);
	db_maria_finalize(m->drop);
	db_maria_hang_up(m);
	db_maria_url_free(&m->at);
	if (m->password)
		explicit_bzero(m->password, strlen(m->password));
	free(m->password);
	free(m->ca);
	free(m->label);
	free(m->why);
	free(m);
}

static char *label_of(const struct maria_address *a)
{
	const char *host = a->socket ? a->socket : *a->node[0].host ? a->node[0].host : "localhost";

	return mem_printf("database %s at %s%s", a->name, host, a->n > 1 ? " and others" : "");
}

static void *open_conn(const struct db_login *login, enum db_use use, int *away)
{
	struct maria *m = mem_alloc(sizeof(*m));

	(void)use;	/* the database is its administrator's */
	m->tls = login->tls;
	m->timeout = login->timeout;
	m->password = login->password ? mem_strdup(login->password) : NULL;
	m->ca = login->ca ? mem_strdup(login->ca) : NULL;
	m->ask = db_maria_prepare(m, "SELECT n FROM commits WHERE session = ? FOR UPDATE", NULL);
	m->leave = db_maria_prepare(m, "INSERT INTO commits (session, n, at) VALUES (?, ?, UNIX_TIMESTAMP())"
				       " ON DUPLICATE KEY UPDATE n = VALUES(n), at = VALUES(at)", NULL);
	m->old = db_maria_prepare(m, "SELECT session FROM commits WHERE at < UNIX_TIMESTAMP() - ? LIMIT ?", NULL);
	m->drop = db_maria_prepare(m, "DELETE FROM commits WHERE session = ?", NULL);
	if (db_maria_url(&m->at, login->url) < 0) {
		close_conn(m);
		return NULL;
	}
	m->label = label_of(&m->at);
	id_new(m->session);
	srandom((unsigned)time(NULL) ^ (unsigned)m->session[0] << 8 ^ (unsigned)m->session[1] << 16);
	/* No core file shall have it. */
	if (m->password)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (db_maria_connect_first(m) == 0)
		return m;
	*away = m->failure == DB_FAILURE_RETRY;
	if (*away)
		report(m);
	close_conn(m);
	return NULL;
}

static const char *name(void *conn)
{
	return ((struct maria *)conn)->label;
}

static size_t ports(void *conn, uint16_t *port, size_t most)
{
	const struct maria *m = conn;
	unsigned usual = MYSQL_PORT;
	size_t n = 0;

	/* The library may have another one from the environment. */
	if (m->h && !m->at.node[m->node].port)
		mariadb_get_infov(m->h, MARIADB_CONNECTION_PORT, &usual);
	for (size_t i = 0; !m->at.socket && i < m->at.n && n < most; i++)
		port[n++] = (uint16_t)(m->at.node[i].port ? m->at.node[i].port : usual);
	return n;
}

static const char *file(void *conn)
{
	(void)conn;
	return NULL;
}

/*
 * The number that is there: asked within its transaction, or of one whose COMMIT got no reply;
 * waits until the server knows.  0 none, -1.
 */
static int64_t ask_number(struct maria *m)
{
	db_maria_bind_bytes(m->ask, 1, m->session, strlen(m->session));
	enum db_got got = db_maria_step(m, m->ask);
	int64_t n = got == DB_ROW ? db_maria_col_int(m->ask, 0) : 0;

	db_maria_reset(m->ask);
	return got == DB_FAIL ? -1 : n;
}

/* Leave a number, a new one for each try.  0 or -1. */
static int leave_number(struct maria *m)
{
	db_maria_bind_bytes(m->leave, 1, m->session, strlen(m->session));
	db_maria_bind_int(m->leave, 2, ++m->number);
	m->wrote = 1;
	enum db_got got = db_maria_step(m, m->leave);
	db_maria_reset(m->leave);
	return got == DB_FAIL ? -1 : 0;
}

/* A statement after the transaction; a connection that does not take it is in no known state. */
static void settle_again(struct maria *m, const char *sql)
{
	if (m->h && mysql_query(m->h, sql))
		db_maria_hang_up(m);
}

static void rollback(void *conn)
{
	struct maria *m = conn;

	if (m->in_transaction) {
		settle_again(m, "ROLLBACK");
		settle_again(m, "SET autocommit = 1");
	}
	m->in_transaction = 0;
}

/* Both, or a new connection: nothing of the first may be left.  0 or -1. */
static int start(struct maria *m, const char *setting, const char *sql)
{
	if (db_maria_query(m, setting, "cannot begin a transaction") == 0 &&
	    db_maria_query(m, sql, "cannot begin a transaction") == 0)
		return 0;
	db_maria_hang_up(m);
	return -1;
}

static int begin(void *conn, int again)
{
	struct maria *m = conn;
	int64_t there = 0;

	if (!again)
		m->doubt = 0;
	if (db_maria_reconnect(m) < 0) {
		/* It has waited as long as it may. */
		if (m->failure == DB_FAILURE_RETRY)
			report(m);
		return -1;
	}
	for (int try = 1; start(m, "SET autocommit = 0", "START TRANSACTION") < 0; try++)
		if (!db_maria_again(m, try))
			return -1;
	m->in_transaction = 1;
	m->doomed = 0;
	/* At each try: in a cluster a COMMIT may come through after others were begun. */
	if (m->doubt)
		there = ask_number(m);
	if (there >= 0)
		m->failure = DB_FAILURE_FINAL;	/* whatever failed before is over */
	if (m->doubt && there >= m->doubt) {
		m->doubt = 0;
		rollback(m);
		return 1;
	}
	if (there < 0 || leave_number(m) < 0) {
		rollback(m);
		return -1;
	}
	return 0;
}

static int begin_read(void *conn)
{
	struct maria *m = conn;

	m->failure = DB_FAILURE_FINAL;
	if (db_maria_reconnect(m) < 0)
		return -1;
	for (int try = 1; start(m, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
				"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") < 0; try++)
		if (!db_maria_again(m, try))
			return -1;
	m->in_transaction = 1;
	m->doomed = 0;
	return 0;
}

/* The server ended the transaction, and no statement failed. */
static void was_forgotten(struct maria *m)
{
	free(m->why);
	m->why = mem_printf("%s: the server gave a transaction up, and did not say why",
			    escape_name(m->label));
	m->failure = DB_FAILURE_RETRY;
	m->refused = 0;
	m->doomed = 1;
}

static int end_read(void *conn)
{
	struct maria *m = conn;
	unsigned status = 0;
	int rc = 0;

	/* As the last answer has it. */
	if (m->h && !m->doomed && !mariadb_get_infov(m->h, MARIADB_CONNECTION_SERVER_STATUS, &status) &&
	    !(status & SERVER_STATUS_IN_TRANS)) {
		was_forgotten(m);
		rc = -1;
	}
	rollback(m);
	return rc;
}

static int commit(void *conn)
{
	struct maria *m = conn;
	int64_t there = ask_number(m);

	if (there != m->number) {
		if (there >= 0)
			was_forgotten(m);
		return -1;
	}
	if (db_maria_query(m, "COMMIT", "cannot commit") < 0) {
		/* Refused, or no word of it?  Only the second leaves a doubt. */
		if (!m->doubt && (!m->h || mysql_errno(m->h) == ER_ERROR_DURING_COMMIT))
			m->doubt = m->number;
		return -1;
	}
	m->doubt = 0;
	m->in_transaction = 0;
	settle_again(m, "SET autocommit = 1");
	return 0;
}

static enum db_failure failure(void *conn)
{
	return ((struct maria *)conn)->failure;
}

static int script(void *conn, const char *sql)
{
	for (int try = 1; db_maria_query(conn, sql, "cannot run a statement") < 0; try++)
		if (!db_maria_again(conn, try))
			return -1;
	return 0;
}

static int64_t changes(void *conn)
{
	return ((struct maria *)conn)->changes;
}

static int backup(void *conn, const char *path)
{
	(void)path;
	msg_error("%s: a copy of a server's database is its administrator's to make", name(conn));
	return -1;
}

/* CHECK TABLE answers with rows of table, operation, kind of message, text. */
static int integrity(void *conn)
{
	struct maria *m = conn;
	int rc = 0;
	MYSQL_ROW row;

	for (int try = 1; db_maria_query(m, "CHECK TABLE meta, hosts, volumes, series, savesets, locations,"
					 " dirs, paths, inodes, commits, runs", "cannot check it") < 0; try++)
		if (!db_maria_again(m, try))
			return -1;
	MYSQL_RES *result = mysql_store_result(m->h);
	if (!result || mysql_num_fields(result) < 4) {
		db_maria_failed(m, NULL, "cannot check it");
		if (m->failure == DB_FAILURE_RETRY)
			report(m);
		mysql_free_result(result);
		return -1;
	}
	while ((row = mysql_fetch_row(result)) != NULL) {
		if (!row[2] || !row[3] || (strcmp(row[2], "error") && strcmp(row[2], "warning") &&
					   (strcmp(row[2], "status") || !strcmp(row[3], "OK"))))
			continue;
		msg_error("%s: %s", escape_name(row[0]), escape_name(row[3]));
		rc = 1;
	}
	mysql_free_result(result);
	return rc;
}

static const char *const schemes[] = { "mysql", "mariadb", "mysql+pymysql", NULL };

const struct db_driver db_maria = {
	.schemes = schemes, .dialect = SQL_MARIA, .ddl_commits = 1, .open = open_conn,
	.close = close_conn, .name = name, .file = file, .ports = ports, .begin = begin,
	.begin_read = begin_read, .end_read = end_read, .commit = commit,
	.rollback = rollback, .failure = failure, .report = report, .script = script,
	.prepare = db_maria_prepare, .finalize = db_maria_finalize,
	.bind_int = db_maria_bind_int, .bind_bytes = db_maria_bind_bytes,
	.bind_null = db_maria_bind_null, .step = db_maria_step, .reset = db_maria_reset,
	.stream = db_maria_stream,
	.changes = changes, .queue = db_maria_queue, .run_queue = db_maria_run_queue,
	.drop_queue = db_maria_drop_queue, .col_int = db_maria_col_int,
	.col_bytes = db_maria_col_bytes, .col_null = db_maria_col_null, .backup = backup,
	.integrity = integrity,
};
