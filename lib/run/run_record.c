/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_record.c - a record of each run in the catalog.
 *
 * The file of a run that the catalog could not be told has a line for each of its facts, and "end": one without that
 * is none.  A run that was killed has no time of its end there; whoever holds the
 * volume's lock knows that it was killed.
 */
#include "run/run_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/msg.h"

#define RUNS_DIR "runs"
#define HEAD "secondshot-run 1\n"
#define SUMMARY_MAX (1 << 20)	/* bytes */
#define RECORD_MAX (SUMMARY_MAX + 4096)

/* A record, as its file has it; texts are those of the file's buffer. */
struct record {
	const char *id;
	int64_t started, ended;	/* ended 0 = nobody knows */
	int64_t result;
	const char *summary;	/* NULL = none */
};

struct entering {
	struct run *r;
	const struct record *record;
};

/* The directory of files; -1 after reporting, or, silently, if there is none. */
static int open_dir(const struct run *r)
{
	int fd = openat(r->volume.own, RUNS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		msg_warn("%s/" MARKER_DIR "/" RUNS_DIR ": %m", escape_name(r->volume.root));
	return fd;
}

static int write_file(const struct run *r, const struct record *record)
{
	struct buf b = { 0 };
	int dir = file_make_dir(r->volume.own, RUNS_DIR, 0700), rc;

	if (dir < 0) {
		msg_warn("%s/" MARKER_DIR "/" RUNS_DIR ": %m", escape_name(r->volume.root));
		return -1;
	}
	buf_printf(&b, HEAD "started %" PRId64 "\nended %" PRId64 "\nresult %" PRId64 "\n",
		   record->started, record->ended, record->result);
	if (record->summary)
		buf_printf(&b, "summary %s\n", record->summary);
	buf_str(&b, "end\n");
	rc = file_replace(dir, record->id, b.p, b.len, 0600);
	if (rc < 0)
		msg_warn("the record of this run: %m");
	close(dir);
	buf_free(&b);
	return rc;
}

/* Put one line into the record; those that a later version may have are passed over.  0 or -1. */
static int set(struct record *record, const char *key, const char *value)
{
	const struct { const char *key; int64_t *to; } number[] = {
		{ "started", &record->started }, { "ended", &record->ended },
		{ "result", &record->result },
	};
	char *end;

	if (strcmp(key, "summary") == 0)
		record->summary = value;
	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		if (strcmp(key, number[i].key) != 0)
			continue;
		errno = 0;
		*number[i].to = strtoll(value, &end, 10);
		return errno || *end || end == value ? -1 : 0;
	}
	return 0;
}

/* 0, or -1: text is no whole record. */
static int parse(struct record *record, char *text)
{
	char *save = NULL, *line, *value;

	if (strncmp(text, HEAD, strlen(HEAD)) != 0)
		return -1;
	for (line = strtok_r(text + strlen(HEAD), "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strcmp(line, "end") == 0)
			return record->started ? 0 : -1;
		value = strchr(line, ' ');
		if (!value)
			return -1;
		*value++ = '\0';
		if (set(record, line, value) < 0)
			return -1;
	}
	return -1;
}

/* Transaction: the record stands in the catalog. */
static int enter(void *arg)
{
	const struct entering *e = arg;
	const struct record *k = e->record;
	const struct run *r = e->r;
	struct db *db = r->catalog.db;
	int64_t id;
	int got = db_value(db, &id, SQL_RUN_ID, "s", k->id);

	if (got == 0 &&
	    (db_run(db, SQL_RUN_ADD, "ssssi", k->id, r->conf.backup_host, r->conf.volume,
		    r->volume.id, k->started) < 0 ||
	     db_value(db, &id, SQL_RUN_ID, "s", k->id) <= 0))
		return -1;
	if (got < 0)
		return -1;
	if (!k->ended)
		return 0;
	return db_run(db, SQL_RUN_END, "iisi", k->ended, k->result, k->summary, id) < 0 ? -1 : 0;
}

static int enter_record(struct run *r, const struct record *record)
{
	struct entering e = { r, record };

	return r->offline || !r->catalog.db ? -1 : db_transaction(r->catalog.db, enter, &e);
}

/* Transaction: what earlier runs left open in the catalog was killed; and old records go. */
static int close_others(void *arg)
{
	struct run *r = arg;
	struct db *db = r->catalog.db;
	int64_t oldest;
	int got = db_value(db, &oldest, SQL_RUN_OLDEST, "ss", r->conf.backup_host, r->conf.volume);

	if (got < 0 || db_run(db, SQL_RUN_CLOSE, "isss", r->now, r->conf.backup_host, r->volume.id,
			      r->id) < 0)
		return -1;
	if (got == 0)
		return 0;
	return db_run(db, SQL_RUN_FORGET, "ssi", r->conf.backup_host, r->conf.volume, oldest) < 0
		? -1 : 0;
}

/* Enter what the file of an earlier run tells, and remove it.  0, or -1 after reporting. */
static int enter_file(struct run *r, int dir, const char *name)
{
	struct record record = { .id = name };
	size_t len;
	char *text = file_read_most(dir, name, RECORD_MAX, &len);
	int rc = 0;

	if (!id_ok(name) || !text || strlen(text) != len || parse(&record, text) < 0)
		msg_warn("the record of an earlier run, %s, is damaged: removed", escape_name(name));
	else
		rc = enter_record(r, &record);
	if (rc == 0 && unlinkat(dir, name, 0) < 0) {
		msg_warn("the record of an earlier run, %s: %m", escape_name(name));
		rc = -1;
	}
	free(text);
	return rc;
}

static int is_record(const struct dirent *d)
{
	return d->d_name[0] != '.' || file_is_new(d->d_name);
}

/* Enter the files of earlier runs.  0 or -1. */
static int enter_files(struct run *r)
{
	struct dirent **list = NULL;
	int dir = open_dir(r), n, i, rc;

	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	n = scandirat(dir, ".", &list, is_record, alphasort);
	rc = n < 0 ? -1 : 0;
	for (i = 0; i < n; i++) {
		/* A temporary file is what a killed process left. */
		if (file_is_new(list[i]->d_name))
			unlinkat(dir, list[i]->d_name, 0);
		else if (rc == 0)
			rc = enter_file(r, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	close(dir);
	return rc;
}

void run_record_begin(struct run *r)
{
	struct record record = { .id = r->id, .started = r->now };
	int rc;

	if (r->dry)
		return;
	id_new(r->id);
	if (r->offline)
		rc = write_file(r, &record);
	else if (enter_files(r) < 0 || db_transaction(r->catalog.db, close_others, r) < 0)
		rc = -1;
	else
		rc = enter_record(r, &record);
	if (rc < 0)
		run_worse(r, SS_INCOMPLETE);
}

/* The summary as a text that is not too long; malloc'd. */
static char *summary_text(const json_t *summary)
{
	char *text = json_dumps(summary, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_t *less;

	if (!text || strlen(text) < SUMMARY_MAX)
		return text;
	free(text);
	less = json_copy((json_t *)(uintptr_t)summary);	/* it is only read */
	json_object_del(less, "hosts");
	text = json_dumps(less, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(less);
	return text;
}

/* What a run that began without the catalog, and ends with it, has left. */
static void forget_file(const struct run *r)
{
	int dir = open_dir(r);

	if (dir < 0)
		return;
	unlinkat(dir, r->id, 0);
	close(dir);
}

void run_record_end(struct run *r, int code, const json_t *summary)
{
	struct record record = { .id = r->id, .started = r->now, .ended = clock_now(), .result = code };
	char *text;

	if (!r->id[0])
		return;
	text = summary_text(summary);
	record.summary = text;
	if (enter_record(r, &record) == 0)
		forget_file(r);
	else
		write_file(r, &record);
	free(text);
}
