/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * series.h - the volumes of the catalog and the series on them.
 *
 * A saveset's sequence number is given when it is published.  While one is being
 * made its rows already carry the next number; since only rows of an
 * unpublished saveset start there, and only it closes rows at the last one,
 * series_undo() can take it all back, whenever that was interrupted.  The same
 * way the newest saveset leaves, once it is published no more: what it closed is
 * open again.
 */
#ifndef SS_SERIES_H
#define SS_SERIES_H

#include "catalog/catalog.h"

/*
 * The id of volume v under c's volume name and backup host.  The catalog's id
 * must be that of the disk; if it lies elsewhere now, that is noted.  -1 after
 * reporting.
 */
int64_t series_volume(struct catalog *cat, const struct conf *c, const struct volume *v);

/* Is v the volume that the catalog knows by c's name of it?  Nothing is noted.  0, or -1 after reporting. */
int series_check(struct catalog *cat, const struct conf *c, const struct volume *v);

/* Is the newest saveset of the series on another file system than v's, so that inode numbers mean nothing?  1, 0, -1. */
int series_moved(struct catalog *cat, int64_t series, const struct volume *v);

/* The id the catalog has for c's volume, into id: 1, 0 it knows none, -1 after reporting. */
int series_known_volume(struct catalog *cat, const struct conf *c, char id[ID_LEN + 1]);

/* The name by which the catalog knows v, malloc'd, into *name: 1, 0 it does not, -1 after reporting. */
int series_name_of(struct catalog *cat, const struct conf *c, const struct volume *v, char **name);

/*
 * What to say where the catalog does not know v as c's: that it knows it as another
 * backup host's, which this machine was perhaps, or that there is none.  Malloc'd,
 * escaped.  *others (or NULL) = it is another one's.
 */
char *series_unknown(struct catalog *cat, const struct conf *c, const struct volume *v, int *others);

/* Where nobody named the volume, name it as the catalog does that knows its id.  0, or -1 after reporting. */
int series_by_id(struct catalog *cat, struct conf *c, const struct volume *v);

/* Make the volume known.  *fresh = it was not.  0, or -1 after reporting. */
int series_add_volume(struct catalog *cat, const struct conf *c, const struct volume *v, int *fresh);

struct series {
	int64_t id;
	int64_t last_seq;	/* of the newest published saveset, gone or not */
	int64_t next_dir;	/* the next directory's number */
};

/* Within a transaction: the series of host on the volume; made if make.  1 found, 0 none, -1. */
int series_get(struct catalog *cat, const char *host, int64_t volume, int make, struct series *s);

/* Within a transaction: give m a name nobody has, HOST-VOLUME-STAMP, then with -2, -3 ...  0, or -1 after reporting. */
int series_name(struct catalog *cat, const struct conf *c, const char *host, struct marker *m);

/*
 * Not within a transaction: bring the rows of a series back to what they were when the
 * newest of its published savesets was made, by taking back what unpublished ones
 * brought.  *rows (or NULL) grows by as many as left.  0, or -1 after reporting.
 */
int series_rewind(struct catalog *cat, int64_t series, int64_t *rows);

/* And then the unpublished savesets themselves. */
int series_take_back(struct catalog *cat, int64_t series, int64_t *rows);

/* Do that, and say so, if an interrupted add of host left something.  0, or -1 after reporting. */
int series_undo(struct catalog *cat, const char *host, int64_t volume);

/* The same for every host of a volume. */
int series_undo_all(struct catalog *cat, int64_t volume);

/*
 * In a transaction: the savesets of the series that were catalogued in this
 * location, all but id, lie there no more; gone is what lies nowhere else.
 */
int series_displace(struct catalog *cat, int64_t series, const char *location, int64_t id);

#endif
