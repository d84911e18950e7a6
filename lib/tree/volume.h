/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * volume.h - a snapshot root: is it there, is it the right disk, what lies on it.
 *
 * ROOT/.secondshot/volume carries the volume's id.  Where it is missing or
 * differs, the volume is offline and nothing may be concluded from absence.
 */
#ifndef SS_VOLUME_H
#define SS_VOLUME_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include "tree/marker.h"

struct volume {
	char *root;			/* path of the snapshot root, "/" ended not */
	int fd;				/* the open root */
	int own;			/* the open ROOT/.secondshot: lock, volume, trash */
	char id[ID_LEN + 1];
	char fs[80];			/* file system: "uuid:...", "fsid:...", or "" if it has no lasting name */
};

/*
 * Open the volume at root.  0; -1 after reporting that it is offline, and why: also where
 * others could write what is ours there (volume_trust.h).
 */
int volume_open(struct volume *v, const char *root);

/* Is there no volume at root: no directory, or none with an id?  Silent; 1 or 0. */
int volume_away(const char *root);

/* 0 if the open volume has this id, -1 after reporting that it is another. */
int volume_is(const struct volume *v, const char *id);

/* Did we write this marker, or one whose key we accept, for this very volume?  1 or 0. */
int volume_attests(const struct volume *v, const struct marker *m);

/* Make ROOT/.secondshot and its id where there is none, then open.  *fresh = it was made. */
int volume_create(struct volume *v, const char *root, int *fresh);

void volume_close(struct volume *v);

/* Called for each location (directory right below the root that rsnapshot may have made). */
typedef int volume_each_fn(const char *location, int fd, void *arg);

/* Call fn for each location, by name; stops at and returns the first non-zero, -1 after reporting. */
int volume_each(const struct volume *v, volume_each_fn *fn, void *arg);

/* Open ROOT/location, no link followed; -1 with errno. */
int volume_location(const struct volume *v, const char *location);

#define VOLUME_NO_TREE (-2)

/*
 * Number of regular files in ROOT/location/host, counted up to most.  -1 after reporting
 * what cannot be read; VOLUME_NO_TREE with errno, silent, where there is no such directory.
 */
int64_t volume_files(const struct volume *v, const char *location, const char *host, int64_t most);

/*
 * 1 for a name that can be a location or host: one component of at most NAME_MAX bytes, no
 * ".", "..", .secondshot, control character.
 */
int volume_name_ok(const char *name);

/* For scandir(): may this entry of a location be a host's tree, and not what was set aside there (MARKER_BAD)?  1 or 0. */
int volume_is_tree(const struct dirent *d);

/* Is the journal of a rotation (rsnap/rotate.h) there?  1, also where that cannot be told, or 0. */
#define VOLUME_ROTATION "rotation"
int volume_in_rotation(const struct volume *v);

#endif
