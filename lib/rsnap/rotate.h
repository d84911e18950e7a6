/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rotate.h - a rotation that is either done or undone, whatever interrupts it.
 *
 * The last slot of an interval gets the name _delete.PID; rsnapshot shifts the
 * others up one slot each, and puts the feeder (.sync, or the last slot of
 * the interval below) into slot 0: by renaming it, or, the lowest interval with
 * link_dest 0, by copying it.  Before it starts, ROOT/.secondshot/rotation notes
 * which directory is where, by inode and birth time; what is on disk afterwards
 * tells how far it came.
 */
#ifndef SS_ROTATE_H
#define SS_ROTATE_H

#include <stddef.h>
#include <stdint.h>
#include "tree/volume.h"

#define ROTATE_NAME 256

struct rotate_slot {
	char name[ROTATE_NAME];	/* hourly.0, .sync, _delete.4711 */
	uint64_t ino;
	int64_t btime;		/* nanoseconds; 0 = the file system has none */
};

struct rotate_list {
	struct rotate_slot *slot;
	size_t n;
};

struct rotate {
	char interval[ROTATE_NAME];
	char feeder[ROTATE_NAME];
	int copy;		/* the feeder is copied, and stays */
	int64_t when;		/* of the run, seconds since 1970; 0 = the journal does not tell */
	int late;		/* for hosts that missed the last one: no promotion is recorded */
	/* Hosts, NULL-ended, malloc'd as they are: whose turn it is (NULL = everybody's), who will have missed it. */
	char **turn, **missed;
	struct rotate_list before;
};

/* N of the location NAME.N, or -1 if it is none. */
long rotate_slot_number(const char *location, const char *name);
void rotate_free(struct rotate *r);
void rotate_list_free(struct rotate_list *l);

/*
 * Note in r, of which copy, when, late, turn and missed are set, and in the journal what
 * is where.  0, or -1 after reporting.  rotate_free() in every case.
 */
int rotate_begin(const struct volume *v, struct rotate *r, const char *interval, const char *feeder);

/*
 * Rename slot last, if it is there, to _delete.PID, as rsnapshot would, which crosses into
 * what is mounted below when it removes that; trash.h does not.  0, or -1 after reporting.
 */
int rotate_aside(const struct volume *v, const struct rotate *r, unsigned last);

/* Read the journal of a rotation that was not ended: 1, 0 there is none, -1 after reporting. */
int rotate_read(const struct volume *v, struct rotate *r);

/* What of r's interval and feeder is where now, _delete.PID too.  0, or -1 after reporting. */
int rotate_look(const struct volume *v, const struct rotate *r, struct rotate_list *now);

enum rotate_state {
	ROTATE_UNTOUCHED,	/* everything is where it was */
	ROTATE_DONE,		/* a slot is the feeder, or somebody went on by hand since */
	ROTATE_COPIED,		/* slot 0 is new: a copy of the feeder, of which this cannot tell if it is whole */
	ROTATE_HALF,		/* something was shifted, no more */
};

struct rotate_step {
	char from[ROTATE_NAME];
	char to[ROTATE_NAME];	/* "" = discard it */
};

struct rotate_plan {
	enum rotate_state state;
	struct rotate_step *step;	/* what brings everything back, in this order */
	size_t n;
};

/* How far did it come, and how is it undone?  Each directory goes back; a new slot 0 is discarded.  Pure. */
void rotate_plan(const struct rotate *r, const struct rotate_list *now, struct rotate_plan *p);
void rotate_plan_free(struct rotate_plan *p);

/* Do the steps of p; what is discarded goes to the trash.  0, or -1 after reporting. */
int rotate_undo(const struct volume *v, const struct rotate_plan *p);

/* Over: done (see promoted.h, missed.h) or undone.  Flush, remove the journal.  0, or -1 after reporting. */
int rotate_done(const struct volume *v, const struct rotate *r);
int rotate_undone(const struct volume *v);

#endif
