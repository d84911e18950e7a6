/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy.c - a catalog moved to another database.
 *
 * The target's meta holds a word and the copy's unique id from the first write to
 * the last.  Each transaction looks whether it is still there, so of two copies
 * into one target the first one ends; and a source that shows it is the target.
 */
#include "catalog/copy.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/id.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/progress.h"
#include "catalog/catalog.h"
#include "catalog/check.h"
#include "catalog/copy_table.h"
#include "tree/put.h"

#define TABLES_MAX 16

/* What a table amounts to. */
struct amount {
	int64_t rows;
	char digest[65];	/* SHA-256 of copy_table_bytes() in hex */
};

struct copy {
	struct catalog from, to;
	char id[ID_LEN + 1];
	struct copy_batch batch;
	struct amount read[TABLES_MAX], written[TABLES_MAX];
	struct progress progress;
};

static const char *name_of(const struct catalog *cat)
{
	return escape_name(db_name(cat->db));
}

/* The id of the copy that cat says it is the target of.  1, 0 it says nothing, -1. */
static int mark_of(struct catalog *cat, char id[ID_LEN + 1])
{
	struct db_stmt *st = db_bind(cat->db, SQL_META_GET, "s", CATALOG_COPYING);
	enum db_got got = st ? db_step(st) : DB_FAIL;
	size_t len;

	if (got != DB_ROW)
		return got == DB_DONE ? 0 : -1;
	const void *p = db_bytes(st, 0, &len);
	snprintf(id, ID_LEN + 1, "%.*s", (int)len, (const char *)p);
	db_reset(st);
	return 1;
}

/* Make the target ours, unless it holds something that is no rest of a copy. */
static int claim(void *arg)
{
	struct copy *k = arg;
	char other[ID_LEN + 1];
	int64_t savesets;
	int marked = mark_of(&k->to, other);

	if (marked < 0 || db_count(k->to.db, &savesets, SQL_COPY_SAVESETS_COUNT, "") < 0)
		return -1;
	if (!marked && savesets) {
		msg_error("%s: holds %" PRId64 " savesets; a catalog is copied into an empty one only",
			  name_of(&k->to), savesets);
		return -1;
	}
	return db_run(k->to.db, SQL_META_SET, "ss", CATALOG_COPYING, k->id) < 0 ? -1 : 0;
}

/* The target is still ours.  0, or -1 after reporting. */
static int hold(struct copy *k)
{
	int64_t held = db_run(k->to.db, SQL_COPY_HOLD, "sss", k->id, CATALOG_COPYING, k->id);

	if (held == 0)
		msg_error("%s: another copy into this catalog has begun", name_of(&k->to));
	return held > 0 ? 0 : -1;
}

static int release(void *arg)
{
	struct copy *k = arg;

	return hold(k) < 0 || db_run(k->to.db, SQL_COPY_END, "ss", CATALOG_COPYING, k->id) < 0
		? -1 : 0;
}

/* What we wrote into the target must not show in the source. */
static int are_two(struct copy *k)
{
	char id[ID_LEN + 1];
	int marked = mark_of(&k->from, id);

	if (marked == 0)
		return 0;
	if (marked < 0 || strcmp(id, k->id)) {
		if (marked > 0)
			msg_error("%s: a copy into this catalog has begun", name_of(&k->from));
		return -1;
	}
	msg_error("%s: source and target are the same catalog", name_of(&k->from));
	db_transaction(k->to.db, release, k);
	return -1;
}

static int write_batch(void *arg)
{
	struct copy *k = arg;

	return hold(k) < 0 ? -1 : copy_table_write(&k->batch, k->to.db);
}

static int delete_batch(void *arg)
{
	struct copy *k = arg;

	return hold(k) < 0 ? -1 : copy_table_delete(&k->batch, k->to.db);
}

/* Remove what an init or an earlier copy left: children before their parents. */
static int empty_target(struct copy *k)
{
	size_t n = 0;
	int got = 0;

	while (copy_table(n))
		n++;
	while (n-- && got == 0) {
		copy_table_start(&k->batch, copy_table(n));
		while ((got = copy_table_read(&k->batch, k->to.db)) > 0)
			if (db_transaction(k->to.db, delete_batch, k) < 0)
				return -1;
	}
	return got;
}

/* Read one table of db, do what is to be done with each batch, and sum it up. */
static int read_table(struct copy *k, const struct copy_table *t, struct db *db,
		      int (*each)(void *arg), struct amount *a)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char raw[EVP_MAX_MD_SIZE];
	struct buf b = { 0 };
	unsigned len = 0;
	int got = -1, good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	copy_table_start(&k->batch, t);
	a->rows = 0;
	while (good && (got = copy_table_read(&k->batch, db)) > 0) {
		a->rows += got;
		buf_reset(&b);
		copy_table_bytes(&k->batch, &b);
		good = EVP_DigestUpdate(ctx, b.p, b.len) == 1;
		if (each && db_transaction(k->to.db, each, k) < 0) {
			got = -1;
			break;
		}
		progress_add(&k->progress, (uint64_t)got, b.len);
	}
	if (good && got == 0)
		good = EVP_DigestFinal_ex(ctx, raw, &len) == 1;
	if (!good) {
		msg_error("OpenSSL cannot compute SHA-256");
		got = -1;
	}
	buf_reset(&b);
	if (got == 0) {
		put_hex(&b, raw, len);
		snprintf(a->digest, sizeof(a->digest), "%s", b.p);
	}
	buf_free(&b);
	EVP_MD_CTX_free(ctx);
	return got;
}

/* The rows that were read in order are all there are.  0, or -1 after reporting. */
static int is_all(struct catalog *cat, const struct copy_table *t, const struct amount *a)
{
	int64_t rows = 0;

	if (copy_table_count(t, cat->db, &rows) < 0)
		return -1;
	if (rows == a->rows)
		return 0;
	msg_error("%s: table %s has %" PRId64 " rows, and %" PRId64 " could be read in order;"
		  " it is damaged", name_of(cat), copy_table_name(t), rows, a->rows);
	return -1;
}

static int read_source(void *arg)
{
	struct copy *k = arg;
	const struct copy_table *t;

	for (size_t i = 0; (t = copy_table(i)) != NULL; i++)
		if (read_table(k, t, k->from.db, write_batch, &k->read[i]) < 0 ||
		    is_all(&k->from, t, &k->read[i]) < 0)
			return -1;
	return 0;
}

static int read_target(void *arg)
{
	struct copy *k = arg;
	const struct copy_table *t;

	for (size_t i = 0; (t = copy_table(i)) != NULL; i++)
		if (read_table(k, t, k->to.db, NULL, &k->written[i]) < 0 ||
		    is_all(&k->to, t, &k->written[i]) < 0)
			return -1;
	return 0;
}

/* Does the target hold what was read?  0, or -1 after reporting. */
static int compare(const struct copy *k)
{
	int rc = 0;

	for (size_t i = 0; copy_table(i); i++) {
		const struct amount *a = &k->read[i], *b = &k->written[i];

		if (a->rows == b->rows && !strcmp(a->digest, b->digest))
			continue;
		msg_error("%s: table %s differs from what was read: %" PRId64 " rows, not %" PRId64
			  ", digest %s, not %s", name_of(&k->to), copy_table_name(copy_table(i)),
			  b->rows, a->rows, b->digest, a->digest);
		rc = -1;
	}
	return rc;
}

static void tell(const struct copy *k, int json)
{
	for (size_t i = 0; copy_table(i); i++) {
		const char *name = copy_table_name(copy_table(i));

		if (!json) {
			printf("%s\t%" PRId64 "\t%s\n", name, k->read[i].rows, k->read[i].digest);
			continue;
		}
		json_t *o = json_new("table");
		json_text(o, "name", name);
		json_number(o, "rows", k->read[i].rows);
		json_text(o, "sha256", k->read[i].digest);
		json_line(stdout, o);
	}
}

/* Everything, with both catalogs open.  An exit code. */
static int copy(struct copy *k, int json)
{
	id_new(k->id);
	if (db_transaction(k->to.db, claim, k) < 0 || are_two(k) < 0 || empty_target(k) < 0 ||
	    db_snapshot(k->from.db, read_source, k) < 0 ||
	    db_snapshot(k->to.db, read_target, k) < 0)
		return SS_FAIL;
	progress_clear(&k->progress);
	if (compare(k) < 0)
		return SS_FAIL;
	int code = check_alone(&k->to, json);
	if ((code != SS_OK && code != SS_FINDINGS) || db_transaction(k->to.db, release, k) < 0)
		return SS_FAIL;
	tell(k, json);
	if (code == SS_FINDINGS)
		msg_warn("%s: a true copy, with the findings above; the source has them as well",
			 name_of(&k->to));
	else
		msg_info("%s: copied and verified", name_of(&k->to));
	return code;
}

int copy_run(const struct conf *c, const char *from, const char *to, int json)
{
	struct copy k = { 0 };
	int code = SS_FAIL;

	progress_begin(&k.progress, c->quiet);
	if (catalog_open_url(&k.from, c, from, DB_READ) == 0 && catalog_open_target(&k.to, c, to) == 0)
		code = copy(&k, json);
	progress_clear(&k.progress);
	copy_table_free(&k.batch);
	catalog_close(&k.from);
	catalog_close(&k.to);
	return code;
}
