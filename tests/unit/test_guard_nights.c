/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_guard_nights.c - does the guard, as the sample of secondshot.conf sets it, cry wolf?
 *
 * Eleven kinds of hosts live through 40 nights of what ordinary work does to files.  The same
 * work comes at each call: the numbers are made by a fixed rule.  Then something bad happens
 * to each of them.  Two more kinds cannot be told from a disaster by any figures: for those a
 * host can have limits of its own.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "catalog/guard.h"
#include "unit.h"

#define NIGHTS 40
#define KB INT64_C(1000)
#define MB (1000 * KB)
#define GB (1000 * MB)

/* A path, now and the night before; size below 0 = there is no file. */
struct file {
	int64_t size, mtime, was_size, was_mtime;
};

static struct file *file;
static size_t nfile;
static int64_t now;
static uint64_t seed;

/* From 0 to below n. */
static size_t any(size_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)((seed >> 33) % n);
}

/* A part of a host's files: so many paths from the first one on. */
struct part {
	size_t first, n;
};

/* New files, of a size from least to most. */
static struct part make(size_t n, int64_t least, int64_t most)
{
	struct part p = { nfile, n };

	file = mem_array(file, nfile + n, sizeof(*file));
	for (size_t i = 0; i < n; i++)
		file[nfile++] = (struct file){ least + (int64_t)any((size_t)(most - least + 1)), now, -1, 0 };
	return p;
}

/* The i-th file of p has other content. */
static void rewrite(struct part p, size_t i)
{
	struct file *f = &file[p.first + i];

	if (f->size < 0)
		return;
	f->size += (int64_t)any(KB) - f->size / 100;
	f->mtime = now;
}

static void edit(struct part p, size_t n)
{
	while (n-- > 0)
		rewrite(p, any(p.n));
}

static void rewrite_all(struct part p)
{
	for (size_t i = 0; i < p.n; i++)
		rewrite(p, i);
}

static void drop(struct part p, size_t n)
{
	while (n-- > 0)
		file[p.first + any(p.n)].size = -1;
}

/* n files in a row, as a directory. */
static void drop_dir(struct part p, size_t n)
{
	for (size_t from = any(p.n - n + 1), i = 0; i < n; i++)
		file[p.first + from + i].size = -1;
}

/* n files get other names. */
static void rename_files(struct part p, size_t n)
{
	while (n-- > 0) {
		size_t i = p.first + any(p.n);
		int64_t size = file[i].size;

		file[i].size = -1;
		if (size >= 0)
			make(1, size, size);
	}
}

static int weekend(int night)
{
	return night % 7 == 5 || night % 7 == 6;
}

/* The parts of the host at work. */
static struct part docs, large, logs, cache;

static void office_made(void)
{
	docs = make(4000, 5 * KB, 900 * KB);
	large = make(20, 100 * MB, 2 * GB);
}

static void office(int night)
{
	if (weekend(night))
		return;
	edit(docs, 20 + any(60));
	make(10 + any(20), 5 * KB, 900 * KB);
	drop(docs, any(10));
	if (night % 7 == 4)
		drop_dir(docs, 20 + any(80));	/* a project that is done with */
	if (night == 11 || night == 30)
		drop(large, 2 + any(8));	/* room is made */
	if (night == 24)
		rename_files(docs, 300);	/* another order of directories */
}

static void desk_made(void)
{
	docs = make(800, KB, 200 * KB);
	large = make(1, 1500 * MB, 1500 * MB);
}

/* One image of 1.5 GB is most of it. */
static void desk(int night)
{
	edit(docs, 5 + any(15));
	make(any(5), KB, 200 * KB);
	if (night == 9)
		drop_dir(large, 1);
}

static void mail_made(void)
{
	docs = make(6000, 2 * KB, 90 * KB);
	logs = make(60, 10 * KB, 2 * MB);
}

static void mail(int night)
{
	make(90, 2 * KB, 90 * KB);
	rename_files(docs, 60 + any(120));	/* read, or answered: a flag in the name */
	drop(docs, any(50));
	rewrite_all(logs);			/* indices */
	if (night % 30 == 29)
		rename_files(docs, 600);	/* the archive's folder */
}

static void web_made(void)
{
	docs = make(3000, KB, 300 * KB);
	logs = make(210, 10 * KB, 5 * MB);	/* 15 of 14 days each */
	cache = make(400, KB, 50 * KB);
}

static void web(int night)
{
	rewrite_all(logs);			/* each took the name of the next */
	edit(cache, 300);
	edit(docs, any(8));
	if (night % 7 == 2)
		for (size_t i = 0; i < 700; i++)
			rewrite(docs, i);	/* an application is deployed */
}

static void database_made(void)
{
	docs = make(5, 2 * GB, 9 * GB);
	logs = make(100, KB, 90 * KB);
}

/* Dumps with a name each, and some configuration. */
static void database(int night)
{
	rewrite_all(docs);
	edit(logs, any(3));
	if (night == 17)
		drop_dir(docs, 2);		/* databases that nobody needs */
}

static void dated_made(void)
{
	docs = make(84, 200 * MB, 2 * GB);	/* six a day, for 14 days */
}

/* Dumps with the day in their names. */
static void dated(int night)
{
	struct part oldest = { nfile - 84, 6 };

	(void)night;
	drop_dir(oldest, 6);
	make(6, 200 * MB, 2 * GB);
}

static void developer_made(void)
{
	docs = make(4000, KB, 60 * KB);
	logs = make(1500, KB, 20 * KB);		/* loose objects of repositories */
	cache = make(2500, KB, 90 * KB);	/* what was installed or built */
	large = make(6, 20 * MB, 700 * MB);
}

static void developer(int night)
{
	if (weekend(night))
		return;
	edit(docs, 20 + any(50));
	make(40 + any(80), KB, 20 * KB);
	if (night % 7 == 3)
		drop(logs, 500);		/* packed */
	if (night % 10 == 6)
		edit(cache, 1800);		/* installed anew */
	if (night == 15)
		drop_dir(large, 5);
}

static void system_made(void)
{
	docs = make(10000, 500, 400 * KB);
	logs = make(120, 10 * KB, 8 * MB);
	cache = make(900, KB, 900 * KB);	/* a kernel and its modules */
}

static void whole_system(int night)
{
	if (night % 7 == 0)
		rewrite_all(logs);
	else
		edit(logs, 40);
	if (night % 4 == 1)
		edit(docs, 60 + any(400));	/* upgrades */
	if (night == 20) {
		drop_dir(cache, 900);
		make(900, KB, 900 * KB);
	}
}

static void laptop_made(void)
{
	docs = make(5000, 10 * KB, 8 * MB);
	large = make(25, 300 * MB, 4 * GB);
	cache = make(900, KB, 500 * KB);
}

static void laptop(int night)
{
	edit(cache, 700);
	drop(cache, any(40));
	edit(docs, any(30));
	if (weekend(night))
		make(120, 2 * MB, 8 * MB);	/* pictures */
	if (night == 13)
		rename_files(docs, 400);
	if (night == 22)
		drop_dir(large, 20);		/* films that were seen: most of the bytes */
	if (night == 33)
		drop_dir(docs, 500);		/* the trash */
}

static void router_made(void)
{
	docs = make(8, KB, 90 * KB);
}

/* Its configuration, exported each night. */
static void router(int night)
{
	(void)night;
	rewrite_all(docs);
}

static void machines_made(void)
{
	large = make(3, 20 * GB, 60 * GB);
}

static void machines(int night)
{
	rewrite_all(large);
	if (night == 20)
		drop_dir(large, 1);
}

static void many_dumps_made(void)
{
	docs = make(60, 10 * MB, 2 * GB);
}

static void many_dumps(int night)
{
	(void)night;
	rewrite_all(docs);
}

/* A site that is written anew as a whole, twice a week. */
static void site(int night)
{
	if (night % 7 == 1 || night % 7 == 3)
		rewrite_all(docs);
}

static const struct {
	const char *name;
	void (*made)(void), (*night)(int night);
	int tiny;		/* so few files that they say nothing but when all are gone */
} host[] = {
	{ "an office's file server", office_made, office, 0 }, { "a desk with one large image", desk_made, desk, 0 },
	{ "a mail server", mail_made, mail, 0 }, { "a web server, its logs, a deployment a week", web_made, web, 0 },
	{ "a database's dumps", database_made, database, 0 }, { "dumps by day", dated_made, dated, 0 },
	{ "a developer", developer_made, developer, 0 }, { "a whole system", system_made, whole_system, 0 },
	{ "a laptop", laptop_made, laptop, 0 }, { "a router", router_made, router, 1 },
	{ "three virtual machines", machines_made, machines, 1 },
	/* Not ordinary: what comes behind the first HOSTS. */
	{ "sixty dumps, each under its old name", many_dumps_made, many_dumps, 0 },
	{ "a site written anew as a whole", office_made, site, 0 },
};

#define OTHERS 2
#define HOSTS (sizeof(host) / sizeof(host[0]) - OTHERS)

static void next_night(void)
{
	now += 86400;
	for (size_t i = 0; i < nfile; i++) {
		file[i].was_size = file[i].size;
		file[i].was_mtime = file[i].mtime;
	}
}

static struct guard_facts facts(void)
{
	struct guard_facts f = { 0 };
	struct change n = { 0 };

	for (size_t i = 0; i < nfile; i++) {
		struct entry is = { .type = 'f', .size = file[i].size, .mtime = file[i].mtime };
		struct entry was = { .type = 'f', .size = file[i].was_size, .mtime = file[i].was_mtime };

		change_count(&n, file[i].size < 0 ? NULL : &is, file[i].was_size < 0 ? NULL : &was);
		if (file[i].size >= 0) {
			f.files++;
			f.bytes += file[i].size;
		}
		if (file[i].was_size >= 0) {
			f.was_files++;
			f.was_bytes += file[i].was_size;
		}
	}
	f.changed = n.changed;
	f.removed = n.removed;
	return f;
}

/* Is the night held back?  Then why is said. */
static int held(const struct guard_limits *l, const char *what)
{
	struct guard_facts f = facts();
	struct buf why = { 0 };
	int is = guard_judge(&f, l, &why);

	if (is && what)
		printf("# %s: %s\n", what, why.p);
	buf_free(&why);
	return is;
}

/* Bring a host to where it is before the first night. */
static void begin(size_t h)
{
	free(file);
	file = NULL;
	nfile = 0;
	now = 1700000000;
	seed = 16 + h;
	host[h].made();
	next_night();
}

/* How many nights of a host are held back? */
static int live(size_t h, const struct guard_limits *l, int say)
{
	int night, n = 0;

	begin(h);
	for (night = 0; night < NIGHTS; night++) {
		host[h].night(night);
		n += held(l, say ? host[h].name : NULL);
		next_night();
	}
	return n;
}

/* The limits of the sample. */
static struct guard_limits sample(void)
{
	struct guard_limits l = { 0 };
	FILE *f = fopen("etc/secondshot.conf", "r");
	char line[256];
	int found = 0;

	need(f);
	while (fgets(line, sizeof(line), f))
		found += sscanf(line, "max-change = %d", &l.max_change) == 1 ||
			 sscanf(line, "max-shrink = %d", &l.max_shrink) == 1 ||
			 sscanf(line, "max-shrink-bytes = %d", &l.max_shrink_bytes) == 1 ||
			 sscanf(line, "min-change = %d", &l.min_change) == 1;
	fclose(f);
	need(found == 3);
	return l;
}

static void ordinary(const struct guard_limits *l)
{
	const struct guard_limits bytes = { l->max_change, l->max_shrink, l->max_shrink, 0 };
	int all = 0, before = 0, hosts = 0, n;
	size_t h;

	for (h = 0; h < HOSTS; h++) {
		n = live(h, l, 1);
		ok(n == 0, "%s: %d of %d nights are held back", host[h].name, n, NIGHTS);
		all += n;
	}
	for (h = 0; h < HOSTS; h++) {
		n = live(h, &bytes, 0);
		hosts += n > 0;
		before += n;
	}
	printf("# %zu hosts, %d nights each: %d are held back; %d, of %d hosts, by bytes alone and without a"
	       " least number\n", HOSTS, NIGHTS, all, before, hosts);
	ok(before > NIGHTS && hosts >= 5, "which is why: by bytes alone, and without a least number, %d nights of"
	   " %d hosts", before, hosts);
}

/* What is no different from a disaster: held back, and not with limits of its own. */
static void others(const struct guard_limits *l)
{
	static const int nights[OTHERS] = { NIGHTS, 12 };
	struct guard_limits own = *l;

	own.max_change = 0;
	for (size_t i = 0; i < OTHERS; i++) {
		ok(live(HOSTS + i, l, 0) == nights[i], "%s: %d of %d nights", host[HOSTS + i].name, nights[i], NIGHTS);
		ok(live(HOSTS + i, &own, 1) == 0, "and none with max-change 0 of its own");
	}
}

/* Something happens to the share of the files, of 100, in their order. */
enum bad { ENCRYPTED, RENAMED, EMPTIED, TRUNCATED };

static void happens(enum bad what, size_t share)
{
	size_t n = nfile;

	for (size_t i = 0; i < n; i++) {
		struct part one = { i, 1 };

		if (file[i].size < 0 || i % 100 >= share)
			continue;
		if (what == ENCRYPTED)
			file[i] = (struct file){ file[i].size + 16, now, file[i].was_size, file[i].was_mtime };
		else if (what == RENAMED)
			rename_files(one, 1);
		else if (what == EMPTIED)
			file[i].size = -1;
		else
			file[i] = (struct file){ 0, now, file[i].was_size, file[i].was_mtime };
	}
}

static void attacks(const struct guard_limits *l)
{
	static const struct {
		const char *name;
		enum bad what;
		size_t share;
	} bad[] = {
		{ "all is encrypted", ENCRYPTED, 100 }, { "half is encrypted", ENCRYPTED, 50 },
		{ "all is encrypted, under other names", RENAMED, 100 }, { "all is gone", EMPTIED, 100 },
		{ "a quarter is deleted", EMPTIED, 25 }, { "a third is cut to nothing", TRUNCATED, 33 },
		{ "all is cut to nothing", TRUNCATED, 100 },
	};

	for (size_t h = 0; h < HOSTS; h++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			if (host[h].tiny && bad[i].what != EMPTIED)
				continue;
			if (host[h].tiny && bad[i].share < 100)
				continue;
			begin(h);
			happens(bad[i].what, bad[i].share);
			ok(held(l, bad[i].name), "%s: %s", host[h].name, bad[i].name);
		}
}

int main(void)
{
	struct guard_limits l = sample();

	ordinary(&l);
	others(&l);
	attacks(&l);
	free(file);
	return done();
}
