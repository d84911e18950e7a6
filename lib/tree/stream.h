/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.h - secondshot-stream(5): the only place that knows the format.
 *
 *   #secondshot-stream 1
 *   #saveset NAME          (escaped, as root)
 *   #root PATH             absolute path of the host's tree
 *   #marker ID             the saveset's unique id, as in its marker
 *   #hash ALGORITHM        what ss-hash is asked to compute
 *   STATE TYPE MODE UID GID SIZE MTIME INODE BTIME SINCE MEDIUM ALGO DIGEST PATH
 *   #end COUNT             or "-" where a filter took out some records
 *
 * Fields are separated by one tab.  STATE is "-" (to be hashed) or what became
 * of it: ok changed missing moved unreadable.  TYPE as find's %y, MODE in
 * octal, MTIME as seconds.nanoseconds (nine digits), MEDIUM media, cache,
 * unknown or -, ALGO and DIGEST (lower case hex) or "-".  A path never starts a
 * line, so a record never starts with '#'.  In the -0 form every record, header
 * and end ends with NUL instead of newline, and the path stands raw.
 */
#ifndef SS_STREAM_H
#define SS_STREAM_H

#include <stdio.h>
#include "tree/entry.h"

#define STREAM_MAGIC "#secondshot-stream "
#define STREAM_VERSION "1"

enum stream_state { ST_TODO, ST_OK, ST_CHANGED, ST_MISSING, ST_MOVED, ST_UNREADABLE };
enum stream_medium { MEDIUM_NONE, MEDIUM_MEDIA, MEDIUM_CACHE, MEDIUM_UNKNOWN };

struct stream_head {
	char *saveset, *root, *marker, *hash;	/* malloc'd, NULL where not given */
};

struct stream_rec {
	struct entry e;			/* path and digest point into the reader's memory */
	enum stream_state state;
	enum stream_medium medium;
};

const char *stream_state_name(enum stream_state s);	/* "-", "ok", ... */
const char *stream_medium_name(enum stream_medium m);	/* "-", "media", ... */

/*
 * Writing.  Errors stick to out: check it once with ferror() or out_close().  With
 * the header a pipe is widened: who writes is busy with the database for a while,
 * and then who reads, and neither should have to wait for the other.
 */
void stream_put_head(FILE *out, const struct stream_head *h, int zero);
void stream_put(FILE *out, const struct stream_rec *r, int zero);
void stream_put_end(FILE *out, uint64_t count, int zero);
#define STREAM_PART UINT64_MAX	/* as count: "-" */

/* Reading.  zero is found out from the first line. */
struct stream;
struct lines;
struct stream *stream_open(FILE *in);		/* in stays the caller's; nothing has been read from it */
struct stream *stream_over(struct lines *l);	/* l stays the caller's */
int stream_sniff(struct lines *l);		/* 1 if what comes next is a stream's header; consumes nothing */

enum stream_got { STREAM_REC, STREAM_END, STREAM_CUT, STREAM_EMPTY, STREAM_BAD };

/*
 * Read the header; -> STREAM_REC if there is one, STREAM_EMPTY if there was not
 * one byte, STREAM_BAD after reporting line and reason.  *h is owned by s.
 */
enum stream_got stream_head(struct stream *s, const struct stream_head **h);

/*
 * Read the next record into r, valid until the next call.  STREAM_END after an
 * "#end" that does not count fewer records and nothing behind it, STREAM_CUT where
 * the input stops without it, STREAM_BAD after reporting line number and reason.
 */
enum stream_got stream_next(struct stream *s, struct stream_rec *r);

int stream_is_part(const struct stream *s);	/* after STREAM_END: 1 if records were taken out */

int stream_is_zero(const struct stream *s);	/* the -0 form? */

/* 1 if a record (or the end) is there within timeout milliseconds, 0 if it would have to be waited for. */
int stream_ready(const struct stream *s, int timeout);
void stream_close(struct stream *s);

#endif
