/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sums.c - a file's digest for other programs to read. */
#include "tree/sums.h"

#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "tree/put.h"

/* The name as coreutils write it; 1 if it needed an escape. */
static int sums_name(struct buf *b, const struct entry *e)
{
	int escaped = 0;
	size_t i;

	/* "-" alone would make the checker read its standard input. */
	if (e->path_len == 1 && e->path[0] == '-')
		buf_str(b, "./");
	for (i = 0; i < e->path_len; i++) {
		switch (e->path[i]) {
		case '\\':
			buf_str(b, "\\\\");
			break;
		case '\n':
			buf_str(b, "\\n");
			break;
		case '\r':
			buf_str(b, "\\r");
			break;
		default:
			buf_char(b, e->path[i]);
			continue;
		}
		escaped = 1;
	}
	return escaped;
}

void sums_put(FILE *out, const struct stream_rec *r, int terminal)
{
	static _Thread_local struct buf line, name;
	int escaped = 0;

	buf_reset(&line);
	buf_reset(&name);
	if (terminal)
		escape_add(&name, r->e.path, r->e.path_len);
	else
		escaped = sums_name(&name, &r->e);
	if (escaped)
		buf_char(&line, '\\');
	put_hex(&line, r->e.digest, r->e.digest_len);
	buf_str(&line, "  ");
	buf_add(&line, name.p, name.len);
	buf_char(&line, '\n');
	fwrite(line.p, 1, line.len, out);
}

void sums_put_json(FILE *out, const struct stream_rec *r)
{
	json_t *o = json_new("digest");
	struct buf hex = { 0 };

	json_bytes(o, "path", r->e.path, r->e.path_len);
	json_text(o, "state", r->state == ST_TODO ? "todo" : stream_state_name(r->state));
	if (r->e.algo) {
		put_hex(&hex, r->e.digest, r->e.digest_len);
		json_text(o, "algorithm", r->e.algo);
		json_text(o, "digest", hex.p);
		json_number(o, "size", r->e.size);
		json_text(o, "medium", stream_medium_name(r->medium));
	}
	buf_free(&hex);
	json_line(out, o);
}
