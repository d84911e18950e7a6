/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * asked.h - what a look-up was asked for by name: a host, a volume, a backup host.
 *
 * A list of what does not exist is no empty list, but an error.
 */
#ifndef SS_ASKED_H
#define SS_ASKED_H

#include "catalog/catalog.h"

/* 1 the catalog knows the host, by its *name, malloc'd (host may be its escaped form); 0 after saying that it does not, -1. */
int asked_host(struct catalog *cat, const char *host, char **name);

/* Is it, or a row with such columns, of the volume and backup host that the command line names, if any? */
int asked_for(const struct conf *c, const char *volume, const char *backup_host);
int asked_row(const struct conf *c, struct db_stmt *st, int volume, int backup_host);

/* 1 the catalog knows what was named so, or nothing was; 0 after saying that it does not, -1. */
int asked_exists(struct catalog *cat, const struct conf *c);

#endif
