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
#include "rsnap/confine.h"
#include "rsnap/relay.h"
#include "rsnap/rsnap_job.h"
#include "rsnap/rsync_args.h"
#include "rsnap/rsync_watch.h"
#include "rsnap/source.h"

#define TIMED_OUT 30		/* rsync's own code for that */
#define FAILED 14		/* rsync's own code for trouble with processes and pipes */
#define REFUSED 1		/* rsync's for usage: the one after which rsnapshot copies nothing back */
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
	char *said;		/* rsync's first error, or else the last line that is no summary, as ssh's; or NULL */
	int errors;		/* said is rsync's own */
	char *last;		/* rsync's last error, if that is another one; or NULL */
	const char *src;	/* where it reads from */
	const char *shell;	/* how it gets there */
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

/* What is sent before rsync's first word, or an rsync of another age: io.c and compat.c of rsync say so. */
static int is_unclean(const char *line)
{
	return strstr(line, "protocol version mismatch -- is your shell clean?") != NULL;
}

/* What a person needs to know of that: nobody else saw what was printed. */
static void say_unclean(struct talk *t)
{
	struct source s;
	char *login;

	source_parse(&s, t->src);
	login = s.kind == SOURCE_SSH ? mem_dup(s.login, s.login_len) : NULL;
	free(t->said);
	t->said = NULL;
	if (login != NULL)
		t->said = mem_printf("the login shell of %s prints something before rsync starts, and nothing may:"
				     " '%s %s true' shows it; look at its .bashrc and the like", login, t->shell, login);
	else
		t->said = mem_strdup("what answers prints something that is not rsync's, or is no rsync of this age");
	t->errors = 1;
	free(login);
}

/* Does rsync itself tell of an error?  "rsync: ...", "rsync: [sender] ..." */
static int is_error(const char *line)
{
	return strncmp(line, "rsync: ", 7) == 0;
}

/* A line of its stderr.  Of rsync's errors the first is the reason of others; what ended it comes last. */
static void hear(void *arg, const char *line, size_t len)
{
	struct talk *t = arg;

	if (says_vanished(line)) {
		t->vanished++;
	} else if (len == 0 || is_summary(line)) {
		return;
	} else if (t->errors) {
		if (is_error(line))
			quote_keep(&t->last, line, len, SAID);
	} else if (is_unclean(line)) {
		say_unclean(t);
	} else {
		t->errors = is_error(line);
		quote_keep(&t->said, line, len, SAID);
	}
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
 * Hear what comes from out and err, and serve rsync's remote shell, until their end, or
 * until the process has ended and nothing more is there: an ssh that it left behind may
 * hold the pipes for ever.
 */
static void pass_on(const int fd[2], pid_t pid, struct talk *t, struct relay *r, long seconds)
{
	struct pollfd p[3 + RELAY_POLL] = {
		{ .fd = fd[0], .events = POLLIN }, { .fd = fd[1], .events = POLLIN },
		{ .fd = pidfd_open(pid, 0), .events = POLLIN },
	};
	struct quote *const to[2] = { &t->out, &t->err };
	struct rsync_watch watch;
	int ready, i;

	rsync_watch_begin(&watch, pid, seconds);
	/* What closes both may hang all the same. */
	while (p[0].fd >= 0 || p[1].fd >= 0 || p[2].fd >= 0) {
		relay_poll(r, p + 3);
		ready = poll(p, 3 + RELAY_POLL, seconds > 0 ? 1000 : -1);
		if (ready < 0 && errno != EINTR)
			break;
		if (!t->still && rsync_watch_still(&watch)) {
			t->still = 1;
			kill(pid, SIGTERM);
		}
		if (ready <= 0)
			continue;
		relay_work(r, p + 3);
		if (p[2].revents != 0 && p[0].revents == 0 && p[1].revents == 0)
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

/* What rsync complained of: its first line, and, where that did not end it, the one that did.  Malloc'd, or NULL. */
static char *complaint(int status, const struct talk *t)
{
	if (status == 0 || t->said == NULL)
		return NULL;
	/* 23 and 24: nothing ended it, there are only more of the kind. */
	if (status == 23 || status == 24 || t->last == NULL)
		return mem_strdup(t->said);
	return mem_printf("%s; then %s", t->said, t->last);
}

static int record(const char *file, int status, const struct talk *t, int argc, char *argv[])
{
	struct rsnap_result res = { .src = argv[argc - 2], .dest = argv[argc - 1],
				    .below = rsync_args_below(argc, argv), .said = complaint(status, t),
				    .status = status, .vanished = t->vanished };
	int ret = rsnap_job_record(file, &res);

	free(res.said);
	free(res.below);
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

/* Run it with its stdout and stderr through pipes.  Its status, or -1 after reporting. */
static int transfer(struct job *j, const char *const argv[], struct talk *t)
{
	struct child_more more = { .keep = j->relay.inside, .domain = j->domain };
	char *env = mem_printf(RELAY_VARIABLE "=%d", j->relay.inside);
	const char *const list[] = { env, NULL };
	struct child c;
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, ret;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
		msg_error("cannot make a pipe: %m");
		free(env);
		return -1;
	}
	more.err = err[1];
	ret = child_start_with(&c, argv, j->relay.inside >= 0 ? list : NULL, STDIN_FILENO, out[1], &more);
	close(out[1]);
	close(err[1]);
	free(env);
	if (ret == 0) {
		pass_on((const int[]){ out[0], err[0] }, c.pid, t, &j->relay, j->seconds);
		ret = child_wait(&c);
	}
	close(out[0]);
	close(err[0]);
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
		quote_keep(&t->said, why, strlen(why), SAID);
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

/* The remote shell that the command line names. */
static const char *shell_of(int argc, char *const argv[])
{
	const char *shell = "ssh";
	int i;

	for (i = 1; i < argc - 2; i++)
		if (strncmp(argv[i], "--rsh=", 6) == 0)
			shell = argv[i] + 6;
	return shell;
}

/* Run the real rsync with our arguments, and record how it ended.  Its status. */
static int run(struct job *j, const char *results)
{
	const char **args = mem_array(NULL, (size_t)j->argc + 3, sizeof(*args)), **to = args;
	struct talk t = {
		.src = j->argv[j->argc - 2], .shell = shell_of(j->argc, j->argv),
		.out = { .mark = SAYS, .fd = STDOUT_FILENO, .lines = LINES, .bytes = BYTES_OUT },
		.err = { .mark = SAYS, .fd = STDERR_FILENO, .lines = LINES, .bytes = BYTES_ERR,
			 .hear = hear, .arg = &t },
	};
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
		quote_keep(&t.said, j->relay.why, strlen(j->relay.why), SAID);
	relay_close(&j->relay);
	if (j->domain >= 0)
		close(j->domain);
	if (t.still) {
		status = TIMED_OUT;
		free(t.said);
		free(t.last);
		t.last = NULL;
		t.said = mem_printf("nothing came for %ld seconds (host-timeout)", j->seconds);
	}
	if (status < 0 || record(results, status, &t, j->argc, j->argv) != 0)
		status = status > 0 ? status : FAILED;
	free(rsh);
	free(t.said);
	free(t.last);
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
