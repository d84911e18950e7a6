/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.c - one run at a time, by flock, with the holder's name in the file.
 *
 * The file holds one line: PID START SINCE COMMAND.  START is the process's
 * start time in clock ticks since boot: a number that was given to another
 * process meanwhile is not taken for the holder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/msg.h"

#define LOCK_FILE "lock"
#define LOCK_SHOWN ".secondshot/" LOCK_FILE	/* as the reader of a message knows it */
#define LOCK_VAR "SECONDSHOT_LOCK_FD"
#define LOCK_STEP_US 100000
/* Milliseconds, at least, for the children of a holder that died, and for one to write its name. */
#define LOCK_ORPHANS 60000
#define LOCK_NAMELESS 1000

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

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return SS_OK;
	n = snprintf(text, sizeof(text), "%ld %llu %s %.63s\n", (long)getpid(),
		     process_start(getpid()), clock_text(clock_now(), since),
		     program_invocation_short_name);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		msg_error("%s/%s: cannot write who holds it: %m", escape_name(name), LOCK_SHOWN);
		return SS_FAIL;
	}
	return SS_OK;
}

struct waiting {
	int fd;
	const char *name;
	int64_t began;		/* milliseconds on a clock that nobody sets */
	int64_t patience;	/* milliseconds for a holder that lives */
	struct holder told;	/* who it was said is waited for, and whether he lived */
	int told_alive;
};

static int64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Is the file that fd is open under that number in that process, with a lock on it?  1 or 0. */
static int has_lock(long pid, const struct dirent *number, int proc, int fd)
{
	char info[64], text[1024];
	struct stat ours, theirs;

	snprintf(info, sizeof(info), "fdinfo/%.20s", number->d_name);
	return fstat(fd, &ours) == 0 && fstatat(proc, number->d_name, &theirs, 0) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino &&
	       file_of_process(pid, info, text, sizeof(text)) > 0 && strstr(text, "FLOCK") != NULL;
}

/* One process that holds the lock on the file that fd is, or 0: none that we may look into. */
static long who_holds(int fd)
{
	DIR *proc = opendir("/proc"), *fds;
	const struct dirent *p, *e;
	char path[64];
	long pid = 0;

	while (proc != NULL && pid == 0 && (p = readdir(proc)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%ld/fd", strtol(p->d_name, NULL, 10));
		fds = opendir(path);
		while (fds != NULL && pid == 0 && (e = readdir(fds)) != NULL)
			if (has_lock(strtol(p->d_name, NULL, 10), e, dirfd(fds), fd))
				pid = strtol(p->d_name, NULL, 10);
		if (fds != NULL)
			closedir(fds);
	}
	if (proc != NULL)
		closedir(proc);
	return pid;
}

/* The holder is gone, something that it started has the lock: which, if we may see that. */
static void say_left(const struct waiting *w, const struct holder *h)
{
	char command[64] = "";
	long pid = who_holds(w->fd);

	if (pid != 0 && file_of_process(pid, "comm", command, sizeof(command)) > 0)
		command[strcspn(command, "\n")] = '\0';
	if (pid != 0)
		msg_error("%s: still locked by %s, process %ld, which %s (process %ld, gone) started; "
			  "end it if it is no transfer", escape_name(w->name), escape_name(command), pid,
			  escape_name(h->command), h->pid);
	else
		msg_error("%s: still locked by programs that %s (process %ld, gone) started",
			  escape_name(w->name), escape_name(h->command), h->pid);
}

/* It could not be waited out.  SS_LOCKED. */
static int give_up(const struct waiting *w, const struct holder *h, int alive)
{
	if (h == NULL)
		msg_error("%s: locked by a program that has not given its name", escape_name(w->name));
	else if (alive)
		msg_error("%s: locked by %s, process %ld, since %s", escape_name(w->name),
			  escape_name(h->command), h->pid, escape_name(h->since));
	else
		say_left(w, h);
	return SS_LOCKED;
}

/* Say who is waited for, once for each. */
static void tell(struct waiting *w, const struct holder *h, int alive)
{
	if (w->told.pid == h->pid && w->told.start == h->start && w->told_alive == alive)
		return;
	w->told = *h;
	w->told_alive = alive;
	if (alive)
		msg_info("%s: waiting for %s, process %ld, since %s", escape_name(w->name),
			 escape_name(h->command), h->pid, escape_name(h->since));
	else
		msg_info("%s: %s (process %ld) died; waiting for the programs it started to end",
			 escape_name(w->name), escape_name(h->command), h->pid);
}

/* Somebody has it: SS_LOCKED after saying who, SS_OK to try again. */
static int lock_held(struct waiting *w)
{
	int64_t waited = milliseconds() - w->began;
	struct holder h;
	int alive;

	if (!holder_read(w->fd, &h))
		return waited < longer(w->patience, LOCK_NAMELESS) ? SS_OK : give_up(w, NULL, 0);
	alive = h.start != 0 && process_start(h.pid) == h.start;
	if (waited >= (alive ? w->patience : longer(w->patience, LOCK_ORPHANS)))
		return give_up(w, &h, alive);
	/* What a holder started may need a moment to see that it is gone. */
	if (alive || waited >= LOCK_NAMELESS)
		tell(w, &h, alive);
	return SS_OK;
}

static int lock_wait(int fd, const char *name, int patience)
{
	struct waiting w = {
		.fd = fd, .name = name, .began = milliseconds(), .patience = (int64_t)patience * 1000,
	};
	int ret;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			msg_error("%s/%s: cannot lock it: %m", escape_name(name), LOCK_SHOWN);
			return SS_FAIL;
		}
		ret = child_stopped() ? SS_FAIL : lock_held(&w);
		if (ret != SS_OK)
			return ret;
		usleep(LOCK_STEP_US);
	}
	return SS_OK;
}

/* What says that the program which started us holds the lock, or NULL. */
static const char *offer(void)
{
	const char *var = getenv(LOCK_VAR);

	return var != NULL && *var != '\0' ? var : NULL;
}

int lock_offered(void)
{
	return offer() != NULL;
}

/* The descriptor that the program which started us holds the lock by, or -1. */
static int inherited(int fd)
{
	const char *var = offer();
	struct stat ours, theirs;
	char *end;
	long n;

	if (var == NULL)
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
	/* Where nothing can be written a reader may still ask for it: another mount may be writable. */
	if (fd < 0 && errno == EROFS)
		fd = openat(dir, LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		msg_error("%s/%s: cannot open: %m", escape_name(name), LOCK_SHOWN);
	} else if (!S_ISREG(st.st_mode)) {
		msg_error("%s/%s: not a regular file", escape_name(name), LOCK_SHOWN);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int lock_take(struct lock **l, int dir, const char *name, int wait)
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
		ret = lock_wait(fd, name, wait);
		if (ret == SS_OK)
			ret = holder_write(fd, name);
		/* Whoever we start holds it with us. */
		if (ret == SS_OK && fcntl(fd, F_SETFD, 0) != 0) {
			msg_error("%s/%s: cannot hand it on: %m", escape_name(name), LOCK_SHOWN);
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

int lock_borrowed(const struct lock *l)
{
	return l->borrowed;
}

const char *lock_env(const struct lock *l)
{
	return l->env;
}

void lock_release(struct lock *l)
{
	if (l == NULL)
		return;
	/* To close it alone leaves it to whoever else has the open file. */
	if (!l->borrowed && !child_lost())
		flock(l->fd, LOCK_UN);
	if (!l->borrowed)
		close(l->fd);
	free(l);
}
