/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream.c - secondshot-stream(5), in both its forms (tree/stream.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "frame.h"
#include "tree/stream.h"
#include "world.h"

void fuzz_begin(void)
{
}

static void check_record(const struct stream_rec *r)
{
	const struct entry *e = &r->e;

	CHECK(strlen(e->path) == e->path_len && strchr("fdlpsbc?", e->type) && e->size >= 0);
	CHECK(e->mode <= 07777 && e->mtime_ns < 1000000000 && e->digest_len <= sizeof(e->digest));
	CHECK((r->state == ST_OK) == (e->algo != NULL) && (e->algo != NULL) == (e->digest_len > 0));
}

/* Every field of a record, by other means than the writer's. */
static void remember(struct buf *seen, const struct stream_rec *r)
{
	const struct entry *e = &r->e;
	const int64_t n[] = {
		r->state, r->medium, e->type, e->mode, e->uid, e->gid, e->size, e->mtime, e->mtime_ns,
		(int64_t)e->ino, e->btime, e->since, (int64_t)e->digest_len, (int64_t)e->path_len,
	};

	buf_add(seen, n, sizeof(n));
	buf_str(seen, e->algo ? e->algo : "-");
	buf_add(seen, e->digest, e->digest_len);
	buf_add(seen, e->path, e->path_len);
}

/* Read all of in, write it to out as it was understood.  How it ended. */
static enum stream_got copy(FILE *in, FILE *out, struct buf *seen)
{
	const struct stream_head *h;
	struct stream *s = stream_open(in);
	enum stream_got got = stream_head(s, &h);
	struct stream_rec r;
	uint64_t n = 0;

	if (got == STREAM_REC)
		stream_put_head(out, h, stream_is_zero(s));
	for (; got == STREAM_REC && (got = stream_next(s, &r)) == STREAM_REC; n++) {
		check_record(&r);
		remember(seen, &r);
		stream_put(out, &r, stream_is_zero(s));
	}
	if (got == STREAM_END)
		stream_put_end(out, n, stream_is_zero(s));
	CHECK(world_said() == (got == STREAM_BAD));
	stream_close(s);
	return got;
}

/* The same for text; *to is malloc'd. */
static enum stream_got copy_text(char *text, size_t len, char **to, size_t *to_len, struct buf *seen)
{
	FILE *in = fmemopen(text, len, "r"), *out = open_memstream(to, to_len);
	enum stream_got got;

	CHECK(in && out);
	buf_str(seen, "");
	got = copy(in, out, seen);
	fclose(in);
	CHECK(fclose(out) == 0);
	return got;
}

int fuzz_one(char *text, size_t len)
{
	struct buf seen = { 0 }, again = { 0 };
	char *once = NULL, *twice = NULL;
	size_t once_len = 0, twice_len = 0;
	enum stream_got got = len ? copy_text(text, len, &once, &once_len, &seen) : STREAM_EMPTY, whole;

	/* What was written of it is read to the same; where it was cut, or went bad, as far as it was good. */
	if (once_len) {
		whole = copy_text(once, once_len, &twice, &twice_len, &again);
		CHECK(whole == (got == STREAM_END ? STREAM_END : STREAM_CUT));
		CHECK(twice_len == once_len && memcmp(twice, once, once_len) == 0);
		CHECK(seen.len == again.len && memcmp(seen.p, again.p, seen.len) == 0);
	}
	len = seen.len;
	free(once);
	free(twice);
	buf_free(&seen);
	buf_free(&again);
	return len > 0;
}
