/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_check_root.c - does the snapshot root lie where it should, and is all that lies in it kept? */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/below.h"
#include "base/escape.h"
#include "base/mem.h"
#include "rsnap/rotate.h"
#include "rsnap/rsnap_conf.h"
#include "rsnap/rsnap_opt.h"
#include "run/run_check.h"
#include "tree/held.h"

#define SYNC ".sync"
#define LIMIT 60000		/* milliseconds that rsync may look for the root in a source */
#define GRACE 2000
#define MOST 8			/* locations that are named */

/* What speaks against the root's own place. */
static void check_place(struct run_check *k, const struct volume *v)
{
	const char *root = k->rsnap->root;
	char *real = realpath(root, NULL);
	struct statfs fs;
	struct stat st;

	if (lstat(root, &st) == 0 && S_ISLNK(st.st_mode) && real != NULL)
		run_check_add(k, "root", RUN_CHECK_WARNING,
			      mem_printf("%s is a symbolic link to %s: write that path into %s; backups would follow"
					 " the link wherever it is turned to, and rsync 3.5 refuses one of another"
					 " owner", escape_name(root), escape_name(real), escape_name(k->rsnap->file)));
	if (fstatfs(v->fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
		run_check_add(k, "root", RUN_CHECK_WARNING,
			      mem_printf("%s lies in memory (tmpfs): all backups are gone with the next reboot",
					 escape_name(root)));
	free(real);
}

/* What is behind dir in path: "" for dir itself, else without a slash before it; NULL: path is not below it. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (strncmp(path, dir, n) != 0 || (path[n] != '\0' && path[n] != '/'))
		return NULL;
	return path + n + strspn(path + n, "/");
}

/* Is rsnapshot, or are we, at work in the directory of this name below the root? */
static int is_taken(const struct rsnap *r, const char *rel)
{
	char *name = mem_dup(rel, strcspn(rel, "/"));
	int taken = strcmp(name, SYNC) == 0 || strcmp(name, MARKER_DIR) == 0;
	size_t i;

	for (i = 0; i < r->nretain && !taken; i++)
		taken = rotate_slot_number(name, r->retain[i].name) >= 0;
	free(name);
	return taken;
}

/* What rsync would copy, as it tells it. */
struct search {
	const char *end;	/* of the name that must not be among it */
	int any, found;
};

static void hear(void *arg, const char *line, size_t len)
{
	struct search *s = arg;
	size_t n = strlen(s->end);

	s->any = 1;
	while (len > 0 && line[len - 1] == '/')
		len--;
	if (len >= n && memcmp(line + len - n, s->end, n) == 0 && (len == n || line[len - n - 1] == '/'))
		s->found = 1;
}

/* --include=NAME/ for each component of path; what has a meaning in a pattern stands for any character. */
static size_t include_way(const char **argv, size_t n, const char *path)
{
	struct buf b = { 0 };
	const char *p;
	size_t len;

	for (path += strspn(path, "/"); *path != '\0'; path += len + strspn(path + len, "/")) {
		len = strcspn(path, "/");
		buf_reset(&b);
		buf_str(&b, "--include=");
		for (p = path; p < path + len; p++)
			buf_char(&b, strchr("*?[\\", *p) != NULL ? '?' : *p);
		buf_char(&b, '/');
		argv[n++] = mem_strdup(b.p);
	}
	buf_free(&b);
	return n;
}

/*
 * Would a transfer of p, with all that its options leave out, come to the root, rel in
 * its source?  rsync itself is asked, which reads directories on the way there alone.
 * 1, 0, or -1: it cannot tell.
 */
static int comes_to(const struct run_check *k, const struct rsnap_point *p, const char *real, const char *rel)
{
	static const char *const env[] = { rsnap_conf_path, NULL };
	char *end = mem_printf("%s/" MARKER_DIR, rel), **words = rsnap_opt_dry(k->rsnap, p), *way;
	struct search s = { .end = end };
	struct quote q = { .fd = -1, .hear = hear, .arg = &s };
	struct below b = { .out = &q, .family = 1, .limit = LIMIT, .grace = GRACE };
	size_t i, n = 0, first, last;
	const char **argv;
	int status;

	for (i = 0; words[i] != NULL; i++)
		;
	way = mem_printf("%s/" MARKER_DIR, real);
	argv = mem_alloc((i + strlen(way) + 9) * sizeof(*argv));
	argv[n++] = rsnap_rsync(k->rsnap);
	for (i = 0; words[i] != NULL; i++)
		argv[n++] = words[i];
	first = n;
	n = last = include_way(argv, n, way);
	argv[n++] = "--exclude=*";
	argv[n++] = "--dry-run";
	argv[n++] = "--8-bit-output";
	argv[n++] = "--out-format=%n";
	argv[n++] = p->src;
	argv[n++] = "/nonexistent/";
	status = below_run(&b, argv, env);
	for (i = first; i < last; i++)
		free((char *)(size_t)argv[i]);
	free(argv);
	free(way);
	rsnap_opt_free(words);
	free(end);
	return s.found ? 1 : status == 0 && s.any && !b.late ? 0 : -1;
}

static void check_source(struct run_check *k, const struct rsnap_point *p, const char *real)
{
	char *src = realpath(p->src, NULL);
	const char *in = src != NULL ? below(real, src) : NULL, *out = src != NULL ? below(src, real) : NULL;
	int comes = in == NULL ? 0 : *in == '\0' ? 1 : comes_to(k, p, real, in);

	if (comes > 0)
		run_check_add(k, "root", RUN_CHECK_MEND,
			      mem_printf("%s lies inside %s, which host %s backs up: each run would copy all backups"
					 " again; exclude it there", escape_name(k->rsnap->root), escape_name(p->src),
					 escape_name(p->host)));
	else if (comes < 0)
		run_check_add(k, "root", RUN_CHECK_WARNING,
			      mem_printf("%s lies inside %s, which host %s backs up, and rsync did not tell whether"
					 " that is excluded: if not, each run copies all backups again",
					 escape_name(k->rsnap->root), escape_name(p->src), escape_name(p->host)));
	else if (out != NULL && *out != '\0' && is_taken(k->rsnap, out))
		run_check_add(k, "root", RUN_CHECK_MEND,
			      mem_printf("%s, which host %s backs up, is part of the backups in %s, and moves with each"
					 " rotation: name what it is a copy of", escape_name(p->src),
					 escape_name(p->host), escape_name(k->rsnap->root)));
	free(src);
}

static void check_sources(struct run_check *k)
{
	char *real = realpath(k->rsnap->root, NULL);
	const struct rsnap_point *p;

	for (p = k->rsnap->point; real != NULL && p < k->rsnap->point + k->rsnap->npoint; p++)
		if (p->src != NULL && rsnap_opt_source(p->src) == SOURCE_LOCAL)
			check_source(k, p, real);
	free(real);
}

/* Locations that no rotation reaches. */
struct left {
	const struct rsnap *r;
	struct buf names;
	size_t n;
};

/* Has the location NAME.NUMBER a retain line that keeps it?  What has no such name is somebody else's. */
static int is_kept(const struct rsnap *r, const char *location)
{
	const char *dot = strrchr(location, '.');
	char *name;
	long n;
	int i;

	if (dot == NULL || dot == location || !isdigit((unsigned char)dot[1]))
		return 1;
	name = mem_dup(location, (size_t)(dot - location));
	n = rotate_slot_number(location, name);
	i = rsnap_interval(r, name);
	free(name);
	return n < 0 || (i >= 0 && n < (long)r->retain[i].count);
}

/* Only where a host of this configuration has a tree in it: others may have their own intervals on this root. */
static int look(const char *location, int fd, void *arg)
{
	struct left *l = arg;
	size_t i;

	/* Those with a row of their own need no retain line. */
	if (is_kept(l->r, location) || held_is_spare(location))
		return 0;
	for (i = 0; i < l->r->nhost && faccessat(fd, l->r->host[i], F_OK, AT_SYMLINK_NOFOLLOW) != 0; i++)
		;
	if (i < l->r->nhost && l->n++ < MOST)
		buf_printf(&l->names, "%s%s", l->n > 1 ? ", " : "", escape_name(location));
	return 0;
}

static void check_left(struct run_check *k, const struct volume *v)
{
	struct left l = { .r = k->rsnap };

	/* What cannot be listed is told by the other rows. */
	volume_each(v, look, &l);
	if (l.n > MOST)
		buf_printf(&l.names, " and %zu more", l.n - MOST);
	if (l.n > 0)
		run_check_add(k, "locations", RUN_CHECK_WARNING,
			      mem_printf("%s: no retain line of %s reaches so far, so no rotation ever moves or removes"
					 " what lies there: raise the number, or let ss-prune delete the savesets",
					 l.names.p, escape_name(k->rsnap->file)));
	buf_free(&l.names);
}

static int is_there(const struct volume *v, const char *interval, unsigned n)
{
	char *name = mem_printf("%s.%u", interval, n);
	struct stat st;
	int there = fstatat(v->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);

	free(name);
	return there;
}

/* A rotation that found nothing to take over leaves a hole, and takes the last one away all the same. */
static void check_holes(struct run_check *k, const struct volume *v)
{
	const struct rsnap_retain *retain;

	for (retain = k->rsnap->retain; retain < k->rsnap->retain + k->rsnap->nretain; retain++)
		if (!is_there(v, retain->name, 0) && is_there(v, retain->name, 1))
			run_check_add(k, "locations", RUN_CHECK_WARNING,
				      mem_printf("%s.0 is missing, and %s.1 is there: something else than ss-run rotates"
						 " on this root (an old cron line? \"rsnapshot %s\" by hand?), and takes"
						 " a generation each time", retain->name, retain->name, retain->name));
}

void run_check_root(struct run_check *k, const struct volume *v)
{
	check_place(k, v);
	check_sources(k);
	check_left(k, v);
	check_holes(k, v);
}
