/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define GRACE 10	/* seconds: rsync's receiver puts a partial file in its place */

static sigset_t before;	/* the mask we were started with */

/*
 * Pass signals on to child until it has ended, then wait for others, for grace seconds
 * at most; end as child did.  All signals are blocked.
 */
static _Noreturn void attend(pid_t child, time_t grace)
{
	const struct timespec rest = { .tv_sec = grace };
	int status, sig, code = 0;
	sigset_t all;
	pid_t pid;

	/* What rsync closes is closed.  closefrom() could want to read /proc, which the sandbox forbids. */
	for (int fd = 0; fd < 1024 && syscall(SYS_close_range, 0, ~0u, 0); fd++)
		close(fd);
	sigfillset(&all);
	do {
		sig = sigtimedwait(&all, NULL, child ? NULL : &rest);
		if (sig > 0 && sig != SIGCHLD && child)
			kill(child, sig);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid != child)
				continue;
			child = 0;
			code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		}
	} while (child || (grace && pid == 0 && (sig > 0 || errno == EINTR)));
	if (code > 128) {
		/* On the first process of a namespace this has no effect: the other one does it. */
		signal(code - 128, SIG_DFL);
		kill(getpid(), code - 128);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	_exit(code);
}

bool child_separate(void)
{
	struct pollfd outer = { .fd = (int)syscall(SYS_pidfd_open, getpid(), 0), .events = POLLIN };
	sigset_t all;
	pid_t child;

	if (unshare(CLONE_NEWPID))
		return false;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	child = fork();
	if (child < 0)
		refuse("cannot start a process: %m");
	if (child > 0)
		attend(child, 0);
	/* A signal to the own process group must not reach the outer one. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&outer, 1, 0) > 0)
		_exit(1);
	close(outer.fd);
	return true;
}

bool child_start(void)
{
	pid_t child = fork();

	if (child > 0)
		attend(child, GRACE);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return child == 0;
}
