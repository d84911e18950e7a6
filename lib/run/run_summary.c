/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_summary.c - what a run tells of itself. */
#include "run/run_summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "tree/trash.h"

const char *run_summary_status(const struct run_host *h)
{
	static const char *const words[] = {
		[RUN_IDLE] = "not tried", [RUN_WAITS] = "waiting", [RUN_COMPLETE] = "complete",
		[RUN_PARTIAL] = "partial", [RUN_FAILED] = "failed", [RUN_HELD] = "held",
	};
	enum run_state state = h->became != RUN_IDLE && h->state != RUN_HELD ? h->became : h->state;

	if (state == RUN_IDLE && h->ms[RUN_SYNC])
		return "interrupted";
	return state == RUN_FAILED && h->stale ? "stale" : words[state];
}

/* It has a new saveset, and nothing speaks against that. */
static int is_good(const struct run_host *h)
{
	return (h->became == RUN_COMPLETE || h->became == RUN_PARTIAL) && h->state != RUN_HELD;
}

static int is_failed(const struct run_host *h)
{
	return h->became == RUN_FAILED;
}

static int is_held(const struct run_host *h)
{
	return h->state == RUN_HELD;
}

/* How many hosts are so; their names go to b, if it is not NULL. */
static size_t count(const struct run *r, int (*is_so)(const struct run_host *h), struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < r->nhost; i++) {
		if (!is_so(&r->host[i]))
			continue;
		n++;
		if (b)
			buf_printf(b, "%s%s", b->len ? ", " : "", escape_name(r->host[i].name));
	}
	return n;
}

/* What the catalog knows of h's new saveset; 0, or it knows none. */
static int facts(struct run *r, const struct run_host *h, struct saveset *s)
{
	*s = (struct saveset){ 0 };
	return !h->saveset || r->offline ? 1 : catalog_by_name(&r->catalog, h->saveset, s);
}

/* What is said of the counts and times of a host, each once. */
static void each_number(const struct run_host *h, const struct saveset *s,
			void (*fn)(void *arg, const char *key, int64_t n), void *arg)
{
	if (s->name) {
		fn(arg, "files", s->files);
		fn(arg, "size", s->bytes);
		fn(arg, "vanished", s->vanished);
		fn(arg, "unhashed", s->unhashed);
		fn(arg, "rows_added", s->rows_added);
		fn(arg, "rows_closed", s->rows_closed);
		if (s->changed >= 0)
			fn(arg, "changed", s->changed);
		if (s->removed >= 0)
			fn(arg, "removed", s->removed);
	}
	fn(arg, "sync_ms", h->ms[RUN_SYNC]);
	fn(arg, "catalogue_ms", h->ms[RUN_CATALOGUE]);
	fn(arg, "verify_ms", h->ms[RUN_VERIFY]);
}

static void to_event(void *arg, const char *key, int64_t n)
{
	event_number(arg, key, n);
}

static void to_json(void *arg, const char *key, int64_t n)
{
	json_number(arg, key, n);
}

/* The line for people. */
static void say(struct event *e, const struct run_host *h, const struct saveset *s)
{
	const char *status = run_summary_status(h);
	char *host = escape_dup(h->name);

	if (!is_good(h))
		event_say(e, "%s: failed, %s", host, escape_name(h->why));
	else if (!h->saveset)
		event_say(e, "%s: %s, not catalogued yet", host, status);
	else if (s->vanished)
		event_say(e, "%s: %s, %" PRId64 " files, %s; %" PRId64 " vanished meanwhile", host,
			  status, h->files, escape_name(h->saveset), s->vanished);
	else
		event_say(e, "%s: %s, %" PRId64 " files, %s%s%s", host, status, h->files,
			  escape_name(h->saveset), s->reason && *s->reason ? "; " : "",
			  s->reason ? escape_name(s->reason) : "");
	free(host);
}

void run_summary_host(struct run *r, struct run_host *h)
{
	struct event e = { 0 };
	struct saveset s;

	h->became = h->state;
	if (r->dry || h->state == RUN_IDLE)
		return;
	if (facts(r, h, &s) < 0)
		s = (struct saveset){ 0 };
	event_begin(&e, is_good(h) ? MSG_INFO : MSG_ERROR, "host");
	event_text(&e, "host", h->name);
	event_text(&e, "status", run_summary_status(h));
	event_text(&e, "reason", h->why);
	event_text(&e, "saveset", h->saveset);
	each_number(h, &s, to_event, &e);
	say(&e, h, &s);
	saveset_free(&s);
}

void run_summary_rotation(struct run *r, const char *interval, const char *why, size_t moved,
			  int result, int64_t start)
{
	struct run_rotation *rot;
	struct event e = { 0 };

	r->rotation = mem_more(r->rotation, r->nrotation, sizeof(*r->rotation));
	rot = &r->rotation[r->nrotation++];
	*rot = (struct run_rotation){ .interval = mem_strdup(interval), .why = mem_strdup(why),
				      .moved = moved, .result = result, .ms = clock_ms() - start };
	/* What kept it from rotating was said where it was found. */
	if (r->dry || result <= 0)
		return;
	event_begin(&e, MSG_INFO, "rotation");
	event_text(&e, "interval", interval);
	event_text(&e, "reason", why);
	event_number(&e, "moved", (int64_t)moved);
	event_number(&e, "stayed", (int64_t)(r->nhost - moved));
	event_number(&e, "ms", rot->ms);
	event_say(&e, "rotated %s: %s", escape_name(interval), escape_name(why));
}

/* How many times something was rotated: as many as there are events of it. */
static int64_t rotated(const struct run *r)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->nrotation; i++)
		n += r->rotation[i].result > 0;
	return n;
}

void run_summary_end(const struct run *r, int code)
{
	struct buf failed = { 0 }, held = { 0 };
	struct event e = { 0 };
	size_t good = count(r, is_good, NULL), nfailed = count(r, is_failed, &failed), nheld = count(r, is_held, &held);
	int64_t ms = clock_ms() - r->began;
	const char *left = trash_left();
	char *took = mem_printf("%" PRId64 ".%" PRId64 " s, exit %d%s%s%s", ms / 1000, ms % 1000 / 100, code,
				left ? "; " : "", left ? escape_name(left) : "",
				left ? " cannot be removed" : "");

	event_begin(&e, MSG_INFO, "run");
	event_text(&e, "run", r->id);
	event_text(&e, "volume", r->conf.volume);
	event_number(&e, "result", code);
	event_number(&e, "hosts", (int64_t)r->nhost);
	event_number(&e, "good", (int64_t)good);
	event_number(&e, "failed", (int64_t)nfailed);
	event_number(&e, "held", (int64_t)nheld);
	event_number(&e, "rotations", rotated(r));
	event_number(&e, "ms", ms);
	if (good + nfailed + nheld == 0)
		event_say(&e, "no host was synced: %s", took);
	else
		event_say(&e, "%zu of %zu hosts have a new saveset%s%s%s%s: %s", good,
			  good + nfailed + nheld, nfailed ? ", not " : "", nfailed ? failed.p : "",
			  nheld ? ", held back until somebody accepts it or gives it up: " : "",
			  nheld ? held.p : "", took);
	free(took);
	buf_free(&failed);
	buf_free(&held);
}

static json_t *host_object(struct run *r, const struct run_host *h)
{
	json_t *o = json_object();
	struct saveset s;

	json_bytes(o, "host", h->name, strlen(h->name));
	json_text(o, "status", run_summary_status(h));
	json_text(o, "reason", h->why ? escape_name(h->why) : NULL);
	json_text(o, "saveset", h->saveset);
	json_object_set_new(o, "wanted", json_boolean(h->wanted));
	if (facts(r, h, &s) < 0)
		s = (struct saveset){ 0 };
	each_number(h, &s, to_json, o);
	saveset_free(&s);
	return o;
}

static json_t *rotation_object(const struct run *r, const struct run_rotation *rot)
{
	json_t *o = json_object();

	json_text(o, "interval", escape_name(rot->interval));
	json_text(o, "reason", escape_name(rot->why));
	json_text(o, "result", rot->result > 0 ? "rotated" : rot->result ? "failed" : "nothing to move");
	json_number(o, "moved", (int64_t)rot->moved);
	json_number(o, "stayed", (int64_t)(r->nhost - rot->moved));
	json_number(o, "ms", rot->ms);
	return o;
}

/* Had the run a catalog, and if not, why? */
static const char *catalog_state(const struct run *r)
{
	if (!r->offline)
		return "used";
	return r->catalog.away ? "away" : r->catalog.none ? "never made" : "refused";
}

json_t *run_summary(struct run *r, int code)
{
	json_t *o = json_new("run"), *hosts = json_array(), *rotations = json_array();
	size_t i;

	json_text(o, "id", r->id);
	json_bytes(o, "backup_host", r->conf.backup_host, strlen(r->conf.backup_host));
	json_bytes(o, "volume", r->conf.volume, strlen(r->conf.volume));
	json_text(o, "volume_id", r->volume.id);
	json_time(o, "started", r->now);
	json_time(o, "ended", clock_now());
	json_number(o, "ms", clock_ms() - r->began);
	json_number(o, "result", code);
	json_object_set_new(o, "interrupted", json_boolean(0));
	json_object_set_new(o, "dry_run", json_boolean(r->dry));
	json_object_set_new(o, "catalog_away", json_boolean(r->offline));
	json_text(o, "catalog", catalog_state(r));
	json_number(o, "hosts_good", (int64_t)count(r, is_good, NULL));
	json_number(o, "hosts_failed", (int64_t)count(r, is_failed, NULL));
	json_number(o, "hosts_held", (int64_t)count(r, is_held, NULL));
	json_number(o, "hosts_all", (int64_t)r->nhost);
	json_number(o, "unclaimed", (int64_t)r->unclaimed);
	for (i = 0; i < r->nhost; i++)
		json_array_append_new(hosts, host_object(r, &r->host[i]));
	for (i = 0; i < r->nrotation; i++)
		json_array_append_new(rotations, rotation_object(r, &r->rotation[i]));
	json_text(o, "left", trash_left() ? escape_name(trash_left()) : NULL);
	json_object_set_new(o, "hosts", hosts);
	json_object_set_new(o, "rotations", rotations);
	return o;
}
