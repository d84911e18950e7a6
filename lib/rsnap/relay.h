/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay.h - the remote shell of a confined rsync, started outside of its confinement.
 *
 * What a confined rsync starts is confined, too: ssh could neither make the socket of a
 * shared connection nor write ~/.ssh/known_hosts.  So rsync gets another remote shell: a
 * program of ours (relay_inside()), which hands its arguments and its standard input,
 * output and error (SCM_RIGHTS) through a socket to the process that started rsync.  That
 * one starts the real remote shell, once a transfer, and only if the arguments are those
 * that the command line of this rsync leads to: the remote shell, its options, the user and
 * the host, and a command that is rsync's.  An rsync that was taken over can start nothing
 * else by it.
 *
 * The message: the words, each ended by a NUL, in one SOCK_SEQPACKET packet, with four
 * descriptors: 0, 1, 2, and a socket on which the status is sent back (an int: exit code, or
 * 128 + signal) and whose end says that the one inside is gone.
 */
#ifndef SS_RELAY_H
#define SS_RELAY_H

#include <poll.h>
#include "base/child.h"

#define RELAY_VARIABLE "SECONDSHOT_RELAY"	/* the number of the socket's descriptor */

/* What the remote shell of a transfer is to be called with. */
struct relay_want {
	char **shell;		/* program and options, NULL-ended */
	char *user, *host;	/* user NULL = none is named */
	const char *program;	/* rsync's name on the other machine */
};

/* What an rsync's command line leads to.  1; 0: it uses no remote shell.  Pure but for $RSYNC_RSH. */
int relay_wanted(struct relay_want *w, int argc, char *const argv[]);
void relay_want_free(struct relay_want *w);

/* Is a command (NULL-ended, argv[0] the one inside) what is wanted?  NULL: yes, else what is not.  Pure. */
const char *relay_wrong(const struct relay_want *w, char *const argv[]);

/* --rsh=..., the option by which rsync starts inside (path) with the options of the wanted one; malloc'd. */
char *relay_option(const struct relay_want *w, const char *inside);

struct relay {
	struct relay_want want;
	int socket, inside;	/* ours, -1 once it was used; rsync's, to be inherited */
	int answer;		/* where the status is sent to, -1 = nowhere */
	int ended;		/* readable when the shell has ended, -1 = it does not run */
	struct child shell;
	char *why;		/* the remote shell was refused, or could not be started; malloc'd, NULL = no */
};

/* Make the socket; want is now r's.  0, or -1 after reporting. */
int relay_open(struct relay *r, const struct relay_want *want);

/* What to wait for. */
#define RELAY_POLL 3
void relay_poll(const struct relay *r, struct pollfd p[RELAY_POLL]);

/* Do what poll() found to be done.  What was refused is reported. */
void relay_work(struct relay *r, const struct pollfd p[RELAY_POLL]);

/* rsync has ended: end a shell that still runs, and free all. */
void relay_close(struct relay *r);

/* The one inside: called as remote shell.  The exit code to end with. */
int relay_inside(int argc, char *argv[], int socket);

#endif
