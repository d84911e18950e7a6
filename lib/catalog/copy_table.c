/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy_table.c - the catalog's tables as they are.
 *
 * What comes behind a key of several columns is asked for in steps, each of which
 * any database answers from its index without looking at what came before: the
 * rest of that directory, the rest of that series, the series behind it.
 */
#include "catalog/copy_table.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 4096
#define BYTES (1u << 20)
#define STEPS 3
#define PARAMS 6		/* COPY_KEYS, one of them twice, and the limit */

struct copy_table {
	const char *name;
	const char *columns;		/* a letter for each: i number, b bytes */
	const char *key;		/* numbers of the columns of the primary key, from 0 */
	enum sql_id count, add, delete;
	struct {
		enum sql_id sql;
		const char *params;	/* which columns of the key it takes; NULL: no such step */
	} step[STEPS];
};

#define CHANGES(NAME) \
	.count = SQL_COPY_##NAME##_COUNT, .add = SQL_COPY_##NAME##_ADD, \
	.delete = SQL_COPY_##NAME##_DELETE

static const struct copy_table tables[] = {
	{ "meta", "bb", "0", CHANGES(META), { { SQL_COPY_META, "0" } } },
	{ "hosts", "ibi", "0", CHANGES(HOSTS), { { SQL_COPY_HOSTS, "0" } } },
	{ "volumes", "ibbbbbi", "0", CHANGES(VOLUMES), { { SQL_COPY_VOLUMES, "0" } } },
	{ "series", "iiiiib", "0", CHANGES(SERIES), { { SQL_COPY_SERIES, "0" } } },
	{ "savesets", "iiibbiiiiibiiiiiiiibbbiiii", "0", CHANGES(SAVESETS),
	  { { SQL_COPY_SAVESETS, "0" } } },
	{ "locations", "ib", "01", CHANGES(LOCATIONS),
	  { { SQL_COPY_LOCATIONS_SAVESET, "01" }, { SQL_COPY_LOCATIONS, "0" } } },
	{ "dirs", "iiibi", "01", CHANGES(DIRS),
	  { { SQL_COPY_DIRS_SERIES, "01" }, { SQL_COPY_DIRS, "0" } } },
	{ "paths", "iibiiiiiiiiiiib", "0123", CHANGES(PATHS),
	  { { SQL_COPY_PATHS_DIR, "01223" }, { SQL_COPY_PATHS_SERIES, "01" },
	    { SQL_COPY_PATHS, "0" } } },
	{ "inodes", "iiiiiiiiibbiiib", "012", CHANGES(INODES),
	  { { SQL_COPY_INODES_SERIES, "0112" }, { SQL_COPY_INODES, "0" } } },
	{ "runs", "ibbbbiiib", "0", CHANGES(RUNS), { { SQL_COPY_RUNS, "0" } } },
	{ "generations", "bibi", "01", CHANGES(GENERATIONS),
	  { { SQL_COPY_GENERATIONS_VOLUME, "01" }, { SQL_COPY_GENERATIONS, "0" } } },
};

const struct copy_table *copy_table(size_t i)
{
	return i < sizeof(tables) / sizeof(*tables) ? &tables[i] : NULL;
}

const char *copy_table_name(const struct copy_table *t)
{
	return t->name;
}

static size_t columns(const struct copy_batch *b)
{
	return strlen(b->table->columns);
}

void copy_table_start(struct copy_batch *b, const struct copy_table *t)
{
	b->table = t;
	b->rows = 0;
	b->cell = mem_array(b->cell, ROWS * columns(b), sizeof(*b->cell));
	buf_reset(&b->bytes);
	for (size_t i = 0; i < strlen(t->key); i++)
		b->key[i] = t->columns[t->key[i] - '0'] == 'i'
			? (struct db_cell){ .kind = DB_CELL_INT, .n = INT64_MIN }
			: (struct db_cell){ .kind = DB_CELL_BYTES, .p = "" };
}

void copy_table_free(struct copy_batch *b)
{
	free(b->cell);
	buf_free(&b->bytes);
	buf_free(&b->key_bytes);
	*b = (struct copy_batch){ 0 };
}

/* Append the row of st; n is an offset of bytes while more may come. */
static void take_row(struct copy_batch *b, struct db_stmt *st)
{
	struct db_cell *c = b->cell + b->rows++ * columns(b);
	int i = 0;

	for (const char *kind = b->table->columns; *kind; kind++, c++, i++) {
		*c = (struct db_cell){ 0 };
		if (db_is_null(st, i))
			continue;
		if (*kind == 'i') {
			c->kind = DB_CELL_INT;
			c->n = db_int(st, i);
			continue;
		}
		const void *p = db_bytes(st, i, &c->len);
		c->kind = DB_CELL_BYTES;
		c->n = (int64_t)b->bytes.len;
		buf_add(&b->bytes, p, c->len);
	}
}

/* Let the cells point to their bytes, wherever these are by now; remember the key of the last row. */
static void settle(struct copy_batch *b)
{
	const struct db_cell *last = b->cell + (b->rows - 1) * columns(b);

	for (size_t i = 0; i < b->rows * columns(b); i++)
		if (b->cell[i].kind == DB_CELL_BYTES)
			b->cell[i].p = b->cell[i].len ? b->bytes.p + b->cell[i].n : "";
	for (size_t i = 0; i < strlen(b->table->key); i++) {
		b->key[i] = last[b->table->key[i] - '0'];
		if (b->key[i].kind != DB_CELL_BYTES)
			continue;
		buf_reset(&b->key_bytes);
		buf_add(&b->key_bytes, b->key[i].p, b->key[i].len);
		b->key[i].p = b->key[i].len ? b->key_bytes.p : "";
	}
}

static int is_full(const struct copy_batch *b)
{
	return b->rows == ROWS || b->bytes.len >= BYTES;
}

/* Append what step i gives.  0 or -1. */
static int read_step(struct copy_batch *b, struct db *db, size_t i)
{
	struct db_cell param[PARAMS];
	const char *p = b->table->step[i].params;
	size_t n = 0, before = b->rows;
	enum db_got got = DB_FAIL;

	while (*p)
		param[n++] = b->key[*p++ - '0'];
	param[n] = (struct db_cell){ .kind = DB_CELL_INT, .n = (int64_t)(ROWS - b->rows) };
	struct db_stmt *st = db_bind(db, b->table->step[i].sql, "c", param, n + 1);
	while (st && (got = db_step(st)) == DB_ROW) {
		take_row(b, st);
		if (is_full(b)) {
			db_reset(st);
			break;
		}
	}
	if (b->rows > before)
		settle(b);
	return got == DB_FAIL ? -1 : 0;
}

int copy_table_read(struct copy_batch *b, struct db *db)
{
	b->rows = 0;
	buf_reset(&b->bytes);
	for (size_t i = 0; i < STEPS && b->table->step[i].params && !is_full(b); i++)
		if (read_step(b, db, i) < 0)
			return -1;
	return (int)b->rows;
}

int copy_table_write(const struct copy_batch *b, struct db *db)
{
	for (size_t r = 0; r < b->rows; r++)
		if (db_queue(db, NULL, b->table->add, "c", b->cell + r * columns(b), columns(b)) < 0)
			return -1;
	return 0;
}

int copy_table_delete(const struct copy_batch *b, struct db *db)
{
	struct db_cell key[COPY_KEYS];
	size_t n = strlen(b->table->key);

	for (size_t r = 0; r < b->rows; r++) {
		for (size_t i = 0; i < n; i++)
			key[i] = b->cell[r * columns(b) + (size_t)(b->table->key[i] - '0')];
		if (db_queue(db, NULL, b->table->delete, "c", key, n) < 0)
			return -1;
	}
	return 0;
}

int copy_table_count(const struct copy_table *t, struct db *db, int64_t *rows)
{
	return db_count(db, rows, t->count, "") < 0 ? -1 : 0;
}

static void add_number(struct buf *to, uint64_t v)
{
	char bytes[8];

	for (int i = 8; i--; v >>= 8)
		bytes[i] = (char)(v & 0xff);
	buf_add(to, bytes, sizeof(bytes));
}

void copy_table_bytes(const struct copy_batch *b, struct buf *to)
{
	for (size_t i = 0; i < b->rows * columns(b); i++) {
		const struct db_cell *c = &b->cell[i];

		buf_char(to, c->kind == DB_CELL_INT ? 'i' : c->kind == DB_CELL_BYTES ? 'b' : 0);
		if (c->kind != DB_CELL_NULL)
			add_number(to, c->kind == DB_CELL_INT ? (uint64_t)c->n : c->len);
		if (c->kind == DB_CELL_BYTES)
			buf_add(to, c->p, c->len);
	}
}
