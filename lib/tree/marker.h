/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * marker.h - LOCATION/.secondshot/HOST: how a saveset knows itself on disk.
 *
 * A small text file beside the host's tree, "key value" lines between
 * "secondshot-marker 1" and "end".  rsnapshot carries it along when it renames
 * or copies (with hard links) a location, so it is replaced, never written in
 * place: temporary file, fsync, rename, fsync of the directory.
 */
#ifndef SS_MARKER_H
#define SS_MARKER_H

#include <stdint.h>
#include "base/id.h"

#define MARKER_DIR ".secondshot"

/* Status of a saveset taken while the catalog could not be reached: it is to be catalogued as... */
#define MARKER_WAITING "waiting"			/* complete */
#define MARKER_WAITING_PARTIAL "waiting-partial"

struct marker {
	char saveset[320];		/* name */
	char id[ID_LEN + 1];		/* unique id of the saveset */
	char volume[ID_LEN + 1];	/* id of the volume it was made on */
	char status[20];		/* running, complete, partial; MARKER_WAITING ... */
	int64_t created;		/* seconds since 1970 */
	uint64_t entries, files, bytes;
	char metadata[65], full[65];	/* SHA-256 in hex, "" = not yet */
};

/*
 * 1 found; 0 there is none, or the host's tree is not there; -1 after reporting,
 * with errno: EINVAL, EFBIG or ELOOP for what is no marker (torn, foreign, not a
 * regular file), else why it could not be read.
 */
int marker_read(int location, const char *host, struct marker *m);

/* Is the host's marker there, and has it this id?  1 or 0. */
int marker_has_id(int location, const char *host, const char *id);

/* Put m in place of what is there; the directory is made.  0, or -1 after reporting. */
int marker_write(int location, const char *host, const struct marker *m);

/* Remove it and fsync the directory; no marker is no error.  0, or -1 after reporting. */
int marker_drop(int location, const char *host);


#endif
