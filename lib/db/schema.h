/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * schema.h - the catalog's tables, and the way from each older form to the next.
 */
#ifndef SS_SCHEMA_H
#define SS_SCHEMA_H

#include "db/db.h"

#define SCHEMA_VERSION 5

/*
 * Bring db to SCHEMA_VERSION: an empty one gets its tables if this is an init; an
 * older file is copied beside itself first (NAME.schema-N, never over an existing
 * one), an older database on a server is upgraded by init alone; a newer one is
 * refused.  May be killed at any point and run again.  0, or -1 after reporting;
 * *none: since it was never made.
 */
int schema_upgrade(struct db *db, int init, int *none);

#endif
