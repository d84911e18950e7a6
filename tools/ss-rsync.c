/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-rsync - rsync, and a record of how it ended.
 *
 * rsnapshot tells its caller next to nothing of what each rsync returned.  A
 * private configuration names this program as cmd_rsync: it runs the real one
 * ($SECONDSHOT_RSYNC) with the same arguments, passes its output on, and appends
 * to $SECONDSHOT_RESULTS one line: its status, how many files vanished, source
 * and destination, where below that the source's tree lies, and, if it failed, the
 * complaint that tells most.  It exits with the same status.
 *
 * It starts rsync confined to what it is to write (confine.h), or not at all where the
 * way there leads through a symbolic link; the remote shell of a confined rsync is started
 * by this program, outside (relay.h), which is also what rsync calls instead of it.
 *
 * With $SECONDSHOT_TIMEOUT it adds --timeout, unless the command has one, to a
 * transfer from another machine: rsync bounds by it the connection, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/child.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/confine.h"
#include "rsnap/relay.h"
#include "rsnap/rsync_args.h"
#include "rsnap/rsync_watch.h"

#define TIMED_OUT 30		/* rsync's own code for that */
#define FAILED 14		/* rsync's own code for trouble with processes and pipes */
#define REFUSED 1		/* rsync's for usage: the one after which rsnapshot copies nothing back */
#define LINE 4096
#define SAID 200		/* bytes of a complaint that are kept */

static int write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

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

/* What came from rsync's stderr: pass it on, and count the lines that tell of vanished files. */
struct talk {
	char line[LINE];	/* the one that has no end yet */
	size_t len;
	unsigned long vanished;
	int still;		/* it was ended: nothing came for too long */
	char said[SAID + 1];	/* the last one that is no summary; ssh's, for example */
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

static void end_line(struct talk *t)
{
	/* ssh ends its lines as a terminal wants them. */
	if (t->len > 0 && t->line[t->len - 1] == '\r')
		t->len--;
	t->line[t->len] = '\0';
	if (says_vanished(t->line))
		t->vanished++;
	else if (t->len > 0 && !is_summary(t->line))
		snprintf(t->said, sizeof(t->said), "%.*s", SAID, t->line);
	t->len = 0;
}

static void hear(struct talk *t, const char *part, size_t n)
{
	size_t i;

	/* Nobody reads it?  rsync shall not stop for that. */
	(void)write_all(STDERR_FILENO, part, n);
	for (i = 0; i < n; i++) {
		if (part[i] != '\n') {
			if (t->len < sizeof(t->line) - 1)
				t->line[t->len++] = part[i];
			continue;
		}
		end_line(t);
	}
}

/*
 * Hear what comes from fd, and serve rsync's remote shell, until the process has ended and
 * nothing more is there: an ssh that it left behind may hold the pipe for ever.
 */
static void pass_on(int fd, pid_t pid, struct talk *t, struct relay *r, long seconds)
{
	struct pollfd p[2 + RELAY_POLL] = {
		{ .fd = fd, .events = POLLIN }, { .fd = pidfd_open(pid, 0), .events = POLLIN },
	};
	struct rsync_watch watch;
	char part[8192];
	ssize_t n;
	int ready;

	rsync_watch_begin(&watch, pid, seconds);
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		relay_poll(r, p + 2);
		ready = poll(p, 2 + RELAY_POLL, seconds > 0 ? 1000 : -1);
		if (ready < 0 && errno != EINTR)
			break;
		if (!t->still && rsync_watch_still(&watch)) {
			t->still = 1;
			kill(pid, SIGTERM);
		}
		if (ready <= 0)
			continue;
		relay_work(r, p + 2);
		if (p[0].fd >= 0 && p[0].revents != 0) {
			n = read(fd, part, sizeof(part));
			if (n == 0 || (n < 0 && errno != EINTR))
				p[0].fd = -1;
			if (n > 0)
				hear(t, part, (size_t)n);
		} else if (p[1].fd >= 0 && p[1].revents != 0) {
			break;
		}
	}
	if (p[1].fd >= 0)
		close(p[1].fd);
	end_line(t);
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
	if (status != 0 && t->said[0] != '\0') {
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

/* What a transfer is about. */
struct job {
	int argc;
	char **argv;
	const char *rsync, *root, *writes;
	long seconds;		/* of silence that are too many, 0 = none are */
	struct relay relay;
	int domain;		/* that rsync is put into, -1 = none */
};

/* Run it with its stderr through a pipe.  Its status, or -1 after reporting. */
static int transfer(struct job *j, const char *const argv[], struct talk *t)
{
	struct child_more more = { .keep = j->relay.inside, .domain = j->domain };
	char *env = mem_printf(RELAY_VARIABLE "=%d", j->relay.inside);
	const char *const list[] = { env, NULL };
	struct child c;
	int end[2], ret;

	if (pipe2(end, O_CLOEXEC) != 0) {
		msg_error("cannot make a pipe: %m");
		free(env);
		return -1;
	}
	more.err = end[1];
	ret = child_start_with(&c, argv, j->relay.inside >= 0 ? list : NULL, STDIN_FILENO, -1, &more);
	close(end[1]);
	free(env);
	if (ret == 0) {
		pass_on(end[0], c.pid, t, &j->relay, j->seconds);
		ret = child_wait(&c);
	}
	close(end[0]);
	return ret;
}

/* What confines rsync, and what then starts its remote shell.  0; -1 after reporting. */
static int prepare(struct job *j, struct talk *t, char **rsh)
{
	struct relay_want want;
	char *why, *self;

	j->domain = confine(j->root, j->argc, j->argv, j->writes, &why);
	if (why != NULL) {
		msg_error("%s", escape_name(why));
		snprintf(t->said, sizeof(t->said), "%.*s", SAID, why);
		free(why);
		return -1;
	}
	if (j->domain < 0 || !relay_wanted(&want, j->argc, j->argv))
		return 0;
	if (relay_open(&j->relay, &want) != 0)
		return -1;
	self = child_tool("ss-rsync");
	*rsh = relay_option(&j->relay.want, self);
	free(self);
	return 0;
}

/* Run the real rsync with our arguments, and record how it ended.  Its status. */
static int run(struct job *j, const char *results)
{
	const char **args = mem_array(NULL, (size_t)j->argc + 3, sizeof(*args)), **to = args;
	struct talk t = { .len = 0 };
	char *option = NULL, *rsh = NULL;
	int i, status = REFUSED;

	j->relay = (struct relay){ .socket = -1, .inside = -1, .answer = -1, .ended = -1 };
	if (!rsync_args_remote(j->argv[j->argc - 2]) || rsync_args_timeout(j->argc, j->argv))
		j->seconds = 0;
	if (prepare(j, &t, &rsh) == 0) {
		*to++ = j->rsync;
		if (j->seconds > 0)
			*to++ = option = mem_printf("--timeout=%ld", j->seconds);
		for (i = 1; i <= j->argc; i++) {
			/* The last one counts. */
			if (i == j->argc - 2 && rsh != NULL)
				*to++ = rsh;
			*to++ = j->argv[i];
		}
		status = transfer(j, args, &t);
	}
	if (j->relay.why != NULL)
		snprintf(t.said, sizeof(t.said), "%.*s", SAID, j->relay.why);
	relay_close(&j->relay);
	if (j->domain >= 0)
		close(j->domain);
	if (t.still) {
		status = TIMED_OUT;
		snprintf(t.said, sizeof(t.said), "nothing came for %ld seconds (host-timeout)", j->seconds);
	}
	if (status < 0 || record(results, status, &t, j->argc, j->argv) != 0)
		status = status > 0 ? status : FAILED;
	free(rsh);
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

/* The number that a variable gives, which is taken out of the environment; -1 = none. */
static int take_number(const char *name)
{
	char *value = take_variable(name), *end = NULL;
	long n = value != NULL ? strtol(value, &end, 10) : -1;

	if (end == NULL || end == value || *end != '\0' || n < 0 || n > 1 << 20)
		n = -1;
	free(value);
	return (int)n;
}

static int as_rsnapshot_calls(int argc, char *argv[])
{
	char *rsync = take_variable("SECONDSHOT_RSYNC"), *results = take_variable("SECONDSHOT_RESULTS");
	char *root = take_variable("SECONDSHOT_ROOT"), *writes = take_variable("SECONDSHOT_WRITES");
	int seconds = take_number("SECONDSHOT_TIMEOUT"), dir = take_number("SECONDSHOT_DIR_FD"), status = 2;
	struct job j = {
		.argc = argc, .argv = argv, .rsync = rsync, .root = root, .writes = writes,
		.seconds = seconds > 0 ? seconds : 0, .domain = -1,
	};

	unsetenv("SECONDSHOT_LOCK_FD");
	/* The directory of the run is not for rsync, which keeps what is open. */
	if (dir >= 0)
		fcntl(dir, F_SETFD, FD_CLOEXEC);
	if (rsync == NULL || results == NULL || root == NULL || argc < 3)
		msg_error("to be started by rsnapshot as ss-run calls it, not by hand");
	else
		status = run(&j, results);
	free(rsync);
	free(results);
	free(root);
	free(writes);
	return status;
}

int main(int argc, char *argv[])
{
	pid_t parent = getppid();
	int relay;

	msg_program("ss-rsync");
	/* Without rsnapshot nobody waits for what we do; it may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		return FAILED;
	signal(SIGPIPE, SIG_IGN);
	relay = take_number(RELAY_VARIABLE);
	return relay >= 0 ? relay_inside(argc, argv, relay) : as_rsnapshot_calls(argc, argv);
}
