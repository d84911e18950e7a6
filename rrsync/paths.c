/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paths.c - what was checked is what rsync gets. */
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve.h"
#include "words.h"

void *paths_refuse(struct paths *p, const char *why, const char *name)
{
	char shown[300] = "";

	if (name)
		words_escape(shown, sizeof(shown), name);
	snprintf(p->why, sizeof(p->why), "%s%s%s", why, name ? ": " : "", shown);
	return NULL;
}

static void *refuse_errno(struct paths *p, const char *name)
{
	int e = errno;

	paths_refuse(p, strerror(e), name);
	errno = e;
	return NULL;
}

static bool is_root(const struct paths *p)
{
	return !p->rules->dir[1];
}

static bool has_dotdot(const char *path)
{
	for (; *path; path += *path == '/') {
		if (path[0] == '.' && path[1] == '.' && (!path[2] || path[2] == '/'))
			return true;
		path += strcspn(path, "/");
	}
	return false;
}

/* A copy with "/" for "//", where "./x" became "/x": both begin at DIR. */
static char *normal(struct paths *p, const char *text, const char *what)
{
	char *copy, *to;

	if (!is_root(p) && has_dotdot(text))
		return paths_refuse(p, "do not use .. (begin the path at the restricted directory) in", what);
	copy = to = strdup(text);
	if (!copy)
		return refuse_errno(p, what);
	text += text[0] == '.' && text[1] == '/';
	text += *text == '/' ? strspn(text, "/") - 1 : 0;
	for (; *text; text++) {
		text += text[0] == '/' && text[1] == '/';
		*to++ = *text;
	}
	*to = '\0';
	return copy;
}

/* What follows the name itself: "/", "/." or nothing. */
static const char *suffix_of(const char *text)
{
	size_t len = strlen(text);

	return len && text[len - 1] == '/' ? "/" : len > 1 && strcmp(text + len - 2, "/.") == 0 ? "/." : "";
}

/* fd, which rel names, is one of p's pins now; or it is closed, and -1 returned. */
static int keep(struct paths *p, int fd, const char *rel)
{
	struct pin *more = fd < 0 ? NULL : realloc(p->pins, (p->n + 1) * sizeof(*more));
	char *copy = more && rel ? strdup(rel) : NULL;

	p->pins = more ? more : p->pins;
	if (!more || (rel && !copy)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	p->pins[p->n++] = (struct pin){ fd, copy };
	return fd;
}

static int pin(struct paths *p, const char *rel, mode_t make)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pins[i].rel && strcmp(p->pins[i].rel, rel) == 0)
			return p->pins[i].fd;
	return keep(p, resolve_open(p->rules->dirfd, rel, make), rel);
}

static char *pinned(int fd, const char *slash, const char *leaf, const char *suffix)
{
	char *text;

	return asprintf(&text, "/proc/self/fd/%d%s%s%s", fd, slash, leaf, suffix) < 0 ? NULL : text;
}

/* Cut path at its last slash: the directory ("" if there is none), and *leaf. */
static const char *cut(char *path, const char **leaf)
{
	char *slash = strrchr(path, '/');

	*leaf = slash ? slash + 1 : path;
	if (slash)
		*slash = '\0';
	return slash ? path : "";
}

/*
 * Where DIR/text leads, as a path below DIR in rel[PATH_MAX].  Unless top, DIR itself
 * must be meant as such: a link to it counts as outside.
 */
static int inside(struct paths *p, const char *text, const char *shown, char *rel, bool top)
{
	const char *t = text + (*text == '/');
	size_t len = strlen(p->rules->dir);
	char real[PATH_MAX];

	if (resolve_path(p->rules->dir, text, real))
		return refuse_errno(p, shown), -1;
	if (strncmp(real, p->rules->dir, len) != 0 || (real[len] && real[len] != '/') ||
	    (!real[len] && !top && *t && strcmp(t, ".") != 0)) {
		errno = EXDEV;
		return paths_refuse(p, "unsafe arg, not below the restricted directory", shown), -1;
	}
	strcpy(rel, real + len + (real[len] == '/'));
	return 0;
}

/*
 * Pin what DIR/text leads to.  If it is missing: pin its directory, and if that is
 * missing too, raw is the answer; without raw (NULL), refuse with errno ENOENT.
 */
static char *place(struct paths *p, const char *text, const char *shown, const char *raw, mode_t make)
{
	char rel[PATH_MAX];
	const char *leaf;
	int fd;

	if (inside(p, text, shown, rel, false))
		return NULL;
	fd = pin(p, rel, make);
	if (fd >= 0)
		return pinned(fd, "", "", suffix_of(text));
	if (errno != ENOENT || !raw)
		return refuse_errno(p, shown);
	fd = pin(p, cut(rel, &leaf), 0);
	if (fd >= 0)
		return pinned(fd, "/", leaf, suffix_of(text));
	return errno == ENOENT ? strdup(raw) : refuse_errno(p, shown);
}

/* A directory in which nothing is and nothing can be made, for a basis that is missing. */
static char *place_empty(struct paths *p, const char *suffix)
{
	char name[] = ".rrsync-empty.XXXXXX";
	int fd;

	if (!mkdtemp(name))
		return refuse_errno(p, name);
	fd = keep(p, resolve_open(p->rules->dirfd, name, 0), NULL);
	unlinkat(p->rules->dirfd, name, AT_REMOVEDIR);
	return fd < 0 ? refuse_errno(p, name) : pinned(fd, "", "", suffix);
}

char *paths_value(struct paths *p, const struct option *o, const char *value, bool sender)
{
	bool plain = o->kind == POLICY_PLAIN, list = strcmp(o->name, "--files-from") == 0;
	mode_t make = o->kind != POLICY_MAKE ? 0 : strcmp(o->name, "--partial-dir") == 0 ? 0700 : 0777;
	char *t, *result = NULL, *raw = NULL;
	struct stat st;

	if (list && p->rules->wo && strcmp(value, "-") != 0)
		return paths_refuse(p, "a write-only server cannot read a remote --files-from path", NULL);
	t = normal(p, value, o->name);
	if (!t)
		return NULL;
	if (is_root(p)) {
		/* A path keeps its slash: without, it would be relative to the destination. */
		result = strdup(t + (plain && *t == '/'));
		goto out;
	}
	if (asprintf(&raw, "%s%s", *t == '/' ? p->rules->dir : "", t) < 0) {
		raw = NULL;
		goto out;
	}
	if (plain || (sender && o->kind != POLICY_FILE) || strcmp(t, ".") == 0 || (list && strcmp(t, "-") == 0))
		result = strdup(raw);
	else if (!*t)
		paths_refuse(p, "unsafe arg, no path", o->name);
	else
		result = place(p, t, t, o->kind == POLICY_FILE && !sender ? raw : NULL, make);
	if (!result && errno == ENOENT && o->kind == POLICY_BASIS && *t)
		result = place_empty(p, suffix_of(t));
out:
	/* To open a FIFO would wait for ever. */
	if (result && o->kind == POLICY_FILE && strcmp(t, "-") != 0 && stat(result, &st) == 0 && !S_ISREG(st.st_mode)) {
		free(result);
		result = paths_refuse(p, "not a regular file", t);
	}
	free(raw);
	free(t);
	return result;
}

/* What is sent: the object itself if the name ends in a slash, else its directory and its name. */
static char *place_sent(struct paths *p, const char *t, const char *shown)
{
	char rel[PATH_MAX], up[PATH_MAX];
	const char *leaf;
	struct stat st;
	int fd;

	if (*suffix_of(t))
		return place(p, t, shown, NULL, 0);
	if (inside(p, t, shown, rel, false))
		return NULL;
	strcpy(up, t);
	if (inside(p, cut(up, &leaf), shown, rel, true))
		return NULL;
	fd = pin(p, rel, 0);
	if (fd < 0 || fstatat(fd, leaf, &st, AT_SYMLINK_NOFOLLOW))
		return refuse_errno(p, shown);
	return pinned(fd, "/", leaf, "");
}

/* With -R the name stays whole behind a mark, the client's own one or ours. */
static char *place_relative(struct paths *p, const char *t, const char *shown, bool absolute)
{
	const char *name = t + (*t == '/' && !absolute), *mark = strstr(name, "/./");
	char *check = place_sent(p, t, shown), prefix[PATH_MAX], rel[PATH_MAX];
	struct stat st;
	int fd;

	free(check);
	if (!check)
		return NULL;
	if (!mark && absolute)
		return strdup(t[1] ? t + 1 : ".");
	snprintf(prefix, sizeof(prefix), "%.*s", mark ? (int)(mark - name) : 0, name);
	if (inside(p, prefix, shown, rel, true))
		return NULL;
	fd = pin(p, rel, 0);
	name = mark ? mark + 3 : name;
	/* A slash at the end may follow a file here, a dot may not. */
	snprintf(rel, sizeof(rel), "%.*s", (int)(strlen(name) - strlen(suffix_of(name)) % 2), name);
	if (fd < 0 || (mark && fstatat(fd, *rel ? rel : ".", &st, AT_SYMLINK_NOFOLLOW)))
		return refuse_errno(p, shown);
	return pinned(fd, "/./", name, "");
}

/* What rsync gets for one name; t begins with a slash if it was written so. */
static char *place_name(struct paths *p, const char *t, const char *shown, bool alias, bool sender, bool relative)
{
	if (is_root(p))
		return strdup(t + (*t == '/'));
	if (strcmp(t, ".") == 0 || (sender && !relative && !*t))
		return strdup(".");
	if (!sender)
		return place(p, t, shown, t + (*t == '/'), 0);
	if (!relative)
		return place_sent(p, t, shown);
	return *t ? place_relative(p, t, shown, *t == '/' && !alias) : place(p, "/.", shown, NULL, 0);
}

static void *glob_opendir(const char *path)
{
	return opendir(path);
}

static void glob_closedir(void *dir)
{
	closedir(dir);
}

/* No pattern stands for the directory itself or for the one above it. */
static struct dirent *glob_readdir(void *dir)
{
	struct dirent *d;

	do
		d = readdir(dir);
	while (d && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
	return d;
}

static int find_names(const char *rest, const char *suffix, glob_t *g)
{
	char *pattern = strndup(rest, strlen(rest) - strlen(suffix));
	int rc;

	*g = (glob_t){ .gl_opendir = glob_opendir, .gl_readdir = glob_readdir, .gl_closedir = glob_closedir,
		       .gl_stat = stat, .gl_lstat = lstat };
	rc = pattern ? glob(pattern, GLOB_NOSORT | GLOB_NOESCAPE | GLOB_ALTDIRFUNC, NULL, g) : GLOB_NOSPACE;
	free(pattern);
	return rc;
}

int paths_names(struct paths *p, const char *text, bool sender, bool relative, int (*add)(void *, char *),
		void *to)
{
	char *t = normal(p, text, "arg"), *rest = t, name[PATH_MAX];
	size_t len = strlen(p->rules->dir), found = 0;
	bool alias = t && p->rules->absolute && !is_root(p) && strncmp(t, p->rules->dir, len) == 0 &&
		     (!t[len] || t[len] == '/');
	const char *suffix, *slash;
	glob_t g = { 0 };
	struct stat st;
	int rc = -1;

	if (!t)
		return -1;
	rest += alias ? len : 0;
	slash = *rest == '/' ? "/" : "";
	suffix = suffix_of(rest);
	if (alias && rest[0] == '/' && rest[1] == '/') {
		paths_refuse(p, "too many slashes behind the restricted directory", text);
		goto out;
	}
	/* Wildcards count characters, not bytes. */
	if (strpbrk(rest, "*?["))
		setlocale(LC_CTYPE, "C.UTF-8");
	if (strpbrk(rest, "*?[") && (strstr(rest, "[^") || strstr(rest, "[[") || mbstowcs(NULL, rest, 0) == (size_t)-1)) {
		paths_refuse(p, "a wildcard that not all read in the same way", text);
		goto out;
	}
	rc = strpbrk(rest, "*?[") ? find_names(rest + strlen(slash), suffix, &g) : GLOB_NOMATCH;
	if (rc && rc != GLOB_NOMATCH)
		paths_refuse(p, "cannot expand", text);
	for (size_t i = 0; !rc && i < g.gl_pathc; i++) {
		/* A slash behind them asks for directories. */
		if (*suffix && (stat(g.gl_pathv[i], &st) || !S_ISDIR(st.st_mode)))
			continue;
		found++;
		if ((size_t)snprintf(name, sizeof(name), "%s%s%s", slash, g.gl_pathv[i], suffix) >= sizeof(name))
			rc = -1;
		else
			rc = add(to, place_name(p, name, text, alias, sender, relative));
	}
	if ((!rc && !found) || rc == GLOB_NOMATCH)
		rc = add(to, place_name(p, rest, text, alias, sender, relative));
	globfree(&g);
out:
	free(t);
	return rc;
}

int paths_renew(struct paths *p, int empty)
{
	struct stat was, is;
	int fd, bad = 0;

	for (struct pin *i = p->pins; !bad && i < p->pins + p->n; i++) {
		fd = i->rel ? resolve_open(p->rules->dirfd, i->rel, 0) : dup(empty);
		bad = fd < 0 || fstat(i->fd, &was) || fstat(fd, &is) || dup3(fd, i->fd, O_CLOEXEC) < 0 ||
		      (i->rel && (was.st_dev != is.st_dev || was.st_ino != is.st_ino));
		if (fd >= 0)
			close(fd);
	}
	return -bad;
}

void paths_free(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++) {
		close(p->pins[i].fd);
		free(p->pins[i].rel);
	}
	free(p->pins);
	p->pins = NULL;
	p->n = 0;
}
