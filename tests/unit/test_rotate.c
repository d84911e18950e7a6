/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_rotate.c - what is done, and undone, of a rotation that stopped anywhere.
 *
 * rsnapshot's own steps are played on lists of names and inodes, stopped after
 * each of them; the plan, played as well, must bring back what was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rsnap/rotate.h"
#include "unit.h"

static void put(struct rotate_list *l, const char *name, uint64_t ino)
{
	l->slot = realloc(l->slot, (l->n + 1) * sizeof(*l->slot));
	snprintf(l->slot[l->n].name, sizeof(l->slot[l->n].name), "%s", name);
	l->slot[l->n].ino = ino;
	l->slot[l->n].btime = (int64_t)ino * 10;
	l->n++;
}

static struct rotate_slot *at(const struct rotate_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->slot[i].name, name) == 0)
			return &l->slot[i];
	return NULL;
}

static uint64_t ino_at(const struct rotate_list *l, const char *name)
{
	const struct rotate_slot *s = at(l, name);

	return s == NULL ? 0 : s->ino;
}

/* Rename; -1 if it is not there or the place is taken. */
static int move(struct rotate_list *l, const char *from, const char *to)
{
	struct rotate_slot *s = at(l, from);

	if (s == NULL || at(l, to) != NULL)
		return -1;
	snprintf(s->name, sizeof(s->name), "%s", to);
	return 0;
}

static void discard(struct rotate_list *l, const char *name)
{
	struct rotate_slot *s = at(l, name);

	if (s != NULL)
		*s = l->slot[--l->n];
}

/* Do the plan's steps on l; 0, or -1 if one of them cannot be done. */
static int play(struct rotate_list *l, const struct rotate_plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->step[i].to[0] == '\0')
			discard(l, p->step[i].from);
		else if (move(l, p->step[i].from, p->step[i].to) != 0)
			return -1;
	}
	return 0;
}

static struct rotate begun(int copy)
{
	struct rotate r = { .interval = "hourly", .feeder = ".sync", .copy = copy };

	put(&r.before, ".sync", 100);
	put(&r.before, "hourly.0", 10);
	put(&r.before, "hourly.1", 11);
	put(&r.before, "hourly.2", 12);
	return r;
}

/* rsnapshot's steps for three slots, the first n of them. */
static struct rotate_list rotated(const struct rotate *r, int n)
{
	struct rotate_list l = { 0 };
	size_t i;

	for (i = 0; i < r->before.n; i++)
		put(&l, r->before.slot[i].name, r->before.slot[i].ino);
	if (n > 0)
		move(&l, "hourly.2", "_delete.4711");
	if (n > 1)
		move(&l, "hourly.1", "hourly.2");
	if (n > 2)
		move(&l, "hourly.0", "hourly.1");
	if (n > 3 && r->copy)
		put(&l, "hourly.0", 200);
	else if (n > 3)
		move(&l, ".sync", "hourly.0");
	if (n > 4)
		discard(&l, "_delete.4711");
	return l;
}

static void test_rename(void)
{
	struct rotate_plan p;
	struct rotate_list l;
	struct rotate r;
	int n;

	for (n = 0; n <= 5; n++) {
		r = begun(0);
		l = rotated(&r, n);
		rotate_plan(&r, &l, &p);
		ok(p.state == (n == 0 ? ROTATE_UNTOUCHED : n < 4 ? ROTATE_HALF : ROTATE_DONE),
		   "renamed, %d steps: state %d", n, (int)p.state);
		ok((n == 0 || n >= 4) == (p.n == 0), "renamed, %d steps: %zu to undo them", n, p.n);
		if (n < 4) {
			ok(play(&l, &p) == 0, "the plan can be carried out");
			ok(ino_at(&l, ".sync") == 100 && ino_at(&l, "hourly.0") == 10 &&
			   ino_at(&l, "hourly.1") == 11 && ino_at(&l, "hourly.2") == 12,
			   "everything is back");
		}
		rotate_plan_free(&p);
		rotate_list_free(&l);
		rotate_free(&r);
	}
}

static void test_copy(void)
{
	struct rotate_plan p;
	struct rotate_list l;
	struct rotate r;
	int n;

	for (n = 0; n <= 5; n++) {
		r = begun(1);
		l = rotated(&r, n);
		rotate_plan(&r, &l, &p);
		ok(p.state == (n == 0 ? ROTATE_UNTOUCHED : n < 4 ? ROTATE_HALF : ROTATE_COPIED),
		   "copied, %d steps: state %d", n, (int)p.state);
		ok(play(&l, &p) == 0, "the plan can be carried out");
		ok(ino_at(&l, ".sync") == 100 && ino_at(&l, "hourly.0") == 10 &&
		   ino_at(&l, "hourly.1") == 11, "all but the last are back");
		ok(ino_at(&l, "hourly.2") == (n < 5 ? 12 : 0), "the last is, if it was not removed");
		rotate_plan_free(&p);
		rotate_list_free(&l);
		rotate_free(&r);
	}
}

static void test_by_hand(void)
{
	struct rotate r = begun(0);
	struct rotate_list l = { 0 };
	struct rotate_plan p;

	/* Somebody synced and rotated again before the next run. */
	put(&l, "hourly.0", 300);
	put(&l, "hourly.1", 100);
	put(&l, "hourly.2", 10);
	rotate_plan(&r, &l, &p);
	ok(p.state == ROTATE_DONE && p.n == 0, "what was done by hand since is not undone");
	rotate_plan_free(&p);
	rotate_list_free(&l);
	rotate_free(&r);

	r = begun(1);
	put(&l, ".sync", 100);
	put(&l, "hourly.0", 300);
	put(&l, "hourly.1", 200);
	put(&l, "hourly.2", 10);
	rotate_plan(&r, &l, &p);
	ok(p.state == ROTATE_DONE && p.n == 0, "nor with copies");
	rotate_plan_free(&p);
	rotate_list_free(&l);
	rotate_free(&r);
}

static void test_higher(void)
{
	struct rotate r = { .interval = "daysago", .feeder = "hourly.2" };
	struct rotate_list l = { 0 };
	struct rotate_plan p;

	put(&r.before, "hourly.2", 12);
	put(&r.before, "daysago.0", 20);
	put(&r.before, "daysago.10", 30);
	put(&l, "hourly.2", 12);
	put(&l, "daysago.1", 20);
	put(&l, "daysago.11", 30);
	rotate_plan(&r, &l, &p);
	ok(p.state == ROTATE_HALF && p.n == 2, "with holes");
	ok(play(&l, &p) == 0 && ino_at(&l, "daysago.0") == 20 && ino_at(&l, "daysago.10") == 30,
	   "everything is back");
	rotate_plan_free(&p);

	move(&l, "daysago.0", "daysago.1");
	move(&l, "hourly.2", "daysago.0");
	rotate_plan(&r, &l, &p);
	ok(p.state == ROTATE_DONE, "the feeder is in slot 0");
	rotate_plan_free(&p);
	rotate_list_free(&l);

	/* The same inode number with another birth time is another directory. */
	put(&l, "hourly.2", 12);
	put(&l, "daysago.0", 20);
	l.slot[1].btime++;
	rotate_plan(&r, &l, &p);
	ok(p.state == ROTATE_DONE && p.n == 0, "a directory that took over an inode number");
	rotate_plan_free(&p);
	rotate_list_free(&l);
	rotate_free(&r);
}

int main(void)
{
	test_rename();
	test_copy();
	test_by_hand();
	test_higher();
	return done();
}
