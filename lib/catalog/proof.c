/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/msg.h"
#include "catalog/merge.h"
#include "catalog/verdict.h"

struct proof {
	struct walk *walk;
	int unknown;		/* something that the catalog knows could not be looked at */
	/* A later sync changed files of the saveset through hard links: other attributes, other content. */
	int relabelled, overwritten;
};

static int only_same(enum merge_verdict v, const struct entry *disk, const struct row *row, void *arg)
{
	struct proof *p = arg;

	if (v == MERGE_REMOVED && walk_skipped(p->walk, row->e.path, row->e.path_len)) {
		p->unknown = 1;
		return 0;
	}
	if (v == MERGE_SAME || (v == MERGE_RELABEL && p->relabelled) || (v == MERGE_OVERWRITE && p->overwritten))
		return 0;
	if (!disk || !row)
		return 1;
	/* A copy of the whole disk has other inodes; what counts is what the metadata digest holds. */
	struct buf why = { 0 };
	verdict_structure(disk, &row->e, &why);
	int differs = why.len > 0;
	buf_free(&why);
	return differs;
}

int proof_tree(struct catalog *cat, const struct volume *v, const struct saveset *s,
	       const char *location)
{
	int loc = volume_location(v, location), rc = 0;
	int tree = loc < 0 ? -1 : openat(loc, s->host, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct walk *walk = tree < 0 ? NULL : walk_open(tree, location);

	if (walk) {
		struct rows *rows = rows_open(cat, s->series, s->seq);
		int lasting = strcmp(location, ".sync") != 0;
		struct proof p = { .walk = walk, .relabelled = lasting && (s->relabelled || s->overwritten),
				   .overwritten = lasting && s->overwritten };
		int got = merge_run(walk, rows, only_same, &p);

		rc = got < 0 ? got : !got && p.unknown ? PROOF_UNREAD : !got;
		rows_close(rows);
	} else if (tree >= 0) {
		rc = PROOF_UNREAD;
	} else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
		msg_error("%s/%s: %m", escape_name(location), escape_name(s->host));
		rc = PROOF_UNREAD;
	}
	walk_close(walk);
	if (tree >= 0)
		close(tree);
	if (loc >= 0)
		close(loc);
	return rc;
}
