/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db-url.c - the url of a catalog (db/db.h), with a password in it where people put one.
 *
 * The input's newline stands for ":PASSWORD@", as in mysql://user:PASSWORD@host/name, its tab for
 * "?password=PASSWORD"; no message and nothing that is shown may hold the password, however the
 * rest looks.  The two drivers are
 * this file's own: nothing is connected to, no file is opened.
 */
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "db/db.h"
#include "db/db_driver.h"
#include "db/db_login.h"
#include "db/db_maria.h"
#include "frame.h"
#include "world.h"

#define PASSWORD "Xyzzy+42"

static int accepted;

static void *open_file(const struct db_login *login, enum db_use use, int *away)
{
	(void)use;
	(void)away;
	msg_error("%s: cannot be opened", db_shown(login->url));
	accepted = 1;
	return NULL;
}

static void *open_server(const struct db_login *login, enum db_use use, int *away)
{
	struct maria_address a;
	size_t i;

	(void)use;
	(void)away;
	if (db_maria_url(&a, login->url) == 0) {
		CHECK(*a.user && *a.name && a.n > 0 && a.n <= MARIA_HOSTS && (!a.socket || *a.socket == '/'));
		for (i = 0; i < a.n; i++)
			CHECK(a.node[i].host && a.node[i].port <= 65535);
		accepted = 1;
	}
	db_maria_url_free(&a);
	return NULL;
}

static const char *const file_schemes[] = { "sqlite", NULL };
static const char *const server_schemes[] = { "mysql", "mariadb", "mysql+pymysql", NULL };
const struct db_driver db_sqlite = { .schemes = file_schemes, .open = open_file };
const struct db_driver db_maria = { .schemes = server_schemes, .open = open_server };

void fuzz_begin(void)
{
}

int fuzz_one(char *text, size_t len)
{
	char *rest = strpbrk(text, "\t\n"), tab = rest && *rest == '\t';
	struct db_login login = { .timeout = 1 };
	struct buf url = { 0 };
	int away;

	/* A path may have a question mark in its name. */
	if (strlen(text) != len || strstr(text, PASSWORD) || (tab && !memchr(text, ':', (size_t)(rest - text))))
		return 0;
	if (rest)
		*rest++ = '\0';
	buf_str(&url, text);
	if (rest) {
		buf_str(&url, tab ? "?password=" PASSWORD : ":" PASSWORD "@");
		buf_str(&url, rest);
	}
	world_secret(rest ? PASSWORD : NULL);
	login.url = url.p;
	CHECK(!world_tells(db_shown(url.p)));
	accepted = 0;
	CHECK(!db_open(&login, 0, &away));
	(void)world_said();
	buf_free(&url);
	return accepted;
}
