/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.h - the options of rsync's server side, for policy.c: data, and no code. */
#ifndef RRSYNC_OPTIONS_H
#define RRSYNC_OPTIONS_H

#include "policy.h"

enum {
	OFF = 1,	/* refused, unless it is named by -allow */
	UNCONFINED = 2,	/* refused, unless DIR is "/" or it is named by -allow */
	NEVER = 4,	/* refused, whatever is allowed: it would take the checks away */
	DELETES = 8,	/* refused by -ro and -no-del */
	REPLACES = 16,	/* refused by -no-overwrite: it can reach another existing file */
	LOGS = 32,	/* refused by -ro */
	SENDS = 64,	/* refused, unless the command is one to send */
};

/* NAME, or x=NAME with its letter, or x:NAME, which clients send as the letter only. */
static const struct rule {
	int flags;
	enum policy_value kind;
	const char *names;
} rules[] = {
	{ 0, POLICY_NONE, "A:acls C:cvs-exclude D:devices E:executability H=hard-links I=ignore-times "
	  "J:omit-link-times N:crtimes O:omit-dir-times R:relative S:sparse U:atimes W:whole-file X:xattrs "
	  "c:checksum d=dirs g=group l=links m:prune-empty-dirs n:dry-run o=owner p=perms q:quiet r=recursive "
	  "t=times u:update v:verbose x=one-file-system y=fuzzy z:compress append existing fake-super force "
	  "from0 fsync ignore-errors ignore-existing ignore-missing-args inplace list-only mkpath msgs2stderr "
	  "munge-links new-compress no-W no-implied-dirs no-msgs2stderr no-r no-relative no-specials numeric-ids "
	  "old-compress open-noatime partial preallocate safe-links server size-only specials stats super "
	  "use-qsort" },
	{ DELETES, POLICY_NONE, "delete delete-after delete-before delete-delay delete-during delete-excluded "
	  "delete-missing-args remove-sent-files remove-source-files" },
	{ 0, POLICY_PLAIN, "@=modify-window B=block-size bwlimit checksum-choice checksum-seed compress-choice "
	  "compress-level compress-threads groupmap iconv info log-format max-alloc max-delete max-size min-size "
	  "only-write-batch skip-compress stderr suffix timeout usermap" },
	{ 0, POLICY_BASIS, "compare-dest copy-dest link-dest" },
	{ REPLACES, POLICY_MAKE, "backup-dir partial-dir" },
	{ 0, POLICY_THERE, "temp-dir" },
	{ 0, POLICY_FILE, "files-from" },
	{ LOGS | REPLACES, POLICY_FILE, "log-file" },
	{ REPLACES, POLICY_NONE, "b:backup delay-updates" },
	{ SENDS, POLICY_NONE, "sender" },
	{ OFF, POLICY_NONE, "copy-devices no-munge-links write-devices" },
	{ OFF, POLICY_PLAIN, "debug" },
	{ UNCONFINED, POLICY_NONE, "K:keep-dirlinks L:copy-links k:copy-dirlinks copy-unsafe-links" },
	{ NEVER, POLICY_NONE, "daemon s:secluded-args" },
};

#endif
