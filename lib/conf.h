/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf.h - settings, from the strongest to the weakest: command line,
 * environment, file, default.
 *
 * The keys of /etc/secondshot/secondshot.conf ("key = value", no sections) are
 * the long options.  The file and its directory must be writable by root (or
 * by the caller's own user) alone, since it names what root runs.
 */
#ifndef SS_CONF_H
#define SS_CONF_H

#include "hash.h"

struct conf {
	char *config;		/* the file that was read, or NULL */
	/* The catalog; login.h makes something of it.  NULL or 0 = not given. */
	char *db_url;		/* at most one of db_url and dbtype is given: the stronger */
	char *dbtype, *dbhost, *dbname, *dbuser;
	int dbport;
	char *db_password_file, *db_tls, *db_ca;
	int dbpass;		/* a password stood in the environment; it was wiped */
	char *rsnapshot_conf;	/* default /etc/secondshot/rsnapshot.conf */
	char *backup_host;	/* default: the short host name */
	char *volume;		/* default "backup" */
	char *hashtype;		/* default sha256; always one that hash_algo_find() knows */
	char *logfile;		/* NULL = none */
	char *log_level;	/* default info */
	unsigned named;		/* bit i: of the i-th key; conf_named() */
	int autoverify;		/* default 0 */
	int db_timeout;		/* seconds to wait for a locked catalog, default 60 */
	int threads;		/* 0 = by CPUs and disk */
	int quiet;
	int json;		/* only from the command line */
};

/*
 * Fill c: defaults, the file (config, or $SECONDSHOT_CONF, or the default one
 * if it exists and, for others than root, can be read; one that was named must
 * exist), the environment, then over it
 * the options collected by opt_start(), in which NULL and -1 stand for "not
 * given".  0, or -1 after reporting key, file and line.  conf_free() in every
 * case.
 */
int conf_load(struct conf *c, const struct conf *options);
void conf_free(struct conf *c);

/* 1 if the key's value came from the command line or the environment, which our children do not get, else 0. */
int conf_named(const struct conf *c, const char *key);

/* yes no on off true false 1 0 -> 1 or 0; -1 if it is none of them. */
int conf_bool(const char *word);

#endif
