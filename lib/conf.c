/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf.c - settings, from the strongest to the weakest. */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "escape.h"
#include "mem.h"
#include "msg.h"
#include "trust.h"

#define CONF_FILE "/etc/secondshot/secondshot.conf"

enum conf_kind { CONF_TEXT, CONF_BOOL, CONF_COUNT, CONF_HASH, CONF_LEVEL, CONF_DBTYPE, CONF_TLS };

/* Every key of the file; max bounds a count. */
static const struct conf_key {
	const char *name;
	enum conf_kind kind;
	size_t offset;
	int max;
} conf_keys[] = {
	{ "db-url", CONF_TEXT, offsetof(struct conf, db_url), 0 },
	{ "dbtype", CONF_DBTYPE, offsetof(struct conf, dbtype), 0 },
	{ "dbhost", CONF_TEXT, offsetof(struct conf, dbhost), 0 },
	{ "dbport", CONF_COUNT, offsetof(struct conf, dbport), 65535 },
	{ "dbname", CONF_TEXT, offsetof(struct conf, dbname), 0 },
	{ "dbuser", CONF_TEXT, offsetof(struct conf, dbuser), 0 },
	{ "db-password-file", CONF_TEXT, offsetof(struct conf, db_password_file), 0 },
	{ "db-tls", CONF_TLS, offsetof(struct conf, db_tls), 0 },
	{ "db-ca", CONF_TEXT, offsetof(struct conf, db_ca), 0 },
	{ "rsnapshot-conf", CONF_TEXT, offsetof(struct conf, rsnapshot_conf), 0 },
	{ "backup-host", CONF_TEXT, offsetof(struct conf, backup_host), 0 },
	{ "volume", CONF_TEXT, offsetof(struct conf, volume), 0 },
	{ "hashtype", CONF_HASH, offsetof(struct conf, hashtype), 0 },
	{ "logfile", CONF_TEXT, offsetof(struct conf, logfile), 0 },
	{ "log-level", CONF_LEVEL, offsetof(struct conf, log_level), 0 },
	{ "autoverify", CONF_BOOL, offsetof(struct conf, autoverify), 0 },
	{ "quiet", CONF_BOOL, offsetof(struct conf, quiet), 0 },
	{ "db-timeout", CONF_COUNT, offsetof(struct conf, db_timeout), 86400 },
	{ "threads", CONF_COUNT, offsetof(struct conf, threads), 256 },
};

#define CONF_KEYS (sizeof(conf_keys) / sizeof(conf_keys[0]))

static char **conf_text(struct conf *c, const struct conf_key *k)
{
	return (char **)(void *)((char *)c + k->offset);
}

static int *conf_int(struct conf *c, const struct conf_key *k)
{
	return (int *)(void *)((char *)c + k->offset);
}

static int conf_is_text(const struct conf_key *k)
{
	return k->kind != CONF_BOOL && k->kind != CONF_COUNT;
}

static void conf_replace(char **to, const char *value)
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

/* Why value is no good for k, or NULL; *number is what a bool or count means. */
static const char *conf_judge(const struct conf_key *k, const char *value, int *number)
{
	static const char *const dbtypes[] = { "sqlite", "mysql", "mariadb", "mysql+pymysql", NULL };
	static const char *const tls[] = { "off", "required", "verify", NULL };
	enum msg_level level;
	char *end;
	long n;

	if (!*value)
		return "it has no value";
	switch (k->kind) {
	case CONF_TEXT:
		return NULL;
	case CONF_BOOL:
		*number = conf_bool(value);
		return *number < 0 ? "it must be yes or no" : NULL;
	case CONF_COUNT:
		errno = 0;
		n = strtol(value, &end, 10);
		if (*end || errno || *value < '0' || *value > '9' || n > k->max)
			return "it must be a number, and not that large";
		*number = (int)n;
		return NULL;
	case CONF_HASH:
		return hash_algo_find(value) ? NULL :
		       "it must be md5, sha1, sha256, sha512, sha512-256 or blake2b512";
	case CONF_DBTYPE:
		return conf_one_of(value, dbtypes) ? NULL :
		       "it must be sqlite, mysql, mariadb or mysql+pymysql";
	case CONF_TLS:
		return conf_one_of(value, tls) ? NULL : "it must be off, required or verify";
	case CONF_LEVEL:
		return msg_parse_level(value, &level) ? "it must be none, error, warn, info or debug" : NULL;
	}
	return NULL;
}

static const struct conf_key *conf_find(const char *name)
{
	size_t i;

	for (i = 0; i < CONF_KEYS; i++)
		if (strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	return NULL;
}

/* Of a url and a type the stronger setting counts, and of the same strength the url. */
static void conf_one_catalog(struct conf *c, int url_given, int type_given)
{
	char **weaker = url_given ? &c->dbtype : type_given ? &c->db_url : NULL;

	if (!weaker)
		return;
	free(*weaker);
	*weaker = NULL;
}

struct conf_reading {
	struct conf *c;
	FILE *in;
	int given[CONF_KEYS];
	char *line;
	size_t cap;
	int number;		/* of the line last read */
	char *why;		/* what is wrong with the first line that is refused */
	int why_line;
};

static int conf_refuse(struct conf_reading *r, char *why)
{
	if (r->why) {
		free(why);
	} else {
		r->why = why;
		r->why_line = r->number;
	}
	return 0;
}

/* inih calls this for each line; 0 makes it remember the line's number. */
static int conf_line(void *arg, const char *section, const char *name, const char *value)
{
	struct conf_reading *r = arg;
	const struct conf_key *k = conf_find(name);
	const char *why;
	int number = 0;

	if (*section)
		return conf_refuse(r, mem_printf("there are no sections here, [%s] is one", escape_name(section)));
	if (!k)
		return conf_refuse(r, mem_printf("unknown key \"%s\"", escape_name(name)));
	if (r->given[k - conf_keys]++)
		return conf_refuse(r, mem_printf("%s is given a second time, or the line is indented", name));
	why = conf_judge(k, value, &number);
	if (why)
		return conf_refuse(r, mem_printf("%s = %s: %s", name, escape_name(value), why));
	if (conf_is_text(k))
		conf_replace(conf_text(r->c, k), value);
	else
		*conf_int(r->c, k) = number;
	return 1;
}

/*
 * Give inih the next line.  It would take the rest of a line that is too long
 * for it as another line, and stop at a NUL: such a line becomes a bad one.
 */
static char *conf_read(char *to, int size, void *arg)
{
	struct conf_reading *r = arg;
	ssize_t len = getline(&r->line, &r->cap, r->in);

	if (len < 0)
		return NULL;
	r->number++;
	if (len >= size || strlen(r->line) != (size_t)len) {
		conf_refuse(r, mem_strdup(len >= size ? "the line is too long" : "a NUL byte"));
		return strcpy(to, "?\n");
	}
	memcpy(to, r->line, (size_t)len + 1);
	return to;
}

static int conf_parse(struct conf *c, int fd, const char *file)
{
	struct conf_reading r = { .c = c };
	int line, rc = -1;

	r.in = fdopen(fd, "r");
	if (!r.in) {
		msg_error("%s: %m", escape_name(file));
		close(fd);
		return -1;
	}
	line = ini_parse_stream(conf_read, &r, conf_line, &r);
	if (line < 0)
		msg_error("%s: out of memory", escape_name(file));
	else if (line > 0)
		msg_error("%s:%d: %s", escape_name(file), line,
			  r.why && r.why_line == line ? r.why : "this is no \"key = value\"");
	else if (ferror(r.in))
		msg_error("%s: %m", escape_name(file));
	else
		rc = 0;
	conf_one_catalog(c, r.given[0], r.given[1]);	/* the first two keys */
	free(r.why);
	free(r.line);
	fclose(r.in);
	return rc;
}

static int conf_file(struct conf *c, const char *named)
{
	const char *env = getenv("SECONDSHOT_CONF");
	const char *file = named ? named : env && *env ? env : CONF_FILE;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		/* The system's own file is root's: who may not read it does without. */
		if (!named && !(env && *env) && (errno == ENOENT || (errno == EACCES && geteuid() != 0)))
			return 0;
		msg_error("configuration %s: %m", escape_name(file));
		return -1;
	}
	if (trust_file(fd, file)) {
		close(fd);
		return -1;
	}
	conf_replace(&c->config, file);
	return conf_parse(c, fd, file);
}

/* Set the key by a text from elsewhere than the file, called what there.  0, or -1 after reporting. */
static int conf_set(struct conf *c, const struct conf_key *k, const char *what, const char *value)
{
	int n = 0;
	const char *why = conf_judge(k, value, &n);

	if (why) {
		msg_error("%s=%s: %s", what, escape_name(value), why);
		return -1;
	}
	if (conf_is_text(k))
		conf_replace(conf_text(c, k), value);
	else
		*conf_int(c, k) = n;
	return 0;
}

/* The original's variables. */
static int conf_environment(struct conf *c)
{
	static const char *const names[][2] = {
		{ "DB_URL", "db-url" }, { "DBTYPE", "dbtype" }, { "DBHOST", "dbhost" },
		{ "DBPORT", "dbport" }, { "DBNAME", "dbname" }, { "DBUSER", "dbuser" },
	};
	int given[2] = { 0 };
	char *password = getenv("DBPASS");

	/* No child of ours gets to see it. */
	c->dbpass = password != NULL;
	if (password)
		explicit_bzero(password, strlen(password));
	unsetenv("DBPASS");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i][0]);

		if (!value || !*value)
			continue;
		const struct conf_key *k = conf_find(names[i][1]);

		if (conf_set(c, k, names[i][0], value))
			return -1;
		c->named |= 1u << (k - conf_keys);
		if (i < 2)
			given[i] = 1;
	}
	conf_one_catalog(c, given[0], given[1]);
	return 0;
}

static void conf_defaults(struct conf *c)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		strcpy(host, "localhost");
	host[strcspn(host, ".")] = '\0';
	*c = (struct conf){
		.rsnapshot_conf = mem_strdup("/etc/secondshot/rsnapshot.conf"),
		.backup_host = mem_strdup(host[0] ? host : "localhost"),
		.volume = mem_strdup("backup"),
		.hashtype = mem_strdup(HASH_DEFAULT),
		.log_level = mem_strdup("info"),
		.db_timeout = 60,
	};
}

/* Lay the options that were given over the rest; they face the same judgement as the file's. */
static int conf_options(struct conf *c, const struct conf *options)
{
	struct conf o = *options;
	char text[16], name[32];
	size_t i;

	for (i = 0; i < CONF_KEYS; i++) {
		const struct conf_key *k = &conf_keys[i];
		const char *value = text;

		if (conf_is_text(k))
			value = *conf_text(&o, k);
		else if (*conf_int(&o, k) == -1)
			value = NULL;
		else
			snprintf(text, sizeof(text), "%d", *conf_int(&o, k));
		snprintf(name, sizeof(name), "--%s", k->name);
		if (!value)
			continue;
		if (conf_set(c, k, name, value))
			return -1;
		c->named |= 1u << i;
	}
	conf_one_catalog(c, options->db_url != NULL, options->dbtype != NULL);
	c->json = options->json > 0;
	return 0;
}

int conf_named(const struct conf *c, const char *key)
{
	const struct conf_key *k = conf_find(key);

	return k ? (int)(c->named >> (k - conf_keys) & 1) : 0;
}

int conf_load(struct conf *c, const struct conf *options)
{
	conf_defaults(c);
	if (conf_file(c, options->config) || conf_environment(c) || conf_options(c, options))
		return -1;
	return 0;
}

void conf_free(struct conf *c)
{
	size_t i;

	for (i = 0; i < CONF_KEYS; i++)
		if (conf_is_text(&conf_keys[i]))
			free(*conf_text(c, &conf_keys[i]));
	free(c->config);
	*c = (struct conf){ 0 };
}
