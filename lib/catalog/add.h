/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * add.h - a tree becomes a saveset: walked, merged with its predecessor's rows,
 * published.
 *
 * Killed anywhere, it leaves a saveset that is not published and that no
 * look-up shows; the next add of the series removes it.  The marker is written
 * before the one transaction that publishes, so the catalog never claims what
 * the disk does not know.
 */
#ifndef SS_ADD_H
#define SS_ADD_H

#include <stdio.h>
#include "catalog/catalog.h"

struct add_options {
	const char *host;
	const char *location;		/* usually ".sync" */
	const char *reason;		/* why it is not complete, or NULL */
	enum saveset_status status;	/* SV_COMPLETE, SV_PARTIAL, SV_FAILED or SV_STALE */
	/* The saveset gets this marker's id and date; NULL = its own.  If the marker has a digest of the
	 * metadata and the tree has another, the saveset is unattested. */
	const struct marker *as;
	int64_t vanished;		/* files that went away while rsync ran */
	int accept;			/* take an empty tree after one that had files */
	int zero;			/* write the stream's -0 form */
	int stamp;			/* no run has given the disk one (same_disk.h): do it */
};

/*
 * Catalogue ROOT/LOCATION/HOST and write the files that have no digest to out,
 * as secondshot-stream(5).  For SV_FAILED and SV_STALE nothing is walked or
 * written: the attempt is recorded.  Returns SS_OK; SS_FINDINGS for an empty
 * tree that was not accepted; SS_INCOMPLETE if something could not be read;
 * SS_FAIL after reporting.  *made (for saveset_free) is what was published or
 * recorded, all zero where nothing was.
 */
int add_run(struct catalog *cat, const struct conf *c, const struct volume *v,
	    const struct add_options *o, FILE *out, struct saveset *made);

#endif
