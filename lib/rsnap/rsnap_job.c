/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_job.c - what the transfers of an rsnapshot came to.
 *
 * A line of the record is STATUS VANISHED SRC DEST BELOW and perhaps SAID, separated by
 * tabs, the texts escaped; ss-rsync appends each with one write.  So does ss-rsnapshot
 * with a last line, "said" (or "refused") and a text.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap_job.h"

int rsnap_job_forget(const char *file)
{
	if (unlink(file) == 0 || errno == ENOENT)
		return 0;
	msg_error("%s: cannot remove: %m", escape_name(file));
	return -1;
}

static char *unescaped(const char *text)
{
	struct buf b = { 0 };

	buf_str(&b, "");
	if (escape_undo(&b, text, strlen(text)) == 0)
		return b.p;
	buf_free(&b);
	return NULL;
}

#define SAID "said\t"
#define REFUSED "refused\t"

/* Append the line in b to file, and free b.  what: a noun for the message.  0, or -1 after reporting. */
static int append(const char *file, struct buf *b, const char *what)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), ret = -1;

	buf_char(b, '\n');
	/* In one write: lines of two writers do not mix. */
	if (fd >= 0 && write(fd, b->p, b->len) == (ssize_t)b->len)
		ret = 0;
	if (ret != 0)
		msg_error("%s: cannot record %s: %m", escape_name(file), what);
	if (fd >= 0)
		close(fd);
	buf_free(b);
	return ret;
}

static void add_text(struct buf *b, const char *text)
{
	escape_add(b, text, strlen(text));
}

int rsnap_job_say(const char *file, const struct rsnap_said *said)
{
	struct buf b = { 0 };

	buf_str(&b, said->refused ? REFUSED : SAID);
	add_text(&b, said->text);
	return append(file, &b, "what rsnapshot said");
}

int rsnap_job_record(const char *file, const struct rsnap_result *res)
{
	struct buf b = { 0 };

	buf_printf(&b, "%d\t%lu\t", res->status, res->vanished);
	add_text(&b, res->src);
	buf_char(&b, '\t');
	add_text(&b, res->dest);
	buf_char(&b, '\t');
	add_text(&b, res->below);
	if (res->said != NULL) {
		buf_char(&b, '\t');
		add_text(&b, res->said);
	}
	return append(file, &b, "the result of rsync");
}

/* Is it a line of rsnap_job_say()?  1, and it is in said, or 0. */
static int is_said(const char *line, struct rsnap_said *said)
{
	const char *text = strncmp(line, SAID, strlen(SAID)) == 0 ? line + strlen(SAID) :
			   strncmp(line, REFUSED, strlen(REFUSED)) == 0 ? line + strlen(REFUSED) : NULL;

	if (text == NULL)
		return 0;
	free(said->text);
	said->text = unescaped(text);
	said->refused = *line == *REFUSED;
	return 1;
}

/* One line without its newline into r; -1 if it is not one of ours. */
static int parse(char *line, struct rsnap_result *r)
{
	char *save, *field[6], *end;
	size_t i;

	for (i = 0; i < 6; i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, "\t", &save);
		if (i < 5 && field[i] == NULL)
			return -1;
	}
	r->status = (int)strtol(field[0], &end, 10);
	if (*end != '\0')
		return -1;
	r->vanished = strtoul(field[1], &end, 10);
	if (*end != '\0')
		return -1;
	r->src = unescaped(field[2]);
	r->dest = unescaped(field[3]);
	r->below = unescaped(field[4]);
	r->said = field[5] != NULL ? unescaped(field[5]) : NULL;
	return r->src != NULL && r->dest != NULL && r->below != NULL ? 0 : -1;
}

int rsnap_job_results(const char *file, struct rsnap_result **res, size_t *n, struct rsnap_said *said)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	FILE *f;
	int ret = 0;

	*res = NULL;
	*n = 0;
	*said = (struct rsnap_said){ 0 };
	f = fopen(file, "re");
	if (f == NULL && errno == ENOENT)
		goto out;
	while (f != NULL && ret == 0 && (len = getline(&line, &cap, f)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (is_said(line, said))
			continue;
		*res = mem_more(*res, *n, sizeof(**res));
		(*res)[*n] = (struct rsnap_result){ 0 };
		if (parse(line, &(*res)[(*n)++]) != 0) {
			msg_error("%s: line %zu is not one of ss-rsync's", escape_name(file), *n);
			ret = -1;
		}
	}
	if (f == NULL || ferror(f)) {
		msg_error("%s: cannot read: %m", escape_name(file));
		ret = -1;
	}
out:
	if (f != NULL)
		fclose(f);
	free(line);
	return ret;
}

void rsnap_job_free(struct rsnap_result *res, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(res[i].src);
		free(res[i].dest);
		free(res[i].below);
		free(res[i].said);
	}
	free(res);
}

/* Is there no later result of the same transfer? */
static int counts(const struct rsnap_result *res, size_t n, size_t i)
{
	size_t j;

	for (j = i + 1; j < n; j++)
		if (strcmp(res[i].src, res[j].src) == 0 && strcmp(res[i].dest, res[j].dest) == 0)
			return 0;
	return 1;
}

enum rsnap_judged rsnap_job_judge(int rsnapshot_status, const struct rsnap_result *res, size_t n,
				  unsigned long *vanished)
{
	enum rsnap_judged judged = RSNAP_COMPLETE;
	size_t i;

	if ((rsnapshot_status != 0 && rsnapshot_status != 2) || (n == 0 && rsnapshot_status != 0) ||
	    rsnap_job_culprit(res, n) != NULL)
		judged = RSNAP_FAILED;
	for (i = 0; i < n; i++) {
		if (!counts(res, n, i))
			continue;
		if (res[i].status == 23 && judged == RSNAP_COMPLETE)
			judged = RSNAP_PARTIAL;
		/* 24 says that something vanished, even if no line named it. */
		*vanished += res[i].status == 24 && res[i].vanished == 0 ? 1 : res[i].vanished;
	}
	return judged;
}

const struct rsnap_result *rsnap_job_culprit(const struct rsnap_result *res, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (counts(res, n, i) && res[i].status != 0 && res[i].status != 23 && res[i].status != 24)
			return &res[i];
	return NULL;
}
