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

#include <stddef.h>
#include <stdint.h>

#include "tree/hash.h"

#define CONF_FACILITY "local1"	/* also for what is wrong with the file itself */

struct conf_pair {
	const char *key, *value;
};

struct conf {
	char *config;		/* the file that was read, or NULL */
	/* The catalog; login.h makes something of it.  NULL or 0 = not given. */
	char *db_url;		/* at most one of db_url and dbtype is given: the stronger */
	char *dbtype, *dbhost, *dbname, *dbuser;
	int dbport;
	char *db_password_file, *db_tls, *db_ca;
	int dbpass;		/* a password stood in the environment; it was wiped */
	char *state_dir;	/* keys of markers; default /var/lib/secondshot, of others than root beside an SQLite catalog */
	char *rsnapshot_conf;	/* default /etc/secondshot/rsnapshot.conf */
	char *backup_host;	/* default: the short host name */
	char *volume;		/* default "backup", unless the disk is known by another name */
	int volume_given;	/* it was, by an option or the file */
	char *hashtype;		/* default sha256; always one that hash_algo_find() knows */
	char *logfile;		/* NULL = none */
	char *log_level;	/* default info */
	uint64_t named;		/* bit i: of the i-th key; conf_named() */
	int autoverify;		/* default 0 */
	int db_timeout;		/* seconds to wait for a locked catalog, default 60 */
	int threads;		/* 0 = by CPUs and disk */
	int quiet;
	int json;		/* only from the command line */
	int unlogged;		/* logfile could not be opened, which was said */
	/* A nightly run's (ss-run). */
	char *syslog;		/* facility, default CONF_FACILITY; "none" */
	int wait;		/* seconds to wait for another run's lock, default 0 */
	int rotate_partial;	/* default 0 */
	int max_change, max_shrink, max_shrink_bytes;	/* percent; 0, the default = no guard */
	int min_change;		/* files, default 0; see catalog/guard.h */
	int min_free;		/* percent of a volume's bytes and inodes, default 1 */
	int max_age;		/* seconds; 0, the default = a volume that is away is an error */
	int exec_limit;		/* seconds that each command of rsnapshot's configuration may take; as host_limit */
	int host_limit;		/* seconds that a host's transfers may take, default 86400; 0 = any time */
	int host_timeout;	/* seconds without a byte from a host, default 600; 0 = for ever */
	char *rsync_writes;	/* PATH:PATH... that rsync may write besides a host's tree, or NULL */
	int jobs_hosts;		/* hosts to sync at once, default 1 */
	char *hook_pre, *hook_post, *hook_host_pre, *hook_host_post, *hook_failure;	/* NULL = none */
	int hook_timeout;	/* seconds, default 600 */
	struct conf_pair *pair;	/* keys of families (period.NAME, max-change.HOST), as they stand in the file */
	size_t npair;
};

/*
 * Fill c: defaults, the file (config, or $SECONDSHOT_CONF, or the default one
 * if it exists and, for others than root, can be read; one that was named must
 * exist), the environment, then over it the options that were given: pairs of
 * key and text, ended by a NULL key (or NULL).  0, or -1 after reporting key,
 * file and line.  conf_free() in every case.
 */
int conf_load(struct conf *c, const char *config, const struct conf_pair *given);
void conf_free(struct conf *c);

/* 1 if the key's value came from the command line or the environment, which our children do not get, else 0. */
int conf_named(const struct conf *c, const char *key);

/* From now on the volume is called name, also for our children. */
void conf_name_volume(struct conf *c, const char *name);

/* The value of a key of a family ("period.", "daysago"), owned by c; NULL = it is not given. */
const char *conf_value(const struct conf *c, const char *family, const char *name);

/*
 * A host's own value of a numeric key ("max-change.alpha" of the file), or the general one of
 * key, which must be among conf_own_keys.  The command line's beats both.
 */
int conf_host_int(const struct conf *c, const char *key, const char *host);

/* The keys of which each host can have its own value, NULL-ended. */
extern const char *const conf_own_keys[];

/* yes no on off true false 1 0 -> 1 or 0; -1 if it is none of them. */
int conf_bool(const char *word);
/* "90", "90s", "15m", "12h", "7d", "2w" in seconds into *seconds.  0, or -1: it is none of them. */
int conf_seconds(const char *word, int *seconds);

#endif
