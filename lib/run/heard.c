/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* heard.c - what a program printed, passed on or summed up. */
#include "run/heard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define BLOCK 8192

int heard_open(void)
{
	return memfd_create("rsnapshot", MFD_CLOEXEC);
}

/* Append all of fd to b. */
static void read_all(int fd, struct buf *b)
{
	char block[BLOCK];
	off_t at = 0;
	ssize_t n;

	while (fd >= 0 && ((n = pread(fd, block, sizeof(block), at)) > 0 || (n < 0 && errno == EINTR))) {
		if (n > 0) {
			buf_add(b, block, (size_t)n);
			at += n;
		}
	}
}

void heard_pass(int fd)
{
	struct buf b = { 0 };
	size_t at = 0;
	ssize_t n;

	read_all(fd, &b);
	while (at < b.len && ((n = write(STDERR_FILENO, b.p + at, b.len - at)) > 0 || (n < 0 && errno == EINTR)))
		at += n > 0 ? (size_t)n : 0;
	buf_free(&b);
}

/* How much does a line tell of why?  Programs say what they cannot do; then rsnapshot says that they failed. */
static int worth(const char *line, size_t len)
{
	return memmem(line, len, ": cannot ", 9) ? 3 : memmem(line, len, "ERROR: ", 7) ? 2 : 1;
}

char *heard_reason_of(const char *text, const char *mark)
{
	const char *best = NULL, *line;
	size_t len, best_len = 0, n = 0, head = strlen(mark);
	int most = 0;

	for (line = text; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (len == 0)
			continue;
		n++;
		if (worth(line, len) > most) {
			most = worth(line, len);
			best = line;
			best_len = len;
		}
	}
	if (!best)
		return NULL;
	if (best_len > head && strncmp(best, mark, head) == 0) {
		best += head;
		best_len -= head;
	}
	return n > 1 ? mem_printf("%.*s (and %zu more lines)", (int)best_len, best, n - 1) : mem_dup(best, best_len);
}

char *heard_reason(int fd, const char *mark)
{
	struct buf b = { 0 };
	char *reason;

	read_all(fd, &b);
	reason = b.len ? heard_reason_of(b.p, mark) : NULL;
	buf_free(&b);
	return reason;
}

void heard_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
