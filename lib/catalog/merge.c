/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/merge.h"

#include <string.h>

static int same_owner(const struct entry *a, const struct entry *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

static int same_time(const struct entry *a, const struct entry *b)
{
	return a->mtime == b->mtime && a->mtime_ns == b->mtime_ns;
}

static int same_data(const struct entry *a, const struct entry *b)
{
	return a->data_len == b->data_len && !memcmp(a->data, b->data, a->data_len);
}

enum merge_verdict merge_compare(const struct entry *disk, const struct row *row)
{
	const struct entry *was = &row->e;

	if (disk->type != was->type)
		return MERGE_OTHER;
	if (disk->type != 'f')
		return same_owner(disk, was) && same_time(disk, was) && same_data(disk, was)
			? MERGE_SAME : MERGE_OTHER;

	int same_content = disk->size == was->size && same_time(disk, was);
	if (disk->ino != was->ino)
		return MERGE_OTHER;
	if (disk->btime && was->btime ? disk->btime != was->btime : !same_content)
		return MERGE_OTHER;
	if (!same_content)
		return MERGE_OVERWRITE;
	return same_owner(disk, was) ? MERGE_SAME : MERGE_RELABEL;
}

int merge_run(struct walk *w, struct rows *r, merge_fn *fn, void *arg)
{
	const struct entry *disk;
	const struct row *row;
	int have_disk = walk_next(w, &disk), have_row = rows_next(r, &row), rc = 0;

	while (have_disk >= 0 && have_row >= 0 && (have_disk || have_row)) {
		int order = !have_disk ? 1 : !have_row ? -1 :
			entry_path_cmp(disk->path, disk->path_len, row->e.path, row->e.path_len);

		if (order < 0)
			rc = fn(MERGE_ADDED, disk, NULL, arg);
		else if (order > 0)
			rc = fn(MERGE_REMOVED, NULL, row, arg);
		else
			rc = fn(merge_compare(disk, row), disk, row, arg);
		if (rc)
			return rc;
		if (order <= 0)
			have_disk = walk_next(w, &disk);
		if (order >= 0)
			have_row = rows_next(r, &row);
	}
	return have_row < 0 ? -1 : have_disk < 0 ? MERGE_UNREAD : 0;
}
