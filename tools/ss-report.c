/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ss-report - views of the catalog for others than people at a terminal: so far for Nagios.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exits.h"
#include "base/msg.h"
#include "conf/opt.h"
#include "report/nagios.h"

static int nagios, seconds = 30;
static struct nagios_limits limits = { .hours = 24, .warning = 1, .critical = 1, .files = 1000 };
static char *age_warning, *age_critical;

static const struct poptOption table[] = {
	{ "nagios", '\0', POPT_ARG_NONE, &nagios, 0, "As a plugin of Nagios: a line, and exit code 0-3", NULL },
	{ "host", 'H', POPT_ARG_ARGV, &limits.hosts, 0, "Of this host (all); may be repeated", "HOST" },
	{ "each", 'e', POPT_ARG_NONE, &limits.each, 0, "Each host by itself must reach the limits", NULL },
	{ "interval", 'i', POPT_ARG_INT, &limits.hours, 0, "Count savesets of the last so many hours (24)", "HOURS" },
	{ "warning", 'w', POPT_ARG_INT, &limits.warning, 0, "Warning if there are fewer savesets (1)", "N" },
	{ "critical", 'c', POPT_ARG_INT, &limits.critical, 0, "Critical if there are fewer (1)", "N" },
	{ "files", 'f', POPT_ARG_INT, &limits.files, 0, "Warning if there are fewer files in them (1000)", "N" },
	{ "age-warning", 'a', POPT_ARG_STRING, &age_warning, 0, "Warning if a host's last one is older", "TIME" },
	{ "age-critical", 'A', POPT_ARG_STRING, &age_critical, 0, "Critical if it is older", "TIME" },
	{ "timeout", 't', POPT_ARG_INT, &seconds, 0, "Unknown if it takes longer (30)", "SECONDS" },
	POPT_TABLEEND
};

/* What is said when time is up, made beforehand: a signal handler can only write. */
static struct buf late;

static void time_is_up(int sig)
{
	(void)sig;
	/* If it cannot be written, the exit code says the same. */
	(void)!write(STDOUT_FILENO, late.p, late.len);
	_exit(NAGIOS_UNKNOWN);
}

static void bound(void)
{
	char why[80];

	snprintf(why, sizeof(why), "the catalog has not answered in %d seconds", seconds);
	nagios_unknown(&late, why);
	signal(SIGALRM, time_is_up);
	/* Whoever may start it by sudo must not stop it in the middle: it would keep the catalog's lock. */
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	alarm((unsigned)seconds);
}

static int is_no_time(const char *word, int *number)
{
	return word && conf_seconds(word, number) != 0;
}

/* Is that a question?  0, or -1 after reporting. */
static int understand(const char *const *args)
{
	if (*args)
		msg_error("%s: ss-report --nagios takes options only", *args);
	else if (is_no_time(age_warning, &limits.age_warning) || is_no_time(age_critical, &limits.age_critical))
		msg_error("--age-warning and --age-critical take a time: 90s, 15m, 36h, 7d or 2w");
	else if (limits.hours < 1 || seconds < 1)
		msg_error("--interval and --timeout are at least 1");
	else if (limits.warning < 0 || limits.critical < 0 || limits.files < 0)
		msg_error("--warning, --critical and --files are numbers from 0 on");
	else
		return 0;
	return -1;
}

/* Judge what the catalog has, into out.  A plugin's exit code. */
static enum nagios_state look(const struct conf *c, struct buf *out)
{
	enum nagios_state state = NAGIOS_UNKNOWN;
	struct nagios_host *list = NULL;
	struct catalog cat = { 0 };
	int64_t now = clock_now();
	size_t n = 0;

	if (catalog_open(&cat, c, DB_READ) == 0 && nagios_read(&cat, c, &limits, now, &list, &n) == 0)
		state = nagios_judge(list, n, &limits, now, out);
	nagios_free(list, n);
	catalog_close(&cat);
	return state;
}

/* Was a plugin called?  What cannot be understood is for Nagios to say, too. */
static int is_plugin(const char *const *argv)
{
	while (*argv)
		if (!strcmp(*argv++, "--nagios"))
			return 1;
	return 0;
}

int main(int argc, const char **argv)
{
	static const struct opt_tool tool = {
		"ss-report", "--nagios [OPTION...]", "Tell a monitoring system what was backed up lately.",
		table, OPT_CATALOG,
	};
	int code = SS_FAIL, plugin = is_plugin(argv), state = NAGIOS_UNKNOWN;
	struct conf conf = { 0 };
	struct buf out = { 0 };
	const char **args = opt_start(&tool, argc, argv, &conf, &code);

	if (args && !nagios) {
		msg_error("which report?  --nagios is the one that there is");
		code = SS_FAIL;
	} else if (args && understand(args) == 0) {
		bound();
		if (conf.db_timeout > seconds)
			conf.db_timeout = seconds;
		state = look(&conf, &out);
		alarm(0);
	}
	if (plugin && (args || code != SS_OK)) {
		if (state == NAGIOS_UNKNOWN)
			nagios_unknown(&out, msg_last_error());
		fputs(out.p, stdout);
		code = state;
	}
	buf_free(&out);
	buf_free(&late);
	conf_free(&conf);
	if (!plugin)
		return opt_finish(code);
	return opt_finish(SS_OK) == SS_OK ? code : NAGIOS_UNKNOWN;
}
