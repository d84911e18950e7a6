/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* due.c - which intervals are to be promoted into now, and why. */
#include "rsnap/due.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/period.h"
#include "base/table.h"
#include "rsnap/promoted.h"

#define PERIOD "period."
#define ON "on."
#define NEVER "never"

/* The interval of a key of one of the two families, *fixed = of the second; NULL = of neither. */
static const char *of_key(const char *key, int *fixed)
{
	*fixed = strncmp(key, ON, strlen(ON)) == 0;
	if (*fixed)
		return key + strlen(ON);
	return strncmp(key, PERIOD, strlen(PERIOD)) == 0 ? key + strlen(PERIOD) : NULL;
}

char *due_complaint(const struct conf *c, const struct rsnap *rs)
{
	const char *key, *value, *name;
	struct period p;
	int fixed;
	size_t i;

	for (i = 0; i < c->npair; i++) {
		key = c->pair[i].key;
		value = c->pair[i].value;
		name = of_key(key, &fixed);
		if (name == NULL)
			continue;
		if (rsnap_interval(rs, name) < 0)
			return mem_printf("%s: there is no such interval in %s", escape_name(key),
					  escape_name(rs->file));
		if (!fixed && strcmp(value, NEVER) == 0 && rsnap_interval(rs, name) == 0)
			return mem_printf("%s = %s: it is the lowest interval, into which each new saveset goes",
					  escape_name(key), escape_name(value));
		if (!fixed && strcmp(value, NEVER) != 0 && period_parse(value, &p) != 0)
			return mem_printf("%s = %s: it must be a number of h, d, w, mo or y (12h, 1w, 6mo), or never",
					  escape_name(key), escape_name(value));
		if (fixed && period_parse_days(value, &p) != 0)
			return mem_printf("%s = %s: it must be days: sunday, or 1, or mar-1,sep-1",
					  escape_name(key), escape_name(value));
		if (fixed && conf_value(c, PERIOD, name) != NULL)
			return mem_printf("%s: it has " PERIOD "%s as well, and needs one of them",
					  escape_name(key), escape_name(name));
	}
	return NULL;
}

const char *due_period(const struct conf *c, const struct rsnap *rs, size_t interval)
{
	const char *name = rs->retain[interval].name, *text = conf_value(c, ON, name);

	if (text == NULL)
		text = conf_value(c, PERIOD, name);
	/* The lowest is there to take every run's, whatever it is called. */
	return text != NULL || interval == 0 ? text : period_of_name(name);
}

char *due_unknown(const struct conf *c, const struct rsnap *rs)
{
	struct buf b = { 0 };
	size_t i;

	for (i = 1; i < rs->nretain; i++)
		if (due_period(c, rs, i) == NULL)
			buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", rs->retain[i].name);
	return b.p;
}

/* Has a host of rs, of those whose period is over if d is not NULL, a tree in the open location?  1 or 0. */
static int has_tree(const struct rsnap *rs, const struct due *d, int fd)
{
	size_t i;

	for (i = 0; i < rs->nhost; i++)
		if ((d == NULL || d->host[i].over) && faccessat(fd, rs->host[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return 1;
	return 0;
}

/* When NAME.0 came to its place, 0 = it is not there, or none of our hosts has a tree in it. */
static int64_t time_on_disk(const struct volume *v, const struct rsnap *rs, const char *name)
{
	char *first = mem_printf("%s.0", name);
	int fd = volume_location(v, first);
	struct stat st;
	int64_t when = 0;

	if (fd >= 0 && has_tree(rs, NULL, fd) && fstat(fd, &st) == 0)
		when = st.st_ctim.tv_sec;
	if (fd >= 0)
		close(fd);
	free(first);
	return when;
}

/* The last promotion of hosts that are not on record: that of the others, or what else there is.  0 = never. */
static int64_t last_of_all(const struct due *d, const struct volume *v, const struct rsnap *rs,
			   const struct promoted *p, int64_t now)
{
	int64_t newest = 0;
	size_t i;

	for (i = 0; i < rs->nhost; i++)
		if (d->host[i].last > newest)
			newest = d->host[i].last;
	if (newest == 0)
		newest = promoted_last(p, d->name, "", now);
	if (newest == 0)
		newest = time_on_disk(v, rs, d->name);
	return newest < now ? newest : now;
}

static void find_last(struct due *d, const struct volume *v, const struct rsnap *rs,
		      const struct promoted *p, int64_t now)
{
	int64_t all;
	size_t i;

	d->host = mem_alloc(rs->nhost * sizeof(*d->host));
	for (i = 0; i < rs->nhost; i++) {
		d->host[i].last = promoted_last(p, d->name, rs->host[i], now);
		/* The clock of a run that found it in the future is on record too, and not now's. */
		d->host[i].recorded = d->host[i].last != 0 && d->host[i].last != now;
	}
	all = d->last = last_of_all(d, v, rs, p, now);
	for (i = 0; i < rs->nhost; i++) {
		if (d->host[i].last == 0)
			d->host[i].last = all;
		if (d->host[i].last < d->last)
			d->last = d->host[i].last;
	}
}

/* Its feeder, and whether that has something. */
static void find_feeder(struct due *d, const struct volume *v, const struct rsnap *rs)
{
	const struct rsnap_retain *below;
	int fd;

	d->fed = 1;
	if (d->interval == 0)
		return;
	below = &rs->retain[d->interval - 1];
	d->feeder = mem_printf("%s.%u", below->name, below->count - 1);
	fd = volume_location(v, d->feeder);
	d->fed = fd >= 0 ? has_tree(rs, NULL, fd) : errno != ENOENT;
	if (fd >= 0)
		close(fd);
}

/* Why the interval has nothing to take over, malloc'd, or NULL: its feeder is there. */
static char *hungry(const struct due *d, const struct volume *v, const struct rsnap *rs)
{
	int fd = volume_location(v, d->feeder);
	char *why = NULL;

	if (fd < 0 && errno == ENOENT)
		why = mem_printf("%s, which feeds it, is not there yet", d->feeder);
	else if (fd < 0)
		why = mem_printf("%s, which feeds it: %s", d->feeder, strerror(errno));
	else if (!has_tree(rs, d, fd))
		why = mem_printf("%s, which feeds it, has no tree yet of a host whose turn it is", d->feeder);
	if (fd >= 0)
		close(fd);
	return why;
}

static char *why_of(const struct due *d, int fixed)
{
	if (d->last == 0)
		return mem_strdup("never before");
	if (fixed)
		return mem_printf(d->due ? "%s has come" : "waits for %s", d->period);
	return mem_printf(d->due ? "%s has passed" : "%s has not passed yet", d->period);
}

/* Whose period p is over at now? */
static void judge_hosts(struct due *d, const struct rsnap *rs, const struct period *p, int64_t now)
{
	struct due_host *h;

	for (h = d->host; h < d->host + rs->nhost; h++)
		h->over = h->last == 0 || period_due(p, h->last, now);
}

static void judge(struct due *d, const struct volume *v, const struct rsnap *rs,
		  const struct conf *c, int64_t now)
{
	const char *text = due_period(c, rs, d->interval);
	struct period p = { 0 };
	char *hunger;

	d->period = mem_strdup(text != NULL ? text : "");
	if (text == NULL && d->interval == 0) {
		d->due = 1;
		d->why = mem_strdup("at every run");
	} else if (text != NULL && strcmp(text, NEVER) == 0) {
		d->why = mem_printf("only by --rotate=%s", d->name);
	} else if (text == NULL || (period_parse(text, &p) != 0 && period_parse_days(text, &p) != 0)) {
		d->why = mem_printf("no period is known: write " PERIOD "%s = 1d, or " ON "%s = sunday",
				    d->name, d->name);
	} else {
		judge_hosts(d, rs, &p, now);
		d->next = d->last == 0 ? now : period_next(&p, d->last);
		d->due = d->last == 0 || period_due(&p, d->last, now);
		d->why = why_of(d, p.unit == PERIOD_ON);
	}
	hunger = d->due && d->interval > 0 ? hungry(d, v, rs) : NULL;
	if (hunger != NULL) {
		free(d->why);
		d->why = hunger;
		d->due = 0;
	}
}

int due_list(const struct volume *v, const struct rsnap *rs, const struct conf *c, int64_t now,
	     struct due_list *l)
{
	char *complaint = due_complaint(c, rs);
	struct promoted p;
	struct due *d;

	*l = (struct due_list){ 0 };
	if (complaint != NULL) {
		msg_error("%s", complaint);
		free(complaint);
		return -1;
	}
	promoted_read(v, &p);
	l->due = mem_array(NULL, rs->nretain, sizeof(*l->due));
	for (l->n = 0; l->n < rs->nretain; l->n++) {
		d = &l->due[l->n];
		*d = (struct due){ .interval = rs->nretain - 1 - l->n };
		d->name = rs->retain[d->interval].name;
		find_last(d, v, rs, &p, now);
		find_feeder(d, v, rs);
		judge(d, v, rs, c, now);
	}
	promoted_free(&p);
	return 0;
}

void due_free(struct due_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->due[i].host);
		free(l->due[i].feeder);
		free(l->due[i].period);
		free(l->due[i].why);
	}
	free(l->due);
	*l = (struct due_list){ 0 };
}

int due_remember(const struct volume *v, const struct rsnap *rs, const struct due_list *l)
{
	const struct due_host *h;
	struct promoted p;
	size_t i, k, n = 0;
	int ret = 0;

	promoted_read(v, &p);
	for (i = 0; i < l->n; i++)
		for (k = 0; k < rs->nhost; k++) {
			h = &l->due[i].host[k];
			if (h->recorded || h->last == 0)
				continue;
			promoted_enter(&p, l->due[i].name, rs->host[k], h->last, 1);
			n++;
		}
	if (n > 0)
		ret = promoted_write(v, &p);
	promoted_free(&p);
	return ret;
}

static void add_time(struct table *t, int64_t when, const char *none)
{
	char text[64];
	time_t at = when;
	struct tm tm;

	if (when == 0 || localtime_r(&at, &tm) == NULL)
		snprintf(text, sizeof(text), "%s", none);
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	table_text(t, text);
}

static void show_json(const struct due *d)
{
	json_t *o = json_new("due");

	json_text(o, "interval", d->name);
	json_text(o, "period", d->period);
	json_time(o, "last", d->last);
	json_time(o, "next", d->next);
	json_text(o, "feeder", d->feeder);
	json_object_set_new(o, "fed", json_boolean(d->fed));
	json_object_set_new(o, "due", json_boolean(d->due));
	json_text(o, "why", d->why);
	json_line(stdout, o);
}

void due_show(const struct due_list *l, int json)
{
	static const char *const titles[] = { "INTERVAL", "LAST", "NEXT", "DUE", "WHY", NULL };
	struct table t = { 0 };
	const struct due *d;

	table_titles(&t, titles);
	for (d = l->due; d < l->due + l->n; d++) {
		if (json) {
			show_json(d);
			continue;
		}
		table_text(&t, d->name);
		add_time(&t, d->last, "never");
		add_time(&t, d->next, "-");
		table_text(&t, d->due ? "yes" : "no");
		table_text(&t, d->why);
	}
	table_end(&t, !json);
}
