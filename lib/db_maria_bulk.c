/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_maria_bulk.c - many rows at once: as arrays of parameters, or where the
 * statement asks for it (sql.c) as one JSON document.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db_maria_stmt.h"

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
	return s->rows == QUEUE_ROWS || s->bytes.len >= QUEUE_BYTES;
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

/* The queued rows as JSON: [[1,"hex",null],...].  The server updates from that many times faster. */
static void put_document(const struct stmt *s, struct buf *b)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s->rows * s->nparams; i++) {
		const struct param *p = &s->row[i];

		buf_str(b, !i ? "[[" : i % s->nparams ? "," : "],[");
		if (p->kind == IS_INT)
			buf_printf(b, "%" PRId64, p->number);
		else if (p->kind == IS_NULL)
			buf_str(b, "null");
		else
			buf_char(b, '"');
		for (unsigned long k = 0; p->kind == IS_BYTES && k < p->len; k++) {
			unsigned char c = (unsigned char)s->bytes.p[(size_t)p->number + k];

			buf_char(b, digits[c >> 4]);
			buf_char(b, digits[c & 15]);
		}
		if (p->kind == IS_BYTES)
			buf_char(b, '"');
	}
	buf_str(b, "]]");
}

static int execute_document(struct stmt *s)
{
	struct buf b = { 0 };

	put_document(s, &b);
	unsigned long len = b.len;
	MYSQL_BIND in = { .buffer_type = MYSQL_TYPE_STRING, .buffer = b.p, .buffer_length = len,
			  .length = &len };
	int bad = mysql_stmt_bind_param(s->h, &in) || mysql_stmt_execute(s->h);
	if (bad)
		db_maria_failed(s->m, s->h, "a statement failed");
	buf_free(&b);
	return bad ? -1 : 0;
}

int64_t db_maria_run_queue(void *conn, void *st)
{
	struct stmt *s = st;
	int64_t changed = -1;

	(void)conn;
	for (int try = 1; changed < 0; try++) {
		if (db_maria_prepared(s) == 0 && (s->document ? execute_document(s) : execute_bulk(s)) == 0)
			changed = (int64_t)mysql_stmt_affected_rows(s->h);
		else if (!db_maria_again(s->m, try))
			break;
	}
	db_maria_drop_queue(s);
	return changed;
}
