/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rrsync - the command that an ssh key may run, and no other: rsync below one DIR.
 *
 * The options in authorized_keys make the rules; SSH_ORIGINAL_COMMAND is judged by
 * them and its paths are pinned (args.h); then we go into the sandbox (sandbox.h)
 * and become rsync.  No shell, no helper, no file of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "args.h"
#include "report.h"
#include "sandbox.h"

#define NAMES_MAX 64	/* of each -allow and -deny, and one for the end */

static const char usage[] =
	"usage: rrsync [-ro | -wo] [-munge] [-absolute] [-no-del] [-no-lock] [-no-overwrite]\n"
	"              [-allow OPT] [-deny OPT] [-rate RATE] [-log FACILITY] [-strict] [-check] DIR\n";

/* Our own failure, of the usage or of the system. */
static int fail(const char *what, const char *name)
{
	fprintf(stderr, "rrsync error: %s%s%s\n", what, name ? ": " : "", name ? name : "");
	return -1;
}

/* An option with a value.  allow and deny are lists of NAMES_MAX. */
static int set_value(struct rules *r, const char *option, char *value, char **allow, char **deny)
{
	bool denies = strcmp(option, "-deny") == 0;
	char **list = denies ? deny : allow, **next = list;

	if (!value)
		return fail("an argument is missing behind", option);
	if (strcmp(option, "-rate") == 0) {
		r->rate = value;
		return args_rate(value) < 1 ? fail("-rate: no rate", value) : 0;
	}
	if (strcmp(option, "-log") == 0) {
		r->log = value;
		return report_facility(value) < 0 ? fail("-log: no syslog facility", value) : 0;
	}
	if (!policy_may_name(value, denies))
		return fail(denies ? "-deny: no such option" : "-allow: not for this option", value);
	while (*next)
		next++;
	if (next - list >= NAMES_MAX - 1)
		return fail("too many of", option);
	*next = value;
	return 0;
}

/* argv to rules.  Returns 0, 1 for -check, or -1 after a message. */
static int parse(struct rules *r, char **argv, char **allow, char **deny)
{
	bool check = false;
	const struct {
		const char *name;
		bool *set;	/* NULL: it has a value */
	} flags[] = {
		{ "-ro", &r->ro }, { "-wo", &r->wo }, { "-munge", &r->munge }, { "-absolute", &r->absolute },
		{ "-no-del", &r->no_del }, { "-no-lock", &r->no_lock }, { "-no-overwrite", &r->no_overwrite },
		{ "-strict", &r->strict }, { "-check", &check }, { "-allow", NULL }, { "-deny", NULL },
		{ "-rate", NULL }, { "-log", NULL },
	}, *f, *end = flags + sizeof(flags) / sizeof(flags[0]);

	for (argv++; *argv; argv++) {
		for (f = flags; f < end && strcmp(f->name, *argv) != 0; f++)
			;
		if (f == end && (**argv == '-' || r->dir))
			return fail("unrecognized argument", *argv);
		if (f == end)
			r->dir = *argv;
		else if (f->set)
			*f->set = true;
		else if (set_value(r, f->name, *++argv, allow, deny))
			return -1;
	}
	if (r->ro && r->wo)
		return fail("-wo is not allowed with -ro", NULL);
	return !r->dir ? fail("the restricted DIR is missing", NULL) : check;
}

/* Go to DIR; its real path in real[PATH_MAX]. */
static int enter_dir(struct rules *r, char *real)
{
	char link[40];
	ssize_t n;

	r->dirfd = open(r->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", r->dirfd);
	if (r->dirfd < 0 || fchdir(r->dirfd))
		return fail("Restricted directory does not exist", r->dir);
	n = readlink(link, real, PATH_MAX - 1);
	if (n <= 0 || real[0] != '/')
		return fail("the real path of the restricted directory (is /proc mounted?)", r->dir);
	real[n] = '\0';
	r->dir = real;
	return 0;
}

/* Descriptors and signals as we want them, whatever we were started with. */
static int clean_start(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	closefrom(3);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	return fd < 0 ? fail("/dev/null", strerror(errno)) : 0;
}

/* One writer at a time: rsync inherits the descriptor, so the lock lasts as long as it does. */
static bool is_locked(const struct rules *r)
{
	int fd = r->ro || r->no_lock ? -1 : open(".", O_RDONLY | O_DIRECTORY);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
}

/* Become rsync for the command, or for -check (NULL). */
static int serve(struct rules *r, const char *command, char **argv)
{
	char *version[] = { (char[]){ "rsync" }, (char[]){ "--version" }, NULL }, text[300] = "";
	struct args a = { .paths.rules = r, .v = version, .writes = !r->ro };
	const char *why = a.paths.why;

	report_open(r);
	if ((command && rrsync_args(&a, r, command)) || view_enter(r, &a))
		goto refused;
	why = text;
	if (command && is_locked(r)) {
		why = "Another instance of rrsync is already accessing this directory.";
		goto refused;
	}
	sandbox_restrict(r, &a);
	if (!command && report_check(r, argv))
		return 1;
	if (r->strict && *sandbox_missing()) {
		snprintf(text, sizeof(text), "-strict, and this host lacks: %s", sandbox_missing());
		goto refused;
	}
	report_request(r, command ? command : "-check", NULL);
	sandbox_exec(&a);
	snprintf(text, sizeof(text), "cannot run %s: %s", RSYNC, strerror(errno));
refused:
	report_request(r, command ? command : "-check", why);
	fail(why, NULL);
	if (command)
		rrsync_free(&a);
	return 1;
}

int main(int argc, char **argv)
{
	char real[PATH_MAX], *allow[NAMES_MAX] = { NULL }, *deny[NAMES_MAX] = { NULL };
	struct rules r = { .allow = allow, .deny = deny };
	const char *command = getenv("SSH_ORIGINAL_COMMAND");
	int check;

	if (clean_start())
		return 1;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "-help") == 0)
			return fputs(usage, stdout) < 0 || fflush(stdout) ? 1 : 0;
	check = parse(&r, argv, allow, deny);
	if (check < 0)
		fputs(usage, stderr);
	if (check < 0 || enter_dir(&r, real))
		return 1;
	if (!check && (!command || !*command))
		return fail("Not invoked via sshd", NULL), 1;
	if (!check && strcmp(command, "true") == 0)
		return 0;
	if (sandbox_probe(&r))
		return fail("cannot read " RSYNC, strerror(errno)), 1;
	return serve(&r, check ? NULL : command, argv);
}
