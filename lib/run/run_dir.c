/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_dir.c - a directory for what a run lets rsnapshot execute and read. */
#include "run/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"

#define PREFIX "run-"
#define ROOTS "/run/secondshot"
#define ROOTS_OTHER "/var/lib/secondshot/run"
#define DEPTH 2			/* .sync/HOST */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The i-th place where it may lie, malloc'd; NULL: there are no more. */
static char *place(int i)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return i == 0 ? mem_strdup(ROOTS) : i == 1 ? mem_strdup(ROOTS_OTHER) : NULL;
	if (runtime == NULL || *runtime != '/')
		i++;
	if (i == 0)
		return mem_printf("%s/secondshot", runtime);
	return i == 1 ? mem_printf("/tmp/secondshot-%lu", (unsigned long)geteuid()) : NULL;
}

/* Remove what is in an open directory, and in those below it, as deep as we make any. */
static void make_empty(int dir, int depth)
{
	struct dirent **list;
	int n = scandirat(dir, ".", &list, NULL, NULL), i, sub;
	const char *name;

	for (i = 0; i < n; i++) {
		name = list[i]->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && unlinkat(dir, name, 0) != 0) {
			sub = depth > 0 ? openat(dir, name, DIR_FLAGS) : -1;
			if (sub >= 0) {
				make_empty(sub, depth - 1);
				close(sub);
			}
			unlinkat(dir, name, AT_REMOVEDIR);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static int is_ours(const struct dirent *d)
{
	return strncmp(d->d_name, PREFIX, strlen(PREFIX)) == 0;
}

/* What ended runs left: nobody has it locked.  What cannot be removed stays. */
static void collect(int base)
{
	struct dirent **list;
	int n = scandirat(base, ".", &list, is_ours, NULL), i;

	for (i = 0; i < n; i++) {
		int dir = openat(base, list[i]->d_name, DIR_FLAGS);

		if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0) {
			make_empty(dir, DEPTH);
			unlinkat(base, list[i]->d_name, AT_REMOVEDIR);
		}
		if (dir >= 0)
			close(dir);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* Open the place at d->base, made if it is not there.  0; 1 with errno: not to be had; -1 after reporting. */
static int open_base(struct run_dir *d)
{
	if (mkdir(d->base, 0700) != 0 && errno != EEXIST)
		return 1;
	d->base_fd = open(d->base, DIR_FLAGS);
	if (d->base_fd < 0)
		return 1;
	return trust_dir(d->base_fd, d->base);
}

/* The directory itself.  0, or -1 with errno. */
static int make(struct run_dir *d)
{
	char id[ID_LEN + 1];
	int err;

	/* So that no other run takes it for a left one before it is locked. */
	if (flock(d->base_fd, LOCK_EX) != 0)
		return -1;
	collect(d->base_fd);
	id_new(id);
	free(d->name);
	d->name = mem_printf(PREFIX "%s", id);
	if (mkdirat(d->base_fd, d->name, 0700) == 0)
		d->fd = openat(d->base_fd, d->name, DIR_FLAGS);
	if (d->fd >= 0 && flock(d->fd, LOCK_EX | LOCK_NB) != 0) {
		err = errno;
		close(d->fd);
		d->fd = -1;
		errno = err;
	}
	err = errno;
	flock(d->base_fd, LOCK_UN);
	errno = err;
	return d->fd < 0 ? -1 : 0;
}

int run_dir_open(struct run_dir *d)
{
	int i, rc;

	*d = (struct run_dir){ .fd = -1, .base_fd = -1 };
	for (i = 0; d->fd < 0 && (d->base = place(i)) != NULL; i++) {
		rc = open_base(d);
		if (rc < 0) {
			close(d->base_fd);
			return -1;
		}
		if (rc == 0 && make(d) == 0)
			break;
		msg_debug("%s: %m", escape_name(d->base));
		if (d->base_fd >= 0)
			close(d->base_fd);
		d->base_fd = -1;
		free(d->base);
	}
	if (d->fd < 0) {
		msg_error("no private directory can be made for this run, in %s: %m",
			  geteuid() == 0 ? ROOTS " or " ROOTS_OTHER : "$XDG_RUNTIME_DIR or /tmp");
		return -1;
	}
	d->path = mem_printf("/proc/self/fd/%d", d->fd);
	if (access(d->path, F_OK) != 0) {
		free(d->path);
		d->path = mem_printf("%s/%s", d->base, d->name);
	}
	return 0;
}

void run_dir_name(struct run_dir *d)
{
	*d = (struct run_dir){ .fd = -1, .base_fd = -1 };
	d->base = place(0);
	d->path = mem_printf("%s/" PREFIX "0", d->base);
}

void run_dir_close(struct run_dir *d)
{
	if (d->path != NULL && d->fd >= 0) {
		make_empty(d->fd, DEPTH);
		unlinkat(d->base_fd, d->name, AT_REMOVEDIR);
	}
	if (d->path != NULL && d->fd >= 0)
		close(d->fd);
	if (d->path != NULL && d->base_fd >= 0)
		close(d->base_fd);
	free(d->base);
	free(d->name);
	free(d->path);
	*d = (struct run_dir){ .fd = -1, .base_fd = -1 };
}
