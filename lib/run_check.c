/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check.c - would a run work, and what is to be done if not? */
#include "run_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "catalog.h"
#include "child.h"
#include "due.h"
#include "exits.h"
#include "escape.h"
#include "file.h"
#include "json.h"
#include "list.h"
#include "login.h"
#include "mem.h"
#include "msg.h"
#include "rsnap_opt.h"
#include "schema.h"
#include "series.h"
#include "volume.h"

#ifndef RSNAPSHOT
#define RSNAPSHOT "/usr/bin/rsnapshot"
#endif

static const char *const states[] = {
	[RUN_CHECK_OK] = "ok", [RUN_CHECK_WARNING] = "warning", [RUN_CHECK_MEND] = "mend",
	[RUN_CHECK_UNKNOWN] = "unknown",
};

void run_check_add(struct run_check *k, const char *what, enum run_check_state state, char *text)
{
	k->row = mem_array(k->row, k->n + 1, sizeof(*k->row));
	k->row[k->n++] = (struct run_check_row){ mem_strdup(what), state, text };
}

/* The lines that begin with a word (which they lose), as one, escaped; NULL = there are none. */
static char *joined(const char *text, const char *word)
{
	size_t skip = strlen(word), len;
	struct buf b = { 0 };

	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len <= skip || strncmp(text, word, skip) != 0)
			continue;
		if (b.len > 0)
			buf_str(&b, "; ");
		buf_str(&b, escape_bytes(text + skip, len - skip));
	}
	return b.p;
}

/* End c, and add what was said as something to be mended. */
static void add_said(struct run_check *k, const char *what, struct capture *c)
{
	char *said = capture_end(c), *line;

	/* It is ours, and escaped already. */
	for (line = said; *line != '\0'; line++)
		if (*line == '\n')
			*line = line[1] != '\0' ? ' ' : '\0';
	if (*said == '\0') {
		free(said);
		said = mem_strdup("it failed");
	}
	run_check_add(k, what, RUN_CHECK_MEND, said);
}

static void check_configuration(struct run_check *k)
{
	const char *own = k->conf->config;
	struct capture c;

	capture_begin(&c);
	k->rsnap = rsnap_read(k->conf->rsnapshot_conf);
	if (k->rsnap == NULL) {
		add_said(k, "configuration", &c);
		return;
	}
	free(capture_end(&c));
	run_check_add(k, "configuration", RUN_CHECK_OK,
		      mem_printf("%s%s%s", own != NULL ? escape_name(own) : "", own != NULL ? ", " : "",
				 escape_name(k->rsnap->file)));
}

/* What rsnapshot has to say of its configuration. */
static void check_rsnapshot(struct run_check *k)
{
	const char *const argv[] = { RSNAPSHOT, "-c", k->rsnap->file, "configtest", NULL };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	struct child child = { 0 };
	struct capture c;
	char *said, *errors;
	int status = -1;

	if (access(RSNAPSHOT, X_OK) != 0) {
		run_check_add(k, "rsnapshot", RUN_CHECK_MEND, mem_printf(RSNAPSHOT ": %s: install it", strerror(errno)));
		return;
	}
	if (capture_begin(&c) == 0 && child_start(&child, argv, env, -1, c.file) == 0)
		status = child_wait(&child);
	said = capture_end(&c);
	errors = joined(said, "ERROR: ");
	if (status == 0)
		run_check_add(k, "rsnapshot", RUN_CHECK_OK, mem_strdup("configtest has no objection"));
	else if (status < 0)
		run_check_add(k, "rsnapshot", RUN_CHECK_UNKNOWN, mem_strdup("configtest could not be run"));
	else
		run_check_add(k, "rsnapshot", RUN_CHECK_MEND,
			      mem_printf("configtest: %s", errors != NULL ? errors : child_status_text(status)));
	free(errors);
	free(said);
}

static void check_link_dest(struct run_check *k)
{
	struct capture c;

	if (k->rsnap->link_dest) {
		run_check_add(k, "link_dest", RUN_CHECK_OK, mem_strdup("1"));
		return;
	}
	capture_begin(&c);
	if (rsnap_opt_safe(k->rsnap) != 0) {
		add_said(k, "link_dest", &c);
		return;
	}
	free(capture_end(&c));
	run_check_add(k, "link_dest", RUN_CHECK_WARNING,
		      mem_strdup("0: a later change of mode or owner changes older savesets, too; use link_dest 1"));
}

static void check_intervals(struct run_check *k)
{
	char *complaint = due_complaint(k->conf, k->rsnap);
	const struct rsnap *r = k->rsnap;
	struct buf known = { 0 }, unknown = { 0 };
	size_t i;

	for (i = 0; complaint == NULL && i < r->nretain; i++) {
		const char *period = due_period(k->conf, r, i);
		struct buf *b = period != NULL || i == 0 ? &known : &unknown;

		buf_printf(b, "%s%s", b->len > 0 ? ", " : "", r->retain[i].name);
		if (b == &known)
			buf_printf(b, " %s", period != NULL ? escape_name(period) : "at every run");
	}
	if (complaint != NULL)
		run_check_add(k, "intervals", RUN_CHECK_MEND, complaint);
	else
		run_check_add(k, "intervals", RUN_CHECK_OK, known.p);
	if (unknown.len > 0)
		run_check_add(k, "intervals", RUN_CHECK_MEND,
			      mem_printf("never due, for want of a period: %s; write period.NAME = 1d, or"
					 " on.NAME = sunday", unknown.p));
	buf_free(&unknown);
}

/* Can we write there, really?  0, or -1 with errno. */
static int writable(const struct volume *v)
{
	static const char name[] = FILE_NEW "check";

	if (faccessat(v->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return -1;
	if (file_replace(v->own, name, "", 0, 0600) != 0)
		return -1;
	return unlinkat(v->own, name, 0);
}

/* 0 if it is open then, else -1. */
static int check_volume(struct run_check *k, struct volume *v)
{
	struct capture c;

	capture_begin(&c);
	if (volume_open(v, k->rsnap->root) != 0) {
		add_said(k, "volume", &c);
		return -1;
	}
	free(capture_end(&c));
	if (writable(v) != 0)
		run_check_add(k, "volume", RUN_CHECK_MEND,
			      mem_printf("%s: cannot be written: %s", escape_name(v->root), strerror(errno)));
	else if (!k->rsnap->no_create_root)
		run_check_add(k, "volume", RUN_CHECK_WARNING,
			      mem_printf("%s: without no_create_root 1, rsnapshot by hand takes a missing disk"
					 " for an empty one", escape_name(v->root)));
	else
		run_check_add(k, "volume", RUN_CHECK_OK, mem_printf("%s, id %s", escape_name(v->root), v->id));
	return 0;
}

/* The schema that the catalog says it has; 0 none, -1 after reporting. */
static int schema_of(struct db *db)
{
	int64_t tables;
	struct db_stmt *st;
	enum db_got got;
	int version = 0;
	char *text;

	if (db_value(db, &tables, SQL_META_EXISTS, "") < 0)
		return -1;
	if (tables == 0)
		return 0;
	st = db_bind(db, SQL_META_GET, "s", "schema");
	got = st != NULL ? db_step(st) : DB_FAIL;
	if (got == DB_ROW) {
		text = db_strdup(st, 0);
		version = atoi(text);
		free(text);
		db_reset(st);
	}
	return got == DB_FAIL ? -1 : version;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* The volume is open: is it the one that the catalog knows by its name? */
static void judge_volume(struct run_check *k, struct catalog *cat, const struct volume *v)
{
	const struct conf *conf = k->conf;
	char id[ID_LEN + 1] = "";
	int known = series_known_volume(cat, conf, id);

	if (known > 0 && strcmp(id, v->id) != 0)
		run_check_add(k, "volume", RUN_CHECK_MEND,
			      mem_printf("%s is not the disk that the catalog knows as volume %s (id %s)",
					 escape_name(v->root), escape_name(conf->volume), id));
	else if (known == 0)
		run_check_add(k, "volume", RUN_CHECK_MEND,
			      mem_printf("volume %s of %s is not in the catalog; run ss-catalog init",
					 escape_name(conf->volume), escape_name(conf->backup_host)));
}

/* Open, and of this schema: 0, with the row for it if it is not; -1 after reporting. */
static int judge_catalog(struct run_check *k, struct catalog *cat, const struct volume *v)
{
	int schema = schema_of(cat->db);

	if (schema < 0)
		return -1;
	if (schema == 0)
		run_check_add(k, "catalog", RUN_CHECK_MEND,
			      mem_printf("%s: there is none; run ss-catalog init", escape_name(db_name(cat->db))));
	else if (schema > SCHEMA_VERSION)
		run_check_add(k, "catalog", RUN_CHECK_MEND,
			      mem_printf("%s: schema %d is newer than this program's, %d", escape_name(db_name(cat->db)),
					 schema, SCHEMA_VERSION));
	else if (schema < SCHEMA_VERSION)
		run_check_add(k, "catalog", db_file(cat->db) ? RUN_CHECK_WARNING : RUN_CHECK_MEND,
			      mem_printf("%s: schema %d will be upgraded to %d by %s", escape_name(db_name(cat->db)),
					 schema, SCHEMA_VERSION, db_file(cat->db) ? "what opens it first" : "ss-catalog init"));
	if (schema != SCHEMA_VERSION)
		return 0;
	/* A write transaction of nothing: may we, and will we be let? */
	if (db_transaction(cat->db, nothing, NULL) != 0)
		return -1;
	run_check_add(k, "catalog", RUN_CHECK_OK, mem_printf("%s, schema %d", escape_name(db_name(cat->db)), schema));
	if (v != NULL)
		judge_volume(k, cat, v);
	return 0;
}

static void check_catalog(struct run_check *k, const struct volume *v)
{
	struct catalog cat = { 0 };
	struct login l = { 0 };
	struct capture c;
	int ret = -1;

	capture_begin(&c);
	if (login_make(&l, k->conf, NULL) == 0) {
		cat.db = db_open(&l.db, 0);
		login_free(&l);
	}
	if (cat.db != NULL)
		ret = judge_catalog(k, &cat, v);
	catalog_close(&cat);
	if (ret != 0)
		add_said(k, "catalog", &c);
	else
		free(capture_end(&c));
}

/* Print the rows and free them.  The exit code that they amount to. */
static int finish(struct run_check *k)
{
	char **cell = mem_alloc((3 * k->n + 4) * sizeof(*cell)), **to = cell;
	enum run_check_state worst = RUN_CHECK_OK;
	struct run_check_row *row;
	json_t *o;

	*to++ = mem_strdup("CHECK");
	*to++ = mem_strdup("STATE");
	*to++ = mem_strdup("HOW IT IS");
	for (row = k->row; row < k->row + k->n; row++) {
		if (row->state > worst)
			worst = row->state;
		if (k->conf->json) {
			o = json_new("check");
			json_text(o, "check", row->what);
			json_text(o, "state", states[row->state]);
			json_text(o, "text", row->text);
			json_line(stdout, o);
		}
		*to++ = row->what;
		*to++ = mem_strdup(states[row->state]);
		*to++ = row->text;
	}
	if (!k->conf->json) {
		list_table(cell, 3);
	} else {
		while (to > cell)
			free(*--to);
		free(cell);
	}
	free(k->row);
	return worst == RUN_CHECK_UNKNOWN ? SS_FAIL : worst == RUN_CHECK_MEND ? SS_FINDINGS : SS_OK;
}

int run_check(const struct conf *c, const char *const hosts[])
{
	struct run_check k = { .conf = c };
	struct volume v = { .fd = -1, .own = -1 };
	int open = 0, code;

	/* What would not be said could not be shown either. */
	msg_level(MSG_WARN);
	check_configuration(&k);
	if (k.rsnap != NULL) {
		check_rsnapshot(&k);
		check_link_dest(&k);
		check_intervals(&k);
		open = check_volume(&k, &v) == 0;
	}
	check_catalog(&k, open ? &v : NULL);
	if (k.rsnap != NULL)
		run_check_hosts(&k, hosts);
	code = finish(&k);
	volume_close(&v);
	rsnap_free(k.rsnap);
	return code;
}
