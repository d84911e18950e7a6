/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.h - digests from a stream into the catalog.
 */
#ifndef SS_STORE_H
#define SS_STORE_H

#include <stdio.h>
#include "catalog/catalog.h"

/*
 * Read secondshot-stream(5) from in and keep its digests, in batches: what was
 * stored stays, whatever comes after.  A digest that is there already is never
 * overwritten, and a file that the saveset does not hold gets neither a digest nor
 * a verdict: such records are counted.  When all files of the saveset have one, its full digest goes
 * into the catalog and its marker.  Returns SS_OK; SS_FINDINGS if a digest
 * differs from the one stored before; SS_INCOMPLETE if files are still without
 * one, records were refused, or the stream ends too early; SS_FAIL after reporting.
 */
int store_run(struct catalog *cat, FILE *in);

/*
 * Recompute what is known of a saveset's files; when none is without a digest,
 * put the full digest into the catalog and the marker, wherever that lies.
 * *unhashed = how many are without.  0; 1 if the marker lies nowhere any more,
 * which was said; -1 after reporting.
 */
int store_finish(struct catalog *cat, const struct saveset *s, int64_t *unhashed);

#endif
