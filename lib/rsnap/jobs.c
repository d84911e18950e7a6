/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* jobs.c - what cron and systemd's timers start on this machine. */
#include "rsnap/jobs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/trust.h"

#define ENTRIES 2000		/* of a directory that are looked at */
#define FILE_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct finder {
	int root;
	struct jobs *to;
};

/* Where units lie, those that count first before the others. */
static const char *const unit_dirs[] = {
	"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
	"lib/systemd/system",
};

#define UNIT_DIRS (sizeof(unit_dirs) / sizeof(unit_dirs[0]))

/* Open a path below root, in which links are those of root's tree. */
static int open_in(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	/* Linux before 5.6, and old container runtimes. */
	return fd < 0 && (errno == ENOSYS || errno == EPERM) ? openat(root, path, flags) : fd;
}

/* A file that was read. */
struct script {
	char *path;		/* "/etc/crontab" */
	char *text;		/* as far as FILE_SMALL reaches; NULL: it is none that counts */
	int there;		/* there is something of this name, perhaps a link that leads nowhere */
	int roots, runs;	/* root wrote it; it can be executed */
};

/* Read path, of root's or, own not 0, of anybody's and no link. */
static void script_read(struct script *s, int root, const char *path, int own)
{
	int fd = open_in(root, path, FILE_FLAGS | (own ? O_NOFOLLOW : 0)), name;
	size_t got = 0;
	struct stat st;
	ssize_t n;

	*s = (struct script){ .path = mem_printf("/%s", path), .there = fd >= 0 || errno != ENOENT };
	if (!s->there && (name = open_in(root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) >= 0) {
		s->there = 1;
		close(name);
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->roots = trust_why(&st) == NULL;
		s->runs = (st.st_mode & 0111) != 0;
		s->text = s->roots || own ? mem_alloc(FILE_SMALL) : NULL;
		while (s->text != NULL && got < FILE_SMALL - 1 && (n = read(fd, s->text + got, FILE_SMALL - 1 - got)) > 0)
			got += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
}

static void script_free(struct script *s)
{
	free(s->path);
	free(s->text);
}

static void add_calls(struct finder *f, const struct script *s, size_t line, const char *text)
{
	struct jobs *j = f->to;
	struct job_call call;

	while (job_line_call(&text, &call)) {
		j->job = mem_more(j->job, j->n, sizeof(*j->job));
		j->job[j->n++] = (struct job){ mem_strdup(s->path), line, call, s->roots };
	}
}

/* Cut the next line off *rest, one that ends with a backslash with the next; *line is its number.  NULL: the end. */
static char *next_line(char **rest, int joined, size_t *line, size_t *read)
{
	char *start = *rest, *end = strchrnul(start, '\n');

	if (*start == '\0')
		return NULL;
	*line = ++*read;
	for (; joined && *end != '\0' && end > start && end[-1] == '\\'; end = strchrnul(end, '\n')) {
		end[-1] = *end = ' ';
		++*read;
	}
	*rest = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return start;
}

static void find_in_file(struct finder *f, const char *path, enum job_form form)
{
	size_t line, read = 0;
	const char *command;
	struct script s;
	char *rest, *text;

	script_read(&s, f->root, path, form == JOB_USER);
	rest = s.text;
	while (rest != NULL && (form != JOB_SCRIPT || s.runs) &&
	       (text = next_line(&rest, form == JOB_SCRIPT, &line, &read)) != NULL) {
		command = job_line_command(form, text);
		if (command != NULL)
			add_calls(f, &s, line, command);
	}
	script_free(&s);
}

/* Call fn for each name in a directory, in order. */
static void each_name(struct finder *f, const char *dir, void (*fn)(struct finder *, const char *, const char *, void *),
		      void *arg)
{
	int fd = open_in(f->root, dir, DIR_FLAGS), n = -1, i;
	struct dirent **list;

	if (fd >= 0) {
		n = scandirat(fd, ".", &list, NULL, alphasort);
		close(fd);
	}
	for (i = 0; i < n; i++) {
		if (i < ENTRIES && list[i]->d_name[0] != '.')
			fn(f, dir, list[i]->d_name, arg);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* A file of cron's, whose form arg points to. */
static void find_cron(struct finder *f, const char *dir, const char *name, void *arg)
{
	const enum job_form form = *(const enum job_form *)arg;
	const char *p = name;
	char *path;

	/* What cron and run-parts take for a leftover: a name with a dot. */
	while (isalnum((unsigned char)*p) || *p == '_' || *p == '-')
		p++;
	if (*p != '\0' && form != JOB_USER)
		return;
	path = mem_printf("%s/%s", dir, name);
	find_in_file(f, path, form);
	free(path);
}

static int ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0;
}

/* NAME@.service of NAME@INSTANCE.service, malloc'd; NULL: it is no instance.  *instance, malloc'd. */
static char *template_of(const char *unit, char **instance)
{
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	*instance = NULL;
	if (at == NULL || dot == NULL || dot <= at + 1)
		return NULL;
	*instance = mem_dup(at + 1, (size_t)(dot - at) - 1);
	return mem_printf("%.*s%s", (int)(at + 1 - unit), unit, dot);
}

/* The file of a unit, the first that counts; one that is masked (a link to /dev/null) has no text. */
static void unit_read(struct script *s, int root, const char *unit)
{
	char *path;
	size_t i;

	for (i = 0; i < UNIT_DIRS; i++) {
		path = mem_printf("%s/%s", unit_dirs[i], unit);
		script_read(s, root, path, 0);
		free(path);
		if (s->there || i + 1 == UNIT_DIRS)
			return;
		script_free(s);
	}
}

/* text with %i and %I replaced, malloc'd. */
static char *expand(const char *text, const char *instance)
{
	struct buf b = { 0 };

	buf_str(&b, "");
	for (; *text != '\0'; text++)
		if (instance != NULL && *text == '%' && (text[1] == 'i' || text[1] == 'I')) {
			buf_str(&b, instance);
			text++;
		} else {
			buf_char(&b, *text);
		}
	return b.p;
}

/* A service that a timer starts. */
struct service {
	const char *instance;
	size_t first;		/* of the jobs that are its */
};

static void forget_from(struct jobs *j, size_t first)
{
	while (j->n > first) {
		j->n--;
		free(j->job[j->n].file);
		job_line_free(&j->job[j->n].call);
	}
}

/* Each Exec... line; an empty ExecStart= undoes those before it. */
static void find_in_unit(struct finder *f, const struct service *of, const struct script *s)
{
	char *rest = s->text, *text, *command, *value;
	size_t line, read = 0;

	while (rest != NULL && (text = next_line(&rest, 1, &line, &read)) != NULL) {
		value = strncmp(text, "Exec", 4) == 0 ? strchr(text, '=') : NULL;
		if (value == NULL)
			continue;
		value++;
		if (strncmp(text, "ExecStart=", 10) == 0 && value[strspn(value, " \t\r")] == '\0')
			forget_from(f->to, of->first);
		command = expand(value, of->instance);
		add_calls(f, s, line, command);
		free(command);
	}
}

static void find_drop_in(struct finder *f, const char *dir, const char *name, void *arg)
{
	char *path = ends_with(name, ".conf") ? mem_printf("%s/%s", dir, name) : NULL;
	struct script s;

	if (path == NULL)
		return;
	script_read(&s, f->root, path, 0);
	find_in_unit(f, arg, &s);
	script_free(&s);
	free(path);
}

static void find_service(struct finder *f, const char *unit)
{
	char *instance, *template = template_of(unit, &instance), *dir;
	const char *const names[] = { template, unit };
	struct service of = { instance, f->to->n };
	struct script s;
	size_t i, k;

	unit_read(&s, f->root, unit);
	if (!s.there && template != NULL) {
		script_free(&s);
		unit_read(&s, f->root, template);
	}
	find_in_unit(f, &of, &s);
	for (k = 0; k < 2 && s.text != NULL; k++)
		for (i = UNIT_DIRS; i > 0 && names[k] != NULL; i--) {
			dir = mem_printf("%s/%s.d", unit_dirs[i - 1], names[k]);
			each_name(f, dir, find_drop_in, &of);
			free(dir);
		}
	script_free(&s);
	free(template);
	free(instance);
}

/* The unit that a timer starts, malloc'd; NULL: there is no such timer, or it is masked. */
static char *unit_of_timer(int root, const char *timer)
{
	char *instance, *template = template_of(timer, &instance), *unit = NULL, *rest, *text;
	size_t line, read = 0;
	struct script s;

	unit_read(&s, root, timer);
	if (!s.there && template != NULL) {
		script_free(&s);
		unit_read(&s, root, template);
	}
	rest = s.text;
	if (rest != NULL)
		unit = mem_printf("%.*s.service", (int)(strrchr(timer, '.') - timer), timer);
	while (rest != NULL && (text = next_line(&rest, 1, &line, &read)) != NULL)
		if (strncmp(text, "Unit=", 5) == 0) {
			free(unit);
			text[5 + strcspn(text + 5, " \t\r")] = '\0';
			unit = expand(text + 5, instance);
		}
	script_free(&s);
	free(template);
	free(instance);
	return unit;
}

/* The timers that something wants, each once. */
struct timers {
	char **name;
	size_t n;
};

static void take_timer(struct finder *f, const char *dir, const char *name, void *arg)
{
	struct timers *t = arg;
	size_t i;

	(void)f;
	(void)dir;
	if (!ends_with(name, ".timer"))
		return;
	for (i = 0; i < t->n; i++)
		if (strcmp(t->name[i], name) == 0)
			return;
	t->name = mem_more(t->name, t->n, sizeof(*t->name));
	t->name[t->n++] = mem_strdup(name);
}

static void take_wants(struct finder *f, const char *dir, const char *name, void *arg)
{
	char *path;

	if (!ends_with(name, ".wants") && !ends_with(name, ".requires"))
		return;
	path = mem_printf("%s/%s", dir, name);
	each_name(f, path, take_timer, arg);
	free(path);
}

void jobs_find(int root, struct jobs *j)
{
	static const struct { const char *dir; enum job_form form; } cron[] = {
		{ "etc/cron.d", JOB_SYSTEM }, { "var/spool/cron/crontabs", JOB_USER },
		{ "etc/cron.hourly", JOB_SCRIPT }, { "etc/cron.daily", JOB_SCRIPT }, { "etc/cron.weekly", JOB_SCRIPT },
		{ "etc/cron.monthly", JOB_SCRIPT }, { "etc/cron.yearly", JOB_SCRIPT },
	};
	struct finder f = { root, j };
	struct timers t = { 0 };
	enum job_form form;
	char *unit;
	size_t i;

	*j = (struct jobs){ 0 };
	find_in_file(&f, "etc/crontab", JOB_SYSTEM);
	find_in_file(&f, "etc/anacrontab", JOB_ANACRON);
	for (i = 0; i < sizeof(cron) / sizeof(cron[0]); i++) {
		form = cron[i].form;
		each_name(&f, cron[i].dir, find_cron, &form);
	}
	for (i = 0; i < UNIT_DIRS; i++)
		each_name(&f, unit_dirs[i], take_wants, &t);
	for (i = 0; i < t.n; i++) {
		unit = unit_of_timer(root, t.name[i]);
		if (unit != NULL)
			find_service(&f, unit);
		free(unit);
		free(t.name[i]);
	}
	free(t.name);
}

void jobs_free(struct jobs *j)
{
	forget_from(j, 0);
	free(j->job);
	*j = (struct jobs){ 0 };
}
