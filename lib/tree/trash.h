/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trash.h - deleting trees that belong to strangers.
 *
 * What is to go is first renamed into ROOT/.secondshot/trash, a directory of
 * mode 0700 that nobody but root can enter, then removed there through held
 * descriptors with unlinkat: no link is followed, no path is built, no file
 * system crossed, depth costs no stack.
 */
#ifndef SS_TRASH_H
#define SS_TRASH_H

#include "tree/volume.h"

/*
 * Rename name below the open directory dir into the trash and fsync dir.  0; 1 if it is not there;
 * -1 after reporting.
 */
int trash_move(const struct volume *v, int dir, const char *name);

/* Empty the trash, whoever left something there.  0, or -1 after reporting. */
int trash_empty(const struct volume *v);

#endif
