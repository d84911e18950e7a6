/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nagios_read.c - what the catalog has of the hosts, for a monitoring system. */
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/escape.h"
#include "catalog/asked.h"
#include "catalog/waiting.h"
#include "report/nagios.h"

#define CLOCKS_DIFFER 300	/* seconds that a saveset may be made in the future: of another machine */

static struct nagios_host *host_of(struct nagios_host **list, size_t *n, const char *name)
{
	for (size_t i = *n; i > 0; i--)
		if (!strcmp((*list)[i - 1].name, name))
			return &(*list)[i - 1];
	*list = mem_more(*list, *n, sizeof(**list));
	(*list)[*n] = (struct nagios_host){ .name = mem_strdup(name) };
	return &(*list)[(*n)++];
}

static int wants_all(const struct nagios_limits *l)
{
	if (!l->hosts || !l->hosts[0])
		return 1;
	for (const char *const *h = l->hosts; *h; h++)
		if (!strcmp(*h, "all"))
			return 1;
	return 0;
}

/* The host that has this name, or of which it is the escaped form, or NULL. */
static struct nagios_host *named(struct nagios_host *list, size_t n, const char *name)
{
	char *meant = escape_meant(name);
	struct nagios_host *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name) || (!found && meant && !strcmp(list[i].name, meant)))
			found = &list[i];
	free(meant);
	return found;
}

/* Leave in the list those that are asked for, in that order, each once. */
static void choose(struct nagios_host **list, size_t *n, const char *const *hosts)
{
	struct nagios_host *chosen = NULL;
	size_t nchosen = 0;

	for (; *hosts; hosts++) {
		struct nagios_host *h = named(*list, *n, *hosts);
		const char *name = h ? h->name : *hosts;
		size_t before = nchosen;
		struct nagios_host *to = host_of(&chosen, &nchosen, name);

		if (h && nchosen > before) {
			free(to->name);
			*to = *h;
			to->name = mem_strdup(h->name);
		}
	}
	nagios_free(*list, *n);
	*list = chosen;
	*n = nchosen;
}

static void count_saveset(struct nagios_host *h, const struct saveset *s, const struct nagios_limits *l, int64_t now)
{
	if (s->created > now + CLOCKS_DIFFER) {
		h->future = 1;
		return;
	}
	if (s->created > h->newest)
		h->newest = s->created;
	if (s->created > now - (int64_t)l->hours * NAGIOS_HOUR) {
		h->savesets++;
		count_add(&h->files, s->files);
	}
}

static int is_held(const struct waiting *held, size_t n, const struct saveset *s)
{
	for (size_t i = 0; i < n; i++)
		if (held[i].s.id == s->id)
			return 1;
	return 0;
}

int nagios_read(struct catalog *cat, const struct conf *c, const struct nagios_limits *l, int64_t now,
		struct nagios_host **list, size_t *n)
{
	struct saveset *all = NULL;
	struct waiting *held = NULL;
	size_t nall = 0, nheld = 0;
	int rc;

	*list = NULL;
	*n = 0;
	/* A volume or backup host that there is not has no saveset, either: that is another answer. */
	rc = asked_exists(cat, c) > 0 ? catalog_list(cat, NULL, &all, &nall) : -1;
	if (rc == 0)
		rc = waiting_list(cat, c, &held, &nheld);
	for (size_t i = 0; rc == 0 && i < nall; i++) {
		const struct saveset *s = &all[i];
		struct nagios_host *h;

		if (!asked_for(c, s->volume, s->backup_host))
			continue;
		h = host_of(list, n, s->host);
		h->known = 1;
		if (is_held(held, nheld, s))
			h->held = 1;
		else if (s->status == SV_COMPLETE)
			count_saveset(h, s, l, now);
	}
	catalog_list_free(all, nall);
	waiting_free(held, nheld);
	if (rc == 0 && !wants_all(l))
		choose(list, n, l->hosts);
	return rc;
}

void nagios_free(struct nagios_host *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	free(list);
}
