/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_source.c - is there something to copy? */
#include "run/run_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tree/hash_open.h"

#define SYNC ".sync"

char *run_source_missing(const struct rsnap *rs, const char *host)
{
	const struct rsnap_point *p;
	struct stat st;

	for (p = rs->point; p < rs->point + rs->npoint; p++) {
		if (strcmp(p->host, host) != 0)
			continue;
		if (p->script != NULL && !rsnap_program(p->script))
			return mem_printf("backup_script %s: cannot be executed", p->script);
		if (p->src != NULL && *p->src == '/' && lstat(p->src, &st) != 0)
			return mem_printf("%s: %s", p->src, strerror(errno));
	}
	return NULL;
}

/* Paths below a location, to which something is copied. */
struct places {
	char **path;
	size_t n;
};

static void add_place(struct places *p, const char *dest, const char *below)
{
	p->path = mem_more(p->path, p->n, sizeof(*p->path));
	p->path[p->n++] = strcmp(below, ".") == 0 ? mem_strdup(dest) : mem_printf("%s/%s", dest, below);
}

static void free_places(struct places *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
}

/* Is name, in the directory path, on the way to one of the places? */
static int on_the_way(const struct places *p, const char *path, const char *name)
{
	size_t len = strlen(path), i, part;
	const char *rest;

	for (i = 0; i < p->n; i++) {
		if (strncmp(p->path[i], path, len) != 0 || p->path[i][len] != '/')
			continue;
		rest = p->path[i] + len + 1;
		part = strcspn(rest, "/");
		if (strlen(name) == part && strncmp(rest, name, part) == 0)
			return 1;
	}
	return 0;
}

/* Has the directory path below a location entries of its own?  1; 0, also where there is none; -1 unknown. */
static int has_entries(int location, const char *path, const struct places *p)
{
	struct hash_place at;
	struct dirent *d;
	DIR *dir = NULL;
	int fd, found = 0;

	if (hash_open_init(&at, location) != 0)
		return -1;
	fd = hash_open(&at, path, strlen(path), O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -1;
	}
	while (!found && (errno = 0, d = readdir(dir)) != NULL)
		found = strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
			!on_the_way(p, path, d->d_name);
	if (!found && errno != 0)
		found = -1;
	closedir(dir);
	return found;
}

/* The newest location with a tree of the host's, open; -1 = there is none. */
static int newest(const struct run *r, const char *host)
{
	const struct rsnap_retain *retain;
	struct stat st;
	unsigned i;
	char *name;
	int fd;

	for (retain = r->rsnap->retain; retain < r->rsnap->retain + r->rsnap->nretain; retain++)
		for (i = 0; i < retain->count; i++) {
			name = mem_printf("%s.%u", retain->name, i);
			fd = volume_location(&r->volume, name);
			free(name);
			if (fd >= 0 && fstatat(fd, host, &st, AT_SYMLINK_NOFOLLOW) == 0)
				return fd;
			if (fd >= 0)
				close(fd);
		}
	return -1;
}

/* Where the host's points end: the results tell it of this destination's, the others' begin at theirs. */
static void all_places(const struct run *r, size_t point, const struct rsnap_result *res, size_t n,
		       struct places *p)
{
	const struct rsnap_point *self = &r->rsnap->point[point], *other;
	size_t i;

	for (i = 0; i < n; i++)
		add_place(p, self->dest, res[i].below);
	if (n == 0)
		add_place(p, self->dest, ".");
	for (other = r->rsnap->point; other < r->rsnap->point + r->rsnap->npoint; other++)
		if (strcmp(other->dest, self->dest) != 0)
			add_place(p, other->dest, ".");
}

char *run_source_empty(const struct run *r, size_t point, const struct rsnap_result *res, size_t n)
{
	const struct rsnap_point *self = &r->rsnap->point[point];
	int now = volume_location(&r->volume, SYNC), before = newest(r, self->host);
	struct places p = { 0 };
	char *why = NULL;
	size_t i;

	all_places(r, point, res, n, &p);
	for (i = 0; now >= 0 && before >= 0 && why == NULL && i < (n > 0 ? n : 1); i++) {
		if (has_entries(now, p.path[i], &p) != 0 || has_entries(before, p.path[i], &p) <= 0)
			continue;
		if (n > 0)
			why = mem_printf("%s: source is empty; is it mounted?", res[i].src);
		else
			why = mem_printf("%s: backup_script left nothing", self->dest);
	}
	free_places(&p);
	if (now >= 0)
		close(now);
	if (before >= 0)
		close(before);
	return why;
}
