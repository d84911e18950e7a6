/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * recover.h - a rotation that did not end: finished or undone, and the trees that
 * were held out of it (held.h) put back.
 */
#ifndef SS_RECOVER_H
#define SS_RECOVER_H

#include "rsnap/rotate.h"

/*
 * Settle what the journal and held tell of, and say so; the caller holds the
 * volume's lock, and no rsnapshot is at work.  0, or -1 after reporting.
 */
int recover_rotation(const struct volume *v);

/*
 * Is there nothing to settle?  For who must not change anything: what is held out
 * of a rotation looks as if it were gone.  0, or -1 after reporting that there is.
 */
int recover_none(const struct volume *v);

/* Do what the plan says and forget the rotation.  0, or -1 after reporting. */
int recover_undo(const struct volume *v, const struct rotate_plan *plan);

#endif
