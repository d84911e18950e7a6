/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_sync.c - the transfer of one host. */
#include "run/run_sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/below.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap_conf.h"
#include "rsnap/rsnap_job.h"
#include "rsnap/rsnap_test.h"
#include "run/run_cmd.h"
#include "run/run_exec.h"
#include "run/run_hook.h"
#include "run/run_source.h"
#include "tree/marker.h"
#include "tree/place.h"
#include "tree/trash.h"

#define SYNC ".sync"

/* The marker in .sync says what is no longer so from now on.  0, or -1 after reporting. */
static int drop_marker(struct run *r, const char *host)
{
	int sync = volume_location(&r->volume, SYNC), ret;

	if (sync < 0 && errno == ENOENT)
		return 0;
	if (sync < 0) {
		msg_error("%s/" SYNC ": %m", escape_name(r->volume.root));
		return -1;
	}
	ret = marker_drop(sync, host);
	close(sync);
	return ret;
}

/*
 * With link_dest rsync must find no tree in .sync: whatever it changes there has
 * the older savesets' inodes.  What is there is left over from a run that came
 * to nothing.
 */
static int clear_tree(struct run *r, const char *host)
{
	int sync, ret;

	if (!r->rsnap->link_dest)
		return 0;
	sync = volume_location(&r->volume, SYNC);
	if (sync < 0)
		return errno == ENOENT ? 0 : -1;
	ret = trash_move(&r->volume, sync, host);
	close(sync);
	if (ret == 1)
		return 0;
	/* At once: the next sync may need the room. */
	return ret == 0 && trash_empty(&r->volume) >= 0 ? 0 : -1;
}

/* Is there something in the newest location that rsnapshot would roll dest back to? */
static int has_previous(const struct run *r, const char *dest)
{
	char *path = mem_printf("%s/%s.0/%s", r->rsnap->root, r->rsnap->retain[0].name, dest);
	struct stat st;
	int ret = lstat(path, &st) == 0;

	free(path);
	return ret;
}

/*
 * rsnapshot ended with 1: has it put the newest copy of dest in the place of what
 * it got?  With link_dest after each rsync that failed, but not where rsync knew
 * no such option (1); after a backup_script that failed, always.
 */
static int was_rolled_back(const struct run *r, const struct rsnap_point *p,
			   const struct rsnap_result *culprit)
{
	const char *dest = p->dest;
	char *path = mem_printf("%s/" SYNC "/%s", r->rsnap->root, dest);
	struct stat st;
	int ret = lstat(path, &st) == 0 && has_previous(r, dest) &&
		  (p->script != NULL ||
		   (culprit != NULL && r->rsnap->link_dest && culprit->status != 1));

	free(path);
	return ret;
}

/*
 * rsnapshot refused the configuration that was made for a host: what has it against the
 * user's lines for dest?  Malloc'd, or NULL.
 */
static char *refusal(const struct rsnap *rs, const char *dest)
{
	const char *const env[] = { rsnap_conf_path, NULL };
	const struct rsnap_point *p;
	char *why = NULL;

	for (p = rs->point; p < rs->point + rs->npoint && why == NULL && !run_stopped(); p++)
		if (strcmp(p->dest, dest) == 0)
			rsnap_test_only(rs->file, env, p->src != NULL ? p->src : p->script, &why);
	return why;
}

/* "alpha/etc: rsync exit 12: Connection refused"; said: what rsnapshot said itself, or NULL. */
static void blame(struct run_sync *s, const char *dest, int status, const struct rsnap_result *culprit,
		  const char *said)
{
	const char *text = culprit == NULL && status < 0 ? "not run" :
			   child_status_text(culprit != NULL ? culprit->status : status);
	int all = strcmp(s->host->name, dest) == 0;

	if (culprit != NULL)
		said = culprit->said;
	free(s->why);
	s->why = mem_printf("%s%s%s %s%s%s", all ? "" : dest, all ? "" : ": ",
			    culprit != NULL ? "rsync" : "rsnapshot", text,
			    said != NULL ? ": " : "", said != NULL ? said : "");
}

static char *partial_why(const struct rsnap_result *res, size_t n)
{
	const char *said = NULL;
	size_t i;

	for (i = 0; i < n && said == NULL; i++)
		said = res[i].status == 23 ? res[i].said : NULL;
	return mem_printf("rsync exit 23: not everything could be transferred%s%s",
			  said != NULL ? ": " : "", said != NULL ? said : "");
}

static void fail(struct run_sync *s, const char *why)
{
	s->judged = RSNAP_FAILED;
	free(s->why);
	s->why = mem_strdup(why);
}

/* It took too long: "ended, it took longer than 1d (host-limit)". */
static void fail_late(struct run_sync *s, int limit)
{
	char span[CLOCK_TEXT];

	s->judged = RSNAP_FAILED;
	free(s->why);
	s->why = mem_printf("ended, it took longer than %s (host-limit)", clock_span(limit, span));
}

/* ms that are left to it, -1 = any time: what was no time of its own does not count. */
static int64_t time_left(const struct run *r, const struct run_sync *s)
{
	int64_t limit = (int64_t)r->conf.host_limit * 1000, took = clock_ms() - s->began - s->waited;

	return limit == 0 ? -1 : took < limit ? limit - took : 0;
}

/* What the rsnapshot that ended with status (-1: was not run) did to one destination. */
static void judge(struct run *r, struct run_sync *s, int status)
{
	const char *dest = r->rsnap->point[s->point].dest;
	const struct rsnap_result *culprit;
	struct rsnap_result *res = NULL;
	struct rsnap_said said = { 0 };
	enum rsnap_judged judged;
	size_t n = 0;
	char *why;

	if (status == BELOW_LATE) {
		fail_late(s, r->conf.host_limit);
		return;
	}
	if (status >= 0 && rsnap_job_results(run_cmd_job(r, dest)->results, &res, &n, &said) != 0)
		status = -1;
	judged = rsnap_job_judge(status, res, n, &s->vanished);
	if (judged > s->judged)
		s->judged = judged;
	if (judged == RSNAP_PARTIAL && s->why == NULL)
		s->why = partial_why(res, n);
	if (judged == RSNAP_FAILED) {
		culprit = rsnap_job_culprit(res, n);
		why = culprit == NULL && said.refused ? refusal(r->rsnap, dest) : NULL;
		blame(s, dest, status, culprit, why != NULL ? why : said.text);
		free(why);
		s->stale = status == 1 && was_rolled_back(r, &r->rsnap->point[s->point], culprit);
	}
	why = judged == RSNAP_FAILED ? NULL : run_source_empty(r, s->point, res, n);
	if (why != NULL) {
		fail(s, why);
		s->keep = 1;
		free(why);
	}
	free(said.text);
	rsnap_job_free(res, n);
}

/* rsnapshot syncs all backup lines of one DEST in one call. */
static int first_of_dest(const struct rsnap *rs, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (strcmp(rs->point[j].dest, rs->point[i].dest) == 0)
			return 0;
	return 1;
}

/* All destinations are there: on the disk? */
static void flush(struct run *r, struct run_sync *s)
{
	if (r->dry || s->judged == RSNAP_FAILED || run_stopped() || syncfs(r->volume.fd) == 0)
		return;
	msg_error("%s: what was synced cannot be flushed: %m", escape_name(r->volume.root));
	fail(s, "not flushed to disk");
}

/*
 * Does a destination lead where it says, in .sync and in the newest location?  What is below a
 * host's tree is what that host sent; rsnapshot writes a script's tree, copies an old one
 * back and makes directories itself.  NULL, or what is wrong, malloc'd.
 */
static char *astray(const struct run *r, const struct rsnap_point *p)
{
	const char *const location[] = { SYNC, r->rsnap->retain[0].name };
	char *wrong = NULL, *path, *why;
	size_t i;

	for (i = 0; i < 2 && wrong == NULL; i++) {
		path = mem_printf("%s%s/%s", location[i], i > 0 ? ".0" : "", p->dest);
		wrong = place_wrong(r->volume.fd, path);
		free(path);
	}
	/* Where rsnapshot has scripts at work. */
	if (wrong == NULL && p->script != NULL)
		wrong = place_wrong(r->volume.fd, "tmp");
	if (wrong == NULL)
		return NULL;
	why = mem_printf("%s: %s/%s, and is not followed; give this backup line a destination that no host's"
			 " tree holds, or remove it", p->dest, r->volume.root, wrong);
	free(wrong);
	return why;
}

/* The same for all backup lines of a destination, which rsnapshot syncs in one call. */
static char *any_astray(const struct run *r, const char *dest)
{
	const struct rsnap *rs = r->rsnap;
	char *why = NULL;
	size_t i;

	for (i = 0; i < rs->npoint && why == NULL; i++)
		if (strcmp(rs->point[i].dest, dest) == 0)
			why = astray(r, &rs->point[i]);
	return why;
}

/* The backup_exec lines before it, which are nobody's time.  As run_exec_before(). */
static char *exec_before(struct run *r, struct run_sync *s)
{
	int64_t begun = clock_ms();
	char *why = run_exec_before(r, s->point);

	s->waited += clock_ms() - begun;
	return why;
}

/* Start the transfer of dest.  1 it is under way, 0 it has failed. */
static int start_dest(struct run *r, struct run_sync *s, const char *dest)
{
	int64_t left = time_left(r, s);

	if (left == 0) {
		judge(r, s, BELOW_LATE);
		return 0;
	}
	if (rsnap_job_forget(run_cmd_job(r, dest)->results) == 0 &&
	    run_cmd_start(r, "sync", dest, left > 0 ? left : 0, &s->child) == 0)
		return 1;
	judge(r, s, -1);
	return 0;
}

/* Sync the next destination from s->point on.  1 it is under way, 0 there is none. */
static int start(struct run *r, struct run_sync *s)
{
	const struct rsnap *rs = r->rsnap;
	const char *dest;
	char *why;

	/* Once a point has failed there will be no saveset: leave the others. */
	for (; s->point < rs->npoint && s->judged != RSNAP_FAILED && !run_stopped(); s->point++) {
		if (strcmp(rs->point[s->point].host, s->host->name) != 0 || !first_of_dest(rs, s->point))
			continue;
		dest = rs->point[s->point].dest;
		why = exec_before(r, s);
		if (why == NULL && !r->dry)
			why = run_source_missing(rs, s->host->name);
		if (why == NULL && !r->dry)
			why = any_astray(r, dest);
		if (why != NULL) {
			fail(s, why);
			free(why);
			break;
		}
		if (r->dry) {
			run_cmd_show(r, "sync", dest);
			continue;
		}
		if (start_dest(r, s, dest))
			return 1;
	}
	flush(r, s);
	/*
	 * What is there now is torn, or an old copy that would look fresh; and link_dest 0
	 * copied the newest location at first, its markers too.
	 */
	if (s->judged == RSNAP_FAILED && !run_stopped() && drop_marker(r, s->host->name) == 0 && !s->keep)
		clear_tree(r, s->host->name);
	return 0;
}

int run_sync_start(struct run *r, struct run_host *h, struct run_sync *s)
{
	*s = (struct run_sync){ .host = h, .judged = RSNAP_COMPLETE };
	s->why = run_hook_host_pre(r, h);
	s->began = clock_ms();
	if (s->why) {
		s->judged = RSNAP_FAILED;
		return 0;
	}
	if (!r->dry && (drop_marker(r, h->name) != 0 || clear_tree(r, h->name) != 0)) {
		fail(s, "not tried");
		return 0;
	}
	return start(r, s);
}

int run_sync_next(struct run *r, struct run_sync *s)
{
	judge(r, s, s->child.status);
	s->point++;
	return start(r, s);
}
