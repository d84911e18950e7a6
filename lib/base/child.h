/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * child.h - other programs: start, pipe, wait, and one way to read a status.
 *
 * Programs are named by path (or looked for beside our own executable and in
 * the libexec directory, child_tool()), never through a shell or $PATH.
 * Children get SIGTERM when we die (PR_SET_PDEATHSIG), have default signal
 * dispositions, and get no password from the environment (DBPASS, DB_URL,
 * MYSQL_PWD are removed).  A child that cannot be executed says so itself and
 * has the status 127.
 */
#ifndef SS_CHILD_H
#define SS_CHILD_H

#include <sys/types.h>

struct child {
	const char *name;	/* for messages: argv[0]'s last component */
	pid_t pid;
	int status;		/* exit code 0-255, or 128 + signal; valid after child_wait() */
	int group;		/* it leads a process group of its own */
};

/* Path of one of our own tools, malloc'd; it is where ss-run itself is, or in libexec. */
char *child_tool(const char *name);

/*
 * Start argv (argv[0] the path) with in and out as its stdin and stdout
 * (-1: /dev/null for in, ours for out); env: NULL-ended NAME=VALUE list added to
 * the environment, or NULL.  0, or -1 after reporting.  in and out stay the caller's.
 */
int child_start(struct child *c, const char *const argv[], const char *const env[], int in, int out);

/* What child_start_with() does beyond child_start(); CHILD_MORE is nothing. */
struct child_more {
	int err;	/* its stderr, -1: ours */
	int keep;	/* a descriptor that it inherits, -1: none; it stays the caller's */
	int domain;	/* sandbox_writer()'s, which confines it, -1: none */
	int bare;	/* it inherits no other descriptor than its input, output and error */
};
#define CHILD_MORE { -1, -1, -1, 0 }

int child_start_with(struct child *c, const char *const argv[], const char *const env[], int in, int out,
		     const struct child_more *more);

/*
 * Start argv as somebody else's program: in a process group of its own, which
 * child_kill_all() reaches as a whole, with nothing but env as its environment,
 * /dev/null as stdin, out as stdout and stderr, and no other descriptor of ours.
 * It is started after child_kill_all() as well.  0, or -1 after reporting.
 */
int child_start_group(struct child *c, const char *const argv[], const char *const env[], int out);

/* Wait for it.  Returns c->status, or -1 after reporting. */
int child_wait(struct child *c);

/*
 * Wait for the first of n that ends, as child_wait().  Its index, or -1 after
 * reporting.  Nobody else may be waiting for children.
 */
int child_wait_any(struct child *const c[], size_t n);

/* child_start() and child_wait(). */
int child_run(const char *const argv[], const char *const env[]);

/*
 * Start n programs as one pipe (stdout of each into stdin of the next, the last
 * one's ours) and wait for all of them; c[i].status for each.  0, or -1 after reporting.
 */
int child_pipe(struct child *c, const char *const *const argv[], size_t n);

/* What a status is called: "exit 3", "signal 9 (Killed)"; a static buffer. */
const char *child_status_text(int status);

/*
 * Send sig to every child that was started and not yet waited for, and start no
 * more: child_start() returns -1, silently, from now on.  For signal handlers.
 */
void child_kill_all(int sig);

/* 1 from child_kill_all() on. */
int child_stopped(void);

/*
 * 1 if what our children started may go on without them: a signal ended one of
 * them, or child_kill_all() was called.  Else 0: each one that was waited for
 * had itself waited for what it started, or left that behind on purpose.
 */
int child_lost(void);

/* Has it ended?  It is still to be waited for.  1 or 0. */
int child_ended(const struct child *c);

#endif
