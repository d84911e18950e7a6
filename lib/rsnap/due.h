/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * due.h - which intervals are to be promoted into now, and why.
 *
 * An interval's period is that of its key (period.NAME, on.NAME), else that of its
 * name (period.h).  It runs from the last promotion into NAME.0, which is what
 * promoted.h tells, else NAME.0's own ctime; "never" is no period: only who asks for NAME
 * (--rotate) has it promoted into.  A larger interval is due when its
 * period is over and the last slot of the interval below is there; the lowest at
 * every run, unless it has a key.
 *
 * All this is asked of each host: several configurations may have hosts on one root, even
 * the same ones, and each host has its turn when its own period is over.  A host that is
 * not on record yet goes with the others of its configuration.
 */
#ifndef SS_DUE_H
#define SS_DUE_H

#include <stddef.h>
#include <stdint.h>
#include "conf/conf.h"
#include "rsnap/rsnap.h"
#include "tree/volume.h"

struct due_host {
	int64_t last;		/* of its promotion, seconds since 1970; 0 = never */
	int recorded;		/* last is what the record has for it, and needs no correction */
	int over;		/* its period is */
};

struct due {
	size_t interval;	/* index of its retain line; 0 = the lowest */
	const char *name;	/* the rsnap's */
	char *period;		/* "1w", "sunday", or "" = none, or, the lowest, every run */
	int64_t last;		/* that of the host whose turn comes first */
	int64_t next;		/* first moment it is due by its period; 0 = no period */
	struct due_host *host;	/* each of the rsnap's hosts, in their order */
	char *feeder;		/* the location that it takes over; NULL: the lowest, which takes .sync */
	int fed;		/* that has a tree of ours, or it cannot be told; 1 for the lowest */
	int due;
	char *why;		/* it is due, or not; one phrase */
};

struct due_list {
	struct due *due;
	size_t n;
};

/*
 * What is wrong with the first of c's keys period.NAME and on.NAME that is wrong
 * (an interval that rs has not, a text that is none), malloc'd; NULL = nothing.
 */
char *due_complaint(const struct conf *c, const struct rsnap *rs);

/* The text of an interval's period, owned by c or a constant; NULL: none is known, or, the lowest, every run. */
const char *due_period(const struct conf *c, const struct rsnap *rs, size_t interval);

/*
 * The larger intervals into which nothing is ever promoted, since neither a key nor their
 * names tell a period: "beta, gamma", malloc'd; NULL = there are none.
 */
char *due_unknown(const struct conf *c, const struct rsnap *rs);

/*
 * Find out what is due at now, the time the run began, the larger intervals first.
 * Nothing is written; no lock is needed.  0, or -1 after reporting a wrong key.
 * due_free() in every case.
 */
int due_list(const struct volume *v, const struct rsnap *rs, const struct conf *c, int64_t now,
	     struct due_list *l);
void due_free(struct due_list *l);

/*
 * Write down what the record does not have or has in the future (a run does so
 * before it changes anything: the ctime of NAME.0 does not outlive that).  0, or -1
 * after reporting.
 */
int due_remember(const struct volume *v, const struct rsnap *rs, const struct due_list *l);

/* What due_list() found, on stdout: a table in local time, or JSON Lines (type "due"). */
void due_show(const struct due_list *l, int json);

#endif
