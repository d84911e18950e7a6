/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer - what rsync may do once somebody else has taken it over.  Built into rrsync
 * as its RSYNC; says that it is an rsync, reads orders from stdin and tells on stdout
 * what the kernel answered to each:
 *
 *	VERB ARGUMENT [ARGUMENT]        ->      VERB ARGUMENT [ARGUMENT]: ok (or EACCES …)
 *
 * The verbs are in the table at the end.  Orders that cannot be understood end it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int shut(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

static int do_read(const char *a, const char *b)
{
	char byte;
	int fd = open(a, O_RDONLY | O_NONBLOCK), result;

	(void)b;
	if (fd < 0)
		return -1;
	result = read(fd, &byte, 1) < 0 ? -1 : 0;
	close(fd);
	return result;
}

static int do_write(const char *a, const char *b)
{
	int fd = open(a, O_WRONLY | O_APPEND | O_NONBLOCK), result;

	(void)b;
	if (fd < 0)
		return -1;
	result = write(fd, "peer\n", 5) == 5 ? 0 : -1;
	close(fd);
	return result;
}

static int do_create(const char *a, const char *b)
{
	(void)b;
	return shut(open(a, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int do_truncate(const char *a, const char *b)
{
	(void)b;
	return truncate(a, 0);
}

static int do_list(const char *a, const char *b)
{
	DIR *dir = opendir(a);

	(void)b;
	return dir ? closedir(dir) : -1;
}

static int do_path(const char *a, const char *b)
{
	(void)b;
	return shut(open(a, O_PATH));
}

static int do_stat(const char *a, const char *b)
{
	struct stat st;

	(void)b;
	return stat(a, &st);
}

static int do_lstat(const char *a, const char *b)
{
	struct stat st;

	(void)b;
	return lstat(a, &st);
}

static int do_access(const char *a, const char *b)
{
	(void)b;
	return access(a, F_OK);
}

static int do_readlink(const char *a, const char *b)
{
	char text[16];

	(void)b;
	return readlink(a, text, sizeof(text)) < 0 ? -1 : 0;
}

static int do_chmod(const char *a, const char *b)
{
	return chmod(a, (mode_t)strtol(b, NULL, 8));
}

static int do_fchmod(const char *a, const char *b)
{
	int fd = open(a, O_RDONLY | O_NONBLOCK), result;

	if (fd < 0)
		return -1;
	result = fchmod(fd, (mode_t)strtol(b, NULL, 8));
	close(fd);
	return result;
}

static int do_chown(const char *a, const char *b)
{
	return chown(a, (uid_t)strtol(b, NULL, 10), (gid_t)-1);
}

static int do_lchown(const char *a, const char *b)
{
	return lchown(a, (uid_t)strtol(b, NULL, 10), (gid_t)-1);
}

static int do_utimes(const char *a, const char *b)
{
	const struct timespec when[2] = { { 1, 0 }, { 1, 0 } };

	(void)b;
	return utimensat(AT_FDCWD, a, when, 0);
}

static int do_setxattr(const char *a, const char *b)
{
	return setxattr(a, b, "x", 1, 0);
}

static int do_unlink(const char *a, const char *b)
{
	(void)b;
	return unlink(a);
}

static int do_rmdir(const char *a, const char *b)
{
	(void)b;
	return rmdir(a);
}

static int do_mkdir(const char *a, const char *b)
{
	(void)b;
	return mkdir(a, 0700);
}

static int do_rename(const char *a, const char *b)
{
	return rename(a, b);
}

static int do_link(const char *a, const char *b)
{
	return link(a, b);
}

static int do_symlink(const char *a, const char *b)
{
	return symlink(a, b);
}

static int do_fifo(const char *a, const char *b)
{
	(void)b;
	return mkfifo(a, 0600);
}

static int do_device(const char *a, const char *b)
{
	(void)b;
	return mknod(a, S_IFCHR | 0600, makedev(1, 3));
}

/* The real thing happens in a child: an exec that works does not come back. */
static int in_child(int (*call)(const char *, const char *), const char *a, const char *b)
{
	int status, pipefd[2], code = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		code = call(a, b) < 0 ? errno : 0;
		_exit(write(pipefd[1], &code, sizeof(code)) != sizeof(code));
	}
	close(pipefd[1]);
	got = read(pipefd[0], &code, sizeof(code));
	close(pipefd[0]);
	if (waitpid(pid, &status, 0) < 0)
		return -1;
	if (got != sizeof(code))
		code = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? ENOSYS : 0;
	errno = code;
	return code ? -1 : 0;
}

static int child_exec(const char *a, const char *b)
{
	int null = open("/dev/null", O_RDWR);

	if (null >= 0)
		dup2(null, 1);
	return execl(a, a, b[0] ? b : NULL, (char *)NULL);
}

static int do_exec(const char *a, const char *b)
{
	return in_child(child_exec, a, b);
}

static int child_chroot(const char *a, const char *b)
{
	(void)b;
	return chroot(a);
}

static int do_chroot(const char *a, const char *b)
{
	return in_child(child_chroot, a, b);
}

static int child_unshare(const char *a, const char *b)
{
	(void)b;
	return unshare(a[0] == 'u' ? CLONE_NEWUSER : a[0] == 'n' ? CLONE_NEWNET : CLONE_NEWNS);
}

static int do_unshare(const char *a, const char *b)
{
	return in_child(child_unshare, a, b);
}

static int child_setuid(const char *a, const char *b)
{
	uid_t uid = (uid_t)strtol(a, NULL, 10);

	(void)b;
	return setresuid(uid, uid, uid);
}

static int do_setuid(const char *a, const char *b)
{
	return in_child(child_setuid, a, b);
}

static int do_mount(const char *a, const char *b)
{
	int result = mount(a, b, NULL, MS_BIND, NULL);

	if (result == 0)
		umount2(b, MNT_DETACH);
	return result;
}

static int do_ptrace(const char *a, const char *b)
{
	pid_t pid = (pid_t)strtol(a, NULL, 10);
	int result = (int)ptrace(PTRACE_SEIZE, pid, NULL, NULL);

	(void)b;
	return result;
}

static int do_kill(const char *a, const char *b)
{
	(void)b;
	return kill((pid_t)strtol(a, NULL, 10), 0);
}

static int do_inet(const char *a, const char *b)
{
	(void)b;
	return shut(socket(a[0] == '6' ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
}

static int do_connect(const char *a, const char *b)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), result;

	(void)b;
	if (fd < 0)
		return -1;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", a);
	result = connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return result;
}

/* By the number of a file, whatever its name: past every check of paths. */
static int do_handle(const char *a, const char *b)
{
	struct file_handle *handle = calloc(1, sizeof(*handle) + MAX_HANDLE_SZ);
	int dir = open(b, O_RDONLY | O_DIRECTORY), id, fd = -1;

	if (handle) {
		handle->handle_bytes = MAX_HANDLE_SZ;
		if (name_to_handle_at(AT_FDCWD, a, handle, &id, 0) == 0)
			fd = open_by_handle_at(dir, handle, O_RDONLY);
	}
	free(handle);
	shut(dir);
	return shut(fd);
}

static int do_getenv(const char *a, const char *b)
{
	(void)b;
	errno = ENOENT;
	return getenv(a) ? 0 : -1;
}

/* A call by its number, with arguments that make no sense: refused before it looks. */
static int do_call(const char *a, const char *b)
{
	(void)b;
	return (int)syscall(strtol(a, NULL, 10), -1L, 0L, 0L, 0L, 0L, 0L);
}

static const struct {
	const char *name;
	int (*call)(const char *a, const char *b);
} verbs[] = {
	{ "read", do_read }, { "write", do_write }, { "create", do_create },
	{ "truncate", do_truncate }, { "list", do_list }, { "path", do_path },
	{ "stat", do_stat }, { "lstat", do_lstat }, { "access", do_access },
	{ "readlink", do_readlink }, { "chmod", do_chmod }, { "fchmod", do_fchmod },
	{ "chown", do_chown }, { "lchown", do_lchown }, { "utimes", do_utimes },
	{ "setxattr", do_setxattr }, { "unlink", do_unlink }, { "rmdir", do_rmdir },
	{ "mkdir", do_mkdir }, { "rename", do_rename }, { "link", do_link },
	{ "symlink", do_symlink }, { "fifo", do_fifo }, { "device", do_device },
	{ "exec", do_exec }, { "chroot", do_chroot }, { "unshare", do_unshare },
	{ "setuid", do_setuid }, { "mount", do_mount }, { "ptrace", do_ptrace },
	{ "kill", do_kill }, { "inet", do_inet }, { "connect", do_connect },
	{ "handle", do_handle }, { "call", do_call },
	{ "getenv", do_getenv },
};

static void obey(char *line)
{
	char *verb = strtok(line, " "), *a = strtok(NULL, " "), *b = strtok(NULL, " ");
	size_t i;
	int code;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (verb && a && strcmp(verbs[i].name, verb) == 0)
			break;
	if (i == sizeof(verbs) / sizeof(*verbs)) {
		fprintf(stderr, "peer: what is %s?\n", verb ? verb : "nothing");
		exit(2);
	}
	code = verbs[i].call(a, b ? b : "") < 0 ? errno : 0;
	printf("%s %s%s%s: %s\n", verb, a, b ? " " : "", b ? b : "",
		code ? strerrorname_np(code) : "ok");
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc < 2 || strcmp(argv[1], "--server") != 0) {
		printf("rsync  version 3.2.7  protocol version 31\n");
		return 0;
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
