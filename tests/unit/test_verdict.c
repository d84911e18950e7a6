/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a re-read file amounts to. */
#include <string.h>

#include "catalog/verdict.h"
#include "unit.h"

static void content(enum stream_state state, unsigned char byte, enum verdict want)
{
	struct entry was = { .path = "", .digest = { 1, 2 }, .digest_len = 2 };
	struct hash_job job = { .state = state, .digest = { 1, byte }, .digest_len = 2 };

	ok(verdict_content(&job, &was) == want, "state %d, digest %d: %s", (int)state, byte,
	   verdict_name(want));
}

static void structure(struct entry disk, struct entry was, int other, const char *text)
{
	struct buf why = { 0 };

	ok(verdict_structure(&disk, &was, &why) == other, "content %s", other ? "not compared" : "compared");
	ok(!strcmp(why.p ? why.p : "", text), "%s", text);
	buf_free(&why);
}

/* One attribute that differs is told, alone. */
static void each_attribute(void)
{
	struct entry e = { .path = "", .data = "ab", .data_len = 2, .type = 'l', .mode = 0777 };

#define OTHER(change, other, text) do { struct entry o = e; o.change; structure(o, e, other, text); } while (0)
	OTHER(mtime = 1, 1, "mtime 1.000000000, was 0.000000000");
	OTHER(mtime_ns = 1, 1, "mtime 0.000000001, was 0.000000000");
	OTHER(uid = 7, 0, "owner 7:0, was 0:0");
	OTHER(gid = 7, 0, "owner 0:7, was 0:0");
	OTHER(data = "ac", 0, "target ac, was ab");
	OTHER(data_len = 1, 0, "target a, was ab");
	e.type = 'c';
	OTHER(data = "ac", 0, "device ac, was ab");
}

/* A digest that is cut short is none. */
static void short_digest(void)
{
	struct entry was = { .path = "", .digest = { 1, 2 }, .digest_len = 2 };
	struct hash_job job = { .state = ST_OK, .digest = { 1, 2 }, .digest_len = 1 };

	ok(verdict_content(&job, &was) == VERDICT_CORRUPT, "half a digest");
	job.digest_len = 3;
	ok(verdict_content(&job, &was) == VERDICT_CORRUPT, "a longer one");
}

int main(void)
{
	struct entry e = { .path = "", .data = "", .type = 'f', .mode = 0644, .size = 3 }, o = e;

	content(ST_OK, 2, VERDICT_OK);
	content(ST_OK, 3, VERDICT_CORRUPT);
	content(ST_CHANGED, 2, VERDICT_CHANGED);
	content(ST_MOVED, 2, VERDICT_CHANGED);
	content(ST_MISSING, 2, VERDICT_MISSING);
	content(ST_UNREADABLE, 2, VERDICT_UNREADABLE);
	short_digest();
	structure(e, e, 0, "");
	o.mode = 0600;
	structure(e, o, 0, "mode 0644, was 0600");
	o.size = 4;
	structure(e, o, 1, "size 3, was 4; mode 0644, was 0600");
	o.type = 'd';
	structure(e, o, 1, "type f, was d");
	each_attribute();
	ok(!strcmp(verdict_name((enum verdict)99), "unknown"), "a verdict of nobody");
	return done();
}
