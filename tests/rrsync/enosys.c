/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * enosys [-p] [-a ABI] [NAME...] -- COMMAND... - run a command on a kernel that
 * lacks these system calls: they answer ENOSYS, or with -p EPERM.  NAME is one of
 * the table below; "seccomp" covers prctl's way to it as well, and "pidns" and "ipcns"
 * are unshare for a pid and for an ipc namespace only.
 *
 * -a ABI: Landlock as an older kernel has it.  Its version is ABI (1 to 6), and a
 * ruleset that asks for what came later is refused as such a kernel refuses it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif

#define RULES 128
#define NR offsetof(struct seccomp_data, nr)
#define ARG(n) (offsetof(struct seccomp_data, args) + 8 * (n))

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{ "landlock_create_ruleset", __NR_landlock_create_ruleset },
	{ "landlock_add_rule", __NR_landlock_add_rule },
	{ "landlock_restrict_self", __NR_landlock_restrict_self },
	{ "openat2", SYS_openat2 },
	{ "statx", SYS_statx },
	{ "close_range", SYS_close_range },
	{ "execveat", SYS_execveat },
	{ "unshare", SYS_unshare },
	{ "mount", SYS_mount },
	{ "pivot_root", SYS_pivot_root },
	{ "chroot", SYS_chroot },
	{ "capset", SYS_capset },
	{ "setresuid", SYS_setresuid },
	{ "fsopen", SYS_fsopen },
	{ "open_tree", SYS_open_tree },
	{ "move_mount", SYS_move_mount },
	{ "mount_setattr", SYS_mount_setattr },
	{ "seccomp", SYS_seccomp },
};

static struct sock_filter rules[RULES];
static unsigned used;

static void rule(unsigned code, unsigned k, unsigned yes, unsigned no)
{
	if (used == RULES) {
		fprintf(stderr, "enosys: too many names\n");
		exit(2);
	}
	rules[used++] = (struct sock_filter){ (unsigned short)code, (unsigned char)yes,
		(unsigned char)no, k };
}

/* What call nr gets; the number of the call is in the accumulator. */
static void answer(unsigned nr, unsigned action)
{
	rule(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	rule(BPF_RET | BPF_K, action, 0, 0);
}

/* unshare with this flag. */
static void deny_namespace(unsigned flag, int code)
{
	rule(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 4);
	rule(BPF_LD | BPF_W | BPF_ABS, ARG(0), 0, 0);
	rule(BPF_JMP | BPF_JSET | BPF_K, flag, 0, 1);
	rule(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code, 0, 0);
	rule(BPF_LD | BPF_W | BPF_ABS, NR, 0, 0);
}

static void deny(const char *name, int code)
{
	unsigned action = SECCOMP_RET_ERRNO | (unsigned)code;
	size_t i;

	if (strcmp(name, "pidns") == 0 || strcmp(name, "ipcns") == 0) {
		deny_namespace(name[0] == 'p' ? CLONE_NEWPID : CLONE_NEWIPC, code);
		return;
	}
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			break;
	if (i == sizeof(calls) / sizeof(*calls)) {
		fprintf(stderr, "enosys: unknown system call %s\n", name);
		exit(2);
	}
	answer(calls[i].nr, action);
	if (calls[i].nr != SYS_seccomp)
		return;
	rule(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 4);
	rule(BPF_LD | BPF_W | BPF_ABS, ARG(0), 0, 0);
	rule(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1);
	rule(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)EINVAL, 0, 0);
	rule(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* The file system rights that Landlock of this version knows. */
static uint64_t rights(int abi)
{
	static const int bits[] = { 0, 13, 14, 15, 15, 16, 16 };

	return (1ULL << bits[abi]) - 1;
}

/* How a kernel with this Landlock answers; 0 if as the running one does. */
static int64_t verdict(const struct seccomp_notif *req, int abi, int *code)
{
	uint64_t attr[3] = { 0 };
	size_t size = req->data.args[1] < sizeof(attr) ? req->data.args[1] : sizeof(attr);
	char path[64];
	int mem;

	*code = 0;
	if (req->data.args[2] & 1)
		return abi;
	snprintf(path, sizeof(path), "/proc/%u/mem", req->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0 || pread(mem, attr, size, (off_t)req->data.args[0]) != (ssize_t)size)
		*code = -EFAULT;
	else if (attr[0] & ~rights(abi))
		*code = -EINVAL;
	else if ((abi < 4 && attr[1]) || (abi < 6 && attr[2]))
		*code = -E2BIG;
	if (mem >= 0)
		close(mem);
	return 0;
}

/* Answers until the last process under the filter is gone. */
static void supervise(int listener, int abi)
{
	struct pollfd wait = { .fd = listener, .events = POLLIN };

	while (poll(&wait, 1, -1) > 0 && (wait.revents & POLLIN)) {
		struct seccomp_notif req = { 0 };
		struct seccomp_notif_resp resp = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
			continue;
		resp.id = req.id;
		resp.val = verdict(&req, abi, &resp.error);
		if (!resp.val && !resp.error)
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

static void send_fd(int to, int fd)
{
	char data = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &data, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(to, &msg, 0) != 1)
		exit(2);
}

static int receive_fd(int from)
{
	char data, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &data, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
		exit(2);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static int install(unsigned flags)
{
	struct sock_fprog prog = { .len = (unsigned short)used, .filter = rules };
	long fd;

	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd < 0) {
		perror("enosys: seccomp");
		exit(2);
	}
	return (int)fd;
}

/* Not a child of the command, which may wait for its own; holds nothing of its open. */
static void stay_behind(int from)
{
	int fd;

	if (fork() != 0)
		_exit(0);
	fd = receive_fd(from);
	if (dup2(fd, 0) < 0 || syscall(SYS_close_range, 1, ~0U, 0) < 0)
		_exit(2);
}

/* Leaves a process behind that answers for the kernel; the caller is the command. */
static void older_landlock(int abi)
{
	int pair[2], fd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || (pid = fork()) < 0)
		exit(2);
	if (pid == 0) {
		close(pair[0]);
		stay_behind(pair[1]);
		supervise(0, abi);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	fd = install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
	send_fd(pair[0], fd);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

int main(int argc, char **argv)
{
	int opt, abi = 0, code = ENOSYS;

	while ((opt = getopt(argc, argv, "+pa:")) != -1) {
		if (opt == 'p')
			code = EPERM;
		else if (opt == 'a' && atoi(optarg) >= 1 && atoi(optarg) <= 6)
			abi = atoi(optarg);
		else
			return 2;
	}
	rule(BPF_LD | BPF_W | BPF_ABS, NR, 0, 0);
	/* getopt took a "--" that stands right behind the options. */
	if (strcmp(argv[optind - 1], "--") != 0) {
		for (; optind < argc && strcmp(argv[optind], "--") != 0; optind++)
			deny(argv[optind], code);
		optind++;
	}
	if (abi)
		answer(__NR_landlock_create_ruleset, SECCOMP_RET_USER_NOTIF);
	rule(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	if (optind >= argc)
		return 2;
	if (abi)
		older_landlock(abi);
	else
		install(0);
	execvp(argv[optind], argv + optind);
	perror(argv[optind]);
	return 127;
}
