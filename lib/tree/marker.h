/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * marker.h - LOCATION/.secondshot/HOST: how a saveset knows itself on disk.
 *
 * A small text file beside the host's tree, "key value" lines between
 * "secondshot-marker 1" and "end".  rsnapshot carries it along when it renames
 * or copies (with hard links) a location, so it is replaced, never written in
 * place: temporary file, fsync, rename, fsync of the directory.
 *
 * Its last lines before "end" are "key NAME" and "mac DIGITS": a checksum, made with a
 * key of ours (seal.h), of the host's name and of all lines before "mac".  Whose marker
 * lacks a right one may have made it up; volume_attests() tells.  It says nothing of the
 * tree, nor of where the marker lies: a right one may have been copied to another
 * location of its volume.
 */
#ifndef SS_MARKER_H
#define SS_MARKER_H

#include <stdint.h>
#include "base/id.h"
#include "tree/seal.h"

#define MARKER_DIR ".secondshot"
/*
 * Beside it, with a digit behind it if need be: a directory of markers, or what was in its
 * place, that was of no use.  Where there is one, trees may have lost their markers.
 */
#define MARKER_BAD ".secondshot.bad"
#define MARKER_BAD_SIZE 32

/* Status of a saveset taken while the catalog could not be reached: it is to be catalogued as... */
#define MARKER_WAITING "waiting"			/* complete */
#define MARKER_WAITING_PARTIAL "waiting-partial"
#define MARKER_WAITING_UNKNOWN "waiting-unattested"	/* of unknown origin */

struct marker {
	char saveset[320];		/* name */
	char id[ID_LEN + 1];		/* unique id of the saveset */
	char volume[ID_LEN + 1];	/* id of the volume it was made on */
	char status[20];		/* running, complete, partial; MARKER_WAITING ... */
	int64_t created;		/* seconds since 1970 */
	uint64_t entries, files, bytes;
	char metadata[65], full[65];	/* SHA-256 in hex, "" = not yet */
	/* Of what was read: */
	int sealed;			/* it has the right checksum of a key that we know */
	char key[SEAL_ID + 1];		/* the key it names, "" = none */
};

/*
 * 1 found; 0 there is none, or the host's tree is not there (or empty, and was not); -1 after reporting,
 * with errno: EINVAL, EFBIG or ELOOP for what is no marker (torn, foreign, not a
 * regular file), else why it could not be read.
 */
int marker_read(int location, const char *host, struct marker *m);

/* Does it say that its saveset was catalogued as complete or partial?  1 or 0. */
int marker_is_published(const struct marker *m);

/* Is the host's marker there, and has it this id?  1 or 0. */
int marker_has_id(int location, const char *host, const char *id);

/*
 * Put m in place of what is there; the directory is made.  Where that is in the
 * way which cannot be replaced, there is a new directory (marker_renew()).  It is sealed with the own key,
 * which is made if need be; where there can be none it is written unsealed, which was said.
 * 0, or -1 after reporting.
 */
int marker_write(int location, const char *host, const struct marker *m);

/* Can the directory of markers be opened, or is there none?  1 or 0. */
int marker_dir_usable(int location);

/*
 * Make a new directory of markers with what can be taken over from the old one, which gets
 * a name that begins with MARKER_BAD; says so.  Open, or -1 with errno.
 */
int marker_renew(int location);

/* Remove it and fsync the directory; no marker is no error.  0, or -1 after reporting. */
int marker_drop(int location, const char *host);

/* Does it say "waiting", in one of the three ways?  1 or 0. */
int marker_waits(const struct marker *m);

#endif
