/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_lock.c - rsnapshot's own lock file, held by us while we run.
 *
 * As rsnapshot's it holds a process id and no newline, and is made with O_EXCL.
 */
#include "rsnap/rsnap_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/file.h"
#include "base/msg.h"

#define STEP_US 100000
#define STEPS_PER_SECOND (1000000 / STEP_US)

static int is_called(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

/* Is it a process of root's or ours?  What others call theirs says nothing. */
static int is_ours(long pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld", pid);
	return stat(path, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid());
}

int rsnap_lock_rsnapshot(long pid)
{
	char text[4096], *arg;
	size_t n = is_ours(pid) ? file_of_process(pid, "cmdline", text, sizeof(text)) : 0;

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
	return is_ours(pid) && file_of_process(pid, "cmdline", text, sizeof(text)) > 0 &&
	       is_called(text, "ss-run") ? "ss-run" : NULL;
}

static long pid_in(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	return n < 0 ? -1 : pid > 0 ? pid : 0;
}

struct waiting {
	const char *file;
	long left;		/* looks until somebody who has it is not waited for any more */
	long nameless;		/* looks at a file without a number */
	long told;		/* who it was said is waited for */
};

/* Somebody has it.  SS_OK: try again. */
static int wait_for(struct waiting *w, const char *who, long pid)
{
	if (w->left-- <= 0) {
		msg_error("%s is running by itself: process %ld, lock file %s", who, pid,
			  escape_name(w->file));
		return SS_LOCKED;
	}
	if (w->told != pid)
		msg_info("waiting for %s, process %ld, lock file %s", who, pid, escape_name(w->file));
	w->told = pid;
	usleep(STEP_US);
	return SS_OK;
}

/* Nobody has the file that fd is, and that named pid.  SS_OK: try again. */
static int remove_stale(const char *file, int fd, long pid)
{
	struct stat here, there;

	/* Another run may be at this, too: it must not remove the one that we make then, nor we its. */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		usleep(STEP_US);
		return SS_OK;
	}
	if (fstat(fd, &here) == 0 && lstat(file, &there) == 0 &&
	    (here.st_dev != there.st_dev || here.st_ino != there.st_ino))
		return SS_OK;
	if (unlink(file) != 0 && errno != ENOENT) {
		msg_error("%s: cannot remove rsnapshot's stale lock file: %m", escape_name(file));
		return SS_FAIL;
	}
	if (pid > 0)
		msg_info("removed the stale lock file %s (process %ld is no rsnapshot any more)",
			 escape_name(file), pid);
	else
		msg_info("removed the stale lock file %s (it names no process)", escape_name(file));
	return SS_OK;
}

/* The file is there: get it out of the way.  As rsnap_lock_take(); SS_OK: try again. */
static int judge(struct waiting *w)
{
	int fd = open(w->file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), ret = SS_OK;
	const char *who;
	long pid = fd < 0 ? -1 : pid_in(fd);

	if (fd < 0 && errno == ENOENT)
		return SS_OK;
	who = holder(pid);
	if (pid < 0) {
		msg_error("%s: cannot read rsnapshot's lock file: %m", escape_name(w->file));
		ret = SS_FAIL;
	} else if (who != NULL) {
		ret = wait_for(w, who, pid);
	} else if (pid == 0 && w->nameless++ < STEPS_PER_SECOND) {
		/* Made this moment, perhaps, and not written yet. */
		usleep(STEP_US);
	} else {
		ret = remove_stale(w->file, fd, pid);
	}
	if (fd >= 0)
		close(fd);
	return ret;
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
	struct waiting w = { .file = r->lockfile, .left = (long)wait * STEPS_PER_SECOND };
	int made, ret;

	if (r->lockfile == NULL)
		return SS_OK;
	while ((made = make(r->lockfile)) > 0) {
		ret = child_stopped() ? SS_FAIL : judge(&w);
		if (ret != SS_OK)
			return ret;
	}
	return made == 0 ? SS_OK : SS_FAIL;
}

void rsnap_lock_release(const struct rsnap *r)
{
	int fd = -1, ours;

	if (r->lockfile != NULL)
		fd = open(r->lockfile, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	ours = pid_in(fd) == (long)getpid();
	close(fd);
	if (ours && unlink(r->lockfile) != 0 && errno != ENOENT)
		msg_error("%s: cannot remove rsnapshot's lock file: %m", escape_name(r->lockfile));
}
