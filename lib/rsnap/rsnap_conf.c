/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_conf.c - what rsnapshot gets to see: configurations of our own.
 *
 * The files are named by the host's number, since its name may be as long as a
 * name can be: N.conf, N.results, N.pid, and those without points all.*.
 */
#include "rsnap/rsnap_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

#define CP "/bin/cp"		/* where cmd_cp is not */
#define NO_POINT "true"		/* rsnapshot wants one; it runs none but for a sync */

const char rsnap_conf_path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* DIR/N.EXT, malloc'd. */
static char *path_of(const struct rsnap *r, const char *host, const char *dir, const char *ext)
{
	size_t i;

	if (host == NULL)
		return mem_printf("%s/all.%s", dir, ext);
	for (i = 0; i < r->nhost && strcmp(r->host[i], host) != 0; i++)
		;
	return mem_printf("%s/%zu.%s", dir, i, ext);
}

/* Is there a directory where the file could be made?  1, or 0 with errno. */
static int has_place(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *dir = slash == NULL || slash == file ? mem_strdup("/") : mem_dup(file, (size_t)(slash - file));
	int ok = access(dir, W_OK | X_OK) == 0, err = errno;

	free(dir);
	errno = err;
	return ok;
}

char *rsnap_conf_log_wrong(const struct rsnap *r)
{
	const char *why = NULL;
	struct stat st;
	int fd;

	if (r->logfile == NULL)
		return NULL;
	fd = open(r->logfile, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENXIO)
		why = "nobody reads from it";
	else if (fd < 0 && (errno != ENOENT || !has_place(r->logfile)))
		why = strerror(errno);
	else if (fd >= 0 && (fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))))
		why = "it is not a regular file";
	if (fd >= 0)
		close(fd);
	return why != NULL ? mem_printf("%s: %s", r->logfile, why) : NULL;
}

/* rsnapshot's configuration can name no file with a tab or newline. */
static int nameable(const char *path)
{
	if (strpbrk(path, "\t\n") == NULL)
		return 1;
	msg_error("%s: rsnapshot cannot be given a name with a tab or newline", escape_name(path));
	return 0;
}

static int is_log_line(const char *text)
{
	return strncmp(text, "logfile\t", 8) == 0;
}

static void lines_of(struct buf *b, const struct rsnap *r, const char *host, int no_log)
{
	const struct rsnap_line *l;

	for (l = r->line; l < r->line + r->nline; l++) {
		if ((l->point >= 0 && (host == NULL || strcmp(r->point[l->point].host, host) != 0)) ||
		    (no_log && is_log_line(l->text)))
			continue;
		buf_str(b, l->text);
		buf_char(b, '\n');
	}
	if (host == NULL)
		buf_str(b, "backup_exec\t" NO_POINT "\n");
}

static void own_lines(struct buf *b, const struct rsnap *r, const char *wrapper, const char *lockfile)
{
	/* The last cmd_rsync counts, and once given use_lazy_deletes stays on. */
	buf_printf(b, "cmd_rsync\t%s\nuse_lazy_deletes\t1\nlockfile\t%s\n", wrapper, lockfile);
	/* rsnapshot's own copying drops parts of seconds, and what is no file, directory or link. */
	if (r->cmd_cp == NULL)
		buf_str(b, "cmd_cp\t" CP "\n");
}

/* 0, or -1 with errno. */
static int write_file(const char *path, const struct buf *text)
{
	int fd, ret, err;

	if (unlink(path) != 0 && errno != ENOENT)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	errno = ENOSPC;		/* which a write that is cut short does not set */
	ret = write(fd, text->p, text->len) == (ssize_t)text->len ? 0 : -1;
	err = errno;
	if (close(fd) != 0)
		return -1;
	errno = err;
	return ret;
}

static char **make_env(const struct rsnap *r, const char *results, const struct rsnap_conf_how *how)
{
	char **env = mem_alloc(8 * sizeof(*env)), **to = env;

	*to++ = mem_strdup(rsnap_conf_path);
	*to++ = mem_printf("SECONDSHOT_RSYNC=%s", rsnap_rsync(r));
	*to++ = mem_printf("SECONDSHOT_RESULTS=%s", results);
	*to++ = mem_printf("SECONDSHOT_TIMEOUT=%d", how->timeout);
	*to++ = mem_printf("SECONDSHOT_ROOT=%s", r->root);
	*to++ = mem_printf("SECONDSHOT_DIR_FD=%d", how->fd);
	*to = how->writes != NULL ? mem_printf("SECONDSHOT_WRITES=%s", how->writes) : NULL;
	return env;
}

int rsnap_conf_write(struct rsnap_conf *c, const struct rsnap *r, const char *host,
		     const struct rsnap_conf_how *how)
{
	char *lockfile = path_of(r, host, how->dir, "pid");
	struct buf b = { 0 };
	int ret = 0;

	c->file = path_of(r, host, how->dir, "conf");
	c->results = path_of(r, host, how->dir, "results");
	c->env = make_env(r, c->results, how);
	if (how->wrapper == NULL)
		goto out;
	ret = -1;
	if (!nameable(how->wrapper) || !nameable(lockfile))
		goto out;
	buf_str(&b, "# Written by ss-run for one run; it will be removed.\n");
	lines_of(&b, r, host, how->no_log);
	own_lines(&b, r, how->wrapper, lockfile);
	ret = write_file(c->file, &b);
	if (ret != 0)
		msg_error("%s: cannot write: %m", escape_name(c->file));
out:
	buf_free(&b);
	free(lockfile);
	return ret;
}

void rsnap_conf_free(struct rsnap_conf *c)
{
	size_t i;

	for (i = 0; c->env != NULL && c->env[i] != NULL; i++)
		free(c->env[i]);
	free(c->env);
	free(c->file);
	free(c->results);
	*c = (struct rsnap_conf){ 0 };
}
