/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* opt.c - command lines: one shared popt table, one way to start and end a tool. */
#include "conf/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/keys.h"

#ifndef SS_VERSION
#define SS_VERSION "unknown"
#endif

/*
 * What popt fills.  It lives as long as the program: popt keeps pointers to it,
 * and the arguments left over belong to the context.
 */
static char *opt_config;
static int opt_quiet, opt_json, opt_help, opt_list, opt_version;
static poptContext opt_context;
static const char *opt_none[] = { NULL };

#define RUN_KEY(name, what, arg) \
	{ OPT_RUN, { name, '\0', POPT_ARG_STRING, NULL, 0, what, arg } }

/*
 * The shared options, each with the group it belongs to (0: every tool's).  Those
 * that store nowhere are keys of the configuration.
 */
static const struct {
	unsigned use;
	struct poptOption option;
} opt_all[] = {
	{ 0, { "config", '\0', POPT_ARG_STRING, &opt_config, 0, "Configuration file", "FILE" } },
	{ OPT_CATALOG, { "db-url", '\0', POPT_ARG_STRING, NULL, 0, "The catalog", "URL" } },
	{ OPT_CATALOG, { "dbtype", '\0', POPT_ARG_STRING, NULL, 0, "sqlite, mysql or mariadb", "TYPE" } },
	{ OPT_CATALOG, { "dbhost", '\0', POPT_ARG_STRING, NULL, 0, "The database's server", "HOST" } },
	{ OPT_CATALOG, { "dbport", '\0', POPT_ARG_STRING, NULL, 0, "Its port", "PORT" } },
	{ OPT_CATALOG, { "dbname", '\0', POPT_ARG_STRING, NULL, 0, "The database", "NAME" } },
	{ OPT_CATALOG, { "dbuser", '\0', POPT_ARG_STRING, NULL, 0, "Its account", "NAME" } },
	{ OPT_CATALOG, { "db-password-file", '\0', POPT_ARG_STRING, NULL, 0, "Its password", "FILE" } },
	{ OPT_CATALOG, { "db-tls", '\0', POPT_ARG_STRING, NULL, 0, "off, required, verify", "HOW" } },
	{ OPT_CATALOG, { "db-ca", '\0', POPT_ARG_STRING, NULL, 0, "Certificates to trust", "FILE" } },
	{ OPT_CATALOG, { "db-timeout", '\0', POPT_ARG_STRING, NULL, 0, "Wait so long for a locked catalog", "SECONDS" } },
	{ OPT_CATALOG, { "backup-host", '\0', POPT_ARG_STRING, NULL, 0, "The machine that backs up", "NAME" } },
	{ OPT_CATALOG, { "volume", '\0', POPT_ARG_STRING, NULL, 0, "Name of the snapshot root", "NAME" } },
	{ OPT_CATALOG, { "state-dir", '\0', POPT_ARG_STRING, NULL, 0, "Where keys of markers lie", "DIR" } },
	{ OPT_RSNAPSHOT, { "rsnapshot-conf", '\0', POPT_ARG_STRING, NULL, 0, "rsnapshot's configuration", "FILE" } },
	{ OPT_HASHTYPE, { "hashtype", '\0', POPT_ARG_STRING, NULL, 0, "md5, sha1, sha256, sha512, sha512-256, blake2b512", "NAME" } },
	{ OPT_THREADS, { "threads", '\0', POPT_ARG_STRING, NULL, 0, "How many files to read at once", "N" } },
	{ OPT_AUTOVERIFY, { "autoverify", '\0', POPT_ARG_STRING, NULL, 0, "Verify what was stored", "yes|no" } },
	{ 0, { "log-level", '\0', POPT_ARG_STRING, NULL, 0, "none, error, warn, info, debug", "LEVEL" } },
	{ 0, { "logfile", '\0', POPT_ARG_STRING, NULL, 0, "Append messages to it", "FILE" } },
	{ 0, { "quiet", 'q', POPT_ARG_NONE, &opt_quiet, 0, "No progress, only problems", NULL } },
	RUN_KEY("syslog", "Facility, or none", "NAME"),
	RUN_KEY("rotate-partial", "Rotate partial savesets too", "yes|no"),
	RUN_KEY("max-change", "Hold back what changed more", "PERCENT"),
	RUN_KEY("max-shrink", "Hold back what lost more", "PERCENT"),
	RUN_KEY("max-shrink-bytes", "Hold back what lost more bytes", "PERCENT"),
	RUN_KEY("min-change", "But not for fewer files", "N"),
	RUN_KEY("min-free", "Stop where less is free", "PERCENT"),
	RUN_KEY("max-age", "How long a volume may be away", "TIME"),
	RUN_KEY("host-timeout", "How long a host may be silent", "TIME"),
	RUN_KEY("rsync-writes", "What rsync may write besides", "PATH:PATH"),
	RUN_KEY("exec-limit", "How long a command of rsnapshot's configuration may take", "TIME"),
	RUN_KEY("host-limit", "How long a host may take in all", "TIME"),
	RUN_KEY("jobs.hosts", "Hosts to sync at once", "N"),
	RUN_KEY("hook.pre", "Command before the run", "COMMAND"),
	RUN_KEY("hook.post", "Command after the run", "COMMAND"),
	RUN_KEY("hook.host-pre", "Command before each host", "COMMAND"),
	RUN_KEY("hook.host-post", "Command after each host", "COMMAND"),
	RUN_KEY("hook.failure", "Command after a run that failed", "COMMAND"),
	RUN_KEY("hook.timeout", "How long a hook may take", "TIME"),
	{ OPT_RUN, { "wait", '\0', POPT_ARG_STRING, NULL, 0, "Wait so long for another run to end", "TIME" } },
	{ OPT_JSON, { "json", '\0', POPT_ARG_NONE, &opt_json, 0, "JSON Lines on standard output", NULL } },
	{ 0, { "version", '\0', POPT_ARG_NONE, &opt_version, 0, "Show the version", NULL } },
	{ 0, { "help", '\0', POPT_ARG_NONE, &opt_help, 0, "Show this help", NULL } },
};

/* For the makers of completions; not in --help. */
static const struct poptOption opt_hidden[] = {
	{ "list-options", '\0', POPT_ARG_NONE | POPT_ARGFLAG_DOC_HIDDEN, &opt_list, 0, NULL, NULL },
	POPT_TABLEEND
};

#define OPT_COLUMNS 80
#define OPT_ALL (sizeof(opt_all) / sizeof(opt_all[0]))

static char *opt_text[OPT_ALL];			/* what popt stores of the keys */
static int opt_unlogged;	/* the log that was asked for is not there */
static struct conf_pair opt_given[OPT_ALL + 2];	/* those that were given, and --quiet */

/* Those of them that the tool takes; all zero ends the table. */
static struct poptOption opt_shared[OPT_ALL + 1];

/*
 * A closed descriptor would be taken by the next file opened, which then got
 * our messages or data.  Opened the wrong way round, its use stays an error.
 */
static void opt_descriptors(void)
{
	static const int wrong[] = { O_WRONLY, O_RDONLY, O_WRONLY };
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", wrong[fd]) != fd)
			_Exit(SS_FAIL);
}

static void opt_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* popt's tables are not const, though it only reads them. */
static struct poptOption opt_include(const struct poptOption *table, const char *title)
{
	return (struct poptOption){
		.argInfo = POPT_ARG_INCLUDE_TABLE, .arg = (void *)(uintptr_t)table, .descrip = title,
	};
}

/* popt does not list them: a tool's own options would scroll off the screen. */
static void opt_hide(struct poptOption *to, const struct poptOption *option)
{
	*to = *option;
	to->argInfo |= POPT_ARGFLAG_DOC_HIDDEN;
}

/* Parse argv; 0 or -1 after reporting. */
static int opt_parse(const struct opt_tool *tool, int argc, const char **argv)
{
	static struct poptOption table[4];
	static char *help;
	struct poptOption *t = table;
	int rc;

	for (size_t i = 0, n = 0; i < OPT_ALL; i++)
		if (!opt_all[i].use || opt_all[i].use & tool->use) {
			opt_hide(&opt_shared[n], &opt_all[i].option);
			if (!opt_shared[n].arg)
				opt_shared[n].arg = &opt_text[i];
			n++;
		}
	if (tool->table)
		*t++ = opt_include(tool->table, NULL);
	*t++ = opt_include(opt_shared, NULL);
	*t = opt_include(opt_hidden, NULL);
	help = mem_printf("%s\n%s", tool->usage, tool->about);
	opt_context = poptGetContext(tool->name, argc, argv, table, 0);
	if (!opt_context) {
		msg_error("out of memory");
		return -1;
	}
	poptSetOtherOptionHelp(opt_context, help);
	while ((rc = poptGetNextOpt(opt_context)) > 0)
		;
	if (rc < -1) {
		const char *bad = poptBadOption(opt_context, POPT_BADOPTION_NOALIAS);

		/* Its value may be meant for an option that holds a password. */
		msg_error("%s: %s", escape_bytes(bad, strcspn(bad, "=")), poptStrerror(rc));
		return -1;
	}
	return 0;
}

/* "-q|--quiet" or "--db-url=URL"; to be freed. */
static char *opt_word(const struct poptOption *o)
{
	struct buf b = { 0 };

	if (o->shortName)
		buf_printf(&b, "-%c|", o->shortName);
	buf_printf(&b, "--%s", o->longName);
	if (o->argDescrip)
		buf_printf(&b, "=%s", o->argDescrip);
	return b.p;
}

/* The tool's own options with what they do, the shared ones by name: one screen. */
static void opt_print_help(void)
{
	const struct poptOption *o;
	size_t column = OPT_COLUMNS;
	char *word;

	poptPrintHelp(opt_context, stdout, 0);
	fputs("\nOptions of several tools, see secondshot(7):", stdout);
	for (o = opt_shared; o->longName; o++) {
		word = opt_word(o);
		column += 1 + strlen(word);
		if (column >= OPT_COLUMNS) {
			fputs("\n ", stdout);
			column = 2 + strlen(word);
		}
		printf(" %s", word);
		free(word);
	}
	putchar('\n');
}

/* A line for each option, for programs: long and short name, argument, text, with tabs between. */
static void opt_print_list(const struct poptOption *o)
{
	for (; o && (o->longName || o->shortName); o++)
		printf("%s\t%.1s\t%s\t%s\n", o->longName ? o->longName : "", &o->shortName,
		       o->argDescrip ? o->argDescrip : "", o->descrip);
}

/* The keys that were given, for conf_load(). */
static const struct conf_pair *opt_pairs(void)
{
	struct conf_pair *p = opt_given;

	for (size_t i = 0; i < OPT_ALL; i++)
		if (opt_text[i])
			*p++ = (struct conf_pair){ opt_all[i].option.longName, opt_text[i] };
	if (opt_quiet)
		*p++ = (struct conf_pair){ "quiet", "yes" };
	return opt_given;
}

/*
 * If the log cannot be opened, the work is done without it, and opt_finish() makes the exit code
 * SS_INCOMPLETE.  A tool that a run started says nothing: the run has said it.
 */
static void opt_logging(struct conf *c, unsigned use)
{
	enum msg_level level = MSG_INFO, shown;
	int silent = lock_offered() && !(use & OPT_RUN);

	msg_parse_level(c->log_level, &level);
	shown = c->quiet && level > MSG_WARN ? MSG_WARN : level;
	msg_level(shown);
	if (use & OPT_RUN)
		msg_syslog(c->syslog, level);
	if (!c->logfile)
		return;
	if (silent)
		msg_level(MSG_NONE);
	/* The system's log is root's: who may not write it does without, unless it was named. */
	if (msg_logfile(c->logfile, level) < 0)
		c->unlogged = geteuid() == 0 || conf_named(c, "logfile");
	msg_level(shown);
	opt_unlogged = c->unlogged && !silent;
}

/* What is asked about the tool itself. */
static void opt_tell(const struct opt_tool *tool)
{
	if (opt_help) {
		opt_print_help();
	} else if (opt_version) {
		printf("%s (secondshot) %s\n", tool->name, SS_VERSION);
	} else {
		opt_print_list(tool->table);
		opt_print_list(opt_shared);
	}
}

const char **opt_start(const struct opt_tool *tool, int argc, const char **argv,
		       struct conf *conf, int *code)
{
	const char **left;

	*conf = (struct conf){ 0 };
	*code = SS_FAIL;
	opt_descriptors();
	opt_signals();
	setlocale(LC_CTYPE, "");
	msg_program(tool->name);
	if (opt_parse(tool, argc, argv))
		return NULL;
	if (opt_help || opt_version || opt_list) {
		opt_tell(tool);
		*code = opt_finish(SS_OK);
		return NULL;
	}
	/* At night nobody else hears of a configuration that says nothing of a log, since it has an error. */
	if (tool->use & OPT_RUN)
		msg_syslog(CONF_FACILITY, MSG_WARN);
	if (conf_load(conf, opt_config, opt_pairs()))
		return NULL;
	opt_logging(conf, tool->use);
	keys_in(tool->use & OPT_CATALOG ? conf->state_dir : NULL);
	conf->json = opt_json;
	left = poptGetArgs(opt_context);
	*code = SS_OK;
	return left ? left : opt_none;
}

/* Has whoever read our standard output left?  1 or 0. */
static int opt_unread(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* A server's connection may break, too: that is for its driver. */
static void opt_pipe(int sig)
{
	if (opt_unread()) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

void opt_only_reads(void)
{
	signal(SIGPIPE, opt_pipe);
}

int opt_finish(int code)
{
	static int closed;
	int bad;

	if (closed)
		return code;
	closed = 1;
	errno = 0;
	bad = fflush(stdout) != 0 || ferror(stdout);
	if (bad && opt_unread()) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	if (fclose(stdout) != 0 || bad) {
		msg_error("standard output: %s", errno ? strerror(errno) : "a write failed");
		return SS_FAIL;
	}
	return code == SS_OK && opt_unlogged ? SS_INCOMPLETE : code;
}
