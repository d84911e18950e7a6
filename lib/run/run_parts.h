/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_parts.h - what a run deals with: hosts, rotations, the user's commands.
 */
#ifndef SS_RUN_PARTS_H
#define SS_RUN_PARTS_H

#include <stddef.h>
#include <stdint.h>
#include "rsnap/rsnap_conf.h"

enum run_state {
	RUN_IDLE,		/* not tried */
	RUN_WAITS,		/* its new saveset lies only in .sync: it is rotated, not synced over */
	RUN_COMPLETE, RUN_PARTIAL, RUN_FAILED,
	RUN_HELD,		/* its new saveset stays in .sync until somebody has looked at it */
};

enum run_phase { RUN_SYNC, RUN_CATALOGUE, RUN_VERIFY, RUN_PHASES };

struct run_host {
	const char *name;	/* owned by the rsnap */
	int wanted;		/* named, or nobody was */
	enum run_state state;
	int turn;		/* of what is rotated now it is its turn, whether it moves or not */
	int moves;		/* takes part in rotations: it has a new saveset to move */
	int64_t before;		/* id of the saveset that was in .sync before the sync, 0 = none */
	int64_t files;
	char *saveset;		/* name of the new one, or NULL */
	char *why;		/* it failed, or is partial or held, or NULL */
	struct rsnap_conf job;	/* what rsnapshot gets for its syncs */
	/* For the summary. */
	enum run_state became;	/* what this run made of it, also once that has rotated */
	int stale;		/* it failed, and rsnapshot put an old copy in its place */
	int64_t ms[RUN_PHASES];	/* how long each took, catalogue with hashes; 0 = there was none */
};

struct run_rotation {
	char *interval, *why;
	int result;		/* as that of run_rotate() */
	size_t moved;		/* hosts that took part */
	int64_t ms;
};

/* How far the commands of rsnapshot's configuration have come; see run_exec.h. */
struct run_commands {
	int owed;		/* cmd_postexec is to be run at the end */
	int begun;		/* a transfer was, and so were backup_exec lines */
	size_t next;		/* the first of them that was not run */
	char *why;		/* a required one failed, or NULL */
	size_t from;		/* it stands behind so many points */
};

#endif
