/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* below.c - somebody else's program, run below us. */
#include "base/below.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/family.h"
#include "base/msg.h"

#define NAP 500			/* ms until we look again, whatever happens */
#define NAP_BLIND 50		/* the same where the kernel does not tell that it has ended */
#define BLOCK 8192
#define ROUNDS 20		/* of killing what starts others meanwhile */
#define BLOCKS 64		/* of what is there when it has ended: more than a pipe holds */

/* One that runs. */
struct at_work {
	struct below *how;
	struct child child;
	int out;		/* what it prints, -1 once nobody can print any more */
	int end;		/* tells that it has ended, or -1 */
	int64_t deadline;	/* on clock_ms(), 0 = none */
	int stopped;		/* we were asked to stop before it was started, or that was seen to */
	int killed;		/* the signal that it got last */
	pid_t *known;		/* children of ours that were there before it, nknown of them */
	size_t nknown;
};

/* Take what it has printed, waiting wait milliseconds for something to happen. */
static void listen_to(struct at_work *w, int wait)
{
	struct pollfd p[2] = { { .fd = w->out, .events = POLLIN }, { .fd = w->end, .events = POLLIN } };
	char block[BLOCK];
	ssize_t n;

	if (poll(p, 2, wait) <= 0 || w->out < 0 || p[0].revents == 0)
		return;
	n = read(w->out, block, sizeof(block));
	if (n > 0)
		quote_take(w->how->out, block, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return;
	close(w->out);
	w->out = -1;
}

/*
 * The next signal for it and what it started.  While it is not waited for, its number is
 * nobody else's.
 */
static void push(struct at_work *w, int sig)
{
	int rounds = sig == SIGKILL ? ROUNDS : 1;

	w->killed = sig;
	if (w->how->family) {
		family_signal(w->child.pid, sig);
		return;
	}
	/*
	 * Its process group, which is all that can be reached if family_adopt() failed; then each
	 * process below us, also one that has left the group.  Some get the signal twice.
	 */
	kill(-w->child.pid, sig);
	while (rounds-- > 0 && family_signal_new(w->child.pid, w->known, w->nknown, sig) > 0)
		;
}

/* Is all over?  Those that it started have their time, too, when it is told to end. */
static int is_over(const struct at_work *w)
{
	if (!child_ended(&w->child))
		return 0;
	if (!w->killed)
		return 1;
	if (w->how->family)
		return family_signal(w->child.pid, w->killed == SIGKILL ? SIGKILL : 0) == 0;
	return w->out < 0 || w->killed == SIGKILL;
}

static void notice_stop(struct at_work *w, int64_t now)
{
	if (w->stopped || !child_stopped())
		return;
	w->stopped = 1;
	if (w->how->patient)
		return;
	w->killed = SIGTERM;
	w->deadline = now + w->how->grace;
}

static int nap(const struct at_work *w, int64_t now)
{
	int64_t most = w->end < 0 || w->killed ? NAP_BLIND : NAP, left = w->deadline - now;

	return (int)(w->deadline == 0 || left > most ? most : left > 0 ? left : 0);
}

/* Until it has ended, or nothing more can be done about it. */
static void attend(struct at_work *w)
{
	int64_t now;
	size_t left;

	for (;;) {
		now = clock_ms();
		notice_stop(w, now);
		if (is_over(w))
			break;
		if (w->deadline && now >= w->deadline) {
			if (w->killed == SIGKILL)
				break;
			w->how->late |= !w->killed;
			push(w, w->killed ? SIGKILL : SIGTERM);
			w->deadline = now + w->how->grace;
		}
		listen_to(w, nap(w, now));
	}
	if (w->killed && w->killed != SIGKILL)
		push(w, SIGKILL);
	/* What is there; a daemon that it left may hold the pipe for ever. */
	for (left = BLOCKS; left > 0 && w->out >= 0; left--)
		listen_to(w, 0);
}

static int start(struct at_work *w, const char *const argv[], const char *const env[], int out)
{
	const struct child_more more = { .err = out, .keep = w->how->keep > 0 ? w->how->keep : -1, .domain = -1 };

	if (w->how->family)
		return child_start_with(&w->child, argv, env, -1, out, &more);
	/* If this fails, a daemon that it starts escapes us; nothing else does. */
	(void)family_adopt();
	w->nknown = family_children(&w->known);
	return child_start_group(&w->child, argv, env, out);
}

int below_run(struct below *b, const char *const argv[], const char *const env[])
{
	struct at_work w = { .how = b, .stopped = child_stopped(), .end = -1 };
	int end[2], status = -1;

	b->late = 0;
	if (pipe2(end, O_CLOEXEC) != 0) {
		msg_error("cannot make a pipe: %m");
		quote_end(b->out);
		return -1;
	}
	fcntl(end[0], F_SETFL, O_NONBLOCK);
	w.out = end[0];
	if (start(&w, argv, env, end[1]) == 0) {
		close(end[1]);
		end[1] = -1;
		w.end = pidfd_open(w.child.pid, 0);
		w.deadline = b->limit > 0 ? clock_ms() + b->limit : 0;
		attend(&w);
		status = child_ended(&w.child) ? child_wait(&w.child) : 128 + SIGKILL;
	}
	if (end[1] >= 0)
		close(end[1]);
	if (w.out >= 0)
		close(w.out);
	if (w.end >= 0)
		close(w.end);
	free(w.known);
	quote_end(b->out);
	return status;
}
