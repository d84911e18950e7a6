/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rrsync - the command that an ssh key may run, and no other: rsync below one DIR.
 *
 * The options in authorized_keys make the rules; SSH_ORIGINAL_COMMAND is judged by
 * them and its paths are pinned (args.h); then we go into the sandbox (sandbox.h)
 * and become rsync.  No shell, no helper, no file of our own.
 */
#define SYSLOG_NAMES
#include <signal.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <syslog.h>

#include "paths.h"
#include "sandbox.h"
#include "words.h"

static const char usage[] =
	"usage: rrsync [-ro | -wo] [-munge] [-absolute] [-no-del] [-no-lock] [-no-overwrite]\n"
	"              [-allow OPT] [-deny OPT] [-rate RATE] [-log FACILITY] [-strict] [-check] DIR\n";

static struct rules rules;
static bool check;
static int facility;
static const char *command;	/* NULL: the rules are not read yet */

/* With -log, a line: who asked for what, and what becomes of it. */
static void log_request(int priority, const char *verdict, const char *why)
{
	const char *client = getenv("SSH_CONNECTION");
	char what[600], dir[200], from[80];

	if (rules.log)
		syslog(priority, "%s%s: from %s, uid %d, dir %s: %s", verdict, why,
		       words_escape(from, sizeof(from), client ? client : "-"), (int)getuid(),
		       words_escape(dir, sizeof(dir), rules.dir), words_escape(what, sizeof(what), command));
}

void refuse(const char *format, ...)
{
	char text[500], shown[400];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	words_escape(shown, sizeof(shown), text);
	fprintf(stderr, "%srrsync error: %s\n", command ? "" : usage, shown);
	if (command)
		log_request(LOG_WARNING, "refused, ", shown);
	_exit(1);
}

/* What is enforced on this host, told from within the sandbox. */
static void print_check(char **argv)
{
	struct utsname host = { 0 };
	char shown[400];

	uname(&host);
	printf("directory  %s (%s)\nidentity   uid %d, gid %d\nkernel     %s %s, Landlock ABI %d\n"
	       "rsync      " RSYNC "%s\nmissing    %s\nauthorized_keys\n           restrict,command=\"",
	       words_escape(shown, sizeof(shown), rules.dir),
	       rules.ro ? "read only" : rules.wo ? "write only" : "read and write", (int)geteuid(), (int)getegid(),
	       host.sysname, host.release, sandbox_abi(), rules.can_confine ? " --confine-root --drop-D" : "",
	       *sandbox_missing ? sandbox_missing : "nothing");
	for (; *argv; argv++)
		if (strcmp(*argv, "-check") != 0)
			printf("%s%s", words_escape(shown, sizeof(shown), *argv), argv[1] ? " " : "");
	printf("\" ssh-ed25519 AAAA... root@backup\nrsync starts in this sandbox and says:\n");
	if (fflush(stdout))
		refuse("cannot write: %m");
}

static const struct {
	const char *name;
	bool *flag;
	const char **value;	/* without either: a name of an option */
} options[] = {
	{ "-ro", &rules.ro, NULL }, { "-wo", &rules.wo, NULL }, { "-munge", &rules.munge, NULL },
	{ "-absolute", &rules.absolute, NULL }, { "-no-del", &rules.no_del, NULL }, { "-strict", &rules.strict, NULL },
	{ "-no-lock", &rules.no_lock, NULL }, { "-no-overwrite", &rules.no_overwrite, NULL },
	{ "-check", &check, NULL }, { "-rate", NULL, &rules.rate }, { "-log", NULL, &rules.log },
	{ "-allow", NULL, NULL }, { "-deny", NULL, NULL },
};

static void parse(char **argv)
{
	const char *stray = NULL;
	size_t i;

	for (argv++; *argv; argv++) {
		for (i = 0; i < LEN(options) && strcmp(options[i].name, *argv) != 0; i++)
			;
		if (i == LEN(options) && (**argv == '-' || rules.dir))
			stray = stray ? stray : *argv;
		else if (i == LEN(options))
			rules.dir = *argv;
		else if (options[i].flag)
			*options[i].flag = true;
		else if (!*++argv)
			refuse("argument %s: expected one argument", options[i].name);
		else if (options[i].value)
			*options[i].value = *argv;
		else
			policy_name(&rules, *argv, strcmp(options[i].name, "-deny") == 0);
		if (rules.ro && rules.wo)
			refuse("argument %s: not allowed with argument %s", *argv, argv[0][1] == 'r' ? "-wo" : "-ro");
	}
	for (i = 0; rules.log && facilitynames[i].c_name && strcmp(facilitynames[i].c_name, rules.log) != 0; i++)
		;
	facility = rules.log ? facilitynames[i].c_val : LOG_AUTHPRIV;
	if (facility < 0)
		refuse("-log: no syslog facility: %s", rules.log);
	if (rules.rate && args_rate(rules.rate) < 1)
		refuse("-rate: no rate: %s", rules.rate);
	if (!rules.dir)
		refuse("the following arguments are required: DIR");
	if (stray)
		refuse("unrecognized arguments: %s", stray);
}

/* Go to DIR, by its real path. */
static void enter_dir(void)
{
	static char real[PATH_MAX];

	rules.dirfd = open(rules.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rules.dirfd < 0)
		refuse("Restricted directory does not exist! %s", rules.dir);
	if (fchdir(rules.dirfd))
		refuse("unable to chdir to restricted dir: %m: %s", rules.dir);
	paths_of(rules.dirfd, real);
	if (*real != '/')
		refuse("the real path of the restricted directory (is /proc mounted?): %s", rules.dir);
	rules.dir = real;
}

/* One writer at a time: rsync inherits the descriptor, so the lock lasts as long as it does. */
static void lock_dir(void)
{
	int fd = rules.ro || rules.no_lock ? -1 : open(".", O_RDONLY | O_DIRECTORY);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB))
		refuse("Another instance of rrsync is already accessing this directory.");
}

int main(int argc, char **argv)
{
	static const char *version[] = { "rsync", "--version", NULL };
	struct request q = { .rules = &rules };
	const char *asked = getenv("SSH_ORIGINAL_COMMAND");
	bool there;	/* asked is "true": is a request possible? */

	/* Descriptors and signals as we want them, whatever we were started with. */
	for (int fd = 0; fd >= 0 && fd < 3;)
		fd = open("/dev/null", O_RDWR);
	closefrom(3);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "-help") == 0)
			return fputs(usage, stdout) < 0 || fflush(stdout) ? 1 : 0;
	parse(argv);
	enter_dir();
	if (!check && (!asked || !*asked))
		refuse("Not invoked via sshd");
	there = !check && strcmp(asked, "true") == 0;
	if (there && !rules.strict)
		return 0;
	command = check ? "-check" : asked;
	/* While the log can be reached: the sandbox shuts it off. */
	openlog(args_text("rrsync[%d]", (int)getpid()), LOG_NDELAY, facility);
	sandbox_probe(&rules);
	if (check || there)
		q = (struct request){ .rules = &rules, .args = version, .writes = check ? !rules.ro : rules.wo };
	else
		args_make(&q, command);
	sandbox_spaces();
	sandbox_view(&q);
	if (!check && !there)
		lock_dir();
	sandbox_restrict(&q);
	if (check)
		print_check(argv);
	if (rules.strict && *sandbox_missing)
		refuse("-strict, and this host lacks: %s", sandbox_missing);
	if (there)
		return 0;
	log_request(LOG_INFO, "accepted", "");
	if (*sandbox_missing)
		syslog(LOG_WARNING, "not confined by: %s", sandbox_missing);
	sandbox_exec(&q);
	refuse("cannot run %s: %m", RSYNC);
}
