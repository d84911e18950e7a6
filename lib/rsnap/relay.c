/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay.c - the remote shell of a confined rsync, started outside of its confinement. */
#include "rsnap/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/rsnap_opt.h"
#include "rsnap/rsync_args.h"

#define MOST 65536		/* bytes of a command */
#define WORDS 4096
#define PASSED 4		/* descriptors: input, output, error, answer */
#define PATIENCE 5000		/* milliseconds from SIGTERM to SIGKILL */
#define NO_SHELL 255		/* what ssh returns when it has failed itself */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(PASSED * sizeof(int))];
};

/* The host of HOST, HOST:PORT, [ADDRESS] and [ADDRESS]:PORT; malloc'd. */
static char *daemon_host(const char *text)
{
	return *text == '[' ? mem_dup(text + 1, strcspn(text + 1, "]")) : mem_dup(text, strcspn(text, ":"));
}

int relay_wanted(struct relay_want *w, int argc, char *const argv[])
{
	const char *command = rsync_args_last(argc, argv, "--rsh", 'e');
	const char *program = rsync_args_last(argc, argv, "--rsync-path", '\0');
	struct source s;
	char *login, *at;

	*w = (struct relay_want){ .program = program != NULL ? program : "rsync" };
	source_parse(&s, argv[argc - 2]);
	/* A daemon is reached by a remote shell only if one is named. */
	if (s.kind != SOURCE_SSH && (s.kind != SOURCE_DAEMON || command == NULL))
		return 0;
	if (command == NULL)
		command = getenv("RSYNC_RSH");
	w->shell = rsnap_opt_words(command != NULL && *command != '\0' ? command : "ssh");
	login = rsnap_opt_login(argv[argc - 2]);
	at = strrchr(login, '@');
	if (at != NULL)
		w->user = mem_dup(login, (size_t)(at - login));
	w->host = s.kind == SOURCE_SSH ? mem_strdup(at != NULL ? at + 1 : login) :
					 daemon_host(at != NULL ? at + 1 : login);
	free(login);
	if (w->shell[0] != NULL)
		return 1;
	relay_want_free(w);
	return 0;
}

void relay_want_free(struct relay_want *w)
{
	rsnap_opt_free(w->shell);
	free(w->user);
	free(w->host);
	*w = (struct relay_want){ 0 };
}

const char *relay_wrong(const struct relay_want *w, char *const argv[])
{
	size_t i, n = 0;

	while (argv[n] != NULL)
		n++;
	for (i = 1; w->shell[i] != NULL; i++)
		if (i >= n || strcmp(argv[i], w->shell[i]) != 0)
			return "other options than --rsh has";
	/* Not for a daemon where the options name one. */
	if (w->user != NULL && i + 1 < n && strcmp(argv[i], "-l") == 0) {
		if (strcmp(argv[i + 1], w->user) != 0)
			return "another user than the source has";
		i += 2;
	}
	if (i >= n || strcmp(argv[i], w->host) != 0)
		return "another host than the source is on";
	/* An option behind the host would be one of ssh's. */
	if (++i >= n || strcmp(argv[i], w->program) != 0)
		return "another program than --rsync-path names";
	if (++i >= n || strcmp(argv[i], "--server") != 0)
		return "another command than rsync --server";
	return NULL;
}

/* word as rsync reads it back as one. */
static void add_quoted(struct buf *b, const char *word)
{
	buf_char(b, '"');
	for (; *word != '\0'; word++) {
		if (*word == '"')
			buf_char(b, '"');
		buf_char(b, *word);
	}
	buf_char(b, '"');
}

char *relay_option(const struct relay_want *w, const char *inside)
{
	struct buf b = { 0 };
	size_t i;

	buf_str(&b, "--rsh=");
	add_quoted(&b, inside);
	for (i = 1; w->shell[i] != NULL; i++) {
		buf_char(&b, ' ');
		add_quoted(&b, w->shell[i]);
	}
	return b.p;
}

int relay_open(struct relay *r, const struct relay_want *want)
{
	int pair[2];

	*r = (struct relay){ .want = *want, .socket = -1, .inside = -1, .answer = -1, .ended = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		msg_error("cannot make a socket: %m");
		return -1;
	}
	r->socket = pair[0];
	r->inside = pair[1];
	return 0;
}

void relay_poll(const struct relay *r, struct pollfd p[RELAY_POLL])
{
	p[0] = (struct pollfd){ .fd = r->socket, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = r->answer, .events = POLLRDHUP };
	p[2] = (struct pollfd){ .fd = r->ended, .events = POLLIN };
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The path of a program, looked for in $PATH as rsync does; malloc'd, NULL = there is none. */
static char *find(const char *program)
{
	const char *path = getenv("PATH");
	size_t len;
	char *at;

	if (strchr(program, '/') != NULL)
		return mem_strdup(program);
	for (; path != NULL && *path != '\0'; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		at = mem_printf("%.*s/%s", (int)len, path, program);
		if (*at == '/' && access(at, X_OK) == 0)
			return at;
		free(at);
	}
	return NULL;
}

/* The command in text (len bytes), its words ended by NUL; NULL if it is none. */
static char **words_of(char *text, size_t len)
{
	char **words;
	size_t n = 0, at;

	if (len == 0 || text[len - 1] != '\0')
		return NULL;
	words = mem_array(NULL, WORDS + 1, sizeof(*words));
	for (at = 0; at < len && n < WORDS; at += strlen(text + at) + 1)
		words[n++] = text + at;
	words[n] = NULL;
	if (at >= len)
		return words;
	free(words);
	return NULL;
}

/* Say why there is no remote shell, and keep it for who asks; why is now r's. */
static void refuse(struct relay *r, char *why)
{
	msg_error("%s", escape_name(why));
	free(r->why);
	r->why = why;
}

/* Start the wanted shell with the words behind those that are its own.  0, or -1 after reporting. */
static int start(struct relay *r, char *words[], const int fd[PASSED])
{
	/* What it leaves running, a shared connection, shall not hold the volume's lock. */
	const struct child_more more = { .err = fd[2], .keep = -1, .domain = -1, .bare = 1 };
	char *program = find(r->want.shell[0]);
	int ret = -1;

	if (program == NULL) {
		refuse(r, mem_printf("%s: there is no such program", r->want.shell[0]));
		return -1;
	}
	words[0] = program;
	if (child_start_with(&r->shell, (const char *const *)words, NULL, fd[0], fd[1], &more) == 0)
		ret = 0;
	if (ret == 0)
		r->ended = pidfd_open(r->shell.pid, 0);
	if (ret == 0 && r->ended < 0) {
		msg_error("%s: cannot be watched: %m", escape_name(program));
		kill(r->shell.pid, SIGTERM);
		child_wait(&r->shell);
		ret = -1;
	}
	free(program);
	return ret;
}

/* Take the descriptors of a message; those that there are none of are -1. */
static void take_descriptors(struct msghdr *m, int fd[PASSED])
{
	struct cmsghdr *c;
	size_t n, i;

	for (i = 0; i < PASSED; i++)
		fd[i] = -1;
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fd, CMSG_DATA(c), (n < PASSED ? n : PASSED) * sizeof(int));
	}
}

/* The one request of a transfer, from somebody who may be anybody. */
static void request(struct relay *r)
{
	char *text = mem_alloc(MOST), **words = NULL;
	struct iovec part = { text, MOST };
	union control room = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &room,
			    .msg_controllen = sizeof(room) };
	ssize_t n = recvmsg(r->socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const char *why = "it makes no sense";
	int fd[PASSED], i;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		goto out;
	shut(&r->socket);
	if (n <= 0)
		goto out;
	take_descriptors(&m, fd);
	if (!(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && fd[PASSED - 1] >= 0)
		words = words_of(text, (size_t)n);
	if (words != NULL)
		why = relay_wrong(&r->want, words);
	if (why != NULL)
		refuse(r, mem_printf("rsync asked for a remote shell that its command line does not lead to: %s", why));
	else if (start(r, words, fd) == 0) {
		r->answer = fd[PASSED - 1];
		fd[PASSED - 1] = -1;
	}
	for (i = 0; i < PASSED; i++)
		shut(&fd[i]);
out:
	free(words);
	free(text);
}

void relay_work(struct relay *r, const struct pollfd p[RELAY_POLL])
{
	int status;

	if (p[0].fd >= 0 && p[0].revents != 0)
		request(r);
	/* The one inside is gone: whoever ended it meant the shell. */
	if (p[1].fd >= 0 && p[1].revents != 0) {
		shut(&r->answer);
		if (r->ended >= 0)
			kill(r->shell.pid, SIGTERM);
	}
	if (p[2].fd >= 0 && p[2].revents != 0) {
		status = child_wait(&r->shell);
		shut(&r->ended);
		if (r->answer >= 0)
			(void)send(r->answer, &status, sizeof(status), MSG_DONTWAIT | MSG_NOSIGNAL);
		shut(&r->answer);
	}
}

void relay_close(struct relay *r)
{
	struct pollfd ended = { .fd = r->ended, .events = POLLIN };

	shut(&r->socket);
	shut(&r->inside);
	shut(&r->answer);
	if (r->ended >= 0) {
		kill(r->shell.pid, SIGTERM);
		if (poll(&ended, 1, PATIENCE) == 0)
			kill(r->shell.pid, SIGKILL);
		child_wait(&r->shell);
		shut(&r->ended);
	}
	relay_want_free(&r->want);
	free(r->why);
	r->why = NULL;
}

/* Hand over our arguments and descriptors.  0, or -1 with errno. */
static int hand_over(int argc, char *argv[], int to, int answer)
{
	const int fd[PASSED] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, answer };
	union control room = { .room = { 0 } };
	struct buf b = { 0 };
	struct iovec part;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &room,
			    .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;
	int i;

	for (i = 0; i < argc; i++)
		buf_add(&b, argv[i], strlen(argv[i]) + 1);
	part = (struct iovec){ b.p, b.len };
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), fd, sizeof(fd));
	errno = EMSGSIZE;
	n = b.len > MOST ? -1 : sendmsg(to, &m, MSG_NOSIGNAL);
	buf_free(&b);
	return n < 0 ? -1 : 0;
}

/* Nothing of ours may keep rsync's pipes open. */
static void leave_pipes(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

int relay_inside(int argc, char *argv[], int socket)
{
	int pair[2], status;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 ||
	    hand_over(argc, argv, socket, pair[1]) != 0) {
		msg_error("the remote shell cannot be asked for: %m");
		return NO_SHELL;
	}
	close(socket);
	close(pair[1]);
	leave_pipes();
	do
		n = recv(pair[0], &status, sizeof(status), 0);
	while (n < 0 && errno == EINTR);
	/* No answer: it was refused, or could not be started, which was said outside. */
	if (n != sizeof(status) || status < 0)
		return NO_SHELL;
	if (status > 128 && status < 128 + NSIG) {
		signal(status - 128, SIG_DFL);
		raise(status - 128);
	}
	return status;
}
