/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy.h - which options of rsync's server side are accepted, and what becomes
 * of their values.  Pure: no file system, no environment.
 */
#ifndef RRSYNC_POLICY_H
#define RRSYNC_POLICY_H

#include "base.h"

#define POLICY_NAMES 64	/* of -allow and of -deny, with the NULL at their end */

/* What stands in authorized_keys.  The strings belong to the caller. */
struct rules {
	const char *dir;	/* its real path; "/" means: no confinement by paths */
	int dirfd;		/* the same, open */
	bool ro, wo, munge, absolute, no_del, no_lock, no_overwrite;
	bool strict;		/* refuse where the kernel or rsync lacks a part */
	const char *rate;	/* --bwlimit, or NULL */
	const char *log;	/* syslog facility, or NULL */
	const char *allow[POLICY_NAMES], *deny[POLICY_NAMES];	/* see policy_name() */
	bool can_confine;	/* this rsync has --confine-root and --drop-D */
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
	char name[32];		/* "delete"; of letters, nothing */
	size_t value;		/* where it begins in the word, behind "="; 0: it is the next word */
	bool relative;		/* -R is among these letters */
	bool xattrs;		/* -X is */
	bool removes;		/* it is --remove-source-files */
};

/*
 * What the word is, in the place of options, in *o; if it is not accepted, that is the
 * end: refuse().  sender: the command has --sender.
 */
void policy_option(const struct rules *r, const char *word, bool sender, struct option *o);

/*
 * Put the option of this name, with or without its dashes, on r's list of what is
 * allowed or, if deny, denied; refuse() what cannot be: what would take the checks away
 * is never allowed.
 */
void policy_name(struct rules *r, const char *name, bool deny);

#endif
