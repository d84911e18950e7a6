/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-prune - forget savesets that are gone from disk, delete those that are named.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/forget.h"
#include "catalog/reconcile.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "conf/opt.h"
#include "rsnap/recover.h"
#include "rsnap/rsnap.h"
#include "tree/trash.h"

static int dry_run;
static char *given_up;

static const struct poptOption table[] = {
	{ "dry-run", 'n', POPT_ARG_NONE, &dry_run, 0, "only say what would be done", NULL },
	{ "given-up", 0, POPT_ARG_STRING, &given_up, 0, "forget this volume, which is gone for good", "VOLUME" },
	POPT_TABLEEND
};

/* Was s named itself, not as its host's newest, and alone? */
static int is_meant(const char *const *names, const struct saveset *s)
{
	const char *at = strrchr(names[0], '@');
	char *meant = escape_meant(names[0]);
	int named = strcmp(names[0], s->name) == 0 || (meant && strcmp(meant, s->name) == 0);

	free(meant);
	return !names[1] && (named || (at && (strcmp(at, "@.sync") == 0 || strcmp(at, "@sync") == 0)));
}

/* Look up what was named, each once, and ask whether it may go.  0, or -1 after reporting. */
static int choose(struct catalog *cat, const struct conf *c, const struct volume *v,
		  const char *const *names, struct saveset **list, size_t *n)
{
	for (const char *const *all = names; *names; names++) {
		struct saveset s;
		size_t i = 0;

		if (catalog_find(cat, c, *names, &s))
			return -1;
		while (i < *n && (*list)[i].id != s.id)
			i++;
		if (i < *n) {
			saveset_free(&s);
			continue;
		}
		*list = mem_array(*list, *n + 1, sizeof(**list));
		(*list)[(*n)++] = s;
		if (strcmp(s.volume_uid, v->id) || strcmp(s.backup_host, c->backup_host)) {
			msg_error("%s: lies on another volume", escape_name(*names));
			return -1;
		}
		if (forget_allowed(cat, c, v, &s, is_meant(all, &s)) < 0)
			return -1;
	}
	return 0;
}

/*
 * Delete what was chosen or, where nothing was named, forget what is gone; the disk gets its
 * stamp before.  0, or -1 after reporting.
 */
static int work(struct catalog *cat, const struct conf *c, const struct volume *v,
		const char *const *names)
{
	const struct forget_options o = { .dry = dry_run, .json = c->json };
	struct saveset *list = NULL;
	size_t n = 0, forgotten;
	/* All is looked up and allowed before the first tree is touched. */
	int rc = choose(cat, c, v, names, &list, &n), stamped = 1;

	if (rc == 0) {
		/* Where the disk is full, there is room for it only once something was deleted. */
		stamped = dry_run || same_disk_raise(cat, v) == 0;
		if (!*names)
			rc = forget_gone(cat, c, v, &o, &forgotten);
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = forget_delete(cat, v, &list[i], &o);
	catalog_list_free(list, n);
	/* Also what a run that was killed left there. */
	if (!dry_run && trash_empty(v) < 0)
		rc = -1;
	return !stamped && same_disk_raise(cat, v) != 0 ? -1 : rc;
}

/*
 * The catalog is open, the disk is the one that it saw last, and what a killed run has held
 * out of a rotation, which is not gone, is back.  0, or -1 after reporting.
 */
static int open_catalog(struct catalog *cat, const struct conf *c, const struct volume *v)
{
	int open = catalog_open(cat, c, dry_run ? DB_READ : DB_WRITE) == 0;

	if ((!open || same_disk_check(cat, v) == 0) &&
	    (dry_run ? recover_none(v) : recover_rotation(v)) == 0 && open)
		return 0;
	catalog_close(cat);
	return -1;
}

static int prune(struct conf *c, const struct volume *v, const char *const *names)
{
	struct catalog cat = { 0 };
	size_t n, damaged = 0;
	int rc = -1;

	if (open_catalog(&cat, c, v) < 0)
		return SS_FAIL;
	if (series_by_id(&cat, c, v) == 0 && reconcile_run(&cat, c, v, dry_run, &n, &damaged) == 0)
		rc = work(&cat, c, v, names);
	catalog_close(&cat);
	return rc < 0 ? SS_FAIL : damaged ? SS_FINDINGS : trash_left() ? SS_INCOMPLETE : SS_OK;
}

/* Forget a volume that is gone for good.  An exit code. */
static int give_up(const struct conf *c, const char *const *names)
{
	const struct forget_options o = { .dry = dry_run, .json = c->json };
	struct catalog cat = { 0 };
	int rc = -1;

	if (*names || conf_named(c, "volume"))
		msg_error("--given-up names a volume, and goes with no saveset and no --volume");
	else if (catalog_open(&cat, c, dry_run ? DB_READ : DB_WRITE) == 0)
		rc = forget_volume(&cat, c, given_up, &o);
	catalog_close(&cat);
	return rc < 0 ? SS_FAIL : SS_OK;
}

static int run(struct conf *c, const char *const *names)
{
	if (given_up)
		return give_up(c, names);
	struct rsnap *r = rsnap_read(c->rsnapshot_conf);
	struct volume v = { .fd = -1, .own = -1 };
	struct lock *lock = NULL;
	int code = SS_FAIL;

	if (r && volume_open(&v, r->root) == 0) {
		code = lock_take(&lock, v.own, v.root, 0);
		if (code == SS_OK)
			code = prune(c, &v, names);
	}
	lock_release(lock);
	volume_close(&v);
	rsnap_free(r);
	return code;
}

int main(int argc, const char **argv)
{
	static const struct opt_tool tool = {
		"ss-prune", "[OPTION...] [SAVESET...]",
		"Forget savesets that are gone from disk; delete those that are named.",
		table, OPT_CATALOG | OPT_RSNAPSHOT | OPT_JSON,
	};
	struct conf conf = { 0 };
	int code = SS_FAIL;
	const char **args = opt_start(&tool, argc, argv, &conf, &code);

	if (args)
		code = run(&conf, args);
	conf_free(&conf);
	return opt_finish(code);
}
