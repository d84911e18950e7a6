/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* missed.c - hosts whose turn in an interval is still to come. */
#include "rsnap/missed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"

#define MISSED_FILE "missed"
#define MISSED_MAX (64 << 20)	/* bytes; a line for each host of each interval */
#define HEAD "secondshot-missed 1"

static void add(struct missed *m, const char *interval, const char *host)
{
	m->entry = mem_array(m->entry, m->n + 1, sizeof(*m->entry));
	m->entry[m->n++] = (struct missed_entry){ mem_strdup(interval), mem_strdup(host) };
}

/* 0, or -1 if it is not a whole record. */
static int parse(struct missed *m, char *text)
{
	char *save, *line = strtok_r(text, "\n", &save), *space;

	if (line == NULL || strcmp(line, HEAD) != 0)
		return -1;
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		if (strcmp(line, "end") == 0)
			return 0;
		space = strchr(line, ' ');
		if (space == NULL || space == line || space[1] == '\0')
			return -1;
		*space = '\0';
		add(m, line, space + 1);
	}
	return -1;
}

void missed_read(const struct volume *v, struct missed *m)
{
	const char *why = NULL;
	size_t len;
	char *text;

	*m = (struct missed){ 0 };
	text = file_read_most(v->own, MISSED_FILE, MISSED_MAX, &len);
	if (text == NULL && errno != ENOENT)
		why = strerror(errno);
	else if (text != NULL && (strlen(text) != len || parse(m, text) != 0))
		why = "damaged, or of a newer version";
	if (why != NULL) {
		msg_warn("%s/" MARKER_DIR "/" MISSED_FILE ": %s; no turn that a host missed is made up for",
			 escape_name(v->root), why);
		missed_free(m);
	}
	free(text);
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
	int ret;

	buf_str(&b, HEAD "\n");
	for (i = 0; i < m->n; i++)
		buf_printf(&b, "%s %s\n", m->entry[i].interval, m->entry[i].host);
	buf_str(&b, "end\n");
	ret = file_replace(v->own, MISSED_FILE, b.p, b.len, 0600);
	if (ret != 0)
		msg_error("%s/" MARKER_DIR "/" MISSED_FILE ": cannot write: %m", escape_name(v->root));
	buf_free(&b);
	return ret;
}

int missed_set(const struct volume *v, const char *interval, char *const *host)
{
	struct missed old, new = { 0 };
	size_t i;
	int ret = 0;

	missed_read(v, &old);
	for (i = 0; i < old.n; i++)
		if (strcmp(old.entry[i].interval, interval) != 0)
			add(&new, old.entry[i].interval, old.entry[i].host);
	i = new.n;
	for (; *host != NULL; host++)
		add(&new, interval, *host);
	/* Most of the time nobody has, and nobody had. */
	if (new.n != old.n || new.n != i)
		ret = write_record(v, &new);
	missed_free(&old);
	missed_free(&new);
	return ret;
}
