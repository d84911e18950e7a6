/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* job_conf.c - does a call of rsnapshot concern our snapshot root? */
#include "rsnap/job_conf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "rsnap/rsnap_text.h"

#define DEPTH 8			/* of include_conf */
#define FILES 64		/* that are read for one job */

/* What a configuration says, as far as it can be told. */
struct peek {
	const char *verb;
	char *root;
	int interval;		/* verb is one of its */
	int unknown;		/* a command was to say more */
	int files;
};

static int is_same(const char *a, const char *b)
{
	struct stat x, y;
	size_t n = strlen(a), m = strlen(b);

	if (stat(a, &x) == 0 && stat(b, &y) == 0)
		return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	while (n > 1 && a[n - 1] == '/')
		n--;
	while (m > 1 && b[m - 1] == '/')
		m--;
	return n == m && memcmp(a, b, n) == 0;
}

static int starts_with_key(char *line, const char *key, char **value)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0 || line[n] != '\t')
		return 0;
	*value = line + n + strspn(line + n, "\t");
	(*value)[strcspn(*value, "\t")] = '\0';
	return 1;
}

static void peek_file(struct peek *p, const char *file, int depth)
{
	char *real = depth < DEPTH && p->files++ < FILES ? realpath(file, NULL) : NULL, *value;
	struct rsnap_text_at at = { 0 };
	struct buf line = { 0 };
	size_t len;
	char *text = real != NULL ? file_read(AT_FDCWD, real, &len) : NULL;

	free(real);
	at.rest = text;
	while (text != NULL && rsnap_text_line(&at, &line)) {
		if (starts_with_key(line.p, "snapshot_root", &value)) {
			free(p->root);
			p->root = mem_strdup(value);
		} else if (starts_with_key(line.p, "retain", &value) || starts_with_key(line.p, "interval", &value)) {
			p->interval |= strcmp(value, p->verb) == 0;
		} else if (starts_with_key(line.p, "include_conf", &value)) {
			p->unknown |= *value == '`';
			if (*value == '/')
				peek_file(p, value, depth + 1);
		}
	}
	buf_free(&line);
	free(text);
}

/* Is it known only when it runs? */
static int is_open(const char *word)
{
	return strpbrk(word, "$%{}*?") != NULL;
}

int job_conf_touches(const struct job *job, const struct rsnap *r)
{
	const char *file = job->call.config != NULL ? job->call.config : JOB_CONF_DEFAULT, *verb = job->call.verb;
	struct peek p = { .verb = verb };
	int known = is_open(verb) || strcmp(verb, "sync") == 0, ours = known || rsnap_interval(r, verb) >= 0, touches;

	if (strcmp(file, r->file) == 0)
		return ours;
	/* What others name is not opened, and root's directory is not theirs. */
	if (!job->roots)
		return 0;
	if (*file != '/' || is_open(file))
		return ours ? -1 : 0;
	if (is_same(file, r->file))
		return ours;
	peek_file(&p, file, 0);
	if (p.root != NULL)
		touches = (known || p.interval || (p.unknown && ours)) && is_same(p.root, r->root);
	else
		touches = p.unknown && ours ? -1 : 0;
	free(p.root);
	return touches;
}
