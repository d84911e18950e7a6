/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exits.h - the exit codes that every tool shares. */
#ifndef SS_EXITS_H
#define SS_EXITS_H

enum ss_exit {
	SS_OK = 0,		/* clean */
	SS_FINDINGS = 1,	/* rot, a missing file, a difference */
	SS_FAIL = 2,		/* usage error or operational failure */
	SS_INCOMPLETE = 3,	/* done, but something could not be read or hashed */
	SS_LOCKED = 11,		/* another run holds the lock */
};

#endif
