/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paths.h"

#include <dirent.h>
#include <fnmatch.h>
#include <locale.h>

#define FD "/proc/self/fd/%d"

void paths_of(int fd, char *path)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), FD, fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
}

const char *paths_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/') ? path + len : NULL;
}

/* A copy with "/" for "//", where "./x" became "/x": both begin at DIR. */
static const char *normal(const struct request *q, const char *text, const char *what)
{
	char *copy = args_text("/%s/", text), *to = copy;

	if (q->rules->dir[1] && strstr(copy, "/../"))
		refuse("do not use .. in %s (anchor the path at the root of your restricted dir): %s", what, text);
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

/* The directory that path is in, "" if it has no slash; *leaf is what follows that. */
static const char *up_of(const char *path, const char **leaf)
{
	const char *slash = strrchr(path, '/');

	*leaf = slash ? slash + 1 : path;
	return args_text("%.*s", slash ? (int)(slash - path) : 0, path);
}

/* Open what path leads to, and cut path up; real[PATH_MAX] is where that is or would be (-1: missing). */
static int resolve(const struct request *q, char *path, char *real, int links)
{
	static char root[] = "/", link[PATH_MAX];
	char *slash = strrchr(path, '/');
	int fd = open(path, O_PATH | O_CLOEXEC), error = errno;
	ssize_t n;

	paths_of(fd, real);
	if (fd >= 0)
		return fd;
	if (error != ENOENT && error != ELOOP && error != ENOTDIR)
		refuse("%s: %s", strerror(error), q->shown);
	*slash = '\0';
	fd = resolve(q, slash > path ? path : root, real, links);
	n = readlinkat(fd, slash + 1, link, sizeof(link) - 1);
	close(fd);
	if (n > 0 && links > 0) {
		link[n] = '\0';
		return resolve(q, args_text("%s/%s", *link == '/' ? "" : real, link), real, links - 1);
	}
	if (strlen(real) + strlen(slash + 1) + 1 >= PATH_MAX || strcmp(slash + 1, "..") == 0)
		refuse("unsafe arg: %s", q->shown);
	if (slash[1] && strcmp(slash + 1, ".") != 0)
		strcat(strcat(real, "/"), slash + 1);
	errno = error;
	return -1;
}

/*
 * Open what DIR/text leads to, by *rel below DIR; -1: it is missing.  Unless top, a link
 * to DIR itself counts as outside.  make, unless 0: make what is missing, in this mode.
 */
static int reach(const struct request *q, const char *text, bool top, mode_t make, const char **rel)
{
	const char *bare = text + strspn(text, "/"), *below, *name;
	int len = (int)(strlen(bare) - strlen(suffix_of(bare))), fd, up;
	char real[PATH_MAX], *next;

	fd = resolve(q, args_text("%s/%.*s", q->rules->dir, len, bare), real, 40);
	below = paths_below(real, q->rules->dir);
	if (!below || (!*below && !top && *bare && strcmp(bare, ".") != 0))
		refuse("unsafe arg: %s (not below the restricted directory)", q->shown);
	/* Of what is outside not even this is told. */
	if (fd < 0 && errno == ENOTDIR)
		refuse("%m: %s", q->shown);
	*rel = args_text("%s", below + (*below == '/'));
	if (fd >= 0 || !make)
		return fd;
	up = openat(q->rules->dirfd, ".", O_PATH | O_CLOEXEC);
	for (next = args_text("%s", *rel); (name = strsep(&next, "/")); up = fd) {
		mkdirat(up, name, make);
		fd = openat(up, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(up);
	}
	return reach(q, *rel, true, 0, rel);
}

/* The descriptor for rsync, from one that reach() gave. */
static int pin(struct request *q, int fd, const char *rel)
{
	struct stat st;

	for (size_t i = 0; i < q->n_pins; i++) {
		if (strcmp(q->pins[i].rel, rel) == 0) {
			close(fd);
			return q->pins[i].fd;
		}
	}
	if (fstat(fd, &st) || S_ISSOCK(st.st_mode) || fcntl(fd, F_SETFD, 0))
		refuse("No such device or address, a socket: %s", q->shown);
	q->pins = realloc(q->pins, (q->n_pins + 1) * sizeof(*q->pins));
	if (!q->pins)
		refuse("out of memory");
	q->pins[q->n_pins++] = (struct pin){ fd, rel };
	return fd;
}

/* Pin what DIR/text leads to or, if it is missing, its directory; raw, if both are, or it is NULL. */
static const char *place(struct request *q, const char *text, const char *raw, mode_t make)
{
	const char *suffix = suffix_of(text), *rel, *up, *leaf;
	int fd = reach(q, text, false, make, &rel);

	if (fd >= 0)
		return args_text(FD "%s", pin(q, fd, rel), suffix);
	if (errno == ELOOP)
		refuse("%m: %s", q->shown);
	up = up_of(rel, &leaf);
	fd = raw ? reach(q, up, true, 0, &up) : -1;
	return fd >= 0 ? args_text(FD "/%s%s", pin(q, fd, up), leaf, suffix) : raw;
}

const char *paths_value(struct request *q, const struct option *o, const char *value)
{
	bool plain = o->kind == POLICY_PLAIN, file = o->kind == POLICY_FILE, list = strcmp(o->name, "files-from") == 0;
	mode_t make = o->kind != POLICY_MAKE ? 0 : strcmp(o->name, "partial-dir") == 0 ? 0700 : 0777;
	const char *t = normal(q, value, args_text("--%s", o->name)), *result;
	const char *raw = args_text("%s%s", *t == '/' && q->rules->dir[1] ? q->rules->dir : "", t);
	char empty[] = ".rrsync-empty.XXXXXX";
	struct stat st;

	q->shown = t;
	if (list && q->rules->wo && strcmp(value, "-") != 0)
		refuse("a write-only server cannot read a remote --files-from path");
	/* Below "/" a path keeps its slash: without, it would be relative to the destination. */
	if (!q->rules->dir[1])
		result = raw + (plain && *raw == '/');
	else if (plain || (q->sender && !file) || strcmp(t, ".") == 0 || (list && strcmp(t, "-") == 0))
		result = raw;
	else if (*t)
		result = place(q, t, file && !q->sender ? raw : NULL, make);
	else
		refuse("unsafe arg: --%s (no path)", o->name);
	/* For a basis that is missing, a directory in which nothing is and nothing can be made. */
	if (!result && o->kind == POLICY_BASIS && mkdtemp(empty)) {
		result = place(q, args_text("%s%s", empty, suffix_of(t)), NULL, 0);
		rmdir(empty);
	}
	if (!result && o->kind == POLICY_THERE && errno == ENOENT)
		refuse("receiver option path does not exist: %s", t);
	if (!result)
		refuse("%m: %s", t);
	/* To open a FIFO would wait for ever. */
	if (file && strcmp(t, "-") != 0 && stat(result, &st) == 0 && !S_ISREG(st.st_mode))
		refuse("not a regular file: %s", t);
	return result;
}

/* What is sent: the object itself if the name ends in a slash, else its directory and its name. */
static const char *place_sent(struct request *q, const char *t)
{
	const char *leaf, *up = up_of(t, &leaf), *rel;
	int fd;

	if (*suffix_of(t))
		return place(q, t, NULL, 0);
	close(reach(q, t, false, 0, &rel));
	fd = reach(q, up, true, 0, &rel);
	return fd >= 0 && faccessat(fd, leaf, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ?
	       args_text(FD "/%s", pin(q, fd, rel), leaf) : NULL;
}

/* With -R the name stays whole behind a mark, the client's own one or ours. */
static const char *place_relative(struct request *q, const char *t, bool absolute)
{
	const char *name = t + (*t == '/' && !absolute), *mark = strstr(name, "/./"), *up, *result;
	int fd;

	if (!place_sent(q, t))
		return NULL;
	if (!mark && absolute)
		return t[1] ? t + 1 : ".";
	fd = reach(q, args_text("%.*s", mark ? (int)(mark - name) : 0, name), true, 0, &up);
	result = args_text(FD "/./%s", pin(q, fd, up), mark ? mark + 3 : name);
	return faccessat(AT_FDCWD, result, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? result : NULL;
}

/* Add what rsync gets for one name; t begins with a slash if it was written so. */
static void add_name(struct request *q, const char *t, bool alias)
{
	const char *name = t + (*t == '/'), *result;

	if (!q->rules->dir[1])
		result = name;
	else if (strcmp(t, ".") == 0 || (q->sender && !q->relative && !*t))
		result = ".";
	else if (!q->sender)
		result = place(q, t, name, 0);
	else if (!q->relative)
		result = place_sent(q, t);
	else
		result = *t ? place_relative(q, t, *t == '/' && !alias) : place(q, "/.", NULL, 0);
	if (!result)
		refuse("%m: %s", q->shown);
	args_add(q, result);
}

/* Add what the wildcards in pattern stand for below done, which has none, and its slash. */
static void expand(struct request *q, const char *done, const char *pattern, bool alias)
{
	size_t n = strcspn(pattern, "/");
	const char *part = args_text("%.*s", (int)n, pattern), *place = done + (*done == '/');
	struct dirent *d;
	DIR *dir;

	/* A slash at the end asks for a directory. */
	if (!*pattern && faccessat(AT_FDCWD, place, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		add_name(q, done, alias);
	if (!*pattern)
		return;
	if (!strpbrk(part, "*?[")) {
		expand(q, args_text("%s%.*s", done, (int)n + 1, pattern), pattern + n + !!pattern[n], alias);
		return;
	}
	dir = opendir(*place ? place : ".");
	while (dir && (d = readdir(dir)))
		if (fnmatch(part, d->d_name, FNM_NOESCAPE | FNM_PERIOD) == 0 && strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0)
			expand(q, args_text("%s%s", done, d->d_name), pattern + n, alias);
	if (dir)
		closedir(dir);
}

void paths_add(struct request *q, const char *text)
{
	const char *t = normal(q, text, "arg");
	const char *below = q->rules->absolute && q->rules->dir[1] ? paths_below(t, q->rules->dir) : NULL;
	size_t before = q->n_args;

	q->shown = text;
	if (below && below[0] == '/' && below[1] == '/')
		refuse("too many slashes behind the restricted directory: %s", text);
	t = below ? below : t;
	if (strpbrk(t, "*?[")) {
		/* Wildcards count characters, not bytes. */
		setlocale(LC_CTYPE, "C.UTF-8");
		if (strstr(t, "[^") || strstr(t, "[[") || mbstowcs(NULL, t, 0) == (size_t)-1)
			refuse("a wildcard that not all read in the same way: %s", text);
		expand(q, "", t, below);
	}
	if (q->n_args == before)
		add_name(q, t, below);
}

void paths_renew(struct request *q)
{
	int fd = open(q->rules->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *rel;

	if (fd < 0 || fchdir(fd) || dup3(fd, q->rules->dirfd, O_CLOEXEC) < 0)
		refuse("%m: %s", q->rules->dir);
	for (struct pin *i = q->pins; i < q->pins + q->n_pins; i++) {
		fd = reach(q, i->rel, true, 0, &rel);
		fd = fd < 0 ? open(PATHS_EMPTY, O_PATH | O_CLOEXEC) : fd;
		if (dup2(fd, i->fd) < 0)
			refuse("%m: %s", i->rel);
		close(fd);
	}
}
