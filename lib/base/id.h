/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* id.h - names that nobody else has: of savesets, volumes, connections. */
#ifndef SS_ID_H
#define SS_ID_H

#define ID_LEN 32		/* hex digits */

/* Is text an id by its form: ID_LEN lower-case hex digits and nothing else?  1 or 0. */
int id_ok(const char *text);

/* 128 random bits in hex. */
void id_new(char id[ID_LEN + 1]);

#endif
