/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf.c - settings, from the strongest to the weakest. */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "mem.h"
#include "msg.h"

#define CONF_FILE "/etc/secondshot/secondshot.conf"

enum conf_kind { CONF_TEXT, CONF_BOOL, CONF_COUNT, CONF_HASH, CONF_LEVEL };

/* Every key of the file; max bounds a count. */
static const struct conf_key {
	const char *name;
	enum conf_kind kind;
	size_t offset;
	int max;
} conf_keys[] = {
	{ "db-url", CONF_TEXT, offsetof(struct conf, db_url), 0 },
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
	return k->kind == CONF_TEXT || k->kind == CONF_HASH || k->kind == CONF_LEVEL;
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

/* Why value is no good for k, or NULL; *number is what a bool or count means. */
static const char *conf_judge(const struct conf_key *k, const char *value, int *number)
{
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
	case CONF_LEVEL:
		return msg_parse_level(value, &level) ? "it must be none, error, warn, info or debug" : NULL;
	}
	return NULL;
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
	const struct conf_key *k = conf_keys;
	const char *why;
	size_t i;
	int number = 0;

	if (*section)
		return conf_refuse(r, mem_printf("there are no sections here, [%s] is one", escape_name(section)));
	for (i = 0; i < CONF_KEYS && strcmp(conf_keys[i].name, name) != 0; i++)
		;
	if (i == CONF_KEYS)
		return conf_refuse(r, mem_printf("unknown key \"%s\"", escape_name(name)));
	k = &conf_keys[i];
	if (r->given[i]++)
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
	free(r.why);
	free(r.line);
	fclose(r.in);
	return rc;
}

/* What speaks against trusting this file or directory; NULL if nothing does. */
static const char *conf_distrust(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner may write it";
	return NULL;
}

/*
 * Every directory above the file as dir_of names it: who can write one of them can
 * put another in the next one's place.  What lies in a sticky one (/tmp) stays its owner's.
 */
static int conf_parent_trusted(const char *dir_of, const char *name)
{
	char *copy = mem_strdup(dir_of);
	const char *dir, *why;
	struct stat st;
	int rc = 0, above = 0;

	do {
		dir = dirname(copy);
		if (stat(dir, &st) < 0) {
			msg_error("%s: %m", escape_name(dir));
			rc = -1;
			break;
		}
		why = above && st.st_uid == 0 && st.st_mode & S_ISVTX ? NULL : conf_distrust(&st);
		above = 1;
		if (why) {
			msg_error("%s is refused for the directory %s: %s", escape_name(name), escape_name(dir), why);
			rc = -1;
			break;
		}
		memmove(copy, dir, strlen(dir) + 1);
	} while (strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0);
	free(copy);
	return rc;
}

int conf_trusted(int fd, const char *name)
{
	char link[64], real[4096];
	const char *why;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0) {
		msg_error("%s: %m", escape_name(name));
		return -1;
	}
	why = S_ISREG(st.st_mode) ? conf_distrust(&st) : "it is not a regular file";
	if (why) {
		msg_error("%s is refused: %s", escape_name(name), why);
		return -1;
	}
	if (conf_parent_trusted(name, name))
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n <= 0 || real[0] != '/')
		return 0;	/* no /proc: the directory it was named in has been looked at */
	real[n] = '\0';
	return conf_parent_trusted(real, name);
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
	if (conf_trusted(fd, file)) {
		close(fd);
		return -1;
	}
	conf_replace(&c->config, file);
	return conf_parse(c, fd, file);
}

static int conf_environment(struct conf *c)
{
	const char *url = getenv("DB_URL"), *type = getenv("DBTYPE");

	if (type && *type && strcmp(type, "sqlite") != 0) {
		msg_error("DBTYPE=%s: this build knows only sqlite", escape_name(type));
		return -1;
	}
	if (url && *url)
		conf_replace(&c->db_url, url);
	return 0;
}

static void conf_defaults(struct conf *c)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		strcpy(host, "localhost");
	host[strcspn(host, ".")] = '\0';
	*c = (struct conf){
		.db_url = mem_strdup("sqlite:////var/lib/secondshot/catalog.db"),
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
	const char *why;
	char text[16];
	size_t i;
	int n = 0;

	for (i = 0; i < CONF_KEYS; i++) {
		const struct conf_key *k = &conf_keys[i];
		const char *value = text;

		if (conf_is_text(k))
			value = *conf_text(&o, k);
		else if (*conf_int(&o, k) == -1)
			value = NULL;
		else
			snprintf(text, sizeof(text), "%d", *conf_int(&o, k));
		if (!value)
			continue;
		why = conf_judge(k, value, &n);
		if (why) {
			msg_error("--%s=%s: %s", k->name, escape_name(value), why);
			return -1;
		}
		if (conf_is_text(k))
			conf_replace(conf_text(c, k), value);
		else
			*conf_int(c, k) = n;
		c->named |= 1u << i;
	}
	c->json = options->json > 0;
	return 0;
}

int conf_named(const struct conf *c, const char *key)
{
	for (size_t i = 0; i < CONF_KEYS; i++)
		if (strcmp(conf_keys[i].name, key) == 0)
			return (int)(c->named >> i & 1);
	return 0;
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
