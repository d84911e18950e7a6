/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* family.c - all processes below this one. */
#include "base/family.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define MOST 1000		/* looked at in one round */
#define TEXT 16384		/* room for the numbers of one's children */

int family_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Append the children of pid to list, which has room for MOST. */
static void add_children(pid_t pid, pid_t *list, size_t *n)
{
	char name[64], text[TEXT], *p, *end;
	long child;

	snprintf(name, sizeof(name), "task/%ld/children", (long)pid);
	if (file_of_process(pid, name, text, sizeof(text)) == 0)
		return;
	for (p = text; (child = strtol(p, &end, 10)) > 0 && *end == ' '; p = end)
		if (*n < MOST)
			list[(*n)++] = (pid_t)child;
}

size_t family_signal(pid_t first, int sig)
{
	pid_t list[MOST];
	size_t n = 0, ours, others = 0, i;

	kill(first, sig);
	add_children(getpid(), list, &n);
	ours = n;
	for (i = 0; i < n; i++)
		add_children(list[i], list, &n);
	for (i = 0; i < n; i++) {
		if (list[i] == first || (i < ours && waitpid(list[i], NULL, WNOHANG) == list[i]))
			continue;
		others++;
		kill(list[i], sig);
	}
	return others;
}
