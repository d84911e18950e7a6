/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.h - the look-ups of ss-catalog: what the catalog knows, for people and programs.
 *
 * All write to stdout and return an exit code.
 */
#ifndef SS_LIST_H
#define SS_LIST_H

#include "catalog/catalog.h"

enum list_format { LIST_TEXT, LIST_JSON, LIST_ZERO, LIST_SHA256SUM, LIST_STREAM };

/* text, json, sha256sum or stream into *f; -1 if it is none of them. */
int list_format(const char *word, enum list_format *f);

/*
 * Where c is taken: only of its volume and backup host, if they were named.  Hosts: each once
 * for each backup host.
 */
int list_hosts(struct catalog *cat, const struct conf *c, enum list_format f);
int list_volumes(struct catalog *cat, const struct conf *c, enum list_format f);

/* The savesets of host, or all if it is NULL. */
int list_savesets(struct catalog *cat, const struct conf *c, const char *host, enum list_format f);

/* The runs of ss-run. */
int list_runs(struct catalog *cat, const struct conf *c, enum list_format f);

/* What a saveset holds; LIST_SHA256SUM and LIST_STREAM: its regular files only. */
int list_files(struct catalog *cat, const struct saveset *s, enum list_format f);

/* The files of a saveset that have no digest yet, as a stream for ss-hash. */
int list_pending(struct catalog *cat, const struct saveset *s, int zero);

#endif
