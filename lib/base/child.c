/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * child.c - other programs: start, pipe, wait, and one way to read a status.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/sandbox.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/lib/secondshot"
#endif

#define RUNNING_MAX 80		/* more than ss-run has under way at any time */

/* What child_kill_all() may read from within a signal handler; 0 = free, below 0 a group. */
static volatile pid_t running[RUNNING_MAX];
static volatile sig_atomic_t stopped;
static int lost;	/* what child_lost() says */

static const char *const secrets[] = { "DBPASS", "DB_URL", "MYSQL_PWD" };

char *child_tool(const char *name)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path, *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			path = mem_printf("%.*s/%s", (int)(slash - self), self, name);
			if (access(path, X_OK) == 0)
				return path;
			free(path);
		}
	}
	return mem_printf("%s/%s", LIBEXECDIR, name);
}

static volatile pid_t *slot_of(pid_t pid)
{
	size_t i;

	for (i = 0; i < RUNNING_MAX; i++)
		if (running[i] == pid)
			return &running[i];
	return NULL;
}

/* Put descriptor from in the place of to, without its close-on-exec flag. */
static int put_fd(int from, int to)
{
	if (from == to)
		return fcntl(to, F_SETFD, 0);
	return dup2(from, to) < 0 ? -1 : 0;
}

static void default_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);	/* fails for a few that the C library keeps */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* How a program is started. */
struct way {
	const char *const *env;	/* added to ours, or, of a group, all there is; or NULL */
	int in, out;		/* -1: /dev/null, ours */
	int group;
	struct child_more more;
};

/* Input and output as they are asked for.  0 or -1 with errno. */
static int set_up(const struct way *w)
{
	int in = w->in < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : w->in;

	if (in < 0 || put_fd(in, STDIN_FILENO) != 0 ||
	    (w->out >= 0 && put_fd(w->out, STDOUT_FILENO) != 0) ||
	    (w->more.err >= 0 && put_fd(w->more.err, STDERR_FILENO) != 0) ||
	    (w->more.keep >= 0 && fcntl(w->more.keep, F_SETFD, 0) != 0))
		return -1;
	if (w->group && dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return -1;
	/* Not the lock's either: a daemon that it starts would hold it for ever. */
	if (w->group || w->more.bare)
		closefrom(STDERR_FILENO + 1);
	return 0;
}

static char **copy_list(const char *const list[])
{
	size_t n = 0, i;
	char **copy;

	while (list != NULL && list[n] != NULL)
		n++;
	copy = mem_array(NULL, n + 1, sizeof(*copy));
	for (i = 0; i < n; i++)
		copy[i] = mem_strdup(list[i]);
	copy[n] = NULL;
	return copy;
}

/* The child's side of fork: become argv, or say why not. */
static void __attribute__((noreturn)) become(const char *const argv[], const struct way *w,
					     pid_t parent)
{
	/* exec wants strings it could write to; nobody writes any more. */
	char **args = copy_list(argv), **env = copy_list(w->env);
	size_t i;

	default_signals();
	if (w->group)
		setpgid(0, 0);
	/* The parent may have died before it could be asked for. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(127);
	if (set_up(w) != 0) {
		msg_error("%s: cannot set up its input and output: %m", escape_name(argv[0]));
		_exit(127);
	}
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		unsetenv(secrets[i]);
	for (i = 0; !w->group && env[i] != NULL; i++)
		putenv(env[i]);
	if (w->more.domain >= 0 && sandbox_enter(w->more.domain) != 0)
		_exit(127);
	execve(args[0], args, w->group ? env : environ);
	msg_error("%s: cannot be executed: %m", escape_name(argv[0]));
	_exit(127);
}

static int start(struct child *c, const char *const argv[], const struct way *w)
{
	const char *slash = strrchr(argv[0], '/');
	pid_t parent = getpid(), pid;
	volatile pid_t *slot;
	sigset_t all, old;
	int ret = -1;

	c->name = slash != NULL ? slash + 1 : argv[0];
	c->pid = 0;
	c->status = 127;
	c->group = w->group;

	/* No handler may run between the fork and the note of whom to kill. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	if (stopped && !w->group)
		goto out;
	slot = slot_of(0);
	if (slot == NULL) {
		msg_error("%s: too many programs at once", c->name);
		goto out;
	}
	pid = fork();
	if (pid == 0)
		become(argv, w, parent);
	if (pid < 0) {
		msg_error("%s: cannot be started: %m", c->name);
		goto out;
	}
	/* Here as well: whoever kills the group must find it. */
	if (w->group)
		setpgid(pid, pid);
	c->pid = pid;
	*slot = w->group ? -pid : pid;
	ret = 0;
out:
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int child_start(struct child *c, const char *const argv[], const char *const env[], int in, int out)
{
	static const struct child_more none = CHILD_MORE;

	return child_start_with(c, argv, env, in, out, &none);
}

int child_start_with(struct child *c, const char *const argv[], const char *const env[], int in, int out,
		     const struct child_more *more)
{
	const struct way w = { .env = env, .in = in, .out = out, .more = *more };

	return start(c, argv, &w);
}

int child_start_group(struct child *c, const char *const argv[], const char *const env[], int out)
{
	const struct way w = { .env = env, .in = -1, .out = out, .group = 1,
			       .more = CHILD_MORE };

	return start(c, argv, &w);
}

int child_ended(const struct child *c)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0 ||
	       info.si_pid != 0;
}

int child_stopped(void)
{
	return stopped;
}

int child_lost(void)
{
	return stopped || lost;
}

int child_wait(struct child *c)
{
	volatile pid_t *slot;
	sigset_t all, old;
	siginfo_t info;

	while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) != 0)
		if (errno != EINTR) {
			msg_error("%s: cannot wait for it: %m", c->name);
			lost = 1;
			return -1;
		}
	c->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	/* Ours pass a signal on as 128 + N. */
	if (c->status > 128)
		lost = 1;

	/* While it is a zombie its number is nobody else's: forget it first. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	slot = slot_of(c->group ? -c->pid : c->pid);
	if (slot != NULL)
		*slot = 0;
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return c->status;
}

int child_wait_any(struct child *const c[], size_t n)
{
	siginfo_t info;
	size_t i;

	for (;;) {
		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) {
			if (errno == EINTR)
				continue;
			msg_error("cannot wait for programs that were started: %m");
			return -1;
		}
		for (i = 0; i < n; i++)
			if (c[i]->pid == info.si_pid)
				return child_wait(c[i]) < 0 ? -1 : (int)i;
		/* A stranger, which another program left to us. */
		waitpid(info.si_pid, NULL, 0);
	}
}

int child_run(const char *const argv[], const char *const env[])
{
	struct child c;

	if (child_start(&c, argv, env, -1, -1) != 0)
		return -1;
	return child_wait(&c);
}

int child_pipe(struct child *c, const char *const *const argv[], size_t n)
{
	int in = -1, end[2] = { -1, -1 }, ret = 0;
	size_t i, started = 0;

	for (i = 0; i < n && ret == 0; i++) {
		end[0] = end[1] = -1;
		if (i + 1 < n && pipe2(end, O_CLOEXEC) != 0) {
			msg_error("cannot make a pipe: %m");
			ret = -1;
		} else {
			ret = child_start(&c[i], argv[i], NULL, in, end[1]);
		}
		if (ret == 0)
			started++;
		/* Ours must be closed, or nobody ever sees the end. */
		if (in >= 0)
			close(in);
		if (end[1] >= 0)
			close(end[1]);
		in = end[0];
	}
	if (in >= 0)
		close(in);
	for (i = 0; i < started; i++)
		if (child_wait(&c[i]) < 0)
			ret = -1;
	return ret;
}

const char *child_status_text(int status)
{
	static char text[64];

	if (status > 128 && status < 128 + NSIG)
		snprintf(text, sizeof(text), "signal %d (%s)", status - 128, strsignal(status - 128));
	else
		snprintf(text, sizeof(text), "exit %d", status);
	return text;
}

void child_kill_all(int sig)
{
	int saved = errno;
	size_t i;

	stopped = 1;
	for (i = 0; i < RUNNING_MAX; i++)
		if (running[i] != 0)
			kill(running[i], sig);
	errno = saved;
}
