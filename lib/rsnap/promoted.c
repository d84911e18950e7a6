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
#define PROMOTED_MAX 65536	/* lines; a handful of intervals for each host */

struct key {
	const char *interval, *host;
};

static int compare(const struct key *k, const struct promoted_entry *e)
{
	int order = strcmp(k->interval, e->interval);

	return order != 0 ? order : strcmp(k->host, e->host);
}

static int by_key(const void *key, const void *entry)
{
	return compare(key, entry);
}

static int by_name(const void *a, const void *b)
{
	const struct promoted_entry *x = a;
	const struct key k = { x->interval, x->host };

	return compare(&k, b);
}

static struct promoted_entry *find(const struct promoted *p, const char *interval, const char *host)
{
	const struct key k = { interval, host };

	return p->sorted == 0 ? NULL : bsearch(&k, p->entry, p->sorted, sizeof(*p->entry), by_key);
}

static struct promoted_entry *add(struct promoted *p, const char *interval, const char *host)
{
	p->entry = mem_more(p->entry, p->n, sizeof(*p->entry));
	p->entry[p->n] = (struct promoted_entry){ .interval = mem_strdup(interval), .host = mem_strdup(host) };
	return &p->entry[p->n++];
}

/* Bring them all in order.  0, or -1 if one is there twice. */
static int sort(struct promoted *p)
{
	size_t i;

	if (p->n > 0)
		qsort(p->entry, p->n, sizeof(*p->entry), by_name);
	p->sorted = p->n;
	for (i = 1; i < p->n; i++)
		if (by_name(&p->entry[i - 1], &p->entry[i]) == 0)
			return -1;
	return 0;
}

/* One "INTERVAL WHEN [SEEN [HOST]]" line; -1 if it is none. */
static int parse_line(char *line, void *arg)
{
	struct promoted *p = arg;
	char *space = strchr(line, ' '), *end, *host = NULL;
	struct promoted_entry *e;
	int64_t when, seen = 0;

	if (space == NULL || space == line)
		return -1;
	*space = '\0';
	errno = 0;
	when = strtoll(space + 1, &end, 10);
	if (*end == ' ')
		seen = strtoll(end + 1, &end, 10);
	if (*end == ' ')
		host = end + 1;
	if ((host == NULL ? *end != '\0' : !volume_name_ok(host)) || errno != 0 || when == 0 || !volume_name_ok(line) || p->n == PROMOTED_MAX)
		return -1;
	e = add(p, line, host != NULL ? host : "");
	e->when = when;
	e->seen = seen;
	return 0;
}

void promoted_read(const struct volume *v, struct promoted *p)
{
	int got;

	*p = (struct promoted){ 0 };
	got = record_read(v, PROMOTED_FILE, parse_line, p);
	if (got >= 0 && sort(p) != 0) {
		errno = EBADMSG;
		got = -1;
	}
	if (got < 0) {
		const char *why = record_error();

		msg_warn("%s/" MARKER_DIR "/" PROMOTED_FILE ": %s; the locations' own times count instead",
			 escape_name(v->root), why);
		promoted_free(p);
	}
}

void promoted_free(struct promoted *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		free(p->entry[i].interval);
		free(p->entry[i].host);
	}
	free(p->entry);
	*p = (struct promoted){ 0 };
}

int64_t promoted_last(const struct promoted *p, const char *interval, const char *host, int64_t now)
{
	const struct promoted_entry *e = find(p, interval, host);

	if (e == NULL)
		return 0;
	if (e->when <= now)
		return e->when;
	return e->seen != 0 && e->seen <= now ? e->seen : now;
}

void promoted_enter(struct promoted *p, const char *interval, const char *host, int64_t when, int keep)
{
	struct promoted_entry *e = find(p, interval, host);
	const struct promoted_entry *old = find(p, interval, "");

	if (e == NULL) {
		int64_t at = keep && old != NULL ? old->when : 0;

		e = add(p, interval, host);
		e->when = at;
	}
	if (keep && e->when > when) {
		e->seen = when;
		return;
	}
	e->when = when;
	e->seen = 0;
}

int promoted_write(const struct volume *v, struct promoted *p)
{
	struct buf b = { 0 };
	const struct promoted_entry *e;

	sort(p);
	for (e = p->entry; e < p->entry + p->n; e++) {
		/* A host that a journal names twice. */
		if (e > p->entry && by_name(e - 1, e) == 0)
			continue;
		buf_printf(&b, "%s %" PRId64, e->interval, e->when);
		if (e->seen != 0 || e->host[0] != '\0')
			buf_printf(&b, " %" PRId64, e->seen);
		buf_printf(&b, "%s%s\n", e->host[0] != '\0' ? " " : "", e->host);
	}
	return record_write(v, PROMOTED_FILE, &b);
}

int promoted_set(const struct volume *v, const char *interval, char *const *host, int64_t when)
{
	struct promoted p;
	size_t i;
	int ret;

	promoted_read(v, &p);
	for (i = 0; host == NULL && i < p.n; i++)
		if (strcmp(p.entry[i].interval, interval) == 0)
			promoted_enter(&p, interval, p.entry[i].host, when, 0);
	if (host == NULL)
		promoted_enter(&p, interval, "", when, 0);
	else
		for (; *host != NULL; host++)
			promoted_enter(&p, interval, *host, when, 0);
	ret = promoted_write(v, &p);
	promoted_free(&p);
	return ret;
}
