/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy.c - which options of rsync's server side are accepted. */
#include "policy.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
	OFF = 1,	/* refused, unless it is named by -allow */
	UNCONFINED = 2,	/* refused, unless DIR is "/" or it is named by -allow */
	NEVER = 4,	/* refused, whatever is allowed: it would take the checks away */
	DELETES = 8,	/* refused by -ro and -no-del */
	REPLACES = 16,	/* refused by -no-overwrite: it can reach another existing file */
	LOGS = 32,	/* refused by -ro */
	SENDS = 64,	/* refused, unless the command is one to send */
};

static const struct rule {
	const char *name;
	int flags;
	enum policy_value kind;
} longs[] = {
	{ .name = "append" }, { .name = "dirs" }, { .name = "existing" }, { .name = "fake-super" },
	{ .name = "force" }, { .name = "from0" }, { .name = "fsync" }, { .name = "fuzzy" },
	{ .name = "group" }, { .name = "hard-links" }, { .name = "ignore-errors" },
	{ .name = "ignore-existing" }, { .name = "ignore-missing-args" }, { .name = "ignore-times" },
	{ .name = "inplace" }, { .name = "links" }, { .name = "list-only" }, { .name = "mkpath" },
	{ .name = "msgs2stderr" }, { .name = "munge-links" }, { .name = "new-compress" },
	{ .name = "no-W" }, { .name = "no-implied-dirs" }, { .name = "no-msgs2stderr" },
	{ .name = "no-r" }, { .name = "no-relative" }, { .name = "no-specials" },
	{ .name = "numeric-ids" }, { .name = "one-file-system" }, { .name = "open-noatime" },
	{ .name = "owner" }, { .name = "partial" }, { .name = "perms" }, { .name = "preallocate" },
	{ .name = "recursive" }, { .name = "safe-links" }, { .name = "server" }, { .name = "size-only" },
	{ "sender", SENDS, POLICY_NONE }, { .name = "specials" }, { .name = "stats" }, { .name = "super" }, { .name = "times" },

	{ "delay-updates", REPLACES, POLICY_NONE },
	{ "delete", DELETES, POLICY_NONE }, { "delete-after", DELETES, POLICY_NONE },
	{ "delete-before", DELETES, POLICY_NONE }, { "delete-delay", DELETES, POLICY_NONE },
	{ "delete-during", DELETES, POLICY_NONE }, { "delete-excluded", DELETES, POLICY_NONE },
	{ "delete-missing-args", DELETES, POLICY_NONE }, { "remove-source-files", DELETES, POLICY_NONE },

	{ "copy-devices", OFF, POLICY_NONE }, { "copy-unsafe-links", UNCONFINED, POLICY_NONE },
	{ "daemon", NEVER, POLICY_NONE }, { "debug", OFF, POLICY_PLAIN },
	{ "no-munge-links", OFF, POLICY_NONE }, { "write-devices", OFF, POLICY_NONE },

	{ "block-size", 0, POLICY_PLAIN }, { "bwlimit", 0, POLICY_PLAIN },
	{ "checksum-choice", 0, POLICY_PLAIN }, { "checksum-seed", 0, POLICY_PLAIN },
	{ "compress-choice", 0, POLICY_PLAIN }, { "compress-level", 0, POLICY_PLAIN },
	{ "compress-threads", 0, POLICY_PLAIN }, { "groupmap", 0, POLICY_PLAIN },
	{ "iconv", 0, POLICY_PLAIN }, { "info", 0, POLICY_PLAIN }, { "log-format", 0, POLICY_PLAIN },
	{ "max-alloc", 0, POLICY_PLAIN }, { "max-delete", 0, POLICY_PLAIN },
	{ "max-size", 0, POLICY_PLAIN }, { "min-size", 0, POLICY_PLAIN },
	{ "modify-window", 0, POLICY_PLAIN }, { "only-write-batch", 0, POLICY_PLAIN },
	{ "skip-compress", 0, POLICY_PLAIN }, { "stderr", 0, POLICY_PLAIN }, { "suffix", 0, POLICY_PLAIN },
	{ "timeout", 0, POLICY_PLAIN }, { "usermap", 0, POLICY_PLAIN },

	{ "compare-dest", 0, POLICY_BASIS }, { "copy-dest", 0, POLICY_BASIS }, { "link-dest", 0, POLICY_BASIS },
	{ "backup-dir", REPLACES, POLICY_MAKE }, { "partial-dir", REPLACES, POLICY_MAKE },
	{ "temp-dir", 0, POLICY_THERE },
	{ "files-from", 0, POLICY_FILE }, { "log-file", LOGS | REPLACES, POLICY_FILE },
};

/* The letters, each with the long option of the same meaning, for -allow and -deny. */
static const struct letter {
	char c;
	unsigned char flags;
	const char *twin;
} letters[] = {
	{ 'A', 0, "acls" }, { 'C', 0, "cvs-exclude" }, { 'D', 0, "devices" }, { 'E', 0, "executability" },
	{ 'H', 0, "hard-links" }, { 'I', 0, "ignore-times" }, { 'J', 0, "omit-link-times" },
	{ 'K', UNCONFINED, "keep-dirlinks" }, { 'L', UNCONFINED, "copy-links" }, { 'N', 0, "crtimes" },
	{ 'O', 0, "omit-dir-times" }, { 'R', 0, "relative" }, { 'S', 0, "sparse" }, { 'U', 0, "atimes" },
	{ 'W', 0, "whole-file" }, { 'X', 0, "xattrs" }, { 'b', REPLACES, "backup" }, { 'c', 0, "checksum" },
	{ 'd', 0, "dirs" }, { 'g', 0, "group" }, { 'k', UNCONFINED, "copy-dirlinks" }, { 'l', 0, "links" },
	{ 'm', 0, "prune-empty-dirs" }, { 'n', 0, "dry-run" }, { 'o', 0, "owner" }, { 'p', 0, "perms" },
	{ 'q', 0, "quiet" }, { 'r', 0, "recursive" }, { 's', NEVER, "secluded-args" }, { 't', 0, "times" },
	{ 'u', 0, "update" }, { 'v', 0, "verbose" }, { 'x', 0, "one-file-system" }, { 'y', 0, "fuzzy" },
	{ 'z', 0, "compress" },
	/* These two take a number and stand alone. */
	{ 'B', 0, "block-size" }, { '@', 0, "modify-window" },
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct letter *find_letter(char c)
{
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].c == c)
			return &letters[i];
	return NULL;
}

static const struct letter *find_twin(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (strlen(letters[i].twin) == len && memcmp(letters[i].twin, name, len) == 0)
			return &letters[i];
	return len == 1 ? find_letter(*name) : NULL;
}

static const struct rule *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(longs); i++)
		if (strlen(longs[i].name) == len && memcmp(longs[i].name, name, len) == 0)
			return &longs[i];
	return NULL;
}

/* Is the option in the list, under this name or under its other one? */
static bool is_named(char *const *list, const char *name, size_t len)
{
	const struct letter *mine = find_twin(name, len), *theirs;
	const char *item;

	for (; list && *list; list++) {
		item = *list + strspn(*list, "-");
		theirs = find_twin(item, strlen(item));
		if ((strlen(item) == len && memcmp(item, name, len) == 0) || (mine && mine == theirs))
			return true;
	}
	return false;
}

bool policy_may_name(const char *name, bool deny)
{
	const char *item = name + strspn(name, "-");
	const struct rule *l = find_long(item, strlen(item));
	const struct letter *s = find_twin(item, strlen(item));
	int flags = (l ? l->flags : 0) | (s ? s->flags : 0);

	if (!l && !s)
		return false;
	if (deny)
		return strcmp(item, "server") != 0;
	return !(flags & NEVER) && flags & (OFF | UNCONFINED);
}

static bool is_refused(const struct rules *r, int flags, const char *name, size_t len)
{
	if (is_named(r->deny, name, len) || flags & NEVER)
		return true;
	if (flags & DELETES && (r->ro || r->no_del))
		return true;
	if ((flags & REPLACES && r->no_overwrite) || (flags & LOGS && r->ro))
		return true;
	return (flags & OFF || (flags & UNCONFINED && strcmp(r->dir, "/") != 0)) && !is_named(r->allow, name, len);
}

/* What -e stands for on a server: digits, a dot, flags of the protocol. */
static bool is_protocol(const char *p)
{
	p += strspn(p, "0123456789");
	if (*p++ != '.')
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return !*p;
}

static enum policy_verdict judge_letters(const struct rules *r, const char *p, struct option *o)
{
	const struct letter *l;
	enum policy_verdict verdict = POLICY_OK;

	o->kind = POLICY_NONE;
	if (*p == 'B' || *p == '@') {
		if (!p[1] || p[1 + strspn(p + 1, "0123456789")])
			return POLICY_BAD;
		snprintf(o->name, sizeof(o->name), "-%c", *p);
		return is_refused(r, 0, p, 1) ? POLICY_OFF : POLICY_OK;
	}
	for (; *p && *p != 'e'; p++) {
		l = *p == 'B' || *p == '@' ? NULL : find_letter(*p);
		if (!l)
			return POLICY_BAD;
		if (verdict == POLICY_OK && is_refused(r, l->flags, p, 1)) {
			snprintf(o->name, sizeof(o->name), "-%c", *p);
			verdict = POLICY_OFF;
		}
		o->relative |= *p == 'R';
		o->xattrs |= *p == 'X';
	}
	return *p && !is_protocol(p + 1) ? POLICY_BAD : verdict;
}

enum policy_verdict policy_option(const struct rules *r, const char *word, bool sender, struct option *o)
{
	const struct rule *l;
	size_t len;

	*o = (struct option){ 0 };
	if (word[0] != '-' || !word[1])
		return POLICY_BAD;
	if (word[1] != '-')
		return judge_letters(r, word + 1, o);
	word += 2;
	len = strcspn(word, "=");
	l = find_long(word, len);
	if (!l)
		return POLICY_BAD;
	o->kind = l->kind;
	o->removes = strcmp(l->name, "remove-source-files") == 0;
	o->value = word[len] ? word + len + 1 : NULL;
	snprintf(o->name, sizeof(o->name), "--%s", l->name);
	if (is_refused(r, l->flags, word, len) || (l->flags & SENDS && !sender))
		return POLICY_OFF;
	/* rsync itself refuses a value where none belongs. */
	return o->value && l->kind == POLICY_NONE ? POLICY_BAD : POLICY_OK;
}
