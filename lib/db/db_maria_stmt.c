/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_maria_stmt.c - prepared statements.
 *
 * A statement is prepared when it is first run on a connection, and again on the
 * next one.  Results are fetched whole, unless they are to stream: every statement
 * with many rows has a LIMIT.
 */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/msg.h"
#include "db/db_maria_stmt.h"

#define COLUMN 512		/* room for bytes; more is fetched apart */

/* The text with its row, if it has one, repeated; malloc'd. */
static char *expand(const char *sql)
{
	const char *row = strchr(sql, TABLE_MARK), *end = row ? strchr(row + 1, TABLE_MARK) : NULL;
	struct buf b = { 0 };

	if (!end)
		return mem_strdup(sql);
	buf_add(&b, sql, (size_t)(row - sql));
	for (int i = 0; i < TABLE_ROWS; i++) {
		if (i)
			buf_str(&b, ", ");
		buf_add(&b, row + 1, (size_t)(end - row - 1));
	}
	buf_str(&b, end + 1);
	return b.p;
}

void *db_maria_prepare(void *conn, const char *sql, const char *plain)
{
	struct stmt *s = mem_alloc(sizeof(*s));

	s->m = conn;
	s->sql = expand(sql);
	s->plain = plain;
	s->table = strchr(sql, TABLE_MARK) != NULL;
	for (const char *p = sql; (p = strchr(p, '?')) != NULL; p++)
		s->nparams++;
	s->param = mem_array(NULL, s->nparams + 1, sizeof(*s->param));
	return s;
}

static void unprepare(struct stmt *s)
{
	if (s->h)
		mysql_stmt_close(s->h);
	s->h = NULL;
	s->running = 0;
	for (unsigned i = 0; i < s->ncols; i++)
		free(s->col[i].bytes);
	free(s->col);
	free(s->out);
	s->col = NULL;
	s->out = NULL;
	s->ncols = 0;
}

void db_maria_finalize(void *st)
{
	struct stmt *s = st;

	unprepare(s);
	free(s->sql);
	free(s->param);
	free(s->row);
	buf_free(&s->bytes);
	free(s);
}

void db_maria_bind_int(void *st, int i, int64_t v)
{
	((struct stmt *)st)->param[i - 1] = (struct param){ .kind = IS_INT, .number = v };
}

void db_maria_bind_bytes(void *st, int i, const void *p, size_t len)
{
	((struct stmt *)st)->param[i - 1] = (struct param){ .kind = IS_BYTES, .p = p, .len = len };
}

void db_maria_bind_null(void *st, int i)
{
	((struct stmt *)st)->param[i - 1] = (struct param){ .kind = IS_NULL };
}

/* Somewhere for each column of the result. */
static void bind_result(struct stmt *s)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(s->h);

	if (!meta)
		return;
	s->ncols = mysql_num_fields(meta);
	s->col = mem_alloc(s->ncols * sizeof(*s->col));
	s->out = mem_alloc(s->ncols * sizeof(*s->out));
	for (unsigned i = 0; i < s->ncols; i++) {
		struct column *c = &s->col[i];
		int bytes = IS_BLOB(mysql_fetch_field_direct(meta, i)->flags) ||
			    mysql_fetch_field_direct(meta, i)->type >= MYSQL_TYPE_VARCHAR;

		/* Sums of integers are decimals to the server. */
		if (mysql_fetch_field_direct(meta, i)->type == MYSQL_TYPE_NEWDECIMAL)
			bytes = 0;
		s->out[i] = (MYSQL_BIND){ .is_null = &c->null, .length = &c->len, .error = &c->cut };
		if (bytes) {
			c->cap = COLUMN;
			c->bytes = mem_alloc(c->cap);
			s->out[i].buffer_type = MYSQL_TYPE_BLOB;
			s->out[i].buffer = c->bytes;
			s->out[i].buffer_length = c->cap;
		} else {
			s->out[i].buffer_type = MYSQL_TYPE_LONGLONG;
			s->out[i].buffer = &c->number;
		}
	}
	mysql_free_result(meta);
	mysql_stmt_bind_result(s->h, s->out);
}

/* Where updates by a table are refused (db_maria_failed()), one goes row by row. */
static void make_plain(struct stmt *s)
{
	if (!s->table || !s->plain || strncmp(s->sql, "UPDATE ", 7) != 0)
		return;
	unprepare(s);
	free(s->sql);
	s->sql = mem_strdup(s->plain);
	s->table = 0;
}

int db_maria_prepared(struct stmt *s)
{
	struct maria *m = s->m;

	/* The server may have rolled it all back: what came now would be committed by itself. */
	if (m->in_transaction && m->doomed)
		return -1;
	if (!m->h) {
		m->failure = DB_FAILURE_RETRY;
		return -1;
	}
	if (m->limited)
		make_plain(s);
	if (s->h && s->generation == m->generation)
		return 0;
	unprepare(s);
	s->h = mysql_stmt_init(m->h);
	s->generation = m->generation;
	if (!s->h) {
		db_maria_failed(m, NULL, "cannot prepare a statement");
		return -1;
	}
	if (mysql_stmt_prepare(s->h, s->sql, strlen(s->sql))) {
		db_maria_failed(m, s->h, "cannot prepare a statement");
		unprepare(s);
		return -1;
	}
	/* We would read as many as it says. */
	if (mysql_stmt_param_count(s->h) != s->nparams * (s->table ? TABLE_ROWS : 1)) {
		msg_error("%s: the server means another statement than ours", escape_name(m->label));
		m->failure = DB_FAILURE_FINAL;
		m->doomed = 1;
		unprepare(s);
		return -1;
	}
	bind_result(s);
	return 0;
}

/* Run it with the parameters bound.  0 or -1. */
static int execute(struct stmt *s)
{
	MYSQL_BIND *in = mem_array(NULL, s->nparams + 1, sizeof(*in));
	unsigned one = 0;

	memset(in, 0, (s->nparams + 1) * sizeof(*in));
	for (size_t i = 0; i < s->nparams; i++) {
		struct param *p = &s->param[i];

		in[i].buffer_type = p->kind == IS_NULL ? MYSQL_TYPE_NULL :
				    p->kind == IS_INT ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
		/* The library does not write to it. */
		in[i].buffer = p->kind == IS_INT ? (void *)&p->number : (void *)(uintptr_t)p->p;
		in[i].buffer_length = p->len;
		in[i].length = &p->len;
	}
	mysql_stmt_attr_set(s->h, STMT_ATTR_ARRAY_SIZE, &one);
	int bad = mysql_stmt_bind_param(s->h, in) || mysql_stmt_execute(s->h) ||
		  (s->ncols && !s->streams && mysql_stmt_store_result(s->h));
	if (bad)
		db_maria_failed(s->m, s->h, "a statement failed");
	free(in);
	return bad ? -1 : 0;
}

static int run(struct stmt *s)
{
	for (int try = 1;; try++) {
		if (db_maria_prepared(s) == 0 && execute(s) == 0)
			break;
		if (!db_maria_again(s->m, try))
			return -1;
	}
	s->running = 1;
	s->m->changes = s->ncols ? 0 : (int64_t)mysql_stmt_affected_rows(s->h);
	return 0;
}

/* What did not fit into the column's room.  0 or -1. */
static int fetch_rest(struct stmt *s)
{
	for (unsigned i = 0; i < s->ncols; i++) {
		struct column *c = &s->col[i];

		if (!c->bytes || c->null || c->len <= c->cap)
			continue;
		c->cap = c->len;
		c->bytes = mem_realloc(c->bytes, c->cap);
		s->out[i].buffer = c->bytes;
		s->out[i].buffer_length = c->cap;
		if (mysql_stmt_fetch_column(s->h, &s->out[i], i, 0)) {
			db_maria_failed(s->m, s->h, "cannot read a column");
			return -1;
		}
		mysql_stmt_bind_result(s->h, s->out);
	}
	return 0;
}

static enum db_got fetch(struct stmt *s)
{
	switch (mysql_stmt_fetch(s->h)) {
	case 0:
		return DB_ROW;
	case MYSQL_DATA_TRUNCATED:
		return fetch_rest(s) < 0 ? DB_FAIL : DB_ROW;
	case MYSQL_NO_DATA:
		return DB_DONE;
	default:
		db_maria_failed(s->m, s->h, "cannot read a row");
		return DB_FAIL;
	}
}

/* The rest of a stream that broke, by asking again; this time it is fetched whole. */
static enum db_got resume(struct stmt *s)
{
	if (!db_maria_again(s->m, 1))
		return DB_FAIL;
	s->running = s->streams = 0;
	if (run(s) < 0)
		return DB_FAIL;
	mysql_stmt_data_seek(s->h, s->given);
	return fetch(s);
}

enum db_got db_maria_step(void *conn, void *st)
{
	struct stmt *s = st;

	(void)conn;
	if (!s->running && run(s) < 0)
		return DB_FAIL;
	if (!s->ncols)
		return DB_DONE;
	enum db_got got = fetch(s);
	if (got == DB_FAIL && s->streams)
		got = resume(s);
	s->given += got == DB_ROW;
	return got;
}

void db_maria_reset(void *st)
{
	struct stmt *s = st;

	/* What is still to come of a stream is read and forgotten. */
	if (s->running && s->h && s->ncols)
		mysql_stmt_free_result(s->h);
	s->running = s->streams = 0;
	s->given = 0;
}

int db_maria_stream(void *st)
{
	struct stmt *s = st;

	s->streams = 1;
	if (run(s) == 0)
		return 0;
	s->streams = 0;
	return -1;
}

/* A column of the row; one that the server left out is NULL. */
static const struct column *column(const struct stmt *s, int col)
{
	static const struct column none = { .null = 1 };

	return (unsigned)col < s->ncols ? &s->col[col] : &none;
}

int64_t db_maria_col_int(void *st, int col)
{
	const struct column *c = column(st, col);

	return c->null || c->bytes ? 0 : c->number;
}

const void *db_maria_col_bytes(void *st, int col, size_t *len)
{
	const struct column *c = column(st, col);

	*len = c->null || !c->bytes ? 0 : c->len;
	return *len ? c->bytes : "";
}

int db_maria_col_null(void *st, int col)
{
	return column(st, col)->null;
}
