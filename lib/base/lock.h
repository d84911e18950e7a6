/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.h - one run at a time, by flock, with the holder's name in the file.
 *
 * The lock is on ROOT/.secondshot/lock.  Its descriptor is inherited by the
 * programs a run starts, so that an orphaned transfer goes on holding it, and a
 * tool started by the holder finds it through SECONDSHOT_LOCK_FD (the number of
 * a descriptor; believed only if it is that very file) and does not lock again.
 * A run that ends in order unlocks it for all of them: a service that a
 * backup_script started does not hold it for ever.
 */
#ifndef SS_LOCK_H
#define SS_LOCK_H

struct lock;

/*
 * Take the lock of the open directory dir (ROOT/.secondshot; name for messages),
 * wait seconds long if somebody has it, who is named once.  SS_OK; SS_LOCKED after
 * naming the holder (pid, command, since when); SS_FAIL after reporting.  A lock
 * whose holder is dead but whose children still have it is waited for 60 seconds
 * at least; then one of them is named.  On a read-only file system the lock is
 * taken without a name in it.
 */
int lock_take(struct lock **l, int dir, const char *name, int wait);

/* Has the program that started us the lock, and lent it to us?  1 or 0. */
int lock_borrowed(const struct lock *l);

/* Does the environment say so, before any lock is looked for?  1 or 0. */
int lock_offered(void);

/* The "SECONDSHOT_LOCK_FD=N" line for the environment of children; owned by l. */
const char *lock_env(const struct lock *l);

/*
 * Give it back, if it is ours, and free l (NULL is a no-op).  Where a signal ended
 * a child of ours (child_lost()), what that child started goes on holding it.
 */
void lock_release(struct lock *l);

#endif
