/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_recover.h - what earlier runs left undone.
 */
#ifndef SS_RUN_RECOVER_H
#define SS_RUN_RECOVER_H

#include "run/run.h"

/*
 * Collect what earlier runs left: trash, a rotation half done, _delete.*, a
 * catalog out of step with the disk, files not hashed yet (of the newest saveset
 * of each host wanted).  0, or -1 after reporting: then the run must not go on.
 */
int run_recover(struct run *r);

/*
 * Remove what rsnapshot left over of what it was deleting, and all else that is in the
 * trash, as far as that goes (trash_empty()).  0, or -1 after reporting.
 */
int run_recover_deleted(struct run *r);

#endif
