/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.h - a table for people on stdout, each column as wide as its widest cell.
 *
 * Cells are added row by row, the titles first.
 */
#ifndef SS_TABLE_H
#define SS_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* { 0 } is an empty one. */
struct table {
	char **cell;
	size_t n, columns;
};

void table_title(struct table *t, const char *title);	/* one more column */
void table_titles(struct table *t, const char *const *titles);	/* up to a NULL */

void table_own(struct table *t, char *text);	/* malloc'd, printed as it is; the table's from now on */
void table_text(struct table *t, const char *text);	/* escaped; "-" if it is empty */
void table_number(struct table *t, int64_t n);
void table_time(struct table *t, int64_t when);		/* UTC; "-" for 0 */

void table_end(struct table *t, int print);	/* free it, printed or not */

#endif
