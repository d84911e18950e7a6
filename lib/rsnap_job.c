/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_job.c - to run rsnapshot: a private configuration, and what its
 * transfers came to.
 *
 * A line of DIR/results is STATUS VANISHED SRC DEST, separated by tabs, the
 * names escaped; ss-rsync appends each with one write.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "file.h"
#include "mem.h"
#include "msg.h"
#include "rsnap_job.h"

#define CONF_FILE "rsnapshot.conf"
#define RESULTS_FILE "results"
#define FIXED_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define RSYNC "/usr/bin/rsync"	/* where cmd_rsync is not given */
#define CP "/bin/cp"		/* where cmd_cp is not */

/* rsnapshot's configuration can name no file with a tab or newline. */
static int nameable(const char *path)
{
	if (strpbrk(path, "\t\n") == NULL)
		return 1;
	msg_error("%s: rsnapshot cannot be given a name with a tab or newline", escape_name(path));
	return 0;
}

char *rsnap_job_path(const char *dir)
{
	return mem_printf("%s/" CONF_FILE, dir);
}

char *rsnap_job_conf(const struct rsnap *r, const char *dir, const char *wrapper)
{
	char *path = rsnap_job_path(dir), *real = realpath(r->file, NULL);
	FILE *f = NULL;
	int fd, ok = 0;

	if (real == NULL) {
		msg_error("%s: %m", escape_name(r->file));
		goto out;
	}
	if (!nameable(real) || !nameable(wrapper))
		goto out;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL) {
		msg_error("%s: cannot write: %m", escape_name(path));
		goto out;
	}
	/* The last cmd_rsync counts, and once given use_lazy_deletes stays on. */
	fprintf(f, "# Written by ss-run for one run; it will be removed.\n"
		"include_conf\t%s\ncmd_rsync\t%s\nuse_lazy_deletes\t1\n", real, wrapper);
	/* rsnapshot's own copying drops parts of seconds, and what is no file, directory or link. */
	if (r->cmd_cp == NULL)
		fprintf(f, "cmd_cp\t%s\n", CP);
	ok = !ferror(f);
	if (fclose(f) != 0 || !ok) {
		msg_error("%s: cannot write: %m", escape_name(path));
		ok = 0;
	}
out:
	free(real);
	if (!ok) {
		free(path);
		path = NULL;
	}
	return path;
}

char **rsnap_job_env(const struct rsnap *r, const char *dir)
{
	char **env = mem_alloc(4 * sizeof(*env));

	env[0] = mem_strdup(FIXED_PATH);
	env[1] = mem_printf("SECONDSHOT_RSYNC=%s", r->cmd_rsync != NULL ? r->cmd_rsync : RSYNC);
	env[2] = mem_printf("SECONDSHOT_RESULTS=%s/" RESULTS_FILE, dir);
	return env;
}

void rsnap_job_env_free(char **env)
{
	size_t i;

	for (i = 0; env != NULL && env[i] != NULL; i++)
		free(env[i]);
	free(env);
}

int rsnap_job_alive(long pid)
{
	char text[4096], *arg, *slash;
	size_t n = file_of_process(pid, "cmdline", text, sizeof(text));

	/* perl -w /usr/bin/rsnapshot ... */
	for (arg = text; arg < text + n; arg += strlen(arg) + 1) {
		slash = strrchr(arg, '/');
		if (strcmp(slash != NULL ? slash + 1 : arg, "rsnapshot") == 0)
			return 1;
	}
	return 0;
}

int rsnap_job_unlock(const struct rsnap *r)
{
	char text[32] = "";
	ssize_t n;
	long pid;
	int fd;

	if (r->lockfile == NULL)
		return 0;
	fd = open(r->lockfile, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		msg_error("%s: cannot read rsnapshot's lock file: %m", escape_name(r->lockfile));
		return -1;
	}
	pid = strtol(text, NULL, 10);
	if (pid > 0 && kill((pid_t)pid, 0) == 0 && rsnap_job_alive(pid)) {
		msg_error("rsnapshot is running by itself: process %ld, lock file %s", pid,
			  escape_name(r->lockfile));
		return 1;
	}
	if (unlink(r->lockfile) != 0 && errno != ENOENT) {
		msg_error("%s: cannot remove rsnapshot's stale lock file: %m", escape_name(r->lockfile));
		return -1;
	}
	msg_info("removed the stale lock file %s (process %ld is no rsnapshot any more)",
		 escape_name(r->lockfile), pid);
	return 0;
}

int rsnap_job_forget(const char *dir)
{
	char *path = mem_printf("%s/" RESULTS_FILE, dir);
	int ret = 0;

	if (unlink(path) != 0 && errno != ENOENT) {
		msg_error("%s: cannot remove: %m", escape_name(path));
		ret = -1;
	}
	free(path);
	return ret;
}

static char *unescaped(const char *text)
{
	struct buf b = { 0 };

	buf_str(&b, "");
	if (escape_undo(&b, text, strlen(text)) == 0)
		return b.p;
	buf_free(&b);
	return NULL;
}

/* One line without its newline into r; -1 if it is not one of ours. */
static int parse(char *line, struct rsnap_result *r)
{
	char *save, *field[4], *end;
	size_t i;

	for (i = 0; i < 4; i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, "\t", &save);
		if (field[i] == NULL)
			return -1;
	}
	r->status = (int)strtol(field[0], &end, 10);
	if (*end != '\0')
		return -1;
	r->vanished = strtoul(field[1], &end, 10);
	if (*end != '\0')
		return -1;
	r->src = unescaped(field[2]);
	r->dest = unescaped(field[3]);
	return r->src != NULL && r->dest != NULL ? 0 : -1;
}

int rsnap_job_results(const char *dir, struct rsnap_result **res, size_t *n)
{
	char *path = mem_printf("%s/" RESULTS_FILE, dir), *line = NULL;
	size_t cap = 0;
	ssize_t len;
	FILE *f;
	int ret = 0;

	*res = NULL;
	*n = 0;
	f = fopen(path, "re");
	if (f == NULL && errno == ENOENT)
		goto out;
	while (f != NULL && ret == 0 && (len = getline(&line, &cap, f)) > 0) {
		*res = mem_array(*res, *n + 1, sizeof(**res));
		(*res)[*n] = (struct rsnap_result){ 0 };
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (parse(line, &(*res)[(*n)++]) != 0) {
			msg_error("%s: line %zu is not one of ss-rsync's", escape_name(path), *n);
			ret = -1;
		}
	}
	if (f == NULL || ferror(f)) {
		msg_error("%s: cannot read: %m", escape_name(path));
		ret = -1;
	}
out:
	if (f != NULL)
		fclose(f);
	free(line);
	free(path);
	return ret;
}

void rsnap_job_free(struct rsnap_result *res, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(res[i].src);
		free(res[i].dest);
	}
	free(res);
}

/* Is there no later result of the same transfer? */
static int counts(const struct rsnap_result *res, size_t n, size_t i)
{
	size_t j;

	for (j = i + 1; j < n; j++)
		if (strcmp(res[i].src, res[j].src) == 0 && strcmp(res[i].dest, res[j].dest) == 0)
			return 0;
	return 1;
}

enum rsnap_judged rsnap_job_judge(int rsnapshot_status, const struct rsnap_result *res, size_t n,
				  unsigned long *vanished)
{
	enum rsnap_judged judged = RSNAP_COMPLETE;
	size_t i;

	if ((rsnapshot_status != 0 && rsnapshot_status != 2) || (n == 0 && rsnapshot_status != 0) ||
	    rsnap_job_culprit(res, n) != NULL)
		judged = RSNAP_FAILED;
	for (i = 0; i < n; i++) {
		if (!counts(res, n, i))
			continue;
		if (res[i].status == 23 && judged == RSNAP_COMPLETE)
			judged = RSNAP_PARTIAL;
		/* 24 says that something vanished, even if no line named it. */
		*vanished += res[i].status == 24 && res[i].vanished == 0 ? 1 : res[i].vanished;
	}
	return judged;
}

const struct rsnap_result *rsnap_job_culprit(const struct rsnap_result *res, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (counts(res, n, i) && res[i].status != 0 && res[i].status != 23 && res[i].status != 24)
			return &res[i];
	return NULL;
}
