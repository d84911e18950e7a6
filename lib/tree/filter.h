/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h - records or names in, the same with digests out: the loop of ss-hash.
 *
 * There are two batches: while threads read the files of one, the results of
 * the one before are written and the next is filled.  Records leave in the order
 * they came in, and are not held back for an input that is slow.
 */
#ifndef SS_FILTER_H
#define SS_FILTER_H

#include <stdio.h>
#include "base/lines.h"
#include "tree/hash.h"
#include "tree/stream.h"

enum filter_format { FILTER_STREAM, FILTER_SUMS, FILTER_JSON };

struct filter {
	/* where names come from: one of the three */
	struct stream *stream;		/* its header has been read */
	const char *const *args;	/* NULL-ended */
	struct lines *lines;		/* each ended by delim */
	char delim;
	/* what is done */
	struct hash_pool *pool;		/* NULL if refused is set */
	const struct hash_algo *algo;
	enum stream_state refused;	/* what becomes of every record unseen; ST_TODO = look */
	/* where results go */
	FILE *out;
	enum filter_format format;
	int zero;			/* FILTER_STREAM: the -0 form */
	int quiet;			/* no progress */
};

/* Do it all, from the first record to "#end"; the header is the caller's.  An exit code. */
int filter_run(const struct filter *f);

#endif
