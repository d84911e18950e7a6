/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * catalog.h - the catalog's verbs: hosts, volumes, series, savesets, locations.
 *
 * Rows (what each saveset holds) are in rows.h, the merge that writes them in
 * add.h.  All functions return 0, or -1 after reporting, unless they say else.
 */
#ifndef SS_CATALOG_H
#define SS_CATALOG_H

#include <stdint.h>
#include "conf/conf.h"
#include "db/db.h"
#include "tree/volume.h"

struct catalog {
	struct db *db;
	/* It could not be opened, as has been said: */
	int away;		/* because its server is away */
	int refused;		/* because of what trying again does not mend */
	int none;		/* since it was never made */
};

enum saveset_status { SV_RUNNING, SV_COMPLETE, SV_PARTIAL, SV_FAILED, SV_STALE, SV_GONE, SV_UNATTESTED };

const char *saveset_status_name(enum saveset_status s);
int saveset_status_parse(const char *word, enum saveset_status *s);	/* -1: no such */
int saveset_lies_in(const char *locations, const char *location);	/* is it one of the comma list? */

struct saveset {
	int64_t id, series;
	int64_t seq;			/* 0 = not published */
	char *name, *host, *volume, *backup_host, *root, *reason;
	char uid[ID_LEN + 1], volume_uid[ID_LEN + 1];
	enum saveset_status status;
	int relabelled, overwritten;	/* its files were changed through hard links by a later sync */
	int64_t created, finished;	/* seconds since 1970; finished 0 = not all hashed */
	int64_t entries, files, dirs, others;	/* paths of each kind */
	int64_t bytes, blocks;	/* of regular files, each inode once; blocks of 512 */
	int64_t vanished, unhashed;
	int64_t rows_added, rows_closed;
	int64_t changed, removed;	/* regular files of its predecessor; -1 = not counted */
	char metadata[65], full[65];	/* SHA-256 in hex, "" = not yet */
	char hash[16];			/* algorithm asked for when it was added */
	char *locations;		/* "hourly.0", several joined by ",", "" = none */
};

void saveset_free(struct saveset *s);	/* its strings; s itself is the caller's */

/*
 * Open the catalog that c names, and migrate it if it is old.  The second opens
 * another one, with c's other settings.
 */
int catalog_open(struct catalog *cat, const struct conf *c, enum db_use use);
int catalog_open_url(struct catalog *cat, const struct conf *c, const char *url, enum db_use use);

/* Open one that is to be copied into: it is made, and may be what a copy that was killed left. */
int catalog_open_target(struct catalog *cat, const struct conf *c, const char *url);
#define CATALOG_COPYING "copying"	/* keyword in meta; its value is the copy's unique id */
void catalog_close(struct catalog *cat);

/* May we change it, and does the server let us?  Changes nothing.  0, or -1 after reporting. */
int catalog_try(struct catalog *cat);

/*
 * Find what a selector means: the name of a saveset, HOST@LOCATION (".sync",
 * "hourly.0", "sync"), HOST@latest (newest complete), HOST alone (the same).  Of c's
 * volume; where that has none and was not named, of whichever other one has.  If the newest
 * complete one is held back (waiting.h), it is the newest before it, and that is said.
 * 0 found; 1 there is none, or several volumes have one, after saying so; -1 after reporting.
 */
int catalog_find(struct catalog *cat, const struct conf *c, const char *selector, struct saveset *s);

/* The newest saveset of a host (on c's volume and backup host) whose location is this one.  0, 1 none (silent), -1. */
int catalog_at(struct catalog *cat, const struct conf *c, const char *host, const char *location,
	       struct saveset *s);

/* The newest complete saveset of a host, held back or not.  0, 1 none (silent), -1. */
int catalog_latest(struct catalog *cat, const struct conf *c, const char *host, struct saveset *s);

/* By name, by unique id: 0 found, 1 there is none (silent), -1. */
int catalog_by_name(struct catalog *cat, const char *name, struct saveset *s);
int catalog_by_uid(struct catalog *cat, const char *uid, struct saveset *s);

/* All savesets that are not still running (host NULL: of all hosts), by host and time; for catalog_list_free(). */
int catalog_list(struct catalog *cat, const char *host, struct saveset **list, size_t *n);

/* The same of what lies in this location, on every volume. */
int catalog_list_at(struct catalog *cat, const char *location, struct saveset **list, size_t *n);
void catalog_list_free(struct saveset *list, size_t n);

/* What the marker of a published saveset says. */
void catalog_marker(const struct saveset *s, struct marker *m);

/* Fill *s from the next row of one of the saveset statements of sql.h, and reset it: 0, 1 none, -1. */
int catalog_fetch(struct catalog *cat, struct db_stmt *st, struct saveset *s);

#endif
