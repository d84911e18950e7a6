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

/* The long options, and the letters each as "x=NAME" with the long one of its meaning. */
static const struct rule {
	int flags;
	enum policy_value kind;
	const char *names;
} longs[] = {
	{ 0, POLICY_NONE, "append dirs existing fake-super force from0 fsync fuzzy group hard-links ignore-errors "
	  "ignore-existing ignore-missing-args ignore-times inplace links list-only mkpath msgs2stderr munge-links "
	  "new-compress no-W no-implied-dirs no-msgs2stderr no-r no-relative no-specials numeric-ids old-compress "
	  "one-file-system open-noatime owner partial perms preallocate recursive safe-links server size-only "
	  "specials stats super times use-qsort" },
	{ DELETES, POLICY_NONE, "delete delete-after delete-before delete-delay delete-during delete-excluded "
	  "delete-missing-args remove-sent-files remove-source-files" },
	{ 0, POLICY_PLAIN, "block-size bwlimit checksum-choice checksum-seed compress-choice compress-level "
	  "compress-threads groupmap iconv info log-format max-alloc max-delete max-size min-size modify-window "
	  "only-write-batch skip-compress stderr suffix timeout usermap" },
	{ 0, POLICY_BASIS, "compare-dest copy-dest link-dest" },
	{ REPLACES, POLICY_MAKE, "backup-dir partial-dir" },
	{ 0, POLICY_THERE, "temp-dir" },
	{ 0, POLICY_FILE, "files-from" },
	{ LOGS | REPLACES, POLICY_FILE, "log-file" },
	{ REPLACES, POLICY_NONE, "delay-updates" },
	{ SENDS, POLICY_NONE, "sender" },
	{ OFF, POLICY_NONE, "copy-devices no-munge-links write-devices" },
	{ OFF, POLICY_PLAIN, "debug" },
	{ UNCONFINED, POLICY_NONE, "copy-unsafe-links" },
	{ NEVER, POLICY_NONE, "daemon" },
}, letters[] = {
	{ 0, POLICY_NONE, "A=acls C=cvs-exclude D=devices E=executability H=hard-links I=ignore-times "
	  "J=omit-link-times N=crtimes O=omit-dir-times R=relative S=sparse U=atimes W=whole-file X=xattrs "
	  "c=checksum d=dirs g=group l=links m=prune-empty-dirs n=dry-run o=owner p=perms q=quiet r=recursive "
	  "t=times u=update v=verbose x=one-file-system y=fuzzy z=compress" },
	{ 0, POLICY_PLAIN, "B=block-size @=modify-window" },
	{ REPLACES, POLICY_NONE, "b=backup" },
	{ UNCONFINED, POLICY_NONE, "K=keep-dirlinks L=copy-links k=copy-dirlinks" },
	{ NEVER, POLICY_NONE, "s=secluded-args" },
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The rule that has the name, of len bytes; *item, if it is asked for, is where its item begins. */
static const struct rule *find(const struct rule *list, size_t n, const char *name, size_t len, const char **item)
{
	const char *p, *end, *twin;

	for (const struct rule *l = list; l < list + n; l++) {
		for (p = l->names; *p; p = end + (*end == ' ')) {
			end = p + strcspn(p, " ");
			twin = p[1] == '=' ? p + 2 : p;
			if (item)
				*item = p;
			if (((size_t)(end - twin) == len && memcmp(twin, name, len) == 0) ||
			    (twin != p && len == 1 && *p == *name))
				return l;
		}
	}
	return NULL;
}

/* Is the option in the list, by this name or by its other one? */
static bool is_named(char *const *list, const char *name, size_t len)
{
	const char *mine, *theirs, *item;
	bool has_letter = find(letters, LEN(letters), name, len, &mine);

	for (; list && *list; list++) {
		item = *list + strspn(*list, "-");
		if ((strlen(item) == len && memcmp(item, name, len) == 0) ||
		    (has_letter && find(letters, LEN(letters), item, strlen(item), &theirs) && mine == theirs))
			return true;
	}
	return false;
}

bool policy_may_name(const char *name, bool deny)
{
	const char *item = name + strspn(name, "-");
	const struct rule *l = find(longs, LEN(longs), item, strlen(item), NULL);
	const struct rule *s = find(letters, LEN(letters), item, strlen(item), &name);
	int flags = (l ? l->flags : 0) | (s ? s->flags : 0);

	if (!l && !s)
		return false;
	return deny ? strcmp(item, "server") != 0 : !(flags & NEVER) && flags & (OFF | UNCONFINED);
}

static bool is_refused(const struct rules *r, int flags, const char *name, size_t len)
{
	if (flags & NEVER || is_named(r->deny, name, len) || (flags & DELETES && (r->ro || r->no_del)) ||
	    (flags & REPLACES && r->no_overwrite) || (flags & LOGS && r->ro))
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
	enum policy_verdict verdict = POLICY_OK;
	const struct rule *l;
	const char *item;

	for (; *p && *p != 'e'; p++) {
		l = find(letters, LEN(letters), p, 1, &item);
		/* Those with a number stand alone. */
		if (!l || (l->kind == POLICY_PLAIN && (p[-1] != '-' || !p[1] || p[1 + strspn(p + 1, "0123456789")])))
			return POLICY_BAD;
		if (verdict == POLICY_OK && is_refused(r, l->flags, p, 1)) {
			snprintf(o->name, sizeof(o->name), "-%c", *p);
			verdict = POLICY_OFF;
		}
		if (l->kind == POLICY_PLAIN)
			return verdict;
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
	l = find(longs, LEN(longs), word, len, NULL);
	if (!l)
		return POLICY_BAD;
	o->kind = l->kind;
	o->value = word[len] ? word + len + 1 : NULL;
	snprintf(o->name, sizeof(o->name), "--%.*s", (int)len, word);
	o->removes = l->flags & DELETES && *word == 'r';
	if (is_refused(r, l->flags, word, len) || (l->flags & SENDS && !sender))
		return POLICY_OFF;
	/* rsync itself refuses a value where none belongs. */
	return o->value && l->kind == POLICY_NONE ? POLICY_BAD : POLICY_OK;
}
