/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf_key.c - the keys there are, and what their values may be. */
#include "conf/conf_key.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/msg.h"

const struct conf_key conf_keys[] = {
	{ "db-url", CONF_TEXT, offsetof(struct conf, db_url), 0 },
	{ "dbtype", CONF_DBTYPE, offsetof(struct conf, dbtype), 0 },
	{ "dbhost", CONF_TEXT, offsetof(struct conf, dbhost), 0 },
	{ "dbport", CONF_COUNT, offsetof(struct conf, dbport), 65535 },
	{ "dbname", CONF_TEXT, offsetof(struct conf, dbname), 0 },
	{ "dbuser", CONF_TEXT, offsetof(struct conf, dbuser), 0 },
	{ "db-password-file", CONF_TEXT, offsetof(struct conf, db_password_file), 0 },
	{ "db-tls", CONF_TLS, offsetof(struct conf, db_tls), 0 },
	{ "db-ca", CONF_TEXT, offsetof(struct conf, db_ca), 0 },
	{ "state-dir", CONF_TEXT, offsetof(struct conf, state_dir), 0 },
	{ "rsnapshot-conf", CONF_TEXT, offsetof(struct conf, rsnapshot_conf), 0 },
	{ "backup-host", CONF_NAME, offsetof(struct conf, backup_host), 0 },
	{ "volume", CONF_NAME, offsetof(struct conf, volume), 0 },
	{ "hashtype", CONF_HASH, offsetof(struct conf, hashtype), 0 },
	{ "logfile", CONF_TEXT, offsetof(struct conf, logfile), 0 },
	{ "log-level", CONF_LEVEL, offsetof(struct conf, log_level), 0 },
	{ "autoverify", CONF_BOOL, offsetof(struct conf, autoverify), 0 },
	{ "quiet", CONF_BOOL, offsetof(struct conf, quiet), 0 },
	{ "db-timeout", CONF_COUNT, offsetof(struct conf, db_timeout), 86400 },
	{ "threads", CONF_COUNT, offsetof(struct conf, threads), 256 },
	/* A nightly run's. */
	{ "syslog", CONF_SYSLOG, offsetof(struct conf, syslog), 0 },
	{ "wait", CONF_SECONDS, offsetof(struct conf, wait), 0 },
	{ "rotate-partial", CONF_BOOL, offsetof(struct conf, rotate_partial), 0 },
	{ "max-change", CONF_PERCENT, offsetof(struct conf, max_change), 100 },
	{ "max-shrink", CONF_PERCENT, offsetof(struct conf, max_shrink), 100 },
	{ "max-shrink-bytes", CONF_PERCENT, offsetof(struct conf, max_shrink_bytes), 100 },
	{ "min-change", CONF_COUNT, offsetof(struct conf, min_change), 1000000000 },
	{ "min-free", CONF_PERCENT, offsetof(struct conf, min_free), 100 },
	{ "max-age", CONF_SECONDS, offsetof(struct conf, max_age), 0 },
	{ "host-timeout", CONF_SECONDS, offsetof(struct conf, host_timeout), 0 },
	{ "rsync-writes", CONF_TEXT, offsetof(struct conf, rsync_writes), 0 },
	{ "exec-limit", CONF_SECONDS, offsetof(struct conf, exec_limit), 0 },
	{ "host-limit", CONF_SECONDS, offsetof(struct conf, host_limit), 0 },
	{ "jobs.hosts", CONF_COUNT, offsetof(struct conf, jobs_hosts), 64 },
	{ "hook.pre", CONF_TEXT, offsetof(struct conf, hook_pre), 0 },
	{ "hook.post", CONF_TEXT, offsetof(struct conf, hook_post), 0 },
	{ "hook.host-pre", CONF_TEXT, offsetof(struct conf, hook_host_pre), 0 },
	{ "hook.host-post", CONF_TEXT, offsetof(struct conf, hook_host_post), 0 },
	{ "hook.failure", CONF_TEXT, offsetof(struct conf, hook_failure), 0 },
	{ "hook.timeout", CONF_SECONDS, offsetof(struct conf, hook_timeout), 0 },
};

const size_t conf_nkeys = sizeof(conf_keys) / sizeof(conf_keys[0]);

char **conf_text(struct conf *c, const struct conf_key *k)
{
	return (char **)(void *)((char *)c + k->offset);
}

int *conf_int(struct conf *c, const struct conf_key *k)
{
	return (int *)(void *)((char *)c + k->offset);
}

int conf_is_text(const struct conf_key *k)
{
	return k->kind != CONF_BOOL && k->kind != CONF_COUNT && k->kind != CONF_PERCENT &&
	       k->kind != CONF_SECONDS;
}

void conf_replace(char **to, const char *value)
{
	free(*to);
	*to = mem_strdup(value);
}

int conf_bool(const char *word)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(word, words[i]) == 0)
			return (int)(i % 2);
	return -1;
}

static int conf_one_of(const char *value, const char *const *list)
{
	while (*list && strcmp(*list, value) != 0)
		list++;
	return *list != NULL;
}

/* Names that become a part of savesets' names stand on a line of markers and listings. */
static int conf_plain(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 127)
			return 0;
	return 1;
}

/* A number from 0 to max, then perhaps the sign that is all that may follow.  0 or -1. */
static int conf_number(const char *value, long max, const char *sign, int *number)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (strcmp(end, sign) == 0)
		end = strchr(end, '\0');
	if (*end || errno || *value < '0' || *value > '9' || n > max)
		return -1;
	*number = (int)n;
	return 0;
}

int conf_seconds(const char *value, int *seconds)
{
	static const struct { const char *unit; int seconds; } units[] = {
		{ "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 },
	};
	size_t i;
	int n;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (conf_number(value, INT_MAX / units[i].seconds, units[i].unit, &n) != 0)
			continue;
		*seconds = n * units[i].seconds;
		return 0;
	}
	return -1;
}

const char *conf_judge(const struct conf_key *k, const char *value, int *number)
{
	static const char *const dbtypes[] = { "sqlite", "mysql", "mariadb", "mysql+pymysql", NULL };
	static const char *const facilities[] = {
		"none", "daemon", "user", "local0", "local1", "local2", "local3", "local4", "local5",
		"local6", "local7", NULL
	};
	static const char *const tls[] = { "off", "required", "verify", NULL };
	enum msg_level level;

	if (!*value)
		return "it has no value";
	switch (k->kind) {
	case CONF_TEXT:
		return NULL;
	case CONF_NAME:
		return conf_plain(value) ? NULL : "it must not have a control character in it";
	case CONF_BOOL:
		*number = conf_bool(value);
		return *number < 0 ? "it must be yes or no" : NULL;
	case CONF_COUNT:
		return conf_number(value, k->max, "", number) == 0 ? NULL :
		       "it must be a number, and not that large";
	case CONF_PERCENT:
		return conf_number(value, k->max, "%", number) == 0 ? NULL :
		       "it must be from 0% to 100%";
	case CONF_SECONDS:
		return conf_seconds(value, number) == 0 ? NULL :
		       "it must be a time: 90s, 15m, 12h, 7d or 2w";
	case CONF_HASH:
		return hash_algo_find(value) ? NULL :
		       "it must be md5, sha1, sha256, sha512, sha512-256 or blake2b512";
	case CONF_DBTYPE:
		return conf_one_of(value, dbtypes) ? NULL :
		       "it must be sqlite, mysql, mariadb or mysql+pymysql";
	case CONF_TLS:
		return conf_one_of(value, tls) ? NULL : "it must be off, required or verify";
	case CONF_SYSLOG:
		return conf_one_of(value, facilities) ? NULL :
		       "it must be none, daemon, user or local0 to local7";
	case CONF_LEVEL:
		return msg_parse_level(value, &level) ? "it must be none, error, warn, info or debug" : NULL;
	}
	return NULL;
}

const struct conf_key *conf_find(const char *name)
{
	size_t i;

	for (i = 0; i < conf_nkeys; i++)
		if (strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	return NULL;
}
