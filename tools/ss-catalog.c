/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-catalog - the catalog: what every saveset holds.  One function a verb.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/msg.h"
#include "catalog/add.h"
#include "catalog/asked.h"
#include "catalog/check.h"
#include "catalog/copy.h"
#include "catalog/list.h"
#include "catalog/reconcile.h"
#include "catalog/same_disk.h"
#include "catalog/series.h"
#include "catalog/store.h"
#include "catalog/unclaimed.h"
#include "conf/opt.h"
#include "rsnap/recover.h"
#include "rsnap/rsnap.h"

static char *location, *status_word, *reason, *format_word;
static long long vanished;
static int accept, zero;

static const struct poptOption table[] = {
	{ "location", 0, POPT_ARG_STRING, &location, 0, "add: where the tree lies (.sync)", "NAME" },
	{ "status", 0, POPT_ARG_STRING, &status_word, 0, "add: complete, partial, failed, stale", "WORD" },
	{ "vanished", 0, POPT_ARG_LONGLONG, &vanished, 0, "add: files that vanished meanwhile", "N" },
	{ "reason", 0, POPT_ARG_STRING, &reason, 0, "add: why it is not complete", "TEXT" },
	{ "accept", 0, POPT_ARG_NONE, &accept, 0, "add: take a tree that lost all its files; reconcile: take"
	  " the disk as it is, though it is an older state or another copy", NULL },
	{ "format", 0, POPT_ARG_STRING, &format_word, 0, "text, json, sha256sum, stream", "WORD" },
	{ NULL, '0', POPT_ARG_NONE, &zero, 0, "names and records end with NUL", NULL },
	POPT_TABLEEND
};

struct call {
	struct conf *c;
	const char *const *args;	/* behind the verb */
	enum list_format format;
	struct catalog cat;
	struct volume v;
};

/* Open the volume that rsnapshot's configuration names. */
static int open_volume(struct call *k)
{
	struct rsnap *r = rsnap_read(k->c->rsnapshot_conf);
	int rc = r ? volume_open(&k->v, r->root) : -1;

	rsnap_free(r);
	return rc;
}

struct registering {
	struct call *k;
	int fresh;
};

static int register_volume(void *arg)
{
	struct registering *r = arg;

	return series_add_volume(&r->k->cat, r->k->c, &r->k->v, &r->fresh);
}

/* No catalog is made for a snapshot root that is not there. */
static int root_there(const char *root)
{
	struct stat sb;

	if (stat(root, &sb) == 0 && S_ISDIR(sb.st_mode))
		return 1;
	errno = errno ? errno : ENOTDIR;
	msg_error("%s: %m%s", escape_name(root), errno == ENOENT ?
		  ": mount the disk, or make the directory" : msg_as_root());
	return 0;
}

/*
 * A volume that the catalog knows and whose root has no id is a disk that is not
 * mounted: no id is made there.  0, or -1 after reporting.
 */
static int prepare_volume(struct call *k, const char *root, int *made)
{
	char id[ID_LEN + 1];
	int known = series_known_volume(&k->cat, k->c, id);

	*made = 0;
	if (known == 0)
		return volume_create(&k->v, root, made);
	if (known > 0 && volume_open(&k->v, root) == 0)
		return 0;
	if (known > 0)
		msg_error("the catalog knows volume %s with the id %s; a new disk gets a name of its"
			  " own, 'ss-catalog init --volume=NAME'; if this is the right disk and"
			  " only its id was lost, write \"secondshot-volume 1\" and \"id %s\","
			  " a line each, into %s/" MARKER_DIR "/volume", escape_name(k->c->volume), id,
			  id, escape_name(root));
	return -1;
}

/* A machine that was renamed, or lost its catalog, begins anew on an old disk: it should know. */
static void warn_of_old(struct call *k)
{
	int others;
	char *text = series_unknown(&k->cat, k->c, &k->v, &others);

	if (others)
		msg_warn("%s", text);
	else
		msg_warn("%s: the disk was a volume before, and this catalog knows no saveset on it;"
			 " is there a copy of the right one? See IF SOMETHING IS LOST in secondshot(7)",
			 escape_name(k->v.root));
	free(text);
}

static int do_init(struct call *k)
{
	struct rsnap *r = rsnap_read(k->c->rsnapshot_conf);
	struct registering reg = { k, 0 };
	int made = 0, code = SS_FAIL;

	if (r && root_there(r->root) && catalog_open(&k->cat, k->c, DB_CREATE) == 0 &&
	    prepare_volume(k, r->root, &made) == 0 &&
	    series_by_id(&k->cat, k->c, &k->v) == 0 &&
	    db_transaction(k->cat.db, register_volume, &reg) == 0) {
		msg_info("%s: volume %s %s, catalog %s", escape_name(k->v.root),
			 escape_name(k->c->volume), reg.fresh || made ? "is ready" : "was ready",
			 escape_name(db_name(k->cat.db)));
		if (reg.fresh && !made)
			warn_of_old(k);
		code = SS_OK;
	}
	rsnap_free(r);
	return code;
}

/* The host whose tree is to be added: if there is no tree of that name, its name may be written in the escaped form; malloc'd. */
static char *host_meant(const struct volume *v, const char *at, const char *host)
{
	int fd = volume_location(v, at), there = fd < 0 || faccessat(fd, host, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	char *meant = there ? NULL : escape_meant(host);

	if (meant && faccessat(fd, meant, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		free(meant);
		meant = NULL;
	}
	if (fd >= 0)
		close(fd);
	return meant ? meant : mem_strdup(host);
}

static int do_add(struct call *k)
{
	struct add_options o = { .location = location ? location : ".sync",
				 .reason = reason, .status = SV_COMPLETE, .vanished = vanished,
				 .accept = accept, .zero = zero };
	struct lock *lock = NULL;
	struct saveset made = { 0 };

	if (status_word && (saveset_status_parse(status_word, &o.status) < 0 ||
			    o.status == SV_RUNNING || o.status == SV_GONE || o.status == SV_UNATTESTED)) {
		msg_error("--status=%s: it must be complete, partial, failed or stale",
			  escape_name(status_word));
		return SS_FAIL;
	}
	if (open_volume(k) < 0)
		return SS_FAIL;
	char *host = host_meant(&k->v, o.location, k->args[0]);
	int code = lock_take(&lock, k->v.own, k->v.root, 0);
	o.host = host;
	/* A run has done so for all that it starts. */
	o.stamp = code == SS_OK && !lock_borrowed(lock);
	if (code == SS_OK)
		code = catalog_open(&k->cat, k->c, DB_WRITE) < 0 ||
		       series_by_id(&k->cat, k->c, &k->v) < 0 ? SS_FAIL :
			add_run(&k->cat, k->c, &k->v, &o, stdout, &made);
	if (made.id)
		msg_info("%s: %s, %lld files, %lld rows added", escape_name(made.name),
			 saveset_status_name(made.status), (long long)made.files,
			 (long long)made.rows_added);
	saveset_free(&made);
	lock_release(lock);
	free(host);
	return code;
}

static int do_pending(struct call *k)
{
	struct saveset s;
	int code = SS_FAIL;

	if (catalog_open(&k->cat, k->c, DB_READ) < 0 || catalog_find(&k->cat, k->c, k->args[0], &s))
		return SS_FAIL;
	if (volume_open(&k->v, s.root) == 0 && volume_is(&k->v, s.volume_uid) == 0 &&
	    same_disk_check(&k->cat, &k->v) == 0)
		code = list_pending(&k->cat, &s, zero);
	saveset_free(&s);
	return code;
}

static int do_store(struct call *k)
{
	return catalog_open(&k->cat, k->c, DB_WRITE) < 0 || asked_exists(&k->cat, k->c) <= 0 ? SS_FAIL :
		store_run(&k->cat, stdin);
}

static int do_hosts(struct call *k)
{
	return catalog_open(&k->cat, k->c, DB_READ) < 0 ? SS_FAIL : list_hosts(&k->cat, k->c, k->format);
}

static int do_volumes(struct call *k)
{
	return catalog_open(&k->cat, k->c, DB_READ) < 0 ? SS_FAIL : list_volumes(&k->cat, k->c, k->format);
}

static int do_savesets(struct call *k)
{
	return catalog_open(&k->cat, k->c, DB_READ) < 0 ? SS_FAIL :
		list_savesets(&k->cat, k->c, k->args[0], k->format);
}

static int do_files(struct call *k)
{
	struct saveset s;

	if (catalog_open(&k->cat, k->c, DB_READ) < 0 || catalog_find(&k->cat, k->c, k->args[0], &s))
		return SS_FAIL;
	int code = list_files(&k->cat, &s, k->format);
	saveset_free(&s);
	return code;
}

static int do_runs(struct call *k)
{
	return catalog_open(&k->cat, k->c, DB_READ) < 0 ? SS_FAIL : list_runs(&k->cat, k->c, k->format);
}

/*
 * The catalog is open, the disk is the one that it saw last, and a rotation that a run was
 * killed over is settled: that is also done where no catalog can be asked.  0, or -1 after
 * reporting.
 */
static int prepare_reconcile(struct call *k)
{
	int open = catalog_open(&k->cat, k->c, DB_WRITE) == 0 && series_by_id(&k->cat, k->c, &k->v) == 0;

	if (open && accept) {
		if (series_check(&k->cat, k->c, &k->v) < 0 || same_disk_accept(&k->cat, &k->v) < 0)
			return -1;
		msg_info("%s: taken as it is; it counts from now on", escape_name(k->v.root));
	} else if (open && same_disk_check(&k->cat, &k->v) != 0) {
		return -1;
	}
	return recover_rotation(&k->v) != 0 || !open ? -1 : 0;
}

/* Say what is on the disk and was lost to the catalog.  An exit code. */
static int tell_lost(struct call *k)
{
	struct unclaimed u = { .root = mem_strdup(k->v.root) };
	int rc = unclaimed_on(&k->cat, &k->v, &u);
	size_t lost = unclaimed_lost(&u);

	if (rc == 0 && lost)
		unclaimed_warn(&u, lost, NULL);
	unclaimed_free_one(&u);
	return rc < 0 ? SS_FAIL : lost ? SS_INCOMPLETE : SS_OK;
}

static int do_reconcile(struct call *k)
{
	struct lock *lock = NULL;
	size_t changed, damaged = 0;

	if (open_volume(k) < 0)
		return SS_FAIL;
	int code = lock_take(&lock, k->v.own, k->v.root, 0);
	if (code == SS_OK)
		code = prepare_reconcile(k) < 0 ||
		       reconcile_run(&k->cat, k->c, &k->v, 0, &changed, &damaged) < 0 ? SS_FAIL : SS_OK;
	if (code == SS_OK && changed)
		msg_info("%s: locations of %zu savesets brought up to date", escape_name(k->v.root),
			 changed);
	/* A run that started us has something to say of them only once. */
	if (code == SS_OK && !lock_borrowed(lock))
		code = tell_lost(k);
	if (damaged && code != SS_FAIL)
		code = SS_FINDINGS;
	lock_release(lock);
	return code;
}

static int do_check(struct call *k)
{
	struct saveset s = { 0 };

	if (catalog_open(&k->cat, k->c, DB_READ) < 0 ||
	    (k->args[0] && catalog_find(&k->cat, k->c, k->args[0], &s)))
		return SS_FAIL;
	int code = check_run(&k->cat, k->c, k->args[0] ? &s : NULL, k->format == LIST_JSON);
	saveset_free(&s);
	return code;
}

static int do_copy(struct call *k)
{
	return copy_run(k->c, k->args[0], k->args[1], k->format == LIST_JSON);
}

enum may {			/* options that make sense with a verb */
	MAY_ADD = 1,		/* --location --status --vanished --reason */
	MAY_ZERO = 2,		/* -0 */
	MAY_JSON = 4,		/* --json, --format=text|json */
	MAY_FORMAT = 8,		/* every --format */
	MAY_ACCEPT = 16,	/* --accept */
	ONLY_READS = 32,	/* the catalog is not written */
};

static const struct verb {
	const char *name, *args;
	int (*run)(struct call *k);
	int least, most;	/* arguments */
	unsigned may;
} verbs[] = {
	{ "init", "", do_init, 0, 0, 0 },
	{ "add", " HOST", do_add, 1, 1, MAY_ADD | MAY_ZERO | MAY_ACCEPT },
	{ "pending", " SAVESET", do_pending, 1, 1, MAY_ZERO | ONLY_READS },
	{ "store", "", do_store, 0, 0, 0 },
	{ "hosts", "", do_hosts, 0, 0, MAY_JSON | ONLY_READS },
	{ "volumes", "", do_volumes, 0, 0, MAY_JSON | ONLY_READS },
	{ "savesets", " [HOST]", do_savesets, 0, 1, MAY_JSON | ONLY_READS },
	{ "files", " SAVESET", do_files, 1, 1, MAY_JSON | MAY_ZERO | MAY_FORMAT | ONLY_READS },
	{ "runs", "", do_runs, 0, 0, MAY_JSON | ONLY_READS },
	{ "reconcile", "", do_reconcile, 0, 0, MAY_ACCEPT },
	{ "check", " [SAVESET]", do_check, 0, 1, MAY_JSON | ONLY_READS },
	{ "copy", " FROM-URL TO-URL", do_copy, 2, 2, MAY_JSON },
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

/* An option that a verb would pass over in silence is an error.  0, or -1 after reporting. */
static int check_options(const struct verb *v, const struct conf *c, enum list_format f)
{
	const char *wrong = NULL;

	if ((location || status_word || reason || vanished) && !(v->may & MAY_ADD))
		wrong = "--location, --status, --vanished and --reason go with add";
	else if (accept && !(v->may & MAY_ACCEPT))
		wrong = "--accept goes with add and reconcile";
	else if (zero && !(v->may & MAY_ZERO))
		wrong = "-0 goes with files, add and pending";
	else if (zero && (format_word || c->json))
		wrong = "-0 and another format exclude each other";
	else if (format_word && c->json && f != LIST_JSON)
		wrong = "--json and another format exclude each other";
	else if ((format_word || c->json) && !(v->may & MAY_JSON))
		wrong = "it has one format";
	else if ((f == LIST_SHA256SUM || f == LIST_STREAM) && !(v->may & MAY_FORMAT))
		wrong = "its formats are text and json";
	else if (v->run == do_copy && (conf_named(c, "volume") || conf_named(c, "backup-host")))
		wrong = "it copies the whole catalog, --volume and --backup-host have no use with it";
	if (wrong)
		msg_error("%s: %s", v->name, wrong);
	return wrong ? -1 : 0;
}

static int run_verb(const struct verb *v, struct call *k, int n)
{
	enum list_format f = LIST_TEXT;

	if (n < v->least || n > v->most) {
		msg_error("usage: ss-catalog [OPTION...] %s%s", v->name, v->args);
		return SS_FAIL;
	}
	if (format_word && list_format(format_word, &f) < 0) {
		msg_error("--format=%s: it must be text, json, sha256sum or stream",
			  escape_name(format_word));
		return SS_FAIL;
	}
	if (check_options(v, k->c, f) < 0)
		return SS_FAIL;
	if (v->may & ONLY_READS)
		opt_only_reads();
	k->format = k->c->json ? LIST_JSON : zero ? LIST_ZERO : f;
	int code = v->run(k);
	catalog_close(&k->cat);
	volume_close(&k->v);
	return code;
}

/* Anything else may be an address that lacks its option, with a password. */
static int looks_like_verb(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyz-")] == '\0';
}

static int run(struct conf *c, const char *const *args)
{
	struct call k = { .c = c, .v = { .fd = -1, .own = -1 } };
	int n = 0;

	while (args[n])
		n++;
	for (size_t i = 0; n && i < VERBS; i++)
		if (!strcmp(verbs[i].name, args[0])) {
			k.args = args + 1;
			return run_verb(&verbs[i], &k, n - 1);
		}
	msg_error("%s%sverbs are init, add, pending, store, hosts, volumes, savesets, files,"
		  " runs, reconcile, check, copy; see --help",
		  !n ? "" : looks_like_verb(args[0]) ? args[0] : "what stands first", n ? ": no such verb; " : "");
	return SS_FAIL;
}

int main(int argc, const char **argv)
{
	static const struct opt_tool tool = {
		"ss-catalog",
		"[OPTION...] VERB",
		"VERB: init add pending store hosts volumes savesets files runs reconcile\n"
		"check copy",
		table, OPT_CATALOG | OPT_RSNAPSHOT | OPT_HASHTYPE | OPT_JSON,
	};
	struct conf conf = { 0 };
	int code = SS_FAIL;
	const char **args = opt_start(&tool, argc, argv, &conf, &code);

	if (args)
		code = run(&conf, args);
	conf_free(&conf);
	return opt_finish(code);
}
