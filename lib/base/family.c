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
#include "base/mem.h"

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

static int is_in(pid_t pid, const pid_t *list, size_t n)
{
	while (n > 0 && list[n - 1] != pid)
		n--;
	return n > 0;
}

size_t family_children(pid_t **list)
{
	size_t n = 0;

	*list = mem_alloc(MOST * sizeof(**list));
	add_children(getpid(), *list, &n);
	return n;
}

size_t family_signal_new(pid_t first, const pid_t *known, size_t nknown, int sig)
{
	pid_t all[MOST], list[MOST];
	size_t nall = 0, n = 0, ours, others = 0, i;

	kill(first, sig);
	add_children(getpid(), all, &nall);
	for (i = 0; i < nall; i++)
		if (all[i] == first || !is_in(all[i], known, nknown))
			list[n++] = all[i];
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

size_t family_signal(pid_t first, int sig)
{
	return family_signal_new(first, NULL, 0, sig);
}
