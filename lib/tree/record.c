/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* record.c - what a volume keeps of itself, as lines. */
#include "tree/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/msg.h"

#define HEAD "secondshot-%s 1"

/* 1, or -1 if text is not a whole record. */
static int parse(char *text, const char *name, record_line_fn *fn, void *arg)
{
	char *save, *line = strtok_r(text, "\n", &save), *head = mem_printf(HEAD, name);
	int ret = line != NULL && strcmp(line, head) == 0 ? 0 : -1;

	free(head);
	while (ret == 0 && (line = strtok_r(NULL, "\n", &save)) != NULL)
		ret = strcmp(line, "end") == 0 ? 1 : fn(line, arg);
	return ret == 1 ? 1 : -1;
}

int record_read(const struct volume *v, const char *name, record_line_fn *fn, void *arg)
{
	size_t len;
	char *text = file_read_most(v->own, name, RECORD_MAX, &len);
	int ret = -1;

	if (text == NULL)
		return errno == ENOENT ? 0 : -1;
	if (strlen(text) == len)
		ret = parse(text, name, fn, arg);
	free(text);
	if (ret < 0)
		errno = EBADMSG;
	return ret;
}

const char *record_error(void)
{
	return errno == EBADMSG ? "damaged, or of a newer version" : strerror(errno);
}

int record_write(const struct volume *v, const char *name, struct buf *lines)
{
	struct buf b = { 0 };
	int ret;

	buf_printf(&b, HEAD "\n", name);
	buf_add(&b, lines->p, lines->len);
	buf_str(&b, "end\n");
	ret = file_replace(v->own, name, b.p, b.len, 0600);
	if (ret != 0)
		msg_error("%s/" MARKER_DIR "/%s: cannot write: %m", escape_name(v->root), name);
	buf_free(&b);
	buf_free(lines);
	return ret;
}
