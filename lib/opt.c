/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* opt.c - command lines: one shared popt table, one way to start and end a tool. */
#include "opt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "exits.h"
#include "mem.h"
#include "msg.h"

#ifndef SS_VERSION
#define SS_VERSION "unknown"
#endif

/*
 * What popt fills.  It lives as long as the program: popt keeps pointers to it,
 * and the arguments left over belong to the context.
 */
static struct conf opt_given;
static char *opt_autoverify;
static int opt_threads = INT_MIN;
static int opt_quiet, opt_json, opt_help, opt_version;
static poptContext opt_context;
static const char *opt_none[] = { NULL };

/* The shared options, each with the group it belongs to (0: every tool's). */
static const struct {
	unsigned use;
	struct poptOption option;
} opt_all[] = {
	{ 0, { "config", '\0', POPT_ARG_STRING, &opt_given.config, 0, "Configuration file", "FILE" } },
	{ OPT_CATALOG, { "db-url", '\0', POPT_ARG_STRING, &opt_given.db_url, 0, "The catalog", "URL" } },
	{ OPT_CATALOG, { "dbtype", '\0', POPT_ARG_STRING, &opt_given.dbtype, 0, "sqlite, mysql or mariadb", "TYPE" } },
	{ OPT_CATALOG, { "dbhost", '\0', POPT_ARG_STRING, &opt_given.dbhost, 0, "The database's server", "HOST" } },
	{ OPT_CATALOG, { "dbport", '\0', POPT_ARG_INT, &opt_given.dbport, 0, "Its port", "PORT" } },
	{ OPT_CATALOG, { "dbname", '\0', POPT_ARG_STRING, &opt_given.dbname, 0, "The database", "NAME" } },
	{ OPT_CATALOG, { "dbuser", '\0', POPT_ARG_STRING, &opt_given.dbuser, 0, "Its account", "NAME" } },
	{ OPT_CATALOG, { "db-password-file", '\0', POPT_ARG_STRING, &opt_given.db_password_file, 0, "Its password", "FILE" } },
	{ OPT_CATALOG, { "db-tls", '\0', POPT_ARG_STRING, &opt_given.db_tls, 0, "off, required, verify", "HOW" } },
	{ OPT_CATALOG, { "db-ca", '\0', POPT_ARG_STRING, &opt_given.db_ca, 0, "Certificates to trust", "FILE" } },
	{ OPT_CATALOG, { "db-timeout", '\0', POPT_ARG_INT, &opt_given.db_timeout, 0, "Wait so long for a locked catalog", "SECONDS" } },
	{ OPT_CATALOG, { "backup-host", '\0', POPT_ARG_STRING, &opt_given.backup_host, 0, "The machine that backs up", "NAME" } },
	{ OPT_CATALOG, { "volume", '\0', POPT_ARG_STRING, &opt_given.volume, 0, "Name of the snapshot root", "NAME" } },
	{ OPT_RSNAPSHOT, { "rsnapshot-conf", '\0', POPT_ARG_STRING, &opt_given.rsnapshot_conf, 0, "rsnapshot's configuration", "FILE" } },
	{ OPT_HASHTYPE, { "hashtype", '\0', POPT_ARG_STRING, &opt_given.hashtype, 0, "Algorithm of new digests", "NAME" } },
	{ OPT_THREADS, { "threads", '\0', POPT_ARG_INT, &opt_threads, 0, "How many files to read at once", "N" } },
	{ OPT_AUTOVERIFY, { "autoverify", '\0', POPT_ARG_STRING, &opt_autoverify, 0, "Verify what was stored", "yes|no" } },
	{ 0, { "log-level", '\0', POPT_ARG_STRING, &opt_given.log_level, 0, "none, error, warn, info, debug", "LEVEL" } },
	{ 0, { "logfile", '\0', POPT_ARG_STRING, &opt_given.logfile, 0, "Append messages to it", "FILE" } },
	{ 0, { "quiet", 'q', POPT_ARG_NONE, &opt_quiet, 0, "No progress, only problems", NULL } },
	{ OPT_JSON, { "json", '\0', POPT_ARG_NONE, &opt_json, 0, "JSON Lines on standard output", NULL } },
	{ 0, { "version", '\0', POPT_ARG_NONE, &opt_version, 0, "Show the version", NULL } },
	{ 0, { "help", '\0', POPT_ARG_NONE, &opt_help, 0, "Show this help", NULL } },
};

#define OPT_ALL (sizeof(opt_all) / sizeof(opt_all[0]))

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

/* Parse argv; 0 or -1 after reporting. */
static int opt_parse(const struct opt_tool *tool, int argc, const char **argv)
{
	static struct poptOption table[3];
	static char *help;
	struct poptOption *t = table;
	int rc;

	for (size_t i = 0, n = 0; i < OPT_ALL; i++)
		if (!opt_all[i].use || opt_all[i].use & tool->use)
			opt_shared[n++] = opt_all[i].option;
	opt_given = (struct conf){ .autoverify = -1, .db_timeout = -1, .dbport = -1, .threads = -1, .quiet = -1, .json = -1 };
	if (tool->table)
		*t++ = opt_include(tool->table, NULL);
	*t = opt_include(opt_shared, "Common options:");
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
		msg_error("%s: %s", escape_name(poptBadOption(opt_context, POPT_BADOPTION_NOALIAS)), poptStrerror(rc));
		return -1;
	}
	return 0;
}

/* What popt could only store as it stands. */
static int opt_convert(void)
{
	if (opt_autoverify) {
		opt_given.autoverify = conf_bool(opt_autoverify);
		if (opt_given.autoverify < 0) {
			msg_error("--autoverify=%s: it must be yes or no", escape_name(opt_autoverify));
			return -1;
		}
	}
	if (opt_threads != INT_MIN) {
		if (opt_threads < 0) {
			msg_error("--threads=%d: it must be a number from 0 to 256", opt_threads);
			return -1;
		}
		opt_given.threads = opt_threads;
	}
	if (opt_quiet)
		opt_given.quiet = 1;
	if (opt_json)
		opt_given.json = 1;
	return 0;
}

static int opt_logging(const struct conf *c)
{
	enum msg_level level = MSG_INFO;

	msg_parse_level(c->log_level, &level);
	msg_level(c->quiet && level > MSG_WARN ? MSG_WARN : level);
	if (!c->logfile || msg_logfile(c->logfile, level) == 0)
		return 0;
	/* The system's log is root's: who may not write it does without, as it was told. */
	return geteuid() != 0 && !opt_given.logfile ? 0 : -1;
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
	if (opt_parse(tool, argc, argv) || opt_convert())
		return NULL;
	if (opt_help || opt_version) {
		if (opt_help)
			poptPrintHelp(opt_context, stdout, 0);
		else
			printf("%s (secondshot) %s\n", tool->name, SS_VERSION);
		*code = opt_finish(SS_OK);
		return NULL;
	}
	if (conf_load(conf, &opt_given) || opt_logging(conf))
		return NULL;
	left = poptGetArgs(opt_context);
	*code = SS_OK;
	return left ? left : opt_none;
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
	if (fclose(stdout) != 0 || bad) {
		msg_error("standard output: %s", errno ? strerror(errno) : "a write failed");
		return SS_FAIL;
	}
	return code;
}
