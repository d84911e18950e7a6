/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * batch.h - changes of rows, collected and then written in one short transaction.
 *
 * Between two flushes nothing is locked.  The regular files that want a digest
 * are told to a callback as soon as that is known: most of them before their rows
 * are committed, so that ss-hash need not wait for the database.  Who stores a
 * digest before its inode is there keeps it until it is (store.c).
 */
#ifndef SS_BATCH_H
#define SS_BATCH_H

#include "catalog/rows.h"
#include "tree/hash.h"

struct batch;

/* Called once for each inode without a digest; e->since is its key. */
typedef void batch_want_fn(const struct entry *e, void *arg);

/*
 * Changes for saveset seq of series, whose predecessor is seq - 1; inodes that
 * were known before saveset oldest are not taken for the same as a new path's.
 * algo: of the digests that are to come.
 */
struct batch *batch_new(struct catalog *cat, int64_t series, int64_t seq, int64_t oldest,
			const struct hash_algo *algo, batch_want_fn *want, void *arg);

/* Close a row with the predecessor. */
void batch_close(struct batch *b, const struct row *row);

/*
 * Open a row for e, which lies in directory dir.  A directory's contents are
 * number sub, and fresh says that nobody knows that number yet.  A regular file
 * has its inode in the catalog already if e->since is not 0.
 */
void batch_open(struct batch *b, const struct entry *e, int64_t dir, int64_t sub, int fresh);

/* The row stays; its digest is wanted. */
void batch_want(struct batch *b, const struct entry *e);

/* Write if enough was collected (or, with force, anything).  0, or -1 after reporting. */
int batch_flush(struct batch *b, int64_t next_dir, int force);

/* Files that were moved or written to while the tree was walked, so far. */
unsigned long batch_conflicts(const struct batch *b);

void batch_free(struct batch *b);	/* what was not flushed is forgotten; NULL is a no-op */

#endif
