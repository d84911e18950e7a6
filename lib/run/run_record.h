/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_record.h - a record of each run in the catalog (table runs): when it began
 * and ended, and how.
 *
 * While the catalog is away it lies in ROOT/.secondshot/runs/ID, and the next run
 * that finds the catalog enters it.  A record that cannot be made is told, and makes
 * the run incomplete; it stops nothing.
 */
#ifndef SS_RUN_RECORD_H
#define SS_RUN_RECORD_H

#include <jansson.h>
#include "run/run.h"

/*
 * The volume is ours: begin the record; where the catalog is there, enter those of
 * earlier runs, and close those of runs that were killed.
 */
void run_record_begin(struct run *r);

/* The run ends with this code, and has this to say of itself (run_summary.h). */
void run_record_end(struct run *r, int code, const json_t *summary);

#endif
