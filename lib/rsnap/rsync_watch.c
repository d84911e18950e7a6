/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rsync_watch.c - is a transfer still getting anywhere? */
#include "rsnap/rsync_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define PROCESSES 64		/* rsync is three, a wrapper of the user's some more */
#define TICKS 5			/* keep-alives take less than that in a long time */

/* Bytes it read, clock ticks it computed; nothing of a process that is gone. */
static void add_process(long pid, uint64_t *bytes, uint64_t *ticks)
{
	char text[2048], *p;
	uint64_t user, system, n;

	if (file_of_process(pid, "io", text, sizeof(text)) > 0 &&
	    sscanf(text, "rchar: %" SCNu64, &n) == 1)
		*bytes += n;
	/* The command's name is in brackets and may hold anything, brackets too. */
	if (file_of_process(pid, "stat", text, sizeof(text)) > 0 && (p = strrchr(text, ')')) != NULL &&
	    sscanf(p + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64,
		   &user, &system) == 2)
		*ticks += user + system;
}

static int is_ssh(long pid)
{
	char name[32];

	return file_of_process(pid, "comm", name, sizeof(name)) > 0 && strcmp(name, "ssh\n") == 0;
}

/* Append the children of a process to list, which has room for PROCESSES. */
static void add_children(long pid, long *list, size_t *n)
{
	char name[64], text[1024], *p, *end;
	long child;

	snprintf(name, sizeof(name), "task/%ld/children", pid);
	if (file_of_process(pid, name, text, sizeof(text)) == 0)
		return;
	for (p = text; (child = strtol(p, &end, 10)) > 0 && end != p; p = end)
		if (*n < PROCESSES && !is_ssh(child))
			list[(*n)++] = child;
}

static void look(const struct rsync_watch *w, uint64_t *bytes, uint64_t *ticks)
{
	long list[PROCESSES] = { w->pid };
	size_t n = 1, i;

	*bytes = *ticks = 0;
	for (i = 0; i < n; i++) {
		add_process(list[i], bytes, ticks);
		add_children(list[i], list, &n);
	}
}

static void alive(struct rsync_watch *w, uint64_t bytes, uint64_t ticks)
{
	w->read = bytes;
	w->ticks = ticks;
	clock_gettime(CLOCK_MONOTONIC, &w->since);
}

void rsync_watch_begin(struct rsync_watch *w, pid_t pid, long seconds)
{
	uint64_t bytes, ticks;

	*w = (struct rsync_watch){ .pid = pid, .seconds = seconds };
	look(w, &bytes, &ticks);
	alive(w, bytes, ticks);
}

int rsync_watch_still(struct rsync_watch *w)
{
	uint64_t bytes, ticks;
	struct timespec now;

	if (w->seconds == 0)
		return 0;
	look(w, &bytes, &ticks);
	/* Less than before: one of them has ended. */
	if (bytes != w->read || ticks < w->ticks || ticks >= w->ticks + TICKS) {
		alive(w, bytes, ticks);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - w->since.tv_sec > w->seconds;
}
