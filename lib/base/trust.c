/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trust.c - may root believe what stands in this file? */
#include "base/trust.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

const char *trust_why(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else (chown root it)";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner may write it (chmod go-w it)";
	return NULL;
}

/* A symbolic link of somebody else's, which he can exchange also where the directory is sticky? */
static int others_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != 0 && st.st_uid != geteuid();
}

/*
 * Every directory above the file as dir_of names it: who can write one of them can
 * put another in the next one's place.  What lies in a sticky one (/tmp) stays its owner's;
 * above: also where that is the first one.
 */
static int parent_trusted(const char *dir_of, const char *name, int above)
{
	char *copy = mem_strdup(dir_of);
	const char *dir, *why;
	struct stat st;
	int rc = 0;

	do {
		if (others_link(copy)) {
			msg_error("%s is refused: %s is a symbolic link of somebody else's (remove it)",
				  escape_name(name), escape_name(copy));
			rc = -1;
			break;
		}
		dir = dirname(copy);
		if (stat(dir, &st) < 0) {
			msg_error("%s: %m%s", escape_name(dir), msg_as_root());
			rc = -1;
			break;
		}
		why = above && st.st_uid == 0 && st.st_mode & S_ISVTX ? NULL : trust_why(&st);
		above = 1;
		if (why) {
			msg_error("%s is refused for the directory %s: %s", escape_name(name), escape_name(dir), why);
			rc = -1;
			break;
		}
		memmove(copy, dir, strlen(dir) + 1);
	} while (strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0);
	free(copy);
	return rc;
}

static int all_above(int fd, const char *name, int above)
{
	char link[64], real[4096];
	ssize_t n;

	if (parent_trusted(name, name, above))
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n <= 0 || real[0] != '/')
		return 0;	/* no /proc: the directory it was named in has been looked at */
	real[n] = '\0';
	return parent_trusted(real, name, above);
}

int trust_above(int fd, const char *name)
{
	return all_above(fd, name, 0);
}

int trust_dir(int fd, const char *name)
{
	const char *why;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		msg_error("%s: %m", escape_name(name));
		return -1;
	}
	why = S_ISDIR(st.st_mode) ? trust_why(&st) : "it is not a directory";
	if (why) {
		msg_error("%s is refused: %s", escape_name(name), why);
		return -1;
	}
	return all_above(fd, name, 1);
}

int trust_file(int fd, const char *name)
{
	const char *why;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		msg_error("%s: %m", escape_name(name));
		return -1;
	}
	why = S_ISREG(st.st_mode) ? trust_why(&st) : "it is not a regular file";
	if (why) {
		msg_error("%s is refused: %s", escape_name(name), why);
		return -1;
	}
	return trust_above(fd, name);
}
