/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include "options.h"

#define DIGITS "0123456789"
#define WORD DIGITS "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The rule for a letter or a long name, of len bytes; *item is where it stands there. */
static const struct rule *find(const char *name, size_t len, const char **item)
{
	const char *p, *full, *end;

	for (const struct rule *rule = rules; rule < rules + LEN(rules); rule++) {
		for (p = rule->names; *p; p = end + (*end == ' ')) {
			end = p + strcspn(p, " ");
			full = p[1] == '=' || p[1] == ':' ? p + 2 : p;
			*item = p;
			if (len == 1 ? full > p && *p == *name
				     : (size_t)(end - full) == len && memcmp(full, name, len) == 0)
				return rule;
		}
	}
	return NULL;
}

void policy_name(struct rules *r, const char *name, bool deny)
{
	const char *bare = name + strspn(name, "-"), *item, **list = deny ? r->deny : r->allow;
	const struct rule *rule = find(bare, strlen(bare), &item);
	size_t n = 0;

	if (!rule || (deny ? strcmp(bare, "server") == 0 : !(rule->flags & (OFF | UNCONFINED))))
		refuse("%s: %s", deny ? "-deny: no such option" : "-allow: not for this option", name);
	while (list[n])
		n++;
	if (n == POLICY_NAMES - 1)
		refuse("too many options behind -allow or -deny");
	list[n] = item;
}

static bool is_named(const char *const *list, const char *item)
{
	while (*list && *list != item)
		list++;
	return *list;
}

/* The rule of the letter or the long name at p, of len bytes, in word, unless r is against it. */
static const struct rule *judge(const struct rules *r, const char *word, const char *p, size_t len, bool sender)
{
	int off = NEVER | (r->ro || r->no_del ? DELETES : 0) | (r->no_overwrite ? REPLACES : 0) |
		  (r->ro ? LOGS : 0) | (sender ? 0 : SENDS);
	int unless = OFF | (r->dir[1] ? UNCONFINED : 0);
	const char *item, *dashes = word[1] == '-' ? "--" : "-";
	const struct rule *rule = find(p, len, &item);

	if (!rule || (dashes[1] && (len == 1 || item[1] == ':')))
		refuse("invalid rsync-command syntax or options: %s", word);
	if (rule->flags & off || is_named(r->deny, item) || (rule->flags & unless && !is_named(r->allow, item)))
		refuse("option %s%.*s has been disabled on this server.", dashes, (int)len, p);
	return rule;
}

void policy_option(const struct rules *r, const char *word, bool sender, struct option *o)
{
	size_t len = word[0] == '-' && word[1] == '-' ? strcspn(word, "=") : 0;
	const struct rule *rule;
	const char *p = word + 1;
	bool good = *word == '-' && *p;

	*o = (struct option){ 0 };
	if (len) {
		rule = judge(r, word, word + 2, len - 2, sender);
		snprintf(o->name, sizeof(o->name), "%.*s", (int)len - 2, word + 2);
		o->kind = rule->kind;
		o->value = word[len] ? len + 1 : 0;
		o->removes = rule->flags & DELETES && word[2] == 'r';
		/* rsync itself refuses a value where none belongs. */
		good = !o->value || o->kind != POLICY_NONE;
	} else if (good && strchr("B@", *p)) {
		/* Letters with a number stand alone. */
		judge(r, word, p, 1, sender);
		good = p[1] && !p[1 + strspn(p + 1, DIGITS)];
	} else if (good) {
		for (; *p && *p != 'e'; p++) {
			good = good && judge(r, word, p, 1, sender)->kind == POLICY_NONE;
			o->relative |= *p == 'R';
			o->xattrs |= *p == 'X';
		}
		/* What -e stands for on a server: digits, a dot, flags of the protocol. */
		if (*p) {
			p += 1 + strspn(p + 1, DIGITS);
			good = good && *p == '.' && !p[1 + strspn(p + 1, WORD)];
		}
	}
	if (!good)
		refuse("invalid rsync-command syntax or options: %s", word);
}
