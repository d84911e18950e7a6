/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* missed.c - hosts whose turn in an interval is still to come. */
#include "rsnap/missed.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/record.h"

#define MISSED_FILE "missed"
#define MISSED_MAX 65536	/* lines; a handful of intervals for each host */

static void add(struct missed *m, const char *interval, const char *host)
{
	m->entry = mem_more(m->entry, m->n, sizeof(*m->entry));
	m->entry[m->n++] = (struct missed_entry){ mem_strdup(interval), mem_strdup(host) };
}

/* One "INTERVAL HOST" line; -1 if it is none. */
static int parse_line(char *line, void *arg)
{
	char *space = strchr(line, ' ');

	if (space == NULL || space == line || space[1] == '\0')
		return -1;
	*space = '\0';
	if (!volume_name_ok(line) || !volume_name_ok(space + 1) || ((struct missed *)arg)->n == MISSED_MAX)
		return -1;
	add(arg, line, space + 1);
	return 0;
}

void missed_read(const struct volume *v, struct missed *m)
{
	*m = (struct missed){ 0 };
	if (record_read(v, MISSED_FILE, parse_line, m) < 0) {
		const char *why = record_error();

		msg_warn("%s/" MARKER_DIR "/" MISSED_FILE ": %s; no turn that a host missed is made up for",
			 escape_name(v->root), why);
		missed_free(m);
	}
}

void missed_free(struct missed *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->entry[i].interval);
		free(m->entry[i].host);
	}
	free(m->entry);
	*m = (struct missed){ 0 };
}

int missed_has(const struct missed *m, const char *interval, const char *host)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->entry[i].interval, interval) == 0 && strcmp(m->entry[i].host, host) == 0)
			return 1;
	return 0;
}

static int write_record(const struct volume *v, const struct missed *m)
{
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < m->n; i++)
		buf_printf(&b, "%s %s\n", m->entry[i].interval, m->entry[i].host);
	return record_write(v, MISSED_FILE, &b);
}

static int in_list(char *const *list, const char *host)
{
	while (*list != NULL && strcmp(*list, host) != 0)
		list++;
	return *list != NULL;
}

int missed_set(const struct volume *v, const char *interval, char *const *turn, char *const *missed)
{
	struct missed old, new = { 0 };
	size_t i;
	int ret = 0;

	missed_read(v, &old);
	for (i = 0; i < old.n; i++)
		if (strcmp(old.entry[i].interval, interval) != 0 ||
		    (turn != NULL && !in_list(turn, old.entry[i].host)))
			add(&new, old.entry[i].interval, old.entry[i].host);
	i = new.n;
	for (; *missed != NULL; missed++)
		add(&new, interval, *missed);
	/* Most of the time nobody has, and nobody had. */
	if (new.n != old.n || new.n != i)
		ret = write_record(v, &new);
	missed_free(&old);
	missed_free(&new);
	return ret;
}
