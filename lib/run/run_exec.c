/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_exec.c - the commands of rsnapshot's configuration, once a run. */
#include "run/run_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/below.h"
#include "base/child.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap_lock.h"
#include "run/run_cmd.h"

#define LATE (-2)		/* a status: it took too long */
#define LINES 20000		/* of what one prints */
#define BYTES (2 << 20)

/* From the home directory: the volume is not busy with the command itself. */
#define SCRIPT "cd \"${HOME:-/}\" 2>/dev/null || cd /; exec /bin/sh -c \"$1\""

/* Not for others: passwords, what is our own children's, and the search path. */
static int is_private(const char *variable)
{
	static const char *const private[] = { "DBPASS=", "DB_URL=", "MYSQL_PWD=", "PATH=",
					       "SECONDSHOT_LOCK_FD=" };
	size_t i;

	for (i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (strncmp(variable, private[i], strlen(private[i])) == 0)
			return 1;
	return 0;
}

/* The environment of a command, to be freed, its strings not. */
static const char **environment(void)
{
	const char **env;
	size_t n = 0;
	char **e;

	for (e = environ; *e != NULL; e++)
		n++;
	env = mem_alloc((n + 2) * sizeof(*env));
	n = 0;
	env[n++] = rsnap_conf_path;
	for (e = environ; *e != NULL; e++)
		if (!is_private(*e))
			env[n++] = *e;
	return env;
}

/*
 * Its status, or -1 where it could not be started, LATE if it took longer than exec-limit and
 * was ended; in a dry run 0.
 */
static int execute(const struct run *r, const char *key, const char *command)
{
	const char *const argv[] = { "/bin/sh", "-c", SCRIPT, "sh", command, NULL };
	char *mark;
	struct quote q = { .fd = STDERR_FILENO, .lines = LINES, .bytes = BYTES };
	struct below b = { .out = &q, .limit = (int64_t)r->conf.exec_limit * 1000, .grace = BELOW_GRACE,
			   .patient = 1 };
	struct run_cmd c = { 0 };
	const char **env;
	int status;

	if (r->dry) {
		run_cmd_add(&c, "/bin/sh");
		run_cmd_add(&c, "-c");
		run_cmd_add(&c, command);
		return run_cmd(r, &c);
	}
	env = environment();
	q.mark = mark = mem_printf("%s: ", key);
	status = below_run(&b, argv, env);
	free(mark);
	free(env);
	return b.late ? LATE : status;
}

/* "KEY: COMMAND: exit 3", malloc'd, not escaped. */
static char *failure(const char *key, const char *command, int status)
{
	return mem_printf("%s: %s: %s", key, command,
			  status == LATE ? "ended, it took longer than exec-limit" :
			  status < 0 ? "not run" : child_status_text(status));
}

/* Its status, -1 where it could not be started; any but 0 is reported. */
static int execute_once(const struct run *r, const char *key, const char *command)
{
	int status = execute(r, key, command);
	char *why;

	if (status == 0)
		return 0;
	why = failure(key, command, status);
	msg_error("%s", escape_name(why));
	free(why);
	return status;
}

/*
 * One that says it has failed owes nothing to cmd_postexec, as with rsnapshot; one
 * that a signal ended could not put back what it had done.
 */
static int execute_pre(struct run *r)
{
	int status = execute_once(r, "cmd_preexec", r->rsnap->cmd_preexec);

	r->exec.owed = status == 0 || status > 128 || status == LATE || (status > 0 && run_stopped());
	return status == 0 ? SS_OK : SS_FAIL;
}

/*
 * Has another run the lock of the volume, as far as it is there now?  The lock
 * file is only read: the disk may still have to be mounted for writing.
 */
static int wait_for_volume(struct run *r)
{
	int root = open(r->rsnap->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), own, fd, code = SS_OK;
	struct lock *lock;

	own = root < 0 ? -1 : openat(root, MARKER_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = own < 0 ? -1 : openat(own, "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		code = lock_take(&lock, own, r->rsnap->root, r->conf.wait);
		if (code == SS_OK)
			lock_release(lock);
	}
	if (fd >= 0)
		close(fd);
	if (own >= 0)
		close(own);
	if (root >= 0)
		close(root);
	return code;
}

int run_exec_pre(struct run *r)
{
	int code = SS_OK;

	if (r->rsnap->cmd_preexec == NULL)
		return SS_OK;
	if (!r->dry)
		code = wait_for_volume(r);
	if (code == SS_OK && !r->dry)
		code = run_lock_rsnapshot(r);
	if (code == SS_OK)
		code = run_stopped() ? SS_FAIL : execute_pre(r);
	return code;
}

/* Run a backup_exec line. */
static void execute_line(struct run *r, const struct rsnap_exec *e)
{
	int status = execute(r, "backup_exec", e->command);
	char *why;

	if (status == 0)
		return;
	why = failure("backup_exec", e->command, status);
	if (e->required) {
		/* Like rsnapshot: nothing of what stands behind it. */
		r->exec.why = why;
		r->exec.from = e->place;
		r->exec.next = r->rsnap->nexec;
		return;
	}
	msg_warn("%s", escape_name(why));
	run_worse(r, SS_INCOMPLETE);
	free(why);
}

static void execute_lines(struct run *r, size_t place)
{
	const struct rsnap *rs = r->rsnap;

	while (r->exec.next < rs->nexec && rs->exec[r->exec.next].place <= place && !run_stopped())
		execute_line(r, &rs->exec[r->exec.next++]);
}

char *run_exec_before(struct run *r, size_t point)
{
	r->exec.begun = 1;
	execute_lines(r, point);
	return r->exec.why != NULL && r->exec.from <= point ? mem_strdup(r->exec.why) : NULL;
}

void run_exec_rest(struct run *r)
{
	size_t next = r->exec.next;

	if (!r->exec.begun)
		return;
	execute_lines(r, r->rsnap->npoint);
	/* Where a host stands behind it, that host has failed with it. */
	if (r->exec.why == NULL || next == r->exec.next)
		return;
	msg_error("%s", escape_name(r->exec.why));
	run_worse(r, SS_FAIL);
}

void run_exec_post(struct run *r)
{
	if (r->rsnap->cmd_postexec != NULL &&
	    execute_once(r, "cmd_postexec", r->rsnap->cmd_postexec) != 0)
		run_worse(r, SS_FAIL);
}
