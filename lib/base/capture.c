/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* capture.c - what is said on stderr, kept to be shown elsewhere. */
#include "base/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"

#define CAPTURE_MAX 65536

int capture_begin(struct capture *c)
{
	c->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	c->file = memfd_create("capture", MFD_CLOEXEC);
	/* Several write to it: each behind what is there. */
	if (c->saved >= 0 && c->file >= 0 && fcntl(c->file, F_SETFL, O_APPEND) == 0 &&
	    dup2(c->file, STDERR_FILENO) >= 0)
		return 0;
	msg_error("cannot capture messages: %m");
	if (c->saved >= 0)
		close(c->saved);
	if (c->file >= 0)
		close(c->file);
	*c = (struct capture){ -1, -1 };
	return -1;
}

/* Take "NAME: " from the beginning of each line. */
static char *without_name(const char *text)
{
	char *name = mem_printf("%s: ", program_invocation_short_name);
	size_t len = strlen(name), line;
	struct buf b = { 0 };

	buf_str(&b, "");
	for (; *text != '\0'; text += line) {
		if (strncmp(text, name, len) == 0)
			text += len;
		line = strcspn(text, "\n");
		line += text[line] == '\n';
		buf_add(&b, text, line);
	}
	free(name);
	return b.p;
}

char *capture_end(struct capture *c)
{
	char *text = mem_alloc(CAPTURE_MAX), *said;
	ssize_t n = -1;

	if (c->file >= 0) {
		dup2(c->saved, STDERR_FILENO);
		n = pread(c->file, text, CAPTURE_MAX - 1, 0);
		close(c->saved);
		close(c->file);
	}
	text[n > 0 ? n : 0] = '\0';
	said = without_name(text);
	free(text);
	return said;
}
