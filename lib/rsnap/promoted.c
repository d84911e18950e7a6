/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* promoted.c - when each interval was last promoted into. */
#include "rsnap/promoted.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/record.h"

#define PROMOTED_FILE "promoted"
#define PROMOTED_MAX 1024	/* intervals; rsnapshot.conf has one or two handfuls */

static struct promoted_entry *find(const struct promoted *p, const char *interval)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->entry[i].interval, interval) == 0)
			return &p->entry[i];
	return NULL;
}

static struct promoted_entry *add(struct promoted *p, const char *interval)
{
	p->entry = mem_array(p->entry, p->n + 1, sizeof(*p->entry));
	p->entry[p->n] = (struct promoted_entry){ .interval = mem_strdup(interval) };
	return &p->entry[p->n++];
}

/* One "INTERVAL WHEN [SEEN]" line; -1 if it is none. */
static int parse_line(char *line, void *arg)
{
	struct promoted *p = arg;
	char *space = strchr(line, ' '), *end;
	struct promoted_entry *e;

	if (space == NULL || space == line)
		return -1;
	*space = '\0';
	if (!volume_name_ok(line) || p->n == PROMOTED_MAX || find(p, line) != NULL)
		return -1;
	e = add(p, line);
	errno = 0;
	e->when = strtoll(space + 1, &end, 10);
	if (*end == ' ')
		e->seen = strtoll(end + 1, &end, 10);
	return *end != '\0' || errno != 0 || e->when == 0 ? -1 : 0;
}

void promoted_read(const struct volume *v, struct promoted *p)
{
	*p = (struct promoted){ 0 };
	if (record_read(v, PROMOTED_FILE, parse_line, p) < 0) {
		const char *why = record_error();

		msg_warn("%s/" MARKER_DIR "/" PROMOTED_FILE ": %s; the locations' own times count instead",
			 escape_name(v->root), why);
		promoted_free(p);
	}
}

void promoted_free(struct promoted *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->entry[i].interval);
	free(p->entry);
	*p = (struct promoted){ 0 };
}

int64_t promoted_last(const struct promoted *p, const char *interval, int64_t now)
{
	const struct promoted_entry *e = find(p, interval);

	if (e == NULL)
		return 0;
	if (e->when <= now)
		return e->when;
	return e->seen != 0 && e->seen <= now ? e->seen : now;
}

void promoted_enter(struct promoted *p, const char *interval, int64_t when, int keep)
{
	struct promoted_entry *e = find(p, interval);

	if (e == NULL)
		e = add(p, interval);
	if (keep && e->when > when)
		e->seen = when;
	else
		*e = (struct promoted_entry){ e->interval, when, 0 };
}

int promoted_write(const struct volume *v, const struct promoted *p)
{
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < p->n; i++) {
		buf_printf(&b, "%s %" PRId64, p->entry[i].interval, p->entry[i].when);
		if (p->entry[i].seen != 0)
			buf_printf(&b, " %" PRId64, p->entry[i].seen);
		buf_char(&b, '\n');
	}
	return record_write(v, PROMOTED_FILE, &b);
}

int64_t promoted_when(const struct volume *v, const char *interval, int64_t now)
{
	struct promoted p;
	int64_t when;

	promoted_read(v, &p);
	when = promoted_last(&p, interval, now);
	promoted_free(&p);
	return when;
}

int promoted_set(const struct volume *v, const char *interval, int64_t when)
{
	struct promoted p;
	int ret;

	promoted_read(v, &p);
	promoted_enter(&p, interval, when, 0);
	ret = promoted_write(v, &p);
	promoted_free(&p);
	return ret;
}
