/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check_confine.c - what may rsync write, and is it all that it wants to? */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "rsnap/confine.h"
#include "rsnap/rsnap_opt.h"
#include "run/run_check.h"

#define ALONE "rsync can write to the tree of its host alone"

/* "PATH (--temp-dir)", each once. */
struct paths {
	struct buf good, bad;
};

static void note(struct buf *to, const char *option, const char *path)
{
	char *text = mem_printf("%s (%s)", escape_name(path), option);

	if (to->len == 0 || strstr(to->p, text) == NULL)
		buf_printf(to, "%s%s", to->len > 0 ? ", " : "", text);
	free(text);
}

static void note_good(const char *option, const char *path, void *arg)
{
	note(&((struct paths *)arg)->good, option, path);
}

static void note_bad(const char *option, const char *path, void *arg)
{
	note(&((struct paths *)arg)->bad, option, path);
}

static void look(const struct rsnap *r, struct paths *p)
{
	char **words;
	size_t i;
	int n;

	for (i = 0; i < r->npoint; i++) {
		if (r->point[i].src == NULL)
			continue;
		words = rsnap_opt_rsync(r, &r->point[i]);
		for (n = 0; words[n] != NULL; n++)
			;
		confine_each(n, words, note_good, note_bad, p);
		rsnap_opt_free(words);
	}
}

/* The name of the rsync that is configured, unless it is "rsync": a program that may write what rsync does not. */
static const char *other_program(const struct rsnap *r)
{
	const char *program = r->cmd_rsync, *slash = program != NULL ? strrchr(program, '/') : NULL;

	return program == NULL || strcmp(slash != NULL ? slash + 1 : program, "rsync") == 0 ? NULL : program;
}

void run_check_confine(struct run_check *k)
{
	const char *more = k->conf->rsync_writes, *program = other_program(k->rsnap);
	struct paths p = { { 0 }, { 0 } };

	look(k->rsnap, &p);
	if (more != NULL)
		note(&p.good, "rsync-writes", more);
	if (!confine_able())
		run_check_add(k, "confinement", RUN_CHECK_WARNING,
			      mem_strdup("this kernel has no Landlock, or one before ABI 2 (Linux 5.19): an rsync that"
					 " was taken over could write everywhere"));
	else if (p.bad.len > 0 && more == NULL)
		run_check_add(k, "confinement", RUN_CHECK_MEND,
			      mem_printf(ALONE ", and so not to %s: name its directory in rsync-writes, or leave"
					 " the option out", p.bad.p));
	else if (program != NULL && more == NULL)
		run_check_add(k, "confinement", RUN_CHECK_WARNING,
			      mem_printf(ALONE ", and so can %s: if it writes elsewhere, name that in rsync-writes",
					 escape_name(program)));
	else if (p.good.len > 0)
		run_check_add(k, "confinement", RUN_CHECK_OK, mem_printf(ALONE ", and to %s", p.good.p));
	else
		run_check_add(k, "confinement", RUN_CHECK_OK, mem_strdup(ALONE));
	buf_free(&p.good);
	buf_free(&p.bad);
}
