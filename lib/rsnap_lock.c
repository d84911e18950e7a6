/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_lock.c - rsnapshot's own lock file, held by us while we run.
 *
 * As rsnapshot's it holds a process id and no newline, and is made with O_EXCL.
 */
#include "rsnap_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "exits.h"
#include "file.h"
#include "msg.h"

#define NAMELESS_US 200000
#define STEP_US 100000
#define STEPS_PER_SECOND (1000000 / STEP_US)

static int is_called(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

int rsnap_lock_rsnapshot(long pid)
{
	char text[4096], *arg;
	size_t n = file_of_process(pid, "cmdline", text, sizeof(text));

	/* perl -w /usr/bin/rsnapshot ... */
	for (arg = text; arg < text + n; arg += strlen(arg) + 1)
		if (is_called(arg, "rsnapshot"))
			return 1;
	return 0;
}

/* What of the two that process is, or NULL. */
static const char *holder(long pid)
{
	char text[4096];

	if (pid <= 0 || pid == (long)getpid())
		return NULL;
	if (rsnap_lock_rsnapshot(pid))
		return "rsnapshot";
	return file_of_process(pid, "cmdline", text, sizeof(text)) > 0 && is_called(text, "ss-run") ?
	       "ss-run" : NULL;
}

/* The process id in the file, 0 = none.  0, 1 there is no such file, -1 with errno. */
static int read_pid(const char *file, long *pid)
{
	char text[32] = "";
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 1 : -1;
	n = read(fd, text, sizeof(text) - 1);
	err = errno;
	close(fd);
	errno = err;
	*pid = n > 0 ? strtol(text, NULL, 10) : 0;
	return n < 0 ? -1 : 0;
}

/* The file is there: get it out of the way.  As rsnap_lock_take(); SS_OK: try again. */
static int judge(const char *file, int last)
{
	const char *who;
	long pid = 0;
	int ret = read_pid(file, &pid);

	if (ret == 0 && pid == 0) {
		/* Made this moment, perhaps, and not written yet. */
		usleep(NAMELESS_US);
		ret = read_pid(file, &pid);
	}
	if (ret < 0) {
		msg_error("%s: cannot read rsnapshot's lock file: %m", escape_name(file));
		return SS_FAIL;
	}
	if (ret > 0)
		return SS_OK;
	who = holder(pid);
	if (who != NULL) {
		if (last)
			msg_error("%s is running by itself: process %ld, lock file %s", who, pid,
				  escape_name(file));
		return SS_LOCKED;
	}
	if (unlink(file) != 0 && errno != ENOENT) {
		msg_error("%s: cannot remove rsnapshot's stale lock file: %m", escape_name(file));
		return SS_FAIL;
	}
	msg_info("removed the stale lock file %s (process %ld is no rsnapshot any more)",
		 escape_name(file), pid);
	return SS_OK;
}

/* 0, 1 if it is there already, -1 after reporting. */
static int make(const char *file)
{
	char text[32];
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644), n, ret = 0;

	if (fd < 0 && errno == EEXIST)
		return 1;
	n = snprintf(text, sizeof(text), "%ld", (long)getpid());
	if (fd < 0 || write(fd, text, (size_t)n) != n) {
		msg_error("%s: cannot make rsnapshot's lock file: %m", escape_name(file));
		if (fd >= 0)
			unlink(file);
		ret = -1;
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

int rsnap_lock_take(const struct rsnap *r, int wait)
{
	long steps = (long)wait * STEPS_PER_SECOND;
	int made, ret;

	if (r->lockfile == NULL)
		return SS_OK;
	while ((made = make(r->lockfile)) > 0) {
		ret = judge(r->lockfile, steps <= 0);
		if (ret == SS_FAIL || (ret == SS_LOCKED && steps-- <= 0))
			return ret;
		if (ret == SS_LOCKED)
			usleep(STEP_US);
	}
	return made == 0 ? SS_OK : SS_FAIL;
}

void rsnap_lock_release(const struct rsnap *r)
{
	long pid = 0;

	if (r->lockfile == NULL || read_pid(r->lockfile, &pid) != 0 || pid != (long)getpid())
		return;
	if (unlink(r->lockfile) != 0 && errno != ENOENT)
		msg_error("%s: cannot remove rsnapshot's lock file: %m", escape_name(r->lockfile));
}
