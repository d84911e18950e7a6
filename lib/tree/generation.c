/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* generation.c - in which state is the disk? */
#include "tree/generation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tree/record.h"

#define GENERATION_FILE "generation"
#define N_MAX (INT64_MAX / 2)	/* a run a second does not come near it */

static int has(const struct generation *g, const struct stamp *s)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->stamp[i].n == s->n && strcmp(g->stamp[i].id, s->id) == 0)
			return 1;
	return 0;
}

/* Is there a stamp that both have? */
static int related(const struct generation *a, const struct generation *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (has(b, &a->stamp[i]))
			return 1;
	return 0;
}

enum generation_order generation_compare(const struct generation *disk, const struct generation *catalog)
{
	if (catalog->n == 0)
		return GENERATION_SAME;
	if (disk->n == 0)
		return GENERATION_UNRELATED;
	if (has(catalog, &disk->stamp[0]))
		return has(disk, &catalog->stamp[0]) ? GENERATION_SAME : GENERATION_BEHIND;
	if (has(disk, &catalog->stamp[0]))
		return GENERATION_AHEAD;
	/* Or so many runs without this catalog that the disk forgot the last one with it: numbers alone do not tell. */
	return related(disk, catalog) ? GENERATION_FORKED : GENERATION_UNRELATED;
}

/* One "N ID TIME" line; -1 if it is none. */
static int parse_line(char *line, void *arg)
{
	struct generation *g = arg;
	struct stamp *s = &g->stamp[g->n];
	char *end;

	if (g->n == GENERATION_KEPT)
		return -1;
	errno = 0;
	s->n = strtoll(line, &end, 10);
	if (errno != 0 || *end != ' ' || s->n < 1 || s->n > N_MAX || (g->n > 0 && s->n >= s[-1].n))
		return -1;
	line = end + 1;
	if (strspn(line, "0123456789abcdef") != ID_LEN || line[ID_LEN] != ' ')
		return -1;
	memcpy(s->id, line, ID_LEN);
	s->id[ID_LEN] = '\0';
	s->at = strtoll(line + ID_LEN + 1, &end, 10);
	if (errno != 0 || *end != '\0' || end == line + ID_LEN + 1)
		return -1;
	g->n++;
	return 0;
}

int generation_read(const struct volume *v, struct generation *g)
{
	int got;

	*g = (struct generation){ .n = 0 };
	got = record_read(v, GENERATION_FILE, parse_line, g);
	if (got <= 0)
		*g = (struct generation){ .n = 0 };
	return got;
}

int generation_raise(const struct volume *v, struct generation *g, int64_t above, int64_t at)
{
	struct generation new = { .n = 1 };
	struct buf b = { 0 };
	size_t i;

	if (g->n > 0 && g->stamp[0].n > above)
		above = g->stamp[0].n;
	/* Somebody has made that number up: behind it none could be read again. */
	if (above >= N_MAX)
		above = 0;
	new.stamp[0].n = 1 + above;
	new.stamp[0].at = at;
	id_new(new.stamp[0].id);
	for (i = 0; above > 0 && i < g->n && new.n < GENERATION_KEPT; i++)
		new.stamp[new.n++] = g->stamp[i];
	for (i = 0; i < new.n; i++)
		buf_printf(&b, "%" PRId64 " %s %" PRId64 "\n", new.stamp[i].n, new.stamp[i].id, new.stamp[i].at);
	if (record_write(v, GENERATION_FILE, &b) != 0)
		return -1;
	*g = new;
	return 0;
}
