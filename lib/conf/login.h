/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * login.h - how to get at the catalog, as the configuration says it.
 *
 * The password for a server stands in a file that its owner alone can read, or
 * in the secret /run/secrets/secondshot-db-password: never in a command line, an
 * environment or a url, where others can read it and children get it.
 */
#ifndef SS_LOGIN_H
#define SS_LOGIN_H

#include "conf/conf.h"
#include "db/db_login.h"

#define LOGIN_SQLITE "sqlite:////var/lib/secondshot/catalog.db"	/* where nothing else is said */
#define LOGIN_SECRET "/run/secrets/secondshot-db-password"

struct login {
	struct db_login db;	/* points to the two below, and into the configuration */
	char *url, *password;
};

/* 1 if the configured catalog is on a server, which may be away, 0 if it is a file. */
int login_on_server(const struct conf *c);

/* Fill l; url overrides the configuration's catalog if it is not NULL.  0, or -1 after reporting. */
int login_make(struct login *l, const struct conf *c, const char *url);
void login_free(struct login *l);	/* and wipe the password */

#endif
