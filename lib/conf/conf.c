/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf.c - settings, from the strongest to the weakest. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"
#include "conf/conf_key.h"

#define CONF_FILE "/etc/secondshot/secondshot.conf"
#define CONF_STATE_DIR "/var/lib/secondshot"

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
	int given[CONF_KEYS_MAX];
	char *line;
	size_t cap;
	int number;		/* of the line last read */
	int indented;		/* that line is */
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

const char *const conf_own_keys[] = { "max-change", "max-shrink", "max-shrink-bytes", "min-change", NULL };

/* Is name "FAMILY.", and something behind it? */
static int conf_is_of(const char *name, const char *family)
{
	size_t len = strlen(family);

	return strncmp(name, family, len) == 0 && name[len] == '.' && name[len + 1];
}

/* A key of a family, whose members are named by the user: 1, 0 after refusing it, -1 it is none. */
static int conf_family(struct conf_reading *r, const char *name, const char *value)
{
	const char *const *own = conf_own_keys, *why;
	struct conf *c = r->c;
	int number;

	while (*own && !conf_is_of(name, *own))
		own++;
	if (!*own && !conf_is_of(name, "period") && !conf_is_of(name, "on"))
		return -1;
	if (conf_value(c, "", name))
		return conf_refuse(r, mem_printf("%s is given a second time", escape_name(name)));
	if (!*value)
		return conf_refuse(r, mem_printf("%s: it has no value", escape_name(name)));
	why = *own ? conf_judge(conf_find(*own), value, &number) : NULL;
	if (why)
		return conf_refuse(r, mem_printf("%s = %s: %s", escape_name(name), escape_name(value), why));
	c->pair = mem_more(c->pair, c->npair, sizeof(*c->pair));
	c->pair[c->npair++] = (struct conf_pair){ mem_strdup(name), mem_strdup(value) };
	return 1;
}

/* inih calls this for each line; 0 makes it remember the line's number. */
static int conf_line(void *arg, const char *section, const char *name, const char *value)
{
	struct conf_reading *r = arg;
	const struct conf_key *k = conf_find(name);
	const char *why;
	int number = 0, family;

	/* inih takes it for one more of the key before it, of which it has kept 49 bytes. */
	if (r->indented)
		return conf_refuse(r, mem_strdup("the line is indented"));
	if (*section)
		return conf_refuse(r, mem_printf("there are no sections here, [%s] is one", escape_name(section)));
	family = k ? -1 : conf_family(r, name, value);
	if (family >= 0)
		return family;
	if (!k)
		return conf_refuse(r, mem_printf("unknown key \"%s\"", escape_name(name)));
	if (r->given[k - conf_keys]++)
		return conf_refuse(r, mem_printf("%s is given a second time", name));
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
	r->indented = *r->line == ' ' || (*r->line >= '\t' && *r->line <= '\r');
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
		msg_error("configuration %s: %m%s", escape_name(file), msg_as_root());
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
		c->named |= UINT64_C(1) << (k - conf_keys);
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
		.hashtype = mem_strdup(HASH_DEFAULT),
		.log_level = mem_strdup("info"),
		.db_timeout = 60,
		.syslog = mem_strdup(CONF_FACILITY),
		.min_free = 1,
		.host_timeout = 600,
		.host_limit = 86400, .exec_limit = 86400,
		.jobs_hosts = 1,
		.hook_timeout = 600,
	};
}

/* Lay the options that were given over the rest; they face the same judgement as the file's. */
static int conf_options(struct conf *c, const struct conf_pair *given)
{
	int catalog[2] = { 0 };
	char name[32];

	for (; given && given->key; given++) {
		const struct conf_key *k = conf_find(given->key);

		snprintf(name, sizeof(name), "--%s", given->key);
		if (conf_set(c, k, name, given->value))
			return -1;
		c->named |= UINT64_C(1) << (k - conf_keys);
		if (k - conf_keys < 2)
			catalog[k - conf_keys] = 1;
	}
	conf_one_catalog(c, catalog[0], catalog[1]);
	return 0;
}

int conf_named(const struct conf *c, const char *key)
{
	const struct conf_key *k = conf_find(key);

	return k ? (int)(c->named >> (k - conf_keys) & 1) : 0;
}

const char *conf_value(const struct conf *c, const char *family, const char *name)
{
	size_t len = strlen(family);

	for (size_t i = 0; i < c->npair; i++)
		if (strncmp(c->pair[i].key, family, len) == 0 && strcmp(c->pair[i].key + len, name) == 0)
			return c->pair[i].value;
	return NULL;
}

int conf_host_int(const struct conf *c, const char *key, const char *host)
{
	const struct conf_key *k = conf_find(key);
	char *name = mem_printf("%s.%s", key, host);
	const char *own = conf_named(c, key) ? NULL : conf_value(c, "", name);
	struct conf whole = *c;		/* conf_int() points into it */
	int number = *conf_int(&whole, k);

	free(name);
	/* It was judged when it was read. */
	if (own)
		conf_judge(k, own, &number);
	return number;
}

/* Where nothing else is said: root's keys have one place, and those of a user lie beside his catalog. */
static char *conf_state_dir(const struct conf *c)
{
	const char *url = c->db_url ? c->db_url : "", *path = strncmp(url, "sqlite:///", 10) == 0 ? url + 10 : url;
	const char *slash = strrchr(path, '/');

	if (geteuid() == 0 || *path != '/')
		return mem_strdup(CONF_STATE_DIR);
	return slash == path ? mem_strdup("/") : mem_dup(path, (size_t)(slash - path));
}

int conf_load(struct conf *c, const char *config, const struct conf_pair *given)
{
	int ret;

	conf_defaults(c);
	ret = conf_file(c, config) || conf_environment(c) || conf_options(c, given) ? -1 : 0;
	c->volume_given = c->volume != NULL;
	if (!c->volume_given)
		c->volume = mem_strdup("backup");
	if (!c->state_dir)
		c->state_dir = conf_state_dir(c);
	return ret;
}

void conf_name_volume(struct conf *c, const char *name)
{
	const struct conf_key *k = conf_find("volume");

	conf_replace(&c->volume, name);
	c->named |= UINT64_C(1) << (k - conf_keys);
	c->volume_given = 1;
}

void conf_free(struct conf *c)
{
	size_t i;

	for (i = 0; i < conf_nkeys; i++)
		if (conf_is_text(&conf_keys[i]))
			free(*conf_text(c, &conf_keys[i]));
	for (i = 0; i < c->npair; i++) {
		free((void *)(uintptr_t)c->pair[i].key);
		free((void *)(uintptr_t)c->pair[i].value);
	}
	free(c->pair);
	free(c->config);
	*c = (struct conf){ 0 };
}
