/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy.h - which options of rsync's server side are accepted, and what becomes
 * of their values.  Pure: no file system, no environment.
 */
#ifndef RRSYNC_POLICY_H
#define RRSYNC_POLICY_H

#include <stdbool.h>
#include <stddef.h>

/* What stands in authorized_keys.  Strings and lists belong to the caller. */
struct rules {
	const char *dir;	/* its real path; "/" means: no confinement by paths */
	int dirfd;		/* the same, open */
	bool ro, wo, munge, absolute, no_del, no_lock, no_overwrite;
	bool strict;		/* refuse where the kernel or rsync lacks a part */
	const char *rate;	/* --bwlimit, or NULL */
	const char *log;	/* syslog facility, or NULL */
	char *const *allow, *const *deny;	/* names of options, ended by NULL; may be NULL */
	bool can_confine, can_drop;	/* this rsync has --confine-root, --drop-D */
};

enum policy_value {
	POLICY_NONE,	/* takes no value */
	POLICY_PLAIN,	/* a value that is no path that matters */
	POLICY_BASIS,	/* a directory to compare with; when receiving, checked */
	POLICY_MAKE,	/* a directory that is made if it is missing; likewise */
	POLICY_THERE,	/* a directory that must exist; likewise */
	POLICY_FILE,	/* a file, always checked */
};

/* What one option is. */
struct option {
	enum policy_value kind;
	char name[32];		/* for messages: "--delete", or "-x" of the letter refused */
	const char *value;	/* behind its "=", within the word; NULL: it is the next word */
	bool relative;		/* -R is among these letters */
	bool xattrs;		/* -X is */
	bool removes;		/* it is --remove-source-files */
};

enum policy_verdict {
	POLICY_OK,
	POLICY_OFF,	/* a known option that is refused here; option.name says which */
	POLICY_BAD,	/* nothing that a server is asked for */
};

/* Judge one word in the place of options.  sender: the command has --sender. */
enum policy_verdict policy_option(const struct rules *r, const char *word, bool sender, struct option *o);

/*
 * May -allow or -deny (deny true) name this option, with or without its dashes?
 * What would take the checks away can never be allowed.
 */
bool policy_may_name(const char *name, bool deny);

#endif
