/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_cmd.c - the commands of a run: put together, executed, or printed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "conf/opt.h"
#include "rsnap/confine.h"
#include "rsnap/rsnap_test.h"
#include "run/run_cmd.h"

#define FORMER_DIR "run"

int run_cmd_installed(void)
{
	if (access(RSNAPSHOT, X_OK) == 0)
		return 0;
	msg_error("rsnapshot is not installed: " RSNAPSHOT ": %m");
	return -1;
}

/* Where earlier versions put it: what a killed run of theirs left. */
static void drop_former(const struct run *r)
{
	int fd = openat(r->volume.own, FORMER_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			unlinkat(fd, d->d_name, 0);
	closedir(dir);
	unlinkat(r->volume.own, FORMER_DIR, AT_REMOVEDIR);
}

/* One without hosts, and one for each. */
static int write_confs(struct run *r, const char *wrapper)
{
	char *wrong = wrapper != NULL ? rsnap_conf_log_wrong(r->rsnap) : NULL;
	const struct rsnap_conf_how how = {
		.dir = r->dir.path, .wrapper = wrapper, .timeout = r->conf.host_timeout,
		.fd = r->dir.fd, .writes = r->conf.rsync_writes, .no_log = wrong != NULL,
	};
	int ret = rsnap_conf_write(&r->job, r->rsnap, NULL, &how);
	size_t i;

	if (wrong != NULL) {
		msg_error("rsnapshot's logfile %s: rsnapshot writes no log this time", escape_name(wrong));
		run_worse(r, SS_INCOMPLETE);
	}
	free(wrong);
	for (i = 0; i < r->nhost && ret == 0; i++)
		ret = rsnap_conf_write(&r->host[i].job, r->rsnap, r->host[i].name, &how);
	return ret;
}

int run_cmd_prepare(struct run *r)
{
	char *wrapper;
	int ret = -1;

	if (r->dry) {
		run_dir_name(&r->dir);
		return write_confs(r, NULL);
	}
	if (!confine_able())
		msg_info("rsync is not confined to the tree of its host: this kernel has no Landlock, or one before"
			 " ABI 2");
	wrapper = child_tool("ss-rsync");
	if (access(wrapper, X_OK) != 0)
		msg_error("%s: %m", escape_name(wrapper));
	else if (run_dir_open(&r->dir) == 0)
		ret = write_confs(r, wrapper);
	drop_former(r);
	free(wrapper);
	return ret;
}

void run_cmd_forget(struct run *r)
{
	size_t i;

	for (i = 0; i < r->nhost; i++)
		rsnap_conf_free(&r->host[i].job);
	rsnap_conf_free(&r->job);
	run_dir_close(&r->dir);
}

void run_cmd_take(struct run_cmd *c, char *arg)
{
	c->arg = mem_array(c->arg, c->n + 2, sizeof(*c->arg));
	c->arg[c->n++] = arg;
	c->arg[c->n] = NULL;
}

void run_cmd_add(struct run_cmd *c, const char *arg)
{
	run_cmd_take(c, mem_strdup(arg));
}

void run_cmd_free(struct run_cmd *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		free(c->arg[i]);
	free(c->arg);
	*c = (struct run_cmd){ 0 };
}

/* Which of the shared options each of our tools takes. */
static unsigned uses(const char *tool)
{
	if (strcmp(tool, "ss-hash") == 0)
		return OPT_HASHTYPE | OPT_THREADS;
	if (strcmp(tool, "ss-verify") == 0)
		return OPT_CATALOG | OPT_THREADS;
	return OPT_CATALOG | OPT_RSNAPSHOT | OPT_HASHTYPE;
}

/* Hand on what we were told on the command line: the rest they find where we did. */
static void hand_on(const struct conf *c, struct run_cmd *cmd, unsigned use)
{
	char threads[16], timeout[16], port[16];
	const struct {
		unsigned use;
		const char *key, *value;
	} option[] = {
		{ OPT_CATALOG, "db-url", c->db_url },
		{ OPT_CATALOG, "dbtype", c->dbtype },
		{ OPT_CATALOG, "dbhost", c->dbhost },
		{ OPT_CATALOG, "dbport", port },
		{ OPT_CATALOG, "dbname", c->dbname },
		{ OPT_CATALOG, "dbuser", c->dbuser },
		{ OPT_CATALOG, "db-password-file", c->db_password_file },
		{ OPT_CATALOG, "db-tls", c->db_tls },
		{ OPT_CATALOG, "db-ca", c->db_ca },
		{ OPT_CATALOG, "db-timeout", timeout },
		{ OPT_CATALOG, "volume", c->volume },
		{ OPT_CATALOG, "backup-host", c->backup_host },
		{ OPT_CATALOG, "state-dir", c->state_dir },
		{ OPT_RSNAPSHOT, "rsnapshot-conf", c->rsnapshot_conf },
		{ OPT_HASHTYPE, "hashtype", c->hashtype },
		{ OPT_THREADS, "threads", threads },
		{ ~0u, "log-level", c->log_level },
		{ ~0u, "logfile", c->logfile },
	};
	size_t i;

	snprintf(threads, sizeof(threads), "%d", c->threads);
	snprintf(timeout, sizeof(timeout), "%d", c->db_timeout);
	snprintf(port, sizeof(port), "%d", c->dbport);
	for (i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		if (option[i].use & use && option[i].value &&
		    conf_named(c, option[i].key))
			run_cmd_take(cmd, mem_printf("--%s=%s", option[i].key, option[i].value));
}

void run_cmd_tool(const struct run *r, struct run_cmd *c, const char *tool, const char *verb)
{
	const struct conf *conf = &r->conf;

	*c = (struct run_cmd){ 0 };
	run_cmd_take(c, child_tool(tool));
	if (verb != NULL)
		run_cmd_add(c, verb);
	if (conf->config != NULL)
		run_cmd_take(c, mem_printf("--config=%s", conf->config));
	hand_on(conf, c, uses(tool));
	if (conf->quiet)
		run_cmd_add(c, "--quiet");
}

/* Append s so that a shell reads it back as one word, and a terminal takes no harm. */
static void add_word(struct buf *to, const char *s)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "@%_+=:,./-";
	struct buf b = { 0 };
	int raw;
	const char *p;

	if (*s != '\0' && s[strspn(s, safe)] == '\0') {
		buf_str(to, s);
		return;
	}
	escape_add(&b, s, strlen(s));
	raw = b.p == NULL || strcmp(b.p, s) == 0;
	buf_str(to, raw ? "'" : "$'");
	for (p = raw ? s : b.p; *p != '\0'; p++) {
		if (*p == '\'')
			buf_str(to, raw ? "'\\''" : "\\'");
		else
			buf_char(to, *p);
	}
	buf_char(to, '\'');
	buf_free(&b);
}

/* Print n commands, a pipe if there are several. */
static void print_pipe(const struct run *r, const struct run_cmd *c, size_t n)
{
	struct buf b = { 0 };
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_str(&b, " | ");
		for (j = 0; j < c[i].n; j++) {
			if (j > 0)
				buf_char(&b, ' ');
			add_word(&b, c[i].arg[j]);
		}
	}
	if (r->conf.json) {
		json_t *o = json_new("command");

		json_text(o, "command", b.p);
		json_line(stdout, o);
	} else {
		puts(b.p);
	}
	buf_free(&b);
}

int run_cmd(const struct run *r, struct run_cmd *c)
{
	int status = 0;

	if (r->dry) {
		print_pipe(r, c, 1);
	} else {
		status = child_run((const char *const *)c->arg, NULL);
	}
	run_cmd_free(c);
	return status;
}

void run_cmd_pipe(const struct run *r, struct run_cmd *c, int *status, size_t n)
{
	const char *const **argv = mem_alloc(n * sizeof(*argv));
	struct child *child = mem_alloc(n * sizeof(*child));
	int failed = 0;
	size_t i;

	for (i = 0; i < n; i++)
		argv[i] = (const char *const *)c[i].arg;
	if (r->dry)
		print_pipe(r, c, n);
	else
		failed = child_pipe(child, argv, n) != 0;
	for (i = 0; i < n; i++) {
		status[i] = failed ? -1 : child[i].status;
		run_cmd_free(&c[i]);
	}
	free(child);
	free(argv);
}

const struct rsnap_conf *run_cmd_job(const struct run *r, const char *dest)
{
	size_t i, len;

	for (i = 0; dest != NULL && i < r->nhost; i++) {
		len = strlen(r->host[i].name);
		if (strncmp(r->host[i].name, dest, len) == 0 && (dest[len] == '/' || dest[len] == '\0'))
			return &r->host[i].job;
	}
	return &r->job;
}

static void rsnapshot_cmd(const struct run *r, struct run_cmd *c, const char *verb, const char *dest)
{
	*c = (struct run_cmd){ 0 };
	run_cmd_add(c, RSNAPSHOT);
	run_cmd_add(c, "-c");
	run_cmd_add(c, run_cmd_job(r, dest)->file);
	run_cmd_add(c, verb);
	/* The slash keeps a host named 0 from being taken for none. */
	if (dest != NULL)
		run_cmd_take(c, mem_printf("%s/", dest));
}

/* As run_cmd_start(), with err as its stderr, -1: ours. */
static int start_rsnapshot(const struct run *r, const char *verb, const char *dest, int64_t limit, int err,
			   struct child *child)
{
	const struct child_more more = { .err = err, .keep = r->dir.fd, .domain = -1 };
	struct run_cmd c = { 0 }, own;
	size_t i;
	int ret;

	/* What it prints is not ours, and what it starts is to end with it. */
	run_cmd_take(&c, child_tool("ss-rsnapshot"));
	run_cmd_take(&c, mem_printf("%" PRId64, limit));
	rsnapshot_cmd(r, &own, verb, dest);
	for (i = 0; i < own.n; i++)
		run_cmd_add(&c, own.arg[i]);
	run_cmd_free(&own);
	ret = child_start_with(child, (const char *const *)c.arg,
			       (const char *const *)run_cmd_job(r, dest)->env, -1, err >= 0 ? err : STDERR_FILENO, &more);
	run_cmd_free(&c);
	return ret;
}

int run_cmd_start(const struct run *r, const char *verb, const char *dest, int64_t limit,
		  struct child *child)
{
	return start_rsnapshot(r, verb, dest, limit, -1, child);
}

int run_cmd_rotate(const struct run *r, const char *interval, int err)
{
	struct child child;

	return start_rsnapshot(r, interval, NULL, 0, err, &child) == 0 ? child_wait(&child) : -1;
}

void run_cmd_show(const struct run *r, const char *verb, const char *dest)
{
	struct run_cmd c;

	rsnapshot_cmd(r, &c, verb, dest);
	run_cmd(r, &c);
}

int run_cmd_configtest(const struct run *r)
{
	char *why;
	/* It is a file of ours: its lines have other numbers. */
	int status = rsnap_test(r->job.file, (const char *const *)r->job.env, 0, r->dir.fd, &why);

	if (status != 0 && !run_stopped())
		msg_error("%s: rsnapshot configtest: %s", escape_name(r->rsnap->file),
			  why != NULL ? why : status < 0 ? "not run" : child_status_text(status));
	free(why);
	return status == 0 ? 0 : -1;
}

int run_cmd_reconcile(struct run *r)
{
	struct run_cmd c;
	int status;

	run_cmd_tool(r, &c, "ss-catalog", "reconcile");
	status = run_cmd(r, &c);
	/* 1 = a damaged marker: no reason to go without a backup. */
	if (status == SS_FINDINGS)
		run_worse(r, SS_FINDINGS);
	if (status == SS_OK || status == SS_FINDINGS)
		return 0;
	if (!run_stopped())
		msg_error("the catalog could not be compared with the disk: ss-catalog reconcile: %s",
			  status < 0 ? "not run" : child_status_text(status));
	return -1;
}

int run_cmd_finish(const struct run *r, struct run_cmd *first)
{
	struct run_cmd c[3] = { *first };
	int status[3];
	size_t i;
	int code = SS_OK;

	run_cmd_tool(r, &c[1], "ss-hash", NULL);
	run_cmd_tool(r, &c[2], "ss-catalog", "store");
	run_cmd_pipe(r, c, status, 3);
	for (i = 0; i < 3; i++) {
		if (status[i] == SS_INCOMPLETE && code == SS_OK)
			code = SS_INCOMPLETE;
		else if (status[i] == SS_FINDINGS && code != SS_FAIL)
			code = SS_FINDINGS;
		else if (status[i] != SS_OK && status[i] != SS_INCOMPLETE)
			code = SS_FAIL;
	}
	return code;
}
