/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf_key.h - the keys there are, and what their values may be; for conf.c alone.
 */
#ifndef SS_CONF_KEY_H
#define SS_CONF_KEY_H

#include <stddef.h>
#include "conf/conf.h"

enum conf_kind {
	CONF_TEXT, CONF_NAME, CONF_BOOL, CONF_COUNT, CONF_PERCENT, CONF_SECONDS,
	CONF_HASH, CONF_LEVEL, CONF_DBTYPE, CONF_TLS, CONF_SYSLOG,
};

struct conf_key {
	const char *name;
	enum conf_kind kind;
	size_t offset;		/* of its member in struct conf */
	int max;		/* of a count or percentage */
};

/* The first two are the url and the type of the catalog. */
extern const struct conf_key conf_keys[];
extern const size_t conf_nkeys;
#define CONF_KEYS_MAX 64	/* at most so many: struct conf's bits */

/* The key of this name, or NULL. */
const struct conf_key *conf_find(const char *name);

/* Is its member a char * (1) or an int (0)?  That member of c. */
int conf_is_text(const struct conf_key *k);
char **conf_text(struct conf *c, const struct conf_key *k);
int *conf_int(struct conf *c, const struct conf_key *k);

/* Put a copy of value in the place of *to, which is freed. */
void conf_replace(char **to, const char *value);

/* Why value is no good for k, or NULL; *number is what a value that is no text means. */
const char *conf_judge(const struct conf_key *k, const char *value, int *number);

#endif
