/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* id.h - names that nobody else has: of savesets, volumes, connections. */
#ifndef SS_ID_H
#define SS_ID_H

#define ID_LEN 32		/* hex digits */

/* 128 random bits in hex. */
void id_new(char id[ID_LEN + 1]);

#endif
