/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/away.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/same_disk.h"
#include "tree/volume.h"

/* The volume of s among those that are away, or their number. */
static size_t find(const struct away *a, const struct saveset *s)
{
	size_t i = 0;

	while (i < a->n && strcmp(a->volume[i].name, s->volume))
		i++;
	return i;
}

/* As away_look(), but -1 where it cannot be told. */
static int is_away(struct catalog *cat, const struct saveset *s)
{
	struct volume v;
	int away = -1;

	if (volume_away(s->root))
		return 1;
	if (volume_open(&v, s->root) == 0)
		away = strcmp(v.id, s->volume_uid) != 0 ? 1 : same_disk_check(cat, &v);
	volume_close(&v);
	return away;
}

int away_look(struct away *a, struct catalog *cat, const struct saveset *s)
{
	int away = find(a, s) < a->n ? 1 : is_away(cat, s);

	if (away < 0)
		a->failed = 1;
	if (away)
		away_note(a, s);
	return away != 0;
}

void away_note(struct away *a, const struct saveset *s)
{
	size_t i = find(a, s);

	if (i == a->n) {
		a->volume = mem_more(a->volume, a->n, sizeof(*a->volume));
		a->volume[i] = (struct away_volume){ mem_strdup(s->volume), mem_strdup(s->root), 0 };
		a->n++;
	}
	a->volume[i].savesets++;
	a->savesets++;
}

void away_tell(const struct away *a, const char *what, int json)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct away_volume *v = &a->volume[i];

		msg_warn("volume offline: %s is not at %s: savesets not %s: %zu", escape_name(v->name),
			 escape_name(v->root), what, v->savesets);
		if (!json)
			continue;
		json_t *o = json_new("offline");
		json_bytes(o, "volume", v->name, strlen(v->name));
		json_number(o, "savesets", (int64_t)v->savesets);
		json_line(stdout, o);
	}
}

void away_free(struct away *a)
{
	while (a->n > 0) {
		free(a->volume[--a->n].name);
		free(a->volume[a->n].root);
	}
	free(a->volume);
	*a = (struct away){ 0 };
}
