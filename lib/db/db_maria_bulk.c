/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_maria_bulk.c - many rows at once: as arrays of parameters, or where the
 * statement asks for it (sql_maria.c) as a table in it.
 */
#include <stdlib.h>
#include <string.h>

#include "db/db_maria_stmt.h"

#define QUEUE_ROWS 2048
#define QUEUE_BYTES (1u << 20)	/* well below the server's max_allowed_packet */

int db_maria_queue(void *st)
{
	struct stmt *s = st;

	if (!s->row)
		s->row = mem_array(NULL, QUEUE_ROWS * (s->nparams + 1), sizeof(*s->row));
	struct param *to = s->row + s->rows++ * s->nparams;
	for (size_t i = 0; i < s->nparams; i++) {
		to[i] = s->param[i];
		if (to[i].kind != IS_BYTES)
			continue;
		to[i].number = (int64_t)s->bytes.len;
		buf_add(&s->bytes, s->param[i].p, s->param[i].len);
	}
	return s->rows == (s->table ? TABLE_ROWS : QUEUE_ROWS) || s->bytes.len >= QUEUE_BYTES;
}

void db_maria_drop_queue(void *st)
{
	struct stmt *s = st;

	s->rows = 0;
	buf_reset(&s->bytes);
}

/* One parameter of all queued rows, as the library wants it. */
struct bulk {
	int64_t *number;
	const char **p;
	unsigned long *len;
	char *indicator;
};

static void bulk_bind(struct stmt *s, size_t i, struct bulk *b, MYSQL_BIND *in)
{
	enum kind kind = IS_NULL;

	b->number = mem_array(NULL, s->rows, sizeof(*b->number));
	b->p = mem_array(NULL, s->rows, sizeof(*b->p));
	b->len = mem_array(NULL, s->rows, sizeof(*b->len));
	b->indicator = mem_array(NULL, s->rows, 1);
	for (size_t r = 0; r < s->rows; r++) {
		const struct param *p = &s->row[r * s->nparams + i];

		if (p->kind != IS_NULL)
			kind = p->kind;
		b->number[r] = p->number;
		b->p[r] = p->kind == IS_BYTES && p->len ? s->bytes.p + p->number : "";
		b->len[r] = p->len;
		b->indicator[r] = p->kind == IS_NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
	}
	*in = (MYSQL_BIND){
		.buffer_type = kind == IS_BYTES ? MYSQL_TYPE_BLOB : MYSQL_TYPE_LONGLONG,
		.buffer = kind == IS_BYTES ? (void *)b->p : (void *)b->number,
		.length = b->len,
		.u.indicator = b->indicator,
	};
}

/* Send what is queued at once.  0 or -1. */
static int execute_bulk(struct stmt *s)
{
	struct bulk *bulk = mem_alloc((s->nparams + 1) * sizeof(*bulk));
	MYSQL_BIND *in = mem_alloc((s->nparams + 1) * sizeof(*in));
	unsigned n = (unsigned)s->rows;

	for (size_t i = 0; i < s->nparams; i++)
		bulk_bind(s, i, &bulk[i], &in[i]);
	int bad = mysql_stmt_attr_set(s->h, STMT_ATTR_ARRAY_SIZE, &n) ||
		  mysql_stmt_bind_param(s->h, in) || mysql_stmt_execute(s->h);
	if (bad)
		db_maria_failed(s->m, s->h, "a statement failed");
	for (size_t i = 0; i < s->nparams; i++) {
		free(bulk[i].number);
		free(bulk[i].p);
		free(bulk[i].len);
		free(bulk[i].indicator);
	}
	free(bulk);
	free(in);
	return bad ? -1 : 0;
}

/* Send what is queued as the table of the statement.  0 or -1. */
static int execute_table(struct stmt *s)
{
	MYSQL_BIND *in = mem_alloc(TABLE_ROWS * s->nparams * sizeof(*in));

	for (size_t i = 0; i < TABLE_ROWS * s->nparams; i++) {
		struct param *p = i < s->rows * s->nparams ? &s->row[i] : NULL;

		if (!p || p->kind == IS_NULL)
			in[i].buffer_type = MYSQL_TYPE_NULL;
		else if (p->kind == IS_INT)
			in[i] = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &p->number };
		else
			in[i] = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_BLOB, .length = &p->len,
					      .buffer = s->bytes.p + p->number,
					      .buffer_length = p->len };
	}
	int bad = mysql_stmt_bind_param(s->h, in) || mysql_stmt_execute(s->h);
	if (bad)
		db_maria_failed(s->m, s->h, "a statement failed");
	free(in);
	return bad ? -1 : 0;
}

int64_t db_maria_run_queue(void *conn, void *st)
{
	struct stmt *s = st;
	int64_t changed = -1;

	(void)conn;
	for (int try = 1; changed < 0; try++) {
		if (db_maria_prepared(s) == 0 && (s->table ? execute_table(s) : execute_bulk(s)) == 0)
			changed = (int64_t)mysql_stmt_affected_rows(s->h);
		else if (!db_maria_again(s->m, try))
			break;
	}
	db_maria_drop_queue(s);
	return changed;
}
