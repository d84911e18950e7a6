/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.c - one run at a time, by flock, with the holder's name in the file.
 *
 * The file holds one line: PID START SINCE COMMAND.  START is the process's
 * start time in clock ticks since boot: a number that was given to another
 * process meanwhile is not taken for the holder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "escape.h"
#include "exits.h"
#include "file.h"
#include "lock.h"
#include "mem.h"
#include "msg.h"

#define LOCK_FILE "lock"
#define LOCK_VAR "SECONDSHOT_LOCK_FD"
#define LOCK_STEP_US 100000
#define LOCK_STEPS_ORPHANS 600	/* 60 s for the children of a holder that died */
#define LOCK_STEPS_NAMELESS 10	/* 1 s for a holder to write its name */

struct lock {
	int fd;
	int borrowed;		/* inherited from the program that started us */
	char env[48];
};

struct holder {
	long pid;
	unsigned long long start;
	char since[CLOCK_TEXT];
	char command[64];
};

/* Start time of a process, 0 if there is none (or only a zombie of it). */
static unsigned long long process_start(long pid)
{
	unsigned long long start = 0;
	char text[1024], state, *p;

	if (file_of_process(pid, "stat", text, sizeof(text)) == 0)
		return 0;
	/* The command's name is in brackets and may hold anything, brackets too. */
	p = strrchr(text, ')');
	if (p == NULL ||
	    sscanf(p + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

/* 1 if the file names a holder, else 0: it has not written its name, or has gone. */
static int holder_read(int fd, struct holder *h)
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0 || text[n - 1] != '\n')
		return 0;
	text[n] = '\0';
	return sscanf(text, "%ld %llu %39s %63[^\n]", &h->pid, &h->start, h->since, h->command) == 4 &&
	       h->pid > 0;
}

static int holder_write(int fd, const char *name)
{
	char text[256], since[CLOCK_TEXT];
	int n;

	n = snprintf(text, sizeof(text), "%ld %llu %s %.63s\n", (long)getpid(),
		     process_start(getpid()), clock_text(clock_now(), since),
		     program_invocation_short_name);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		msg_error("%s/%s: cannot write who holds it: %m", escape_name(name), LOCK_FILE);
		return SS_FAIL;
	}
	return SS_OK;
}

/* Somebody has it: SS_LOCKED after saying who, SS_OK to try again. */
static int lock_held(int fd, const char *name, unsigned steps)
{
	struct holder h;

	if (!holder_read(fd, &h)) {
		if (steps < LOCK_STEPS_NAMELESS)
			return SS_OK;
		msg_error("%s: locked by a program that has not given its name", escape_name(name));
		return SS_LOCKED;
	}
	if (process_start(h.pid) == h.start && h.start != 0) {
		msg_error("%s: locked by %s, process %ld, since %s", escape_name(name),
			  escape_name(h.command), h.pid, escape_name(h.since));
		return SS_LOCKED;
	}
	if (steps == LOCK_STEPS_NAMELESS)
		msg_info("%s: %s (process %ld) died; waiting for the programs it started to end",
			 escape_name(name), escape_name(h.command), h.pid);
	if (steps < LOCK_STEPS_ORPHANS)
		return SS_OK;
	msg_error("%s: still locked by programs that %s (process %ld, gone) started",
		  escape_name(name), escape_name(h.command), h.pid);
	return SS_LOCKED;
}

static int lock_wait(int fd, const char *name)
{
	unsigned steps;
	int ret;

	for (steps = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; steps++) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			msg_error("%s/%s: cannot lock it: %m", escape_name(name), LOCK_FILE);
			return SS_FAIL;
		}
		ret = lock_held(fd, name, steps);
		if (ret != SS_OK)
			return ret;
		usleep(LOCK_STEP_US);
	}
	return SS_OK;
}

/* The descriptor that the program which started us holds the lock by, or -1. */
static int inherited(int fd)
{
	const char *var = getenv(LOCK_VAR);
	struct stat ours, theirs;
	char *end;
	long n;

	if (var == NULL || *var == '\0')
		return -1;
	n = strtol(var, &end, 10);
	if (*end != '\0' || n <= STDERR_FILENO || n > 1 << 20 || n == fd)
		return -1;
	if (fstat(fd, &ours) != 0 || fstat((int)n, &theirs) != 0 ||
	    ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
		return -1;
	/* One open file is one lock: this succeeds where it is held by it already. */
	return flock((int)n, LOCK_EX | LOCK_NB) == 0 ? (int)n : -1;
}

static int lock_open(int dir, const char *name)
{
	struct stat st;
	int fd;

	fd = openat(dir, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) != 0) {
		msg_error("%s/%s: cannot open: %m", escape_name(name), LOCK_FILE);
	} else if (!S_ISREG(st.st_mode)) {
		msg_error("%s/%s: not a regular file", escape_name(name), LOCK_FILE);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int lock_take(struct lock **l, int dir, const char *name)
{
	int fd = lock_open(dir, name), theirs, ret = SS_OK;

	*l = NULL;
	if (fd < 0)
		return SS_FAIL;
	theirs = inherited(fd);
	if (theirs >= 0) {
		close(fd);
		fd = theirs;
	} else {
		ret = lock_wait(fd, name);
		if (ret == SS_OK)
			ret = holder_write(fd, name);
		/* Whoever we start holds it with us. */
		if (ret == SS_OK && fcntl(fd, F_SETFD, 0) != 0) {
			msg_error("%s/%s: cannot hand it on: %m", escape_name(name), LOCK_FILE);
			ret = SS_FAIL;
		}
	}
	if (ret != SS_OK) {
		close(fd);
		return ret;
	}
	*l = mem_alloc(sizeof(**l));
	(*l)->fd = fd;
	(*l)->borrowed = theirs >= 0;
	snprintf((*l)->env, sizeof((*l)->env), "%s=%d", LOCK_VAR, fd);
	return SS_OK;
}

const char *lock_env(const struct lock *l)
{
	return l->env;
}

void lock_release(struct lock *l)
{
	if (l == NULL)
		return;
	/* Closed, not unlocked: a child that is still there goes on holding it. */
	if (!l->borrowed)
		close(l->fd);
	free(l);
}
