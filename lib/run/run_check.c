/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check.c - would a run work, and what is to be done if not? */
#include "run/run_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/table.h"
#include "rsnap/due.h"
#include "rsnap/rotate.h"
#include "rsnap/rsnap_opt.h"
#include "rsnap/rsnap_test.h"
#include "run/hook.h"
#include "tree/held.h"
#include "tree/keys.h"
#include "tree/probe.h"
#include "tree/space.h"
#include "tree/trash.h"
#include "tree/volume.h"

static const char *const states[] = {
	[RUN_CHECK_OK] = "ok", [RUN_CHECK_WARNING] = "warning", [RUN_CHECK_MEND] = "mend",
	[RUN_CHECK_UNKNOWN] = "unknown",
};

void run_check_add(struct run_check *k, const char *what, enum run_check_state state, char *text)
{
	k->row = mem_more(k->row, k->n, sizeof(*k->row));
	k->row[k->n++] = (struct run_check_row){ mem_strdup(what), state, text };
}

void run_check_said(struct run_check *k, const char *what, struct capture *c)
{
	char *said = capture_end(c), *line;

	/* It is ours, or quoted. */
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
		run_check_said(k, "configuration", &c);
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
	const char *const env[] = { rsnap_conf_path, NULL };
	char *why;
	int status;

	if (access(RSNAPSHOT, X_OK) != 0) {
		run_check_add(k, "rsnapshot", RUN_CHECK_MEND, mem_printf(RSNAPSHOT ": %s: install it", strerror(errno)));
		return;
	}
	status = rsnap_test(k->rsnap->file, env, 1, -1, &why);
	if (status == 0)
		run_check_add(k, "rsnapshot", RUN_CHECK_OK, mem_strdup("configtest has no objection"));
	else if (status < 0)
		run_check_add(k, "rsnapshot", RUN_CHECK_UNKNOWN, mem_strdup("configtest could not be run"));
	else
		run_check_add(k, "rsnapshot", RUN_CHECK_MEND,
			      mem_printf("configtest: %s", why != NULL ? why : child_status_text(status)));
	free(why);
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
		run_check_said(k, "link_dest", &c);
		return;
	}
	free(capture_end(&c));
	run_check_add(k, "link_dest", RUN_CHECK_WARNING,
		      mem_strdup("0: a later change of mode or owner changes older savesets, too; use link_dest 1"));
}

static void check_intervals(struct run_check *k)
{
	char *complaint = due_complaint(k->conf, k->rsnap), *unknown = due_unknown(k->conf, k->rsnap);
	const struct rsnap *r = k->rsnap;
	struct buf known = { 0 };
	const char *period;
	size_t i;

	for (i = 0; complaint == NULL && i < r->nretain; i++) {
		period = due_period(k->conf, r, i);
		if (period != NULL || i == 0)
			buf_printf(&known, "%s%s %s", i > 0 ? ", " : "", r->retain[i].name,
				   period != NULL ? escape_name(period) : "at every run");
	}
	if (complaint != NULL)
		run_check_add(k, "intervals", RUN_CHECK_MEND, complaint);
	else
		run_check_add(k, "intervals", RUN_CHECK_OK, known.p);
	if (unknown != NULL && complaint == NULL)
		run_check_add(k, "intervals", RUN_CHECK_MEND,
			      mem_printf("never due, for want of a period: %s; write period.NAME = 1d, or"
					 " on.NAME = sunday, or period.NAME = never", unknown));
	free(unknown);
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

/* Can others than root and its group come as far as into the directory?  1 or 0. */
static int others_enter(const char *path)
{
	char *real = realpath(path, NULL), *end = real;
	int open = real != NULL;
	struct stat st;

	/* Each directory on the way, the last one too. */
	while (open && end != NULL) {
		end = strchr(end + 1, '/');
		if (end != NULL)
			*end = '\0';
		open = stat(real, &st) != 0 || (st.st_mode & S_IXOTH) != 0;
		if (end != NULL)
			*end = '/';
	}
	free(real);
	return open;
}

/* 0 if it is open then, else -1. */
static int check_volume(struct run_check *k, struct volume *v)
{
	struct capture c;

	capture_begin(&c);
	if (volume_open(v, k->rsnap->root) != 0) {
		run_check_said(k, "volume", &c);
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
	else if (others_enter(v->root))
		run_check_add(k, "volume", RUN_CHECK_WARNING,
			      mem_printf("%s: every user can enter it, change what is his in older savesets, and"
					 " run set-user-id programs of other hosts: chmod 0700 it",
					 escape_name(v->root)));
	else
		run_check_add(k, "volume", RUN_CHECK_OK, mem_printf("%s, id %s", escape_name(v->root), v->id));
	return 0;
}

/* How what is lacking is told in one row. */
struct lacks {
	struct buf text;
	enum probe_cost worst;
};

static void add_lack(const char *what, int error, const char *means, enum probe_cost cost, void *arg)
{
	struct lacks *l = arg;

	if (cost > l->worst)
		l->worst = cost;
	buf_printf(&l->text, "%sno %s%s%s%s: %s", l->text.len ? "; " : "", what, error ? " (" : "",
		   error ? strerror(error) : "", error ? ")" : "", means);
}

/* What a run needs of the file system, tried there. */
static void check_abilities(struct run_check *k, const struct volume *v)
{
	static const enum run_check_state state[] = {
		[PROBE_NOTHING] = RUN_CHECK_OK, [PROBE_SOME] = RUN_CHECK_WARNING,
		[PROBE_ALL] = RUN_CHECK_MEND,
	};
	struct lacks l = { .worst = PROBE_NOTHING };
	int n = probe_volume(v, add_lack, &l);

	if (n < 0)
		run_check_add(k, "file system", RUN_CHECK_UNKNOWN,
			      mem_printf("cannot be tried: %s", strerror(errno)));
	else
		run_check_add(k, "file system", state[l.worst],
			      mem_strdup(n > 0 ? l.text.p : "has all that a run needs of it"));
	buf_free(&l.text);
}

static void check_space(struct run_check *k, const struct volume *v)
{
	int min_free = k->conf->min_free, verdict;
	char word[RSNAP_WORD];
	struct buf why = { 0 };
	struct capture c;
	char *said;

	capture_begin(&c);
	verdict = space_ask(v, rsnap_word(k->rsnap, word), min_free, &why);
	said = capture_end(&c);
	if (verdict < 0)
		run_check_add(k, "space", RUN_CHECK_UNKNOWN, mem_strdup(said));
	else if (verdict == SPACE_OK)
		run_check_add(k, "space", RUN_CHECK_OK,
			      min_free > 0 ? mem_printf("enough for another run, and %d%% is left", min_free) :
			      mem_strdup("not looked at: min-free is 0"));
	else
		run_check_add(k, "space", RUN_CHECK_MEND,
			      mem_printf("%s; min-free is %d%%: delete old savesets, or find a larger disk",
					 why.p, min_free));
	free(said);
	buf_free(&why);
}

/* The key with which markers are sealed. */
static void check_key(struct run_check *k)
{
	struct buf text = { 0 };
	struct capture c;
	enum keys_state state;

	capture_begin(&c);
	state = keys_look(&text);
	if (state == KEYS_BAD) {
		run_check_said(k, "key", &c);
		buf_free(&text);
		return;
	}
	char *said = capture_end(&c);
	if (*said)
		run_check_add(k, "key", RUN_CHECK_WARNING, mem_printf("%s; %.*s", text.p,
			      (int)strcspn(said, "\n"), said));
	else
		run_check_add(k, "key", RUN_CHECK_OK, mem_strdup(text.p));
	free(said);
	buf_free(&text);
}

/* What no run could remove. */
static void check_trash(struct run_check *k, const struct volume *v)
{
	long n = trash_count(v);

	if (n != 0)
		run_check_add(k, "trash", RUN_CHECK_MEND,
			      mem_printf("%s/" MARKER_DIR "/trash: %s: if no run is busy there, it is what none"
					 " could remove; ss-prune tries again, and says why",
					 escape_name(v->root), n < 0 ? strerror(errno) : "not empty"));
}

/* volume_each: add the name of a location with trees whose place was taken to arg, a buffer. */
static int note_spare(const char *location, int fd, void *arg)
{
	struct buf *names = arg;

	(void)fd;
	if (held_is_spare(location))
		buf_printf(names, "%s%s", names->len > 0 ? ", " : "", escape_name(location));
	return 0;
}

/* What a killed run has left, and what that cost. */
static void check_rotation(struct run_check *k, const struct volume *v)
{
	struct buf spare = { 0 };

	if (volume_in_rotation(v) || held_any(v))
		run_check_add(k, "rotation", RUN_CHECK_WARNING,
			      mem_strdup("if no run is busy there, one was killed while it rotated: the next run, or"
					 " 'ss-catalog reconcile', puts that right; do not run rsnapshot by hand"
					 " before"));
	/* What cannot be listed is told by the other rows. */
	volume_each(v, note_spare, &spare);
	if (spare.len > 0)
		run_check_add(k, "rescued", RUN_CHECK_WARNING,
			      mem_printf("%s in %s: trees whose place was taken while rsnapshot was run by"
					 " hand; they stay until you delete their savesets with ss-prune, and then"
					 " the empty directory", spare.p, escape_name(v->root)));
	buf_free(&spare);
}

/* A file that a run makes: its directory must be there, and be ours to write in.  1 if it is not. */
static int check_place(struct run_check *k, const char *what, const char *file)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;
	char *dir;
	int wrong;

	if (slash == NULL)
		return 0;
	dir = slash == file ? mem_strdup("/") : mem_dup(file, (size_t)(slash - file));
	wrong = access(dir, W_OK | X_OK) != 0;
	if (wrong)
		run_check_add(k, what, RUN_CHECK_MEND,
			      mem_printf("%s: %s: %s", escape_name(file), escape_name(dir),
					 errno == ENOENT ? "there is no such directory; make it (what is below /run"
							   " goes with each reboot)" : strerror(errno)));
	free(dir);
	return wrong;
}

static void check_hooks(struct run_check *k)
{
	const struct conf *conf = k->conf;
	const struct { const char *key, *command; } hook[] = {
		{ "hook.pre", conf->hook_pre }, { "hook.post", conf->hook_post },
		{ "hook.host-pre", conf->hook_host_pre }, { "hook.host-post", conf->hook_host_post },
		{ "hook.failure", conf->hook_failure },
	};
	struct capture c;
	size_t i;

	for (i = 0; i < sizeof(hook) / sizeof(hook[0]); i++) {
		if (hook[i].command == NULL)
			continue;
		capture_begin(&c);
		if (hook_check(hook[i].key, hook[i].command) != 0) {
			run_check_said(k, hook[i].key, &c);
			continue;
		}
		free(capture_end(&c));
		run_check_add(k, hook[i].key, RUN_CHECK_OK, mem_strdup(escape_name(hook[i].command)));
	}
}

/* A key of a host that there is not: a misspelt name's limits are nobody's. */
static void check_own_limits(struct run_check *k)
{
	const struct conf *c = k->conf;

	for (size_t i = 0; i < c->npair; i++)
		for (const char *const *own = conf_own_keys; *own != NULL; own++) {
			const char *key = c->pair[i].key;
			size_t len = strlen(*own), j = 0;

			if (strncmp(key, *own, len) != 0 || key[len] != '.')
				continue;
			while (j < k->rsnap->nhost && strcmp(k->rsnap->host[j], key + len + 1) != 0)
				j++;
			if (j == k->rsnap->nhost)
				run_check_add(k, "limits", RUN_CHECK_WARNING,
					      mem_printf("%s: there is no such host in %s", escape_name(key),
							 escape_name(k->rsnap->file)));
		}
}

static void check_limit(struct run_check *k)
{
	char span[CLOCK_TEXT];

	if (k->conf->host_limit > 0)
		run_check_add(k, "host-limit", RUN_CHECK_OK,
			      mem_strdup(clock_span(k->conf->host_limit, span)));
	else
		run_check_add(k, "host-limit", RUN_CHECK_WARNING,
			      mem_strdup("0: a host that sends a byte now and then keeps the run, and the rotation"
					 " of every host, from ending; use 1d"));
}

/* Print the rows and free them.  The exit code that they amount to. */
static int finish(struct run_check *k)
{
	static const char *const titles[] = { "CHECK", "STATE", "HOW IT IS", NULL };
	enum run_check_state worst = RUN_CHECK_OK;
	struct table t = { 0 };
	struct run_check_row *row;
	json_t *o;

	table_titles(&t, titles);
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
		table_own(&t, row->what);
		table_text(&t, states[row->state]);
		table_own(&t, row->text);
	}
	table_end(&t, !k->conf->json);
	free(k->row);
	return worst == RUN_CHECK_UNKNOWN ? SS_FAIL : worst == RUN_CHECK_MEND ? SS_FINDINGS : SS_OK;
}

/* Ours and rsnapshot's: a run goes on without them. */
static void check_log(struct run_check *k)
{
	char *why = check_place(k, "logfile", k->rsnap->logfile) ? NULL : rsnap_conf_log_wrong(k->rsnap);

	if (k->conf->unlogged)
		run_check_add(k, "log", RUN_CHECK_MEND,
			      mem_printf("%s: cannot be opened; make its directory, or set logfile",
					 escape_name(k->conf->logfile)));
	if (why != NULL)
		run_check_add(k, "logfile", RUN_CHECK_MEND, mem_strdup(escape_name(why)));
	free(why);
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
		run_check_confine(&k);
		check_intervals(&k);
		open = check_volume(&k, &v) == 0;
	}
	if (open) {
		if (writable(&v) == 0)
			check_abilities(&k, &v);
		check_space(&k, &v);
		check_trash(&k, &v);
		run_check_root(&k, &v);
		check_rotation(&k, &v);
	}
	run_check_catalog(&k, open ? &v : NULL);
	check_key(&k);
	check_limit(&k);
	run_check_jobs(&k);
	if (k.rsnap != NULL) {
		check_log(&k);
		check_place(&k, "lockfile", k.rsnap->lockfile);
		check_own_limits(&k);
		run_check_options(&k, hosts);
		run_check_hosts(&k, hosts);
	}
	check_hooks(&k);
	code = finish(&k);
	volume_close(&v);
	rsnap_free(k.rsnap);
	return code;
}
