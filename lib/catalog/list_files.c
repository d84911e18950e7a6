/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/list.h"
#include "catalog/rows.h"
#include "catalog/verdict.h"
#include "tree/put.h"
#include "tree/stream.h"
#include "tree/sums.h"

/* "sha256:HEX" or "-"; malloc'd. */
static char *digest_text(const struct entry *e)
{
	struct buf b = { 0 };

	if (!e->digest_len)
		return mem_strdup("-");
	buf_printf(&b, "%s:", e->algo);
	put_hex(&b, e->digest, e->digest_len);
	return b.p;
}

static void file_json(const struct saveset *s, const struct row *row)
{
	const struct entry *e = &row->e;
	const char type[] = { e->type, 0 };
	json_t *o = json_new("file");
	char *digest = digest_text(e);
	char buf[40];

	json_bytes(o, "saveset", s->name, strlen(s->name));
	json_text(o, "kind", type);
	snprintf(buf, sizeof(buf), "%04o", e->mode);
	json_text(o, "mode", buf);
	json_number(o, "uid", e->uid);
	json_number(o, "gid", e->gid);
	json_number(o, "size", e->size);
	snprintf(buf, sizeof(buf), "%" PRId64 ".%09u", e->mtime, e->mtime_ns);
	json_text(o, "mtime", e->path_len ? buf : NULL);	/* the top has none */
	if (e->data_len)
		json_bytes(o, e->type == 'l' ? "target" : "device", e->data, e->data_len);
	json_text(o, "digest", e->digest_len ? digest : NULL);
	json_time(o, "verified", row->verified);
	json_text(o, "verdict", row->verdict ? verdict_name(row->verdict) : NULL);
	json_bytes(o, "path", e->path_len ? e->path : ".", e->path_len ? e->path_len : 1);
	json_line(stdout, o);
	free(digest);
}

static void file_text(const struct row *row)
{
	const struct entry *e = &row->e;
	char *digest = digest_text(e);
	char when[CLOCK_TEXT];

	printf("%c %04o %u %u %" PRId64 " %s %s %s", e->type, e->mode, e->uid, e->gid, e->size,
	       e->path_len ? clock_text(e->mtime, when) : "-", digest, e->path_len ? escape_bytes(e->path, e->path_len) : ".");
	if (e->type == 'l')
		printf(" -> %s", escape_bytes(e->data, e->data_len));
	else if (e->data_len)
		printf(" (%s)", escape_bytes(e->data, e->data_len));
	putchar('\n');
	free(digest);
}

/* The absolute path of the saveset's tree, malloc'd. */
static char *tree_path(const struct saveset *s)
{
	size_t first = strcspn(s->locations, ",");

	return mem_printf("%s/%.*s/%s", s->root, (int)first, s->locations, s->host);
}

static void put_head(const struct saveset *s, int zero)
{
	char *root = tree_path(s), *hash = mem_strdup(s->hash), *uid = mem_strdup(s->uid);
	struct stream_head h = { s->name, root, uid, hash };

	stream_put_head(stdout, &h, zero);
	free(root);
	free(hash);
	free(uid);
}

/* sha256sum(1) checks nothing else, and passes over what it cannot read. */
static int is_sha256(const struct entry *e)
{
	return e->type == 'f' && e->digest_len && !strcmp(e->algo, "sha256");
}

/* Only a digest of what was read is one for a stream. */
static struct stream_rec record(const struct row *row)
{
	struct stream_rec r = { .e = row->e, .state = row_is_hashed(row) ? ST_OK : ST_TODO };

	if (r.state == ST_TODO) {
		r.e.algo = NULL;
		r.e.digest_len = 0;
	}
	return r;
}

static void put_row(const struct saveset *s, const struct row *row, enum list_format f)
{
	struct stream_rec r = record(row);

	switch (f) {
	case LIST_TEXT:
		file_text(row);
		break;
	case LIST_JSON:
		file_json(s, row);
		break;
	case LIST_ZERO:
		fwrite(row->e.path_len ? row->e.path : ".", 1, row->e.path_len ? row->e.path_len : 1,
		       stdout);
		putchar(0);
		break;
	case LIST_SHA256SUM:
		if (is_sha256(&row->e))
			sums_put(stdout, &r, isatty(STDOUT_FILENO));
		break;
	case LIST_STREAM:
		break;
	}
}

/* Was the saveset forgotten while its rows were read?  SS_OK if not. */
static int still_there(struct catalog *cat, const struct saveset *s)
{
	struct saveset now;
	int got = catalog_by_uid(cat, s->uid, &now);

	if (got == 0)
		saveset_free(&now);
	if (got > 0)
		msg_error("%s: was pruned while it was read", escape_name(s->name));
	return got ? SS_FAIL : SS_OK;
}

/* Walk the rows as a stream: all regular files, or those without digest. */
static int put_stream(struct catalog *cat, const struct saveset *s, int zero, int pending)
{
	struct rows *rows = rows_open(cat, s->series, s->seq);
	const struct row *row;
	uint64_t count = 0;
	int got;

	put_head(s, zero);
	while ((got = rows_next(rows, &row)) > 0) {
		struct stream_rec r = record(row);

		if (row->e.type != 'f' || (pending && r.state == ST_OK))
			continue;
		stream_put(stdout, &r, zero);
		count++;
	}
	rows_close(rows);
	if (got < 0 || still_there(cat, s) != SS_OK)
		return SS_FAIL;
	stream_put_end(stdout, count, zero);
	return SS_OK;
}

int list_files(struct catalog *cat, const struct saveset *s, enum list_format f)
{
	struct rows *rows;
	const struct row *row;
	int got, others = 0;

	if (!s->seq) {
		msg_error("%s: a %s attempt, it holds nothing", escape_name(s->name),
			  saveset_status_name(s->status));
		return SS_FAIL;
	}
	if (f == LIST_STREAM)
		return put_stream(cat, s, 0, 0);
	rows = rows_open(cat, s->series, s->seq);
	while ((got = rows_next(rows, &row)) > 0) {
		put_row(s, row, f);
		others += row->e.type == 'f' && !is_sha256(&row->e);
	}
	rows_close(rows);
	if (got < 0 || still_there(cat, s) != SS_OK)
		return SS_FAIL;
	if (f == LIST_SHA256SUM && others) {
		msg_warn("%s: %d files have no sha256 digest and are not listed", escape_name(s->name),
			 others);
		return SS_INCOMPLETE;
	}
	return SS_OK;
}

int list_pending(struct catalog *cat, const struct saveset *s, int zero)
{
	if (!s->seq || !s->locations[0]) {
		msg_error("%s: lies nowhere on disk, nothing of it can be read",
			  escape_name(s->name));
		return SS_FAIL;
	}
	return put_stream(cat, s, zero, 1);
}
