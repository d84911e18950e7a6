/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_maria_link.c - the connection to a MariaDB server.
 *
 * What a second try may cure (a deadlock, a lock that was waited for in vain, a
 * connection or server that went away, a refusal by the cluster) is not reported
 * but left to db_transaction(), which tries all of it again.
 */
#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/quote.h"
#include "db/db_maria.h"

#define FIRST_TRIES 5
#define SERVER_OLDEST 100600	/* has VALUES as a table, bulk parameters, REFERENCES in a column */

/* An error that says: all of the transaction was rolled back, or nothing is known of it. */
static int may_be_cured(unsigned code)
{
	switch (code) {
	case ER_LOCK_DEADLOCK: case ER_LOCK_WAIT_TIMEOUT: case ER_QUERY_INTERRUPTED:
	case ER_UNKNOWN_COM_ERROR:	/* a node that is not part of its cluster: 1047 */
	case ER_SERVER_SHUTDOWN: case ER_CONNECTION_KILLED: case ER_CHECKREAD:
	case ER_ERROR_DURING_COMMIT:
	case ER_DUP_ENTRY:		/* another backup host was faster: look again */
	case CR_SERVER_GONE_ERROR: case CR_SERVER_LOST: case CR_SERVER_LOST_EXTENDED:
	case CR_CONN_HOST_ERROR: case CR_CONNECTION_ERROR: case CR_IPSOCK_ERROR:
	case CR_UNKNOWN_HOST:		/* so far; another of several may be known */
	case CR_SSL_CONNECTION_ERROR:	/* how an encrypted connection is lost */
	case ER_CON_COUNT_ERROR: case ER_TOO_MANY_USER_CONNECTIONS:
		return 1;
	default:
		return 0;
	}
}

static int is_gone(unsigned code)
{
	return code == ER_SERVER_SHUTDOWN || code == ER_CONNECTION_KILLED ||
	       code == ER_UNKNOWN_COM_ERROR || code >= CR_MIN_ERROR;
}

/*
 * Encryption that is refused, by us (whose certificate is that?) or for want of it, has the code
 * of an encrypted connection that is lost.  Only its text tells; that of a loss is the operating
 * system's or the TLS library's, and has many forms.
 */
static int is_tls_refused(unsigned code, const char *text)
{
	return code == CR_SSL_CONNECTION_ERROR && (strstr(text, "ertificate") || strstr(text, "is required"));
}

/* Somebody answered, and may have time for us in a moment. */
static int is_busy(unsigned code)
{
	return code == CR_SERVER_LOST || code == CR_SSL_CONNECTION_ERROR || code == CR_SERVER_LOST_EXTENDED ||
	       code == CR_SERVER_GONE_ERROR || code == ER_CON_COUNT_ERROR ||
	       code == ER_TOO_MANY_USER_CONNECTIONS;
}

void db_maria_hang_up(struct maria *m)
{
	if (m->h)
		mysql_close(m->h);
	m->h = NULL;
}

/*
 * Where wsrep_max_ws_rows or _size is set, MariaDB 10.11 refuses any update with a table
 * that is not stored: from then on updates go row by row.  Does code tell us that?
 */
static int learn_limits(struct maria *m, unsigned code)
{
	int news = code == ER_GALERA_REPLICATION_NOT_SUPPORTED && !m->limited;

	m->limited |= news;
	return news;
}

/* The part of our account behind its @, malloc'd: as the server knows it if it let us in, or a guess. */
static char *account_host(const struct maria *m)
{
	MYSQL_RES *result = NULL;
	MYSQL_ROW row;
	char *host = NULL;

	if (m->generation && m->h && mysql_query(m->h, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)") == 0)
		result = mysql_store_result(m->h);
	if (result && (row = mysql_fetch_row(result)) != NULL && row[0])
		host = mem_strdup(row[0]);
	mysql_free_result(result);
	return host ? host : mem_strdup(m->at.local ? "localhost" : "%");
}

/* The name as GRANT has it: there _ and % stand for others, too.  malloc'd. */
static char *database_only(const char *name)
{
	char *escaped = escape_dup(name);
	struct buf b = { 0 };

	for (const char *p = escaped; *p; p++) {
		if (strchr("_%", *p))
			buf_char(&b, '\\');
		buf_char(&b, *p);
	}
	buf_char(&b, 0);
	free(escaped);
	return b.p;
}

/* What the administrator of the server has to say, if that is what is missing. */
static void tell_grant(const struct maria *m, unsigned code)
{
	int denied = code == ER_ACCESS_DENIED_ERROR || code == ER_ACCESS_DENIED_NO_PASSWORD_ERROR;
	int barred = code == ER_DBACCESS_DENIED_ERROR || code == ER_BAD_DB_ERROR;

	if (!denied && !barred && code != ER_TABLEACCESS_DENIED_ERROR)
		return;
	char *from = account_host(m), *database = database_only(m->at.name);
	if (denied)
		msg_error("if the password is right, the account is made with: CREATE USER '%s'@'%s'"
			  " IDENTIFIED BY '...'; its password belongs into the file"
			  " db-password-file names", escape_name(m->at.user), escape_name(from));
	if (barred)
		msg_error("if there is none, the database is made with: CREATE DATABASE `%s`",
			  escape_name(m->at.name));
	msg_error("%sthe rights are given with: GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER,"
		  " INDEX, REFERENCES ON `%s`.* TO '%s'@'%s' (the last four for 'ss-catalog init'"
		  " alone)", denied || barred ? "and " : "", database,
		  escape_name(m->at.user), escape_name(from));
	free(from);
	free(database);
}

void db_maria_failed(struct maria *m, MYSQL_STMT *st, const char *doing)
{
	/* What happens while rows stream is known to the connection alone. */
	if (st && !mysql_stmt_errno(st))
		st = NULL;
	unsigned code = st ? mysql_stmt_errno(st) : mysql_errno(m->h);
	char *text = quote_text(st ? mysql_stmt_error(st) : mysql_error(m->h));
	int refused = is_tls_refused(code, text);

	free(m->why);
	m->why = mem_printf("%s: %s: %s (MariaDB %u)", escape_name(m->label), doing, text, code);
	free(text);
	m->failure = !refused && (may_be_cured(code) || learn_limits(m, code)) ? DB_FAILURE_RETRY : DB_FAILURE_FINAL;
	m->doomed = 1;
	m->busy = is_busy(code);
	m->refused = code == ER_UNKNOWN_COM_ERROR || code == ER_LOCK_WAIT_TIMEOUT;
	/* That node is none for now: begin with the next. */
	if (code == ER_UNKNOWN_COM_ERROR && m->at.n)
		m->node = (m->node + 1) % m->at.n;
	if (m->failure == DB_FAILURE_FINAL) {
		msg_error("%s", m->why);
		tell_grant(m, code);
	}
	if (is_gone(code))
		db_maria_hang_up(m);
}

/* A server may ask for a file of ours in reply to anything: it gets none. */
static int no_file(void **data, const char *name, void *arg)
{
	(void)arg;
	*data = NULL;
	msg_error("the server asked for the file %s, and got nothing", escape_name(name));
	return 1;
}

static int no_file_read(void *data, char *to, unsigned size)
{
	(void)data, (void)to, (void)size;
	return -1;
}

static void no_file_end(void *data)
{
	(void)data;
}

static int no_file_error(void *data, char *to, unsigned size)
{
	(void)data;
	snprintf(to, size, "no file is given away");
	return CR_UNKNOWN_ERROR;
}

static enum db_tls tls_of(const struct maria *m)
{
	return m->tls != DB_TLS_AUTO ? m->tls : m->at.local ? DB_TLS_OFF : DB_TLS_VERIFY;
}

static void set_tls(struct maria *m)
{
	enum db_tls tls = tls_of(m);
	my_bool yes = 1, no = 0;

	if (tls == DB_TLS_OFF)
		return;
	mysql_options(m->h, MYSQL_OPT_SSL_ENFORCE, &yes);
	mysql_options(m->h, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, tls == DB_TLS_VERIFY ? &yes : &no);
	if (m->ca)
		mysql_options(m->h, MYSQL_OPT_SSL_CA, m->ca);
}

static void set_options(struct maria *m)
{
	unsigned off = 0, connect = 10, io = (unsigned)m->timeout + 600;
	unsigned protocol = m->at.socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_DEFAULT;

	mysql_options(m->h, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_set_local_infile_handler(m->h, no_file, no_file_read, no_file_end, no_file_error, NULL);
	mysql_options(m->h, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	mysql_options(m->h, MYSQL_OPT_READ_TIMEOUT, &io);
	mysql_options(m->h, MYSQL_OPT_WRITE_TIMEOUT, &io);
	mysql_options(m->h, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(m->h, MYSQL_SET_CHARSET_NAME, "binary");
	/* None of those that hand over the password itself. */
	mysql_options(m->h, MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,client_ed25519");
	set_tls(m);
}

int db_maria_query(struct maria *m, const char *sql, const char *doing)
{
	if (!m->h) {
		m->failure = DB_FAILURE_RETRY;
		return -1;
	}
	if (mysql_real_query(m->h, sql, strlen(sql)) == 0)
		return 0;
	db_maria_failed(m, NULL, doing);
	return -1;
}

/*
 * Is the connection encrypted, if it must be?  The library enforces that by itself
 * only where it verifies the certificate.  0, or -1 after reporting.
 */
static int check_tls(struct maria *m)
{
	if (tls_of(m) == DB_TLS_OFF || mysql_get_ssl_cipher(m->h))
		return 0;
	msg_error("%s: the server offers no TLS, and db-tls asks for it", escape_name(m->label));
	m->failure = DB_FAILURE_FINAL;
	return -1;
}

/*
 * Our session's own values of what an administrator may have set for all sessions.  A limit on
 * rows or joins would give a part for the whole.  A limit on time or room would end a long
 * statement.  In another character set we could not read what follows here.
 * A COMMIT that hangs up would lose the connection.  Name, how it is set, how it is read back.
 */
#define SETTINGS(S)                                                                     \
	S(sql_mode, "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'", \
	  "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION")        \
	S(time_zone, "'+00:00'", "+00:00")                                              \
	S(foreign_key_checks, "1", "1")                                                 \
	S(check_constraint_checks, "1", "1")                                            \
	S(unique_checks, "1", "1")                                                      \
	S(sql_safe_updates, "0", "0")                                                   \
	S(sql_select_limit, "18446744073709551615", "18446744073709551615")             \
	S(max_join_size, "18446744073709551615", "18446744073709551615")                \
	S(sql_big_selects, "1", "1")                                                    \
	S(sql_auto_is_null, "0", "0")                                                   \
	S(sql_if_exists, "0", "0")                                                      \
	S(sql_buffer_result, "0", "0")                                                  \
	S(max_statement_time, "0", "0.000000")                                          \
	S(idle_transaction_timeout, "0", "0")                                           \
	S(idle_write_transaction_timeout, "0", "0")                                     \
	S(idle_readonly_transaction_timeout, "0", "0")                                  \
	S(completion_type, "'NO_CHAIN'", "NO_CHAIN")                                    \
	S(max_sort_length, "1024", "1024")                                              \
	S(sort_buffer_size, "2097152", "2097152")                                       \
	S(tmp_disk_table_size, "18446744073709551615", "18446744073709551615")          \
	S(max_session_mem_used, "9223372036854775807", "9223372036854775807")           \
	S(character_set_results, "binary", "binary")
#define SETTING_SET(name, set, read) ", " #name " = " set
#define SETTING_ASK(name, set, read) ", @@SESSION." #name
#define SETTING_READ(name, set, read) { #name, read },

static const char settings_set[] = "SET SESSION autocommit = 1" SETTINGS(SETTING_SET);
static const char settings_ask[] = "SELECT @@SESSION.autocommit" SETTINGS(SETTING_ASK);
static const struct {
	const char *name, *value;
} settings[] = { { "autocommit", "1" }, SETTINGS(SETTING_READ) };

/* Did the server take them?  A proxy may not pass them on.  0, or -1 after reporting. */
static int check_settings(struct maria *m)
{
	MYSQL_RES *result = NULL;
	MYSQL_ROW row = NULL;
	size_t i, n = sizeof(settings) / sizeof(*settings);

	if (db_maria_query(m, settings_ask, "cannot read the session's settings") < 0)
		return -1;
	result = mysql_store_result(m->h);
	if (!result) {
		db_maria_failed(m, NULL, "cannot read the session's settings");
		return -1;
	}
	if (mysql_num_fields(result) == n)
		row = mysql_fetch_row(result);
	for (i = 0; row && i < n && row[i] && strcmp(row[i], settings[i].value) == 0; i++)
		;
	if (i < n) {
		msg_error("%s: the server did not take the setting %s = %s", escape_name(m->label),
			  settings[i].name, settings[i].value);
		m->failure = DB_FAILURE_FINAL;
	}
	mysql_free_result(result);
	return i == n ? 0 : -1;
}

/* The session's own settings, whatever the server's are.  0 or -1. */
static int settle(struct maria *m)
{
	/* The variables for this have other names in newer servers. */
	if (db_maria_query(m, settings_set, "cannot set the session up") < 0 || check_settings(m) < 0 ||
	    db_maria_query(m, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
		  "cannot set the isolation level") < 0)
		return -1;
	void *wait = db_maria_prepare(m, "SET SESSION innodb_lock_wait_timeout = ?", NULL);
	db_maria_bind_int(wait, 1, m->timeout > 0 ? m->timeout : 1);
	enum db_got got = db_maria_step(m, wait);
	db_maria_finalize(wait);
	if (got == DB_FAIL)
		return -1;
	/* In a cluster: see what the other nodes committed.  Elsewhere there is no such variable. */
	mysql_query(m->h, "SET SESSION wsrep_sync_wait = 1");
	return 0;
}

static int connect_node(struct maria *m, size_t i)
{
	m->h = mysql_init(NULL);
	if (!m->h) {
		msg_error("%s: out of memory", escape_name(m->label));
		m->failure = DB_FAILURE_FINAL;
		return -1;
	}
	set_options(m);
	const char *host = m->at.node[i].host;
	if (!mysql_real_connect(m->h, *host ? host : NULL, m->at.user, m->password, m->at.name,
				m->at.node[i].port, m->at.socket, CLIENT_FOUND_ROWS)) {
		db_maria_failed(m, NULL, "cannot connect");
		db_maria_hang_up(m);
		return -1;
	}
	m->generation++;
	m->node = i;
	if (!mariadb_connection(m->h) || mysql_get_server_version(m->h) < SERVER_OLDEST) {
		char *info = quote_text(mysql_get_server_info(m->h));

		msg_error("%s: the server is %s; it must be MariaDB 10.6 or later",
			  escape_name(m->label), info);
		free(info);
		m->failure = DB_FAILURE_FINAL;
		db_maria_hang_up(m);
		return -1;
	}
	if (check_tls(m) == 0 && settle(m) == 0)
		return 0;
	db_maria_hang_up(m);
	return -1;
}

int db_maria_connect(struct maria *m)
{
	if (m->h)
		return 0;
	for (size_t i = 0; i < m->at.n; i++) {
		if (connect_node(m, (m->node + i) % m->at.n) == 0)
			return 0;
		if (m->failure == DB_FAILURE_FINAL)
			return -1;
	}
	return -1;
}

static void pause_a_little(void)
{
	struct timespec pause = { 0, (200 + random() % 200) * 1000000L };

	nanosleep(&pause, NULL);
}

int db_maria_connect_first(struct maria *m)
{
	for (int try = 1; db_maria_connect(m) < 0; try++) {
		if (m->failure == DB_FAILURE_FINAL || !m->busy || try == FIRST_TRIES)
			return -1;
		pause_a_little();
	}
	return 0;
}

int db_maria_reconnect(struct maria *m)
{
	time_t until = time(NULL) + m->timeout;

	while (db_maria_connect(m) < 0) {
		if (m->failure == DB_FAILURE_FINAL || time(NULL) >= until)
			return -1;
		pause_a_little();
	}
	return 0;
}
