/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"

void table_own(struct table *t, char *text)
{
	t->cell = mem_more(t->cell, t->n, sizeof(*t->cell));
	t->cell[t->n++] = text;
}

void table_title(struct table *t, const char *title)
{
	table_own(t, mem_strdup(title));
	t->columns++;
}

void table_titles(struct table *t, const char *const *titles)
{
	for (; *titles; titles++)
		table_title(t, *titles);
}

void table_text(struct table *t, const char *text)
{
	table_own(t, mem_strdup(text[0] ? escape_name(text) : "-"));
}

void table_number(struct table *t, int64_t n)
{
	table_own(t, mem_printf("%" PRId64, n));
}

void table_time(struct table *t, int64_t when)
{
	char buf[CLOCK_TEXT];

	table_text(t, when ? clock_text(when, buf) : "");
}

static void show(const struct table *t)
{
	size_t *width = mem_alloc((t->columns + 1) * sizeof(*width));

	for (size_t i = 0; i < t->n; i++) {
		size_t *w = &width[i % t->columns], len = strlen(t->cell[i]);

		if (len > *w)
			*w = len;
	}
	for (size_t i = 0; i < t->n; i++) {
		if ((i + 1) % t->columns)
			printf("%-*s  ", (int)width[i % t->columns], t->cell[i]);
		else
			printf("%s\n", t->cell[i]);
	}
	free(width);
}

void table_end(struct table *t, int print)
{
	if (print)
		show(t);
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	*t = (struct table){ 0 };
}
