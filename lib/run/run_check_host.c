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
#include "base/escape.h"
#include "base/mem.h"
#include "base/quote.h"
#include "rsnap/rsnap_conf.h"
#include "rsnap/rsnap_opt.h"
#include "run/run_check.h"

/* Seconds until a connection must stand, and until all must be over, also with a proxy before it. */
#define CONNECT_SSH "-oConnectTimeout=10"
#define CONNECT_RSYNC "--contimeout=10"
#define ALL "30"
#define RSYNC "/usr/bin/rsync"
#define EX_TIMEOUT 124		/* timeout(1) had to end it */

/* What is known of one host so far. */
struct host {
	const char *name;
	enum run_check_state state;
	struct buf text;	/* what is wrong, or else what is right */
	char **seen;		/* the commands that were tried, each once */
	size_t nseen;
	size_t dirs;		/* local ones, which are there */
};

static void note(struct host *h, enum run_check_state state, char *text)
{
	if (state > h->state) {
		h->state = state;
		buf_reset(&h->text);
	}
	if (state == h->state)
		buf_printf(&h->text, "%s%s", h->text.len > 0 ? "; " : "", text);
	free(text);
}

/* A line of what a program says: the last is kept, but not the one by which rsync tells its exit code. */
static void hear(void *arg, const char *line, size_t len)
{
	static const char code[] = "rsync error: ";
	char **last = arg;

	while (len > 0 && strchr("\r \t.", line[len - 1]) != NULL)
		len--;
	if (len > 0 && strncmp(line, code, strlen(code)) != 0)
		quote_keep(last, line, len, QUOTE_LINE);
}

/* What an administrator does about it, or "". */
static const char *advice(const char *said)
{
	static const char *const known[][2] = {
		{ "Host key verification failed", ": log in once by hand, and compare the key" },
		{ "Permission denied", ": put the key into its authorized_keys" },
		{ "Could not resolve", ": is the name right?" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(said, known[i][0]) != NULL)
			return known[i][1];
	return "";
}

/* Is this the first time that the command is to be tried? */
static int is_new(struct host *h, const char *const argv[])
{
	struct buf b = { 0 };
	size_t i;

	buf_str(&b, "");
	for (i = 0; argv[i] != NULL; i++)
		buf_printf(&b, "%s\n", argv[i]);
	for (i = 0; i < h->nseen; i++)
		if (strcmp(h->seen[i], b.p) == 0) {
			buf_free(&b);
			return 0;
		}
	h->seen = mem_more(h->seen, h->nseen, sizeof(*h->seen));
	h->seen[h->nseen++] = b.p;
	return 1;
}

/* Run a command that must end with 0 if login answers. */
static void attempt(struct host *h, const char *login, const char *const argv[])
{
	const char *const env[] = { rsnap_conf_path, NULL };
	char *said = NULL, *line;
	struct quote q = { .fd = -1, .hear = hear, .arg = &said };
	struct below b = { .out = &q, .family = 1 };
	int status;

	if (!is_new(h, argv))
		return;
	status = below_run(&b, argv, env);
	line = quote_text(said);
	if (status == 0)
		note(h, RUN_CHECK_OK, mem_printf("%s answers", escape_name(login)));
	else if (status < 0)
		note(h, RUN_CHECK_UNKNOWN, mem_printf("%s: it could not be tried", escape_name(login)));
	else if (status == EX_TIMEOUT)
		note(h, RUN_CHECK_MEND, mem_printf("%s: no answer within " ALL " seconds", escape_name(login)));
	else
		note(h, RUN_CHECK_MEND, mem_printf("%s: %s%s%s%s", escape_name(login), child_status_text(status),
						   *line ? ": " : "", line, advice(line)));
	free(line);
	free(said);
}

/* As rsnapshot's rsync would, but it asks nobody, waits for a bounded time, and runs "true". */
static void try_ssh(struct host *h, const struct rsnap *r, const struct rsnap_point *p)
{
	static const char *const before[] = { "/usr/bin/timeout", "-k", "5", ALL };
	static const char *const options[] = {
		"-oBatchMode=yes", CONNECT_SSH, "-oConnectionAttempts=1",
	};
	char **ssh = rsnap_opt_ssh(r, p), *login = rsnap_opt_login(p->src);
	const char **argv = NULL;
	size_t n = 0, i;

	for (i = 0; ssh[i] != NULL; i++)
		;
	argv = mem_alloc((i + 16) * sizeof(*argv));
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		argv[n++] = before[i];
	argv[n++] = ssh[0];
	/* Of an option that is given twice the first counts. */
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		argv[n++] = options[i];
	for (i = 1; ssh[0] != NULL && ssh[i] != NULL; i++)
		argv[n++] = ssh[i];
	argv[n++] = login;
	argv[n] = "true";
	attempt(h, login, argv);
	free(argv);
	free(login);
	rsnap_opt_free(ssh);
}

/* Its list of modules, for which no password is needed. */
static void try_daemon(struct host *h, const struct rsnap *r, const struct rsnap_point *p)
{
	char *login = rsnap_opt_login(p->src), *url = mem_printf("rsync://%s/", login);
	const char *const argv[] = {
		"/usr/bin/timeout", "-k", "5", ALL, r->cmd_rsync != NULL ? r->cmd_rsync : RSYNC,
		CONNECT_RSYNC, url, NULL,
	};

	attempt(h, login, argv);
	free(url);
	free(login);
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
	switch (rsnap_opt_source(p->src)) {
	case SOURCE_LOCAL:
		try_local(h, p->src);
		break;
	case SOURCE_SSH:
		try_ssh(h, r, p);
		break;
	case SOURCE_DAEMON:
		try_daemon(h, r, p);
		break;
	case SOURCE_OTHER:
		note(h, RUN_CHECK_OK, mem_printf("%s is not tried", p->src != NULL ? escape_name(p->src) :
						 "a backup_script"));
		break;
	}
}

static void check_host(struct run_check *k, const char *name)
{
	const struct rsnap *r = k->rsnap;
	struct host h = { .name = name };
	char *what = mem_printf("host %s", escape_name(name));
	size_t i;

	for (i = 0; i < r->npoint; i++)
		if (strcmp(r->point[i].host, name) == 0)
			try_point(&h, r, &r->point[i]);
	if (h.dirs > 0 && h.state == RUN_CHECK_OK)
		note(&h, RUN_CHECK_OK, mem_printf("%zu local director%s there", h.dirs,
						  h.dirs == 1 ? "y is" : "ies are"));
	run_check_add(k, what, h.state, h.text.p);
	for (i = 0; i < h.nseen; i++)
		free(h.seen[i]);
	free(h.seen);
	free(what);
}

void run_check_hosts(struct run_check *k, const char *const hosts[])
{
	size_t i;

	for (i = 0; hosts[i] != NULL; i++) {
		char *what = mem_printf("host %s", escape_name(hosts[i]));

		if (rsnap_host(k->rsnap, hosts[i]) != NULL)
			check_host(k, rsnap_host(k->rsnap, hosts[i]));
		else
			run_check_add(k, what, RUN_CHECK_MEND,
				      mem_printf("there is no such host in %s", escape_name(k->rsnap->file)));
		free(what);
	}
	for (i = 0; hosts[0] == NULL && i < k->rsnap->nhost; i++)
		check_host(k, k->rsnap->host[i]);
}
