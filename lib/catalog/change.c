/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* change.c - what became of the regular files of a saveset in a later one. */
#include "catalog/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "catalog/rows.h"

static int is_file(const struct entry *e)
{
	return e != NULL && e->type == 'f';
}

int change_count(struct change *c, const struct entry *is, const struct entry *was)
{
	if (is_file(is) && is_file(was)) {
		int other = is->size != was->size || is->mtime != was->mtime ||
			    is->mtime_ns != was->mtime_ns;

		c->changed += other;
		return other;
	}
	c->removed += is_file(was);
	c->added += is_file(is);
	return is_file(is) || is_file(was);
}

static int64_t total(const struct change *c)
{
	return c->changed + c->removed + c->added;
}

static void dir_free(struct change_dir *d)
{
	size_t i;

	free(d->path);
	for (i = 0; i < CHANGE_NAMES; i++)
		free(d->name[i]);
	*d = (struct change_dir){ 0 };
}

void change_top_free(struct change_top *t)
{
	while (t->n > 0)
		dir_free(&t->dir[--t->n]);
}

/* d, which is now owned by t, takes its place among the others or is dropped. */
static void top_offer(struct change_top *t, struct change_dir *d)
{
	size_t i = t->n;

	/* Of equals the first one in path order comes first. */
	while (i > 0 && total(&t->dir[i - 1].n) < total(&d->n))
		i--;
	if (i == CHANGE_DIRS) {
		dir_free(d);
		return;
	}
	if (t->n == CHANGE_DIRS)
		dir_free(&t->dir[--t->n]);
	memmove(&t->dir[i + 1], &t->dir[i], (t->n - i) * sizeof(*t->dir));
	t->dir[i] = *d;
	t->n++;
}

/* A directory on the way to where we are, from the top down: its path is a beginning of theirs. */
struct level {
	size_t len;		/* of its path in change_path.path */
	struct change_dir d;	/* path: set when it is left */
};

struct change_path {
	struct change_top *top;
	struct buf path;	/* of the innermost directory */
	struct level *level;
	size_t n, cap;
};

struct change_path *change_path_new(struct change_top *t)
{
	struct change_path *p = mem_alloc(sizeof(*p));

	p->top = t;
	return p;
}

static void leave(struct change_path *p)
{
	struct level *l = &p->level[--p->n];

	l->d.path = mem_dup(p->path.p, l->len);
	l->d.len = l->len;
	top_offer(p->top, &l->d);
}

/* Does the directory hold what lies at path? */
static int holds(const struct change_path *p, const struct level *l, const char *path, size_t len)
{
	if (l->len == 0)
		return 1;
	return len > l->len && path[l->len] == '/' && memcmp(path, p->path.p, l->len) == 0;
}

/* The level of the directory that path lies in.  Everything below a directory comes in a row. */
static struct level *enter(struct change_path *p, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	size_t dir = slash ? (size_t)(slash - path) : 0;

	while (p->n > 0 && !holds(p, &p->level[p->n - 1], path, len))
		leave(p);
	if (p->n > 0 && p->level[p->n - 1].len == dir)
		return &p->level[p->n - 1];
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->level = mem_array(p->level, p->cap, sizeof(*p->level));
	}
	buf_reset(&p->path);
	buf_add(&p->path, path, dir);
	p->level[p->n] = (struct level){ .len = dir };
	return &p->level[p->n++];
}

void change_path_add(struct change_path *p, const struct entry *is, const struct entry *was)
{
	const struct entry *e = is ? is : was;
	struct change one = { 0 };
	struct level *l;
	size_t i = 0;

	if (!change_count(&one, is, was))
		return;
	l = enter(p, e->path, e->path_len);
	change_count(&l->d.n, is, was);
	while (i < CHANGE_NAMES && l->d.name[i] != NULL)
		i++;
	if (i < CHANGE_NAMES) {
		size_t skip = l->len ? l->len + 1 : 0;

		l->d.name[i] = mem_strdup(escape_bytes(e->path + skip, e->path_len - skip));
	}
}

void change_path_end(struct change_path *p)
{
	while (p->n > 0)
		leave(p);
	free(p->level);
	buf_free(&p->path);
	free(p);
}

static void count(struct change *c, struct change_path *path, const struct row *is, const struct row *was)
{
	change_count(c, is ? &is->e : NULL, was ? &was->e : NULL);
	if (path)
		change_path_add(path, is ? &is->e : NULL, was ? &was->e : NULL);
}

int change_between(struct catalog *cat, int64_t series, int64_t was, int64_t is, struct change *c,
		   struct change_top *top)
{
	struct rows *before = rows_open(cat, series, was), *after = rows_open(cat, series, is);
	struct change_path *path = top ? change_path_new(top) : NULL;
	const struct row *a, *b;
	int have_a = rows_next(after, &a), have_b = rows_next(before, &b);

	*c = (struct change){ 0 };
	while (have_a >= 0 && have_b >= 0 && (have_a || have_b)) {
		int order = !have_a ? 1 : !have_b ? -1 :
			entry_path_cmp(a->e.path, a->e.path_len, b->e.path, b->e.path_len);

		count(c, path, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		if (order <= 0)
			have_a = rows_next(after, &a);
		if (order >= 0)
			have_b = rows_next(before, &b);
	}
	if (path)
		change_path_end(path);
	rows_close(before);
	rows_close(after);
	return have_a < 0 || have_b < 0 ? -1 : 0;
}
