/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream_put.c - writing secondshot-stream(5). */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "tree/put.h"
#include "tree/stream.h"

#define PIPE (1 << 20)	/* what anybody may make of a pipe, if the system says nothing else */

void stream_put(FILE *out, const struct stream_rec *r, int zero)
{
	static _Thread_local struct buf b;
	const struct entry *e = &r->e;
	const char type[] = { e->type, '\t' };

	buf_reset(&b);
	put_word(&b, stream_state_name(r->state));
	buf_add(&b, type, sizeof(type));
	put_mode(&b, e->mode);
	put_unsigned(&b, e->uid);
	put_unsigned(&b, e->gid);
	put_signed(&b, e->size);
	put_time(&b, e->mtime, e->mtime_ns);
	put_unsigned(&b, e->ino);
	put_signed(&b, e->btime);
	put_signed(&b, e->since);
	put_word(&b, stream_medium_name(r->medium));
	put_digest(&b, e);
	if (zero)
		buf_add(&b, e->path, e->path_len);
	else
		escape_add(&b, e->path, e->path_len);
	buf_char(&b, zero ? '\0' : '\n');
	fwrite_unlocked(b.p, 1, b.len, out);
}

static void put_head_line(FILE *out, const char *key, const char *value, int zero)
{
	struct buf b = { 0 };

	if (!value)
		return;
	escape_add(&b, value, strlen(value));
	fprintf(out, "#%s %s%c", key, b.p, zero ? '\0' : '\n');
	buf_free(&b);
}

void stream_put_head(FILE *out, const struct stream_head *h, int zero)
{
	/* Being refused, or no pipe, does no harm. */
	(void)!fcntl(fileno(out), F_SETPIPE_SZ, PIPE);
	fprintf(out, STREAM_MAGIC STREAM_VERSION "%c", zero ? '\0' : '\n');
	put_head_line(out, "saveset", h->saveset, zero);
	put_head_line(out, "root", h->root, zero);
	put_head_line(out, "marker", h->marker, zero);
	put_head_line(out, "hash", h->hash, zero);
}

void stream_put_end(FILE *out, uint64_t count, int zero)
{
	if (count == STREAM_PART)
		fprintf(out, "#end -%c", zero ? '\0' : '\n');
	else
		fprintf(out, "#end %" PRIu64 "%c", count, zero ? '\0' : '\n');
}
