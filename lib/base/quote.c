/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* quote.c - what others say, made fit to be printed, logged and kept. */
#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

#define TAIL 4			/* bytes beyond the bound that are kept: a character's */

/* As much of len bytes as most allows, with the character at the end whole or not there. */
static size_t cut(const char *p, size_t len, size_t most)
{
	size_t n = most, back;

	if (len <= most)
		return len;
	for (back = 0; back < 3 && n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80; back++)
		n--;
	/* So many at once are no character, and are escaped byte by byte. */
	return n > 0 && ((unsigned char)p[n] & 0xc0) != 0x80 ? n : most;
}

static void add_rest(struct buf *out, uint64_t more)
{
	if (more > 0)
		buf_printf(out, " [%" PRIu64 " more bytes]", more);
}

void quote_add(struct buf *out, const void *p, size_t len, size_t most)
{
	size_t n = cut(p, len, most);

	escape_add(out, p, n);
	add_rest(out, len - n);
}

char *quote_text(const char *text)
{
	struct buf b = { 0 };

	buf_str(&b, "");
	if (text)
		quote_add(&b, text, strlen(text), QUOTE_LINE);
	return b.p;
}

void quote_keep(char **to, const char *p, size_t len, size_t most)
{
	size_t n = cut(p, len, most), i;
	char *copy = mem_dup(p, n);

	for (i = 0; i < n; i++)
		if (copy[i] == '\0')
			copy[i] = ' ';
	free(*to);
	*to = copy;
}

static void write_line(const struct quote *q, const char *text)
{
	char *line = mem_printf("%s%s\n", q->mark ? q->mark : "", text);
	size_t len = strlen(line), done = 0;
	ssize_t n;

	/* Nobody reads it?  Who writes to us shall not stop for that. */
	while (done < len) {
		n = write(q->fd, line + done, len - done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	free(line);
}

static void say(struct quote *q, const char *text)
{
	if (q->say)
		q->say(q->arg, text);
	else if (q->fd >= 0)
		write_line(q, text);
}

/* Within the bounds: say it, else count it. */
static void pass(struct quote *q)
{
	uint64_t all = q->line.len + q->more, takes;
	char text[4 * QUOTE_LINE + 1];
	size_t n;

	if (all == 0)
		return;
	n = cut(q->line.p, q->line.len, QUOTE_LINE);
	buf_reset(&q->text);
	buf_add(&q->text, text, escape_net(text, sizeof(text), q->line.p, n));
	add_rest(&q->text, all - n);
	takes = q->text.len + 1 + (q->mark ? strlen(q->mark) : 0);
	if (q->lines > 0 && takes <= q->bytes) {
		q->lines--;
		q->bytes -= takes;
		say(q, q->text.p);
		return;
	}
	/* Nothing follows what was left out: it would look like the whole. */
	q->lines = 0;
	q->lines_out++;
	q->bytes_out += all;
}

static void end_line(struct quote *q)
{
	size_t len = q->line.len;

	/* ssh ends its lines as a terminal wants them. */
	if (len > 0 && q->more == 0 && q->line.p[len - 1] == '\r')
		buf_cut(&q->line, len - 1);
	if (q->hear) {
		buf_add(&q->line, "", 0);
		q->hear(q->arg, q->line.p, q->line.len);
	}
	pass(q);
	buf_reset(&q->line);
	q->more = 0;
}

void quote_take(struct quote *q, const char *p, size_t n)
{
	const char *newline;
	size_t len, room;

	while (n > 0) {
		newline = memchr(p, '\n', n);
		len = newline ? (size_t)(newline - p) : n;
		room = QUOTE_LINE + TAIL - q->line.len;
		buf_add(&q->line, p, len < room ? len : room);
		q->more += len < room ? 0 : len - room;
		if (newline) {
			end_line(q);
			len++;
		}
		p += len;
		n -= len;
	}
}

void quote_end(struct quote *q)
{
	if (q->line.len > 0)
		end_line(q);
	if (q->lines_out > 0) {
		buf_reset(&q->text);
		buf_printf(&q->text, "[%" PRIu64 " more lines, %" PRIu64 " bytes, are left out]",
			   q->lines_out, q->bytes_out);
		say(q, q->text.p);
	}
	q->lines_out = q->bytes_out = 0;
	buf_free(&q->line);
	buf_free(&q->text);
}
