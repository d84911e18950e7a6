/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* progress.c - how far the work is. */
#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000
#define PROGRESS_WIDTH 79	/* where the terminal does not tell its own */
#define PROGRESS_MOST 200

static int64_t progress_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec;
}

void progress_begin(struct progress *p, int quiet)
{
	const char *term = getenv("TERM");

	/* Where a line cannot be written over, each would stand below the one before. */
	*p = (struct progress){
		.on = !quiet && isatty(STDERR_FILENO) && term != NULL && *term != '\0' &&
		      strcmp(term, "dumb") != 0,
		.begun = progress_now(),
	};
	p->next = p->begun + SECOND;
}

void progress_bytes(char *to, size_t size, double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t u = 0;

	for (; n >= 1000 && u < 6; u++)
		n /= 1024;
	snprintf(to, size, "%.*f %s", u && n < 100 ? 1 : 0, n, units[u]);
}

/* By bytes where their total is known, else by files. */
static void progress_left(const struct progress *p, char *to, size_t size, double seconds)
{
	uint64_t done = p->all_bytes ? p->bytes : p->files;
	uint64_t all = p->all_bytes ? p->all_bytes : p->all_files;
	double left;

	*to = '\0';
	if (!all || !done || done > all)
		return;
	left = seconds * (double)(all - done) / (double)done;
	if (left < 3600)
		snprintf(to, size, ", %d:%02d left", (int)left / 60, (int)left % 60);
	else
		snprintf(to, size, ", %.1f h left", left / 3600);
}

/* One line, padded over what stood there, in one write; the cursor goes back to its start. */
static void progress_write(const char *text)
{
	char line[PROGRESS_MOST + 3];
	struct winsize w = { 0 };
	int width = PROGRESS_WIDTH, n;

	/* All but its last column, in which some go on to the next line. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1)
		width = w.ws_col - 1 < PROGRESS_MOST ? w.ws_col - 1 : PROGRESS_MOST;
	n = snprintf(line, sizeof(line), "\r%-*.*s\r", width, width, text);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;		/* a terminal that is gone needs no progress */
}

static void progress_show(struct progress *p, int64_t now)
{
	double seconds = (double)(now - p->begun) / SECOND;
	char text[160], bytes[32], rate[32], left[48];

	progress_bytes(bytes, sizeof(bytes), (double)p->bytes);
	progress_bytes(rate, sizeof(rate), (double)p->bytes / seconds);
	progress_left(p, left, sizeof(left), seconds);
	snprintf(text, sizeof(text), "%" PRIu64 " files, %s, %s/s%s", p->files, bytes, rate, left);
	progress_write(text);
	p->shown = 1;
	p->next = now + SECOND / 5;
}

void progress_add(struct progress *p, uint64_t files, uint64_t bytes)
{
	int64_t now;

	p->files += files;
	p->bytes += bytes;
	if (!p->on)
		return;
	now = progress_now();
	if (now >= p->next)
		progress_show(p, now);
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		progress_write("");
	p->shown = 0;
}
