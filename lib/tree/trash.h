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

/*
 * Empty the trash, whoever left something there.  0; 1 after a warning, if something
 * cannot be removed (immutable, a mount, a medium that fails): it stays for the next
 * time, and nothing else need wait for it; -1 after reporting that there is no trash.
 */
int trash_empty(const struct volume *v);

/* How many things lie right in the trash, where there is one, else 0; -1 with errno, silent. */
long trash_count(const struct volume *v);

/* The path of what could not be removed, as it was said, or NULL: nothing so far. */
const char *trash_left(void);

#endif
