/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* space.c - is there room on a volume for what a run will write? */
#include "tree/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/msg.h"
#include "base/progress.h"

#define SPACE_FILE "space"
#define SPACE_FORM "secondshot-space 1\nbytes %" PRIu64 "\ninodes %" PRIu64 "\nend\n"

static double percent(uint64_t part, uint64_t whole)
{
	return 100.0 * (double)part / (double)whole;
}

static void count_text(char *to, size_t size, double n)
{
	snprintf(to, size, "%.0f", n);
}

/* text: how a number is written; of: what is counted, with a space before it, or "". */
static enum space_verdict judge(uint64_t free, uint64_t all, uint64_t last, int min_free,
				void (*text)(char *to, size_t size, double n), const char *of, struct buf *why)
{
	char a[40], b[40], c[40];
	enum space_verdict v;

	if (all == 0)
		return SPACE_OK;
	v = percent(free, all) < min_free ? SPACE_FULL :
	    free < last || percent(free - last, all) < min_free ? SPACE_TIGHT : SPACE_OK;
	if (v == SPACE_OK)
		return v;
	text(a, sizeof(a), (double)free);
	text(b, sizeof(b), (double)all);
	text(c, sizeof(c), (double)last);
	buf_printf(why, "%s%s of %s%s are free (%.1f%%)", why->len ? "; " : "", a, b, of, percent(free, all));
	if (v == SPACE_TIGHT)
		buf_printf(why, ", the last run took %s", c);
	return v;
}

enum space_verdict space_judge(const struct space *s, const struct space_used *last, int min_free,
			       struct buf *why)
{
	enum space_verdict bytes, inodes;

	if (min_free <= 0)
		return SPACE_OK;
	bytes = judge(s->bytes_free, s->bytes, last->bytes, min_free, progress_bytes,
		      "", why);
	inodes = judge(s->inodes_free, s->inodes, last->inodes, min_free, count_text,
		       " inodes", why);
	return bytes > inodes ? bytes : inodes;
}

struct space_used space_taken(const struct space *before, const struct space *after)
{
	struct space_used u = { 0 };

	if (before->bytes_free > after->bytes_free)
		u.bytes = before->bytes_free - after->bytes_free;
	if (before->inodes_free > after->inodes_free)
		u.inodes = before->inodes_free - after->inodes_free;
	return u;
}

int space_look(const struct volume *v, struct space *s)
{
	struct statvfs fs;

	if (fstatvfs(v->fd, &fs) != 0) {
		msg_error("%s: cannot tell what is free: %m", escape_name(v->root));
		return -1;
	}
	*s = (struct space){ (uint64_t)fs.f_blocks * fs.f_frsize, (uint64_t)fs.f_bavail * fs.f_frsize,
			     fs.f_files, fs.f_favail };
	return 0;
}

/* What the last run took; nothing, if that is not known.  0, or -1 after reporting. */
static int last_taken(const struct volume *v, struct space_used *u)
{
	size_t len;
	int end = 0;
	char *text = file_read(v->own, SPACE_FILE, &len);

	*u = (struct space_used){ 0 };
	if (text == NULL) {
		if (errno == ENOENT)
			return 0;
		msg_error("%s/" MARKER_DIR "/" SPACE_FILE ": %m", escape_name(v->root));
		return -1;
	}
	if (sscanf(text, SPACE_FORM "%n", &u->bytes, &u->inodes, &end) != 2 || (size_t)end != len) {
		msg_warn("%s/" MARKER_DIR "/" SPACE_FILE ": damaged, and passed over", escape_name(v->root));
		*u = (struct space_used){ 0 };
	}
	free(text);
	return 0;
}

static int keep(const struct volume *v, const struct space_used *u)
{
	char text[128];
	int len = snprintf(text, sizeof(text), SPACE_FORM, u->bytes, u->inodes);

	if (file_replace(v->own, SPACE_FILE, text, (size_t)len, 0600) == 0)
		return 0;
	msg_error("%s/" MARKER_DIR "/" SPACE_FILE ": %m", escape_name(v->root));
	return -1;
}

int space_ask(const struct volume *v, int min_free, struct buf *why)
{
	struct space_used last;
	struct space now;

	if (space_look(v, &now) != 0 || last_taken(v, &last) != 0)
		return -1;
	return (int)space_judge(&now, &last, min_free, why);
}

int space_guard(const struct volume *v, int min_free)
{
	struct space_used last;
	struct buf why = { 0 };
	enum space_verdict verdict;
	struct space now;

	if (min_free <= 0)
		return 0;
	if (space_look(v, &now) != 0 || last_taken(v, &last) != 0)
		return -1;
	verdict = space_judge(&now, &last, min_free, &why);
	if (verdict == SPACE_OK)
		return 0;
	msg_error("%s: not enough room: %s; min-free is %d%%.  Nothing was copied.  Delete old savesets"
		  " ('ss-prune SAVESET') or find a larger disk; --min-free=0 tries it all the same",
		  escape_name(v->root), why.p, min_free);
	buf_free(&why);
	if (verdict == SPACE_TIGHT) {
		last = (struct space_used){ last.bytes / 2, last.inodes / 2 };
		keep(v, &last);
	}
	return 1;
}

int space_note(const struct volume *v, const struct space *before)
{
	struct space after;
	struct space_used u;

	if (space_look(v, &after) != 0)
		return -1;
	u = space_taken(before, &after);
	return keep(v, &u);
}
