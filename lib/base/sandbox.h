/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - a reader gives away what it does not need.
 *
 * Who reads what strangers wrote does so without the powers of root:
 *
 *  - every capability goes but CAP_DAC_READ_SEARCH, the bounding set is emptied
 *    (where CAP_SETPCAP allows that), and NO_NEW_PRIVS is set.  This holds on
 *    every kernel.  The user id stays: root's own files can still be written as
 *    far as their modes and Landlock let it;
 *  - with Landlock (Linux 5.13, and switched on) files can be opened only
 *    beneath the directories named here, for reading or, where said, for
 *    writing; from ABI 2 (5.19) that covers renaming and linking between
 *    directories, from 3 (6.2) truncating, from 4 (6.7) TCP, from 5 (6.10)
 *    ioctl on devices, from 6 (6.12) abstract sockets and signals to others.
 *    Directories can still be listed.  Below an ABI its part does not hold; without Landlock none of it does.
 *    What is open already stays usable;
 *  - on no kernel does Landlock stop stat, chmod, chown, utimes: the missing
 *    capabilities do that for files of other users.
 *
 * Everything is inherited by children, and cannot be undone.
 */
#ifndef SS_SANDBOX_H
#define SS_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Confine this process: reading beneath the nro open directories in ro (O_PATH
 * does), reading and writing beneath the nrw directories named in rw; one that
 * does not exist is left out; connecting to the ntcp TCP ports in tcp, of any host.  Call it before any thread is started: only the
 * calling thread is confined, and those it starts later.  0 also on a kernel
 * without Landlock (msg_debug() says so); -1 after reporting that something
 * which should have worked did not: do not go on.
 */
int sandbox_reader(const int *ro, size_t nro, const char *const *rw, size_t nrw, const uint16_t *tcp,
		   size_t ntcp);

/* What a writer may do beneath a directory, or with a file. */
enum sandbox_may {
	SANDBOX_TREE,	/* make, write, rename, link and remove everything */
	SANDBOX_LINK,	/* write files, and link them into a SANDBOX_TREE: nothing is made or removed */
	SANDBOX_FILE,	/* write this file */
};

struct sandbox_rule {
	int fd;		/* the open directory or file; O_PATH does */
	enum sandbox_may may;
};

/*
 * A domain for a program that may read and execute everything, but changes no file except
 * as the n rules say: its descriptor for sandbox_enter(), to be closed; -1 after reporting.
 * Not below ABI 2 (SANDBOX_WRITER): an older Landlock refuses to link or rename from one
 * directory to another, whatever a rule says.  The kernel links a file from one rule's
 * directory into another's only where that one gives no right on files that the first
 * lacks; all three kinds give the same.  Owners, modes, times and attributes can be changed
 * everywhere, and below ABI 3 files truncated by name.
 */
#define SANDBOX_WRITER 2
int sandbox_writer(const struct sandbox_rule *rule, size_t n);

/* Confine this process by it, and its children, for good.  0, or -1 after reporting. */
int sandbox_enter(int domain);

/* The kernel's Landlock ABI, 0 = none. */
int sandbox_abi(void);

#endif
