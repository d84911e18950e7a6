/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-rsync - rsync, and a record of how it ended.
 *
 * rsnapshot tells its caller next to nothing of what each rsync returned.  A
 * private configuration names this program as cmd_rsync: it runs the real one
 * ($SECONDSHOT_RSYNC) with the same arguments, passes on what it says, quoted (quote.h:
 * it is the host that speaks, to rsnapshot's log), and appends
 * to $SECONDSHOT_RESULTS one line: its status, how many files vanished, source
 * and destination, where below that the source's tree lies, and, if it failed, the
 * complaint that tells most.  It exits with the same status.
 *
 * With $SECONDSHOT_TIMEOUT it adds --timeout, unless the command has one, to a
 * transfer from another machine: rsync bounds by it the connection, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/child.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/quote.h"
#include "rsnap/rsync_args.h"
#include "rsnap/rsync_watch.h"

#define TIMED_OUT 30		/* rsync's own code for that */
#define FAILED 14		/* rsync's own code for trouble with processes and pipes */
#define SAYS "rsync says: "	/* before each line: whatever it says, it is not rsnapshot's own */
#define LINES 20000		/* of each stream */
#define BYTES_OUT (1 << 20)	/* the names of files, with -v */
#define BYTES_ERR (256 << 10)	/* complaints */
#define SAID 200		/* bytes of a complaint that are kept */

/* "file has vanished: ...", perhaps behind "rsync: " or "rsync: [sender] ". */
static int says_vanished(const char *line)
{
	if (strncmp(line, "rsync: ", 7) == 0)
		line += 7;
	if (*line == '[' && strstr(line, "] ") != NULL)
		line = strstr(line, "] ") + 2;
	return strncmp(line, "file has vanished: ", 19) == 0 ||
	       strncmp(line, "directory has vanished: ", 24) == 0;
}

/* What rsync, its ssh and the host say: it is passed on, quoted, as far as it is bounded. */
struct talk {
	struct quote out, err;
	unsigned long vanished;	/* lines that tell of vanished files */
	int still;		/* it was ended: nothing came for too long */
	char *said;		/* the last one that is no summary; ssh's, for example; or NULL */
};

static int ends_with(const char *line, const char *end)
{
	size_t len = strlen(line), n = strlen(end);

	return len >= n && strcmp(line + len - n, end) == 0;
}

/* What rsync says at the end in any case, or when the other end is gone: why, that has said itself. */
static int is_summary(const char *line)
{
	if (strncmp(line, "rsync error: ", 13) == 0 || strncmp(line, "rsync warning: ", 15) == 0)
		return 1;
	return strncmp(line, "rsync: ", 7) == 0 &&
	       (strstr(line, "connection unexpectedly closed") != NULL ||
		ends_with(line, ": Broken pipe (32)") || ends_with(line, ": Connection reset by peer (104)"));
}

/* A line of its stderr. */
static void hear(void *arg, const char *line, size_t len)
{
	struct talk *t = arg;

	if (says_vanished(line))
		t->vanished++;
	else if (len > 0 && !is_summary(line))
		quote_keep(&t->said, line, len, SAID);
}

/* What is there is passed on.  0: nobody can say anything there any more. */
static int take(int fd, struct quote *q)
{
	char part[8192];
	ssize_t n = read(fd, part, sizeof(part));

	if (n > 0)
		quote_take(q, part, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/*
 * Hear what comes from out and err until their end, or until the process has ended and
 * nothing more is there: an ssh that it left behind may hold the pipes for ever.
 */
static void pass_on(const int fd[2], pid_t pid, struct talk *t, long seconds)
{
	struct pollfd p[3] = {
		{ .fd = fd[0], .events = POLLIN }, { .fd = fd[1], .events = POLLIN },
		{ .fd = pidfd_open(pid, 0), .events = POLLIN },
	};
	struct quote *const to[2] = { &t->out, &t->err };
	struct rsync_watch watch;
	int ready, i;

	rsync_watch_begin(&watch, pid, seconds);
	/* What closes both may hang all the same. */
	while (p[0].fd >= 0 || p[1].fd >= 0 || p[2].fd >= 0) {
		ready = poll(p, 3, seconds > 0 ? 1000 : -1);
		if (ready < 0 && errno != EINTR)
			break;
		if (!t->still && rsync_watch_still(&watch)) {
			t->still = 1;
			kill(pid, SIGTERM);
		}
		if (ready <= 0)
			continue;
		if (p[0].revents == 0 && p[1].revents == 0)
			break;
		for (i = 0; i < 2; i++)
			if (p[i].revents != 0 && !take(p[i].fd, to[i]))
				p[i].fd = -1;
	}
	if (p[2].fd >= 0)
		close(p[2].fd);
	quote_end(&t->out);
	quote_end(&t->err);
}

/* One write at the end of the file: lines of two writers do not mix. */
static int record(const char *file, int status, const struct talk *t, int argc, char *argv[])
{
	const char *src = argv[argc - 2], *dest = argv[argc - 1];
	char *below = rsync_args_below(argc, argv);
	struct buf b = { 0 };
	int fd, ret = -1;

	buf_printf(&b, "%d\t%lu\t", status, t->vanished);
	escape_add(&b, src, strlen(src));
	buf_char(&b, '\t');
	escape_add(&b, dest, strlen(dest));
	buf_char(&b, '\t');
	escape_add(&b, below, strlen(below));
	if (status != 0 && t->said != NULL) {
		buf_char(&b, '\t');
		escape_add(&b, t->said, strlen(t->said));
	}
	buf_char(&b, '\n');
	fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, b.p, b.len) == (ssize_t)b.len)
		ret = 0;
	if (ret != 0)
		msg_error("%s: cannot record the result of rsync: %m", escape_name(file));
	if (fd >= 0)
		close(fd);
	buf_free(&b);
	free(below);
	return ret;
}

/* Run it with its stdout and stderr through pipes.  Its status, or -1 after reporting. */
static int transfer(const char *const argv[], struct talk *t, long seconds)
{
	struct child c;
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, saved, ret = -1;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
		msg_error("cannot make a pipe: %m");
		return -1;
	}
	/* A child gets our stderr: let that be the pipe while it is started. */
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (saved < 0 || dup2(err[1], STDERR_FILENO) < 0) {
		msg_error("cannot redirect stderr: %m");
		return -1;
	}
	close(err[1]);
	ret = child_start(&c, argv, NULL, STDIN_FILENO, out[1]);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(out[1]);
	if (ret == 0) {
		pass_on((const int[]){ out[0], err[0] }, c.pid, t, seconds);
		ret = child_wait(&c);
	}
	close(out[0]);
	close(err[0]);
	return ret;
}

/* Run the real rsync with our arguments, and record how it ended.  Its status. */
static int run(int argc, char *argv[], const char *rsync, const char *results, const char *timeout)
{
	const char **args = mem_array(NULL, (size_t)argc + 2, sizeof(*args)), **to = args;
	struct talk t = {
		.out = { .mark = SAYS, .fd = STDOUT_FILENO, .lines = LINES, .bytes = BYTES_OUT },
		.err = { .mark = SAYS, .fd = STDERR_FILENO, .lines = LINES, .bytes = BYTES_ERR,
			 .hear = hear, .arg = &t },
	};
	char *option = NULL;
	long seconds = 0;
	int i, status;

	*to++ = rsync;
	if (timeout != NULL && rsync_args_remote(argv[argc - 2]) && !rsync_args_timeout(argc, argv))
		seconds = strtol(timeout, NULL, 10);
	if (seconds > 0)
		*to++ = option = mem_printf("--timeout=%ld", seconds);
	for (i = 1; i <= argc; i++)
		*to++ = argv[i];
	status = transfer(args, &t, seconds);
	if (t.still) {
		status = TIMED_OUT;
		free(t.said);
		t.said = mem_printf("nothing came for %ld seconds (host-timeout)", seconds);
	}
	if (status < 0 || record(results, status, &t, argc, argv) != 0)
		status = status > 0 ? status : FAILED;
	free(t.said);
	free(option);
	free(args);
	return status;
}

/* Take a variable out of the environment: rsync's own children need not see it. */
static char *take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value != NULL ? mem_strdup(value) : NULL;

	unsetenv(name);
	return copy;
}

int main(int argc, char *argv[])
{
	pid_t parent = getppid();
	char *rsync, *results, *timeout;
	int status = 2;

	msg_program("ss-rsync");
	/* Without rsnapshot nobody waits for what we do; it may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		return FAILED;
	signal(SIGPIPE, SIG_IGN);
	rsync = take_variable("SECONDSHOT_RSYNC");
	results = take_variable("SECONDSHOT_RESULTS");
	timeout = take_variable("SECONDSHOT_TIMEOUT");
	unsetenv("SECONDSHOT_LOCK_FD");
	if (rsync == NULL || results == NULL || argc < 3)
		msg_error("to be started by rsnapshot as ss-run calls it, not by hand");
	else
		status = run(argc, argv, rsync, results, timeout);
	free(rsync);
	free(results);
	free(timeout);
	return status;
}
