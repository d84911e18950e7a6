/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* confine.c - what an rsync that rsnapshot starts may write. */
#include "rsnap/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "base/sandbox.h"
#include "rsnap/rsync_args.h"
#include "tree/place.h"

#define SYNC ".sync"
#define DIR_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* What every program may want to write to. */
static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/tty" };

/* rsync's options that name what it reads, and links from, and what it writes. */
static const char *const links[] = { "--link-dest", "--copy-dest", "--compare-dest" };
static const struct option {
	const char *name;
	char letter;
	int file;	/* it names a file, which may not be there yet */
} written[] = {
	{ "--temp-dir", 'T', 0 }, { "--partial-dir", '\0', 0 }, { "--backup-dir", '\0', 0 },
	{ "--log-file", '\0', 1 },
};
static const char *const unable[] = { "--write-batch", "--only-write-batch" };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct work {
	const char *root;	/* as it stands in the command line */
	int fd;			/* it, open */
	struct sandbox_rule *rule;
	size_t n;
	char *why;
};

int confine_able(void)
{
	return sandbox_abi() >= SANDBOX_WRITER;
}

/* The rule is now w's, and its descriptor; fd -1: none, silently. */
static void allow(struct work *w, int fd, enum sandbox_may may)
{
	if (fd < 0)
		return;
	w->rule = mem_more(w->rule, w->n, sizeof(*w->rule));
	w->rule[w->n++] = (struct sandbox_rule){ fd, may };
}

/* 0 if rel, below the snapshot root, leads where it says; else -1 with w->why. */
static int check(struct work *w, const char *rel)
{
	char *wrong = w->why == NULL ? place_wrong(w->fd, rel) : NULL;

	if (wrong != NULL)
		w->why = mem_printf("%s/%s, and is not followed", w->root, wrong);
	free(wrong);
	return w->why == NULL ? 0 : -1;
}

/* LOCATION/HOST of LOCATION/HOST/MORE, malloc'd; NULL: there is no host. */
static char *tree_of(const char *rel)
{
	size_t n = strcspn(rel, "/"), host = strspn(rel + n, "/");

	host = host > 0 ? strcspn(rel + n + host, "/") + host : 0;
	return host > 0 ? mem_dup(rel, n + host) : NULL;
}

/* A directory that rsync compares with, and perhaps links from. */
static void allow_link(struct work *w, const char *path)
{
	const char *rel = place_below(path, w->root);
	char *tree;

	if (*path != '/')
		return;		/* below the destination */
	if (rel == NULL) {
		allow(w, open(path, DIR_FLAGS), SANDBOX_LINK);
		return;
	}
	if (check(w, rel) != 0)
		return;
	tree = tree_of(rel);
	if (tree != NULL)
		allow(w, place_open(w->fd, tree), SANDBOX_LINK);
	free(tree);
}

/* A directory, or a file, of the administrator's that rsync is to write. */
static void allow_written(struct work *w, const char *path, int file)
{
	const char *rel = place_below(path, w->root);
	struct stat st;
	int fd;

	if (*path != '/' || (rel != NULL && check(w, rel) != 0))
		return;
	/* rsync would make it; it cannot where nothing is allowed above it. */
	fd = file ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600) :
		    mkdir(path, 0700);
	if (fd >= 0 && file)
		close(fd);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		allow(w, fd, S_ISDIR(st.st_mode) ? SANDBOX_TREE : SANDBOX_FILE);
}

static void allow_options(struct work *w, int argc, char *const argv[])
{
	const char *value;
	size_t k;
	int i;

	for (k = 0; k < COUNT(links); k++)
		for (i = 1; (value = rsync_args_value(argc, argv, links[k], '\0', &i)) != NULL; )
			allow_link(w, value);
	for (k = 0; k < COUNT(written); k++)
		for (i = 1; (value = rsync_args_value(argc, argv, written[k].name, written[k].letter, &i)) != NULL; )
			allow_written(w, value, written[k].file);
}

/* PATH:PATH... that are there. */
static void allow_more(struct work *w, const char *writes)
{
	size_t len;
	char *path;
	struct stat st;
	int fd;

	for (; writes != NULL && *writes != '\0'; writes += len + (writes[len] == ':')) {
		len = strcspn(writes, ":");
		path = mem_dup(writes, len);
		fd = *path == '/' ? open(path, O_PATH | O_CLOEXEC) : -1;
		if (fd >= 0 && fstat(fd, &st) == 0)
			allow(w, fd, S_ISDIR(st.st_mode) ? SANDBOX_TREE : SANDBOX_FILE);
		free(path);
	}
}

/* The host's tree in .sync, made if need be.  0, or -1 with w->why. */
static int allow_tree(struct work *w, const char *dest)
{
	const char *rel = place_below(dest, w->root);
	char *tree;
	int fd = -1;

	if (rel == NULL || strncmp(rel, SYNC "/", strlen(SYNC) + 1) != 0) {
		w->why = mem_printf("%s is not below %s/" SYNC, dest, w->root);
		return -1;
	}
	if (check(w, rel) != 0)
		return -1;
	tree = tree_of(rel);
	if (tree != NULL && (mkdirat(w->fd, tree, 0755) == 0 || errno == EEXIST))
		fd = place_open(w->fd, tree);
	if (fd < 0)
		w->why = mem_printf("%s/%s: cannot be made: %s", w->root, tree != NULL ? tree : rel, strerror(errno));
	allow(w, fd, SANDBOX_TREE);
	free(tree);
	return fd < 0 ? -1 : 0;
}

int confine(const char *root, int argc, char *const argv[], const char *writes, char **why)
{
	struct work w = { .root = root, .fd = open(root, DIR_FLAGS) };
	int domain = -1, able = confine_able();
	size_t i;

	if (w.fd < 0)
		w.why = mem_printf("%s: %s", root, strerror(errno));
	else if (allow_tree(&w, argv[argc - 1]) == 0)
		allow_options(&w, argc, argv);
	if (w.why == NULL && able) {
		for (i = 0; i < COUNT(devices); i++)
			allow(&w, open(devices[i], O_PATH | O_CLOEXEC), SANDBOX_FILE);
		allow_more(&w, writes);
		domain = sandbox_writer(w.rule, w.n);
		if (domain < 0)
			w.why = mem_strdup("it cannot be confined");
	}
	for (i = 0; i < w.n; i++)
		close(w.rule[i].fd);
	free(w.rule);
	if (w.fd >= 0)
		close(w.fd);
	*why = w.why;
	return domain;
}

void confine_each(int argc, char *const argv[], confine_each_fn *good, confine_each_fn *bad, void *arg)
{
	const char *value;
	size_t k;
	int i;

	for (k = 0; k < COUNT(written); k++)
		for (i = 1; (value = rsync_args_value(argc, argv, written[k].name, written[k].letter, &i)) != NULL; )
			if (*value == '/')
				good(written[k].name, value, arg);
	for (k = 0; k < COUNT(unable); k++)
		for (i = 1; (value = rsync_args_value(argc, argv, unable[k], '\0', &i)) != NULL; )
			bad(unable[k], value, arg);
}
