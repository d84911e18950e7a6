/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check_options.c - does rsync take the options that rsnapshot will give it? */
#include <stdlib.h>
#include <string.h>

#include "base/below.h"
#include "base/child.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/quote.h"
#include "rsnap/rsnap_conf.h"
#include "rsnap/rsnap_opt.h"
#include "run/run_check.h"

#define LOG_FILE "--log-file"	/* rsync makes it before it looks at what comes behind */

/* The first line of what it says. */
static void hear(void *arg, const char *line, size_t len)
{
	char **first = arg;

	if (*first == NULL && len > 0)
		quote_keep(first, line, len, QUOTE_LINE);
}

/*
 * The words of rsnap_opt_rsync(), without source and destination and the log file, for an
 * rsync that tells its version once it has understood them.  What is left out is freed.
 */
static void only_options(char **words)
{
	size_t n, i, to = 1;	/* two words at least become one and the end */

	for (n = 0; words[n] != NULL; n++)
		;
	for (i = 1; i < n; i++) {
		int alone = strcmp(words[i], LOG_FILE) == 0 && i + 1 < n - 2;

		if (i < n - 2 && !alone && strncmp(words[i], LOG_FILE "=", strlen(LOG_FILE "=")) != 0) {
			words[to++] = words[i];
			continue;
		}
		free(words[i]);
		if (alone)
			free(words[++i]);
	}
	words[to++] = mem_strdup("--version");
	words[to] = NULL;
}

/* What rsync has against the options of p, malloc'd; NULL = nothing, or it was not asked. */
static char *refused(const struct rsnap *r, const struct rsnap_point *p)
{
	const char *program = rsnap_rsync(r), *slash = strrchr(program, '/');
	const char *const env[] = { rsnap_conf_path, NULL };
	char *said = NULL, **words;
	struct quote q = { .fd = -1, .hear = hear, .arg = &said };
	struct below b = { .out = &q, .family = 1, .limit = 30000, .grace = BELOW_GRACE };
	int status;

	/* Nobody knows what another program does with them. */
	if (p->src == NULL || strcmp(slash != NULL ? slash + 1 : program, "rsync") != 0)
		return NULL;
	words = rsnap_opt_rsync(r, p);
	only_options(words);
	free(words[0]);
	words[0] = mem_strdup(program);
	status = below_run(&b, (const char *const *)words, env);
	rsnap_opt_free(words);
	/* 1: its code for usage; else it did not come that far. */
	if (status == 1 && said != NULL)
		return said;
	free(said);
	return NULL;
}

/* Has an earlier point of r the options of the i-th, and the same host? */
static int seen_before(const struct rsnap *r, size_t i)
{
	const struct rsnap_point *p = &r->point[i], *q;

	for (q = r->point; q < p; q++)
		if (q->src != NULL && strcmp(q->host, p->host) == 0 &&
		    strcmp(q->opts != NULL ? q->opts : "", p->opts != NULL ? p->opts : "") == 0)
			return 1;
	return 0;
}

void run_check_options(struct run_check *k, const char *const hosts[])
{
	const struct rsnap *r = k->rsnap;
	char *why, *text, *what;
	size_t i;

	for (i = 0; i < r->npoint; i++) {
		if ((hosts[0] != NULL && !rsnap_named(r, hosts, r->point[i].host)) || seen_before(r, i))
			continue;
		why = refused(r, &r->point[i]);
		if (why == NULL)
			continue;
		what = mem_printf("host %s", escape_name(r->point[i].host));
		text = quote_text(why);
		run_check_add(k, what, RUN_CHECK_MEND,
			      mem_printf("the options of %s: %s", escape_name(r->point[i].dest), text));
		free(text);
		free(what);
		free(why);
	}
}
