/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check_host.c - does each host answer, and is there what is to be copied? */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/below.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/quote.h"
#include "rsnap/relay.h"
#include "rsnap/rsnap_conf.h"
#include "rsnap/rsnap_job.h"
#include "rsnap/rsnap_opt.h"
#include "run/run_check.h"
#include "run/run_dir.h"

/*
 * A host is asked for what a run asks it for: the same rsync, with the same options, by the
 * same ss-rsync, which confines it; but it is a dry run, and leaves out all that lies in
 * the source.  So the far side judges the very command of the transfer (rrsync, -strict
 * included), and opens the directory.  The destination lies in a private directory.
 */

/* Until a connection must stand, and until all must be over, also with a proxy before it. */
#define CONNECT_SSH "-oConnectTimeout=10"
#define CONNECT_RSYNC "--contimeout=10"
#define SECONDS 30
#define NO_LOGIN 255		/* ssh has failed itself; rsync may say 12 for it, too */
#define LONG 5000		/* milliseconds: who needs them to fail is not tried for each point */
#define VANISHED 24

/* What is known of one host so far. */
struct host {
	const char *name;
	const struct conf *conf;
	const char *dir;	/* path of the private directory, NULL = there is none */
	enum run_check_state state;
	struct buf text;	/* what is wrong, or else what is right */
	char **dead;		/* logins, with their shell, that did not answer */
	size_t ndead;
	size_t dirs;		/* local ones, which are there */
};

static void note(struct host *h, enum run_check_state state, char *text)
{
	if (state > h->state) {
		h->state = state;
		buf_reset(&h->text);
	}
	/* Several points of one login. */
	if (state == h->state && (h->text.len == 0 || strstr(h->text.p, text) == NULL))
		buf_printf(&h->text, "%s%s", h->text.len > 0 ? "; " : "", text);
	free(text);
}

/* What an administrator does about it, or "". */
static const char *advice(const char *said)
{
	static const char *const known[][2] = {
		{ "Host key verification failed", ": log in once by hand, and compare the key" },
		{ "Permission denied", ": put the key into its authorized_keys" },
		{ "Could not resolve", ": is the name right?" },
		{ "this host lacks", ": see \"What is missing on a host\" in rrsync(8), or leave out -strict there" },
		{ "command not found", ": install rsync there" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(said, known[i][0]) != NULL)
			return known[i][1];
	return "";
}

static int is_dead(const struct host *h, const char *key)
{
	size_t i;

	for (i = 0; i < h->ndead && strcmp(h->dead[i], key) != 0; i++)
		;
	return i < h->ndead;
}

/* What came of an attempt: how rsync ended, and what it, its ssh or the host complained of. */
static void tell(struct host *h, const char *login, int status, const char *complaint)
{
	char *said = mem_strdup(complaint != NULL ? complaint : ""), *line;
	size_t len = strlen(said);

	while (len > 0 && strchr("\r \t.", said[len - 1]) != NULL)
		said[--len] = '\0';
	line = quote_text(said);
	if (status == 0 || status == VANISHED)
		note(h, RUN_CHECK_OK, mem_printf("%s answers, and lets rsync read what is to be copied", escape_name(login)));
	else
		note(h, RUN_CHECK_MEND, mem_printf("%s: %s%s%s%s", escape_name(login), child_status_text(status),
						   *line ? ": " : "", line, advice(line)));
	free(line);
	free(said);
}

/* Run ss-rsync with these arguments, and tell how it ended.  key: the connection, which may be dead. */
static void attempt(struct host *h, const struct rsnap *r, const char *login, const char *const argv[],
		    const char *key)
{
	char *results = mem_printf("%s/results", h->dir);
	char *rsync = mem_printf("SECONDSHOT_RSYNC=%s", rsnap_rsync(r));
	char *to = mem_printf("SECONDSHOT_RESULTS=%s", results), *root = mem_printf("SECONDSHOT_ROOT=%s", h->dir);
	char *writes = h->conf->rsync_writes != NULL ? mem_printf("SECONDSHOT_WRITES=%s", h->conf->rsync_writes) : NULL;
	const char *const env[] = { rsnap_conf_path, rsync, to, root, writes, NULL };
	struct quote q = { .fd = -1 };
	struct below b = { .out = &q, .family = 1, .limit = SECONDS * 1000, .grace = BELOW_GRACE };
	struct rsnap_result *res = NULL;
	struct rsnap_said by_rsnapshot = { 0 };
	int64_t began = clock_ms();
	int status, dead = 0;
	size_t n = 0;

	status = rsnap_job_forget(results) == 0 ? below_run(&b, argv, env) : -1;
	if (b.late) {
		note(h, RUN_CHECK_MEND, mem_printf("%s: no answer within %d seconds", escape_name(login), SECONDS));
		dead = 1;
	} else if (status < 0 || rsnap_job_results(results, &res, &n, &by_rsnapshot) != 0) {
		note(h, RUN_CHECK_UNKNOWN, mem_printf("%s: it could not be tried", escape_name(login)));
	} else {
		tell(h, login, status, n > 0 ? res[n - 1].said : NULL);
		dead = status == NO_LOGIN || (status != 0 && clock_ms() - began > LONG);
	}
	if (dead) {
		h->dead = mem_more(h->dead, h->ndead, sizeof(*h->dead));
		h->dead[h->ndead++] = mem_strdup(key);
	}
	free(by_rsnapshot.text);
	rsnap_job_free(res, n);
	free(writes);
	free(root);
	free(to);
	free(rsync);
	free(results);
}

/* more: an option of how to reach it, which names the connection, too. */
static void try_rsync(struct host *h, const struct rsnap *r, const struct rsnap_point *p, const char *more)
{
	char *self = child_tool("ss-rsync"), *login = rsnap_opt_login(p->src), **words = rsnap_opt_dry(r, p);
	char *key = mem_printf("%s %s", login, more), *dest = mem_printf("%s/.sync/%s/", h->dir, h->name);
	const char **argv = NULL;
	size_t n = 0, i;

	for (i = 0; words[i] != NULL; i++)
		;
	argv = mem_array(NULL, i + 8, sizeof(*argv));
	argv[n++] = self;
	/* Before the filters of the configuration: the first that fits counts. */
	argv[n++] = "--exclude=*";
	for (i = 0; words[i] != NULL; i++)
		argv[n++] = words[i];
	argv[n++] = "--dry-run";
	argv[n++] = more;
	argv[n++] = p->src;
	argv[n++] = dest;
	argv[n] = NULL;
	if (!is_dead(h, key))
		attempt(h, r, login, argv, key);
	free(argv);
	rsnap_opt_free(words);
	free(dest);
	free(key);
	free(login);
	free(self);
}

/* As rsnapshot's rsync would, but ssh asks nobody, and waits for a bounded time. */
static void try_ssh(struct host *h, const struct rsnap *r, const struct rsnap_point *p)
{
	static char batch[] = "-oBatchMode=yes", connect[] = CONNECT_SSH, once[] = "-oConnectionAttempts=1";
	char **ssh = rsnap_opt_ssh(r, p), **all, *rsh;
	struct relay_want want = { 0 };
	size_t n = 0, i;

	for (i = 0; ssh[i] != NULL; i++)
		;
	all = mem_array(NULL, i + 5, sizeof(*all));
	all[n++] = ssh[0];
	/* Of an option that is given twice the first counts. */
	all[n++] = batch;
	all[n++] = connect;
	all[n++] = once;
	for (i = 1; ssh[0] != NULL && ssh[i] != NULL; i++)
		all[n++] = ssh[i];
	all[n] = NULL;
	want.shell = all;
	rsh = ssh[0] != NULL ? relay_option(&want, ssh[0]) : mem_strdup("--rsh=");
	try_rsync(h, r, p, rsh);
	free(rsh);
	free(all);
	rsnap_opt_free(ssh);
}

static void try_local(struct host *h, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		note(h, RUN_CHECK_MEND, mem_printf("%s: %s", escape_name(dir), strerror(errno)));
	else if (S_ISDIR(st.st_mode) && access(dir, R_OK | X_OK) != 0)
		note(h, RUN_CHECK_MEND, mem_printf("%s: cannot be read: %s", escape_name(dir), strerror(errno)));
	else
		h->dirs++;
}

static void try_point(struct host *h, const struct rsnap *r, const struct rsnap_point *p)
{
	enum source_kind kind = rsnap_opt_source(p->src);
	const char *idle = kind != SOURCE_OTHER ? rsnap_opt_idle(r, p) : NULL;

	if (idle != NULL)
		note(h, RUN_CHECK_MEND, mem_strdup(idle));
	if (h->dir == NULL && (kind == SOURCE_SSH || kind == SOURCE_DAEMON)) {
		note(h, RUN_CHECK_UNKNOWN, mem_strdup("without a private directory it cannot be tried"));
		return;
	}
	switch (kind) {
	case SOURCE_LOCAL:
		try_local(h, p->src);
		break;
	case SOURCE_SSH:
		try_ssh(h, r, p);
		break;
	case SOURCE_DAEMON:
		try_rsync(h, r, p, CONNECT_RSYNC);
		break;
	case SOURCE_OTHER:
		note(h, RUN_CHECK_OK, mem_printf("%s is not tried", p->src != NULL ? escape_name(p->src) :
						 "a backup_script"));
		break;
	}
}

/* dir: path of the private directory, or NULL. */
static void check_host(struct run_check *k, const char *name, const char *dir)
{
	const struct rsnap *r = k->rsnap;
	struct host h = { .name = name, .conf = k->conf, .dir = dir };
	char *what = mem_printf("host %s", escape_name(name));
	size_t i;

	for (i = 0; i < r->npoint; i++)
		if (strcmp(r->point[i].host, name) == 0)
			try_point(&h, r, &r->point[i]);
	if (h.dirs > 0 && h.state == RUN_CHECK_OK)
		note(&h, RUN_CHECK_OK, mem_printf("%zu local director%s there", h.dirs,
						  h.dirs == 1 ? "y is" : "ies are"));
	run_check_add(k, what, h.state, h.text.p);
	for (i = 0; i < h.ndead; i++)
		free(h.dead[i]);
	free(h.dead);
	free(what);
}

/* Where what is copied would go to.  Its path, malloc'd, or NULL after adding a row. */
static char *make_place(struct run_check *k, struct run_dir *d)
{
	struct capture c;
	int made;

	capture_begin(&c);
	made = run_dir_open(d) == 0;
	if (made && mkdirat(d->fd, ".sync", 0700) != 0) {
		msg_error("%s/%s/.sync: %m", escape_name(d->base), d->name);
		made = 0;
	}
	if (!made) {
		run_check_said(k, "hosts", &c);
		return NULL;
	}
	free(capture_end(&c));
	return mem_printf("%s/%s", d->base, d->name);
}

void run_check_hosts(struct run_check *k, const char *const hosts[])
{
	struct run_dir d;
	char *dir = make_place(k, &d);
	size_t i;

	for (i = 0; hosts[i] != NULL; i++) {
		char *what = mem_printf("host %s", escape_name(hosts[i]));

		if (rsnap_host(k->rsnap, hosts[i]) != NULL)
			check_host(k, rsnap_host(k->rsnap, hosts[i]), dir);
		else
			run_check_add(k, what, RUN_CHECK_MEND,
				      mem_printf("there is no such host in %s", escape_name(k->rsnap->file)));
		free(what);
	}
	for (i = 0; hosts[0] == NULL && i < k->rsnap->nhost; i++)
		check_host(k, k->rsnap->host[i], dir);
	free(dir);
	run_dir_close(&d);
}
