/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/verdict.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = { "unknown", "ok", "corrupt", "changed", "missing",
					     "extra", "unreadable", "unhashed" };

	return (size_t)v < sizeof(names) / sizeof(*names) ? names[v] : names[0];
}

/* Begin one more difference. */
static void next(struct buf *why)
{
	if (why->len)
		buf_str(why, "; ");
}

int verdict_structure(const struct entry *disk, const struct entry *was, struct buf *why)
{
	int other = 0;

	if (disk->type != was->type) {
		next(why);
		buf_printf(why, "type %c, was %c", disk->type, was->type);
		return 1;
	}
	if (disk->size != was->size) {
		next(why);
		buf_printf(why, "size %" PRId64 ", was %" PRId64, disk->size, was->size);
		other = 1;
	}
	if (disk->mtime != was->mtime || disk->mtime_ns != was->mtime_ns) {
		next(why);
		buf_printf(why, "mtime %" PRId64 ".%09u, was %" PRId64 ".%09u", disk->mtime,
			   disk->mtime_ns, was->mtime, was->mtime_ns);
		other = 1;
	}
	if (disk->mode != was->mode) {
		next(why);
		buf_printf(why, "mode %04o, was %04o", disk->mode, was->mode);
	}
	if (disk->uid != was->uid || disk->gid != was->gid) {
		next(why);
		buf_printf(why, "owner %u:%u, was %u:%u", disk->uid, disk->gid, was->uid, was->gid);
	}
	if (disk->data_len != was->data_len || memcmp(disk->data, was->data, was->data_len)) {
		next(why);
		buf_str(why, was->type == 'l' ? "target " : "device ");
		escape_add(why, disk->data, disk->data_len);
		buf_str(why, ", was ");
		escape_add(why, was->data, was->data_len);
	}
	return other;
}

enum verdict verdict_content(const struct hash_job *job, const struct entry *was)
{
	switch (job->state) {
	case ST_OK:
		return job->digest_len == was->digest_len &&
		       !memcmp(job->digest, was->digest, was->digest_len)
			? VERDICT_OK : VERDICT_CORRUPT;
	case ST_MISSING:
		return VERDICT_MISSING;
	case ST_UNREADABLE:
		return VERDICT_UNREADABLE;
	default:
		return VERDICT_CHANGED;
	}
}
