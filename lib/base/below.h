/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * below.h - somebody else's program, run below us: what it prints is quoted (quote.h),
 * the time that it may take is bounded, and what it started ends with it.
 */
#ifndef SS_BELOW_H
#define SS_BELOW_H

#include <stdint.h>
#include "base/quote.h"

#define BELOW_LATE 124		/* exit code of one of ours that ended another for its time */
#define BELOW_GRACE 5000	/* ms; enough to put things back */

struct below {
	struct quote *out;	/* gets all that it prints; below_run() ends it */
	int64_t limit;		/* ms that it may take, 0 = any time */
	int64_t grace;		/* ms between SIGTERM and SIGKILL */
	int family;		/* it shares our process group and descriptors, and with it ends all
				 * that is below us (family.h); else as child_start_group() starts it,
				 * and its group and all that it left below us end */
	int keep;		/* a descriptor that a family inherits, too; 0 = none */
	int patient;		/* asked to stop, we wait for it as long as it takes */
	int late;		/* set: it was ended because of limit */
};

/*
 * Run argv with env (of a family: added to ours, else all there is).  After limit it and
 * what it started get SIGTERM, after grace SIGKILL.  The same, without SIGTERM, which it
 * got already, when we were asked to stop (child_kill_all()) while it runs, unless we are
 * patient.  A daemon that it leaves behind is not waited for.  Its status as child_wait(),
 * 128 + SIGKILL where even that did not end it, or -1 after reporting that it was not run.
 */
int below_run(struct below *b, const char *const argv[], const char *const env[]);

#endif
