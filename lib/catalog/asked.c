/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalog/asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"

int asked_host(struct catalog *cat, const char *host, char **name)
{
	int64_t id;
	int rc = db_value(cat->db, &id, SQL_HOST_ID, "s", host);

	*name = rc > 0 ? mem_strdup(host) : rc == 0 ? escape_meant(host) : NULL;
	if (rc == 0 && *name)
		rc = db_value(cat->db, &id, SQL_HOST_ID, "s", *name);
	if (rc == 0)
		msg_error("%s: no such host in the catalog", escape_name(host));
	return rc;
}

int asked_for(const struct conf *c, const char *volume, const char *backup_host)
{
	return (!conf_named(c, "volume") || !strcmp(c->volume, volume)) &&
	       (!conf_named(c, "backup-host") || !strcmp(c->backup_host, backup_host));
}

int asked_row(const struct conf *c, struct db_stmt *st, int volume, int backup_host)
{
	char *v = db_strdup(st, volume), *b = db_strdup(st, backup_host);
	int asked = asked_for(c, v, b);

	free(v);
	free(b);
	return asked;
}

int asked_exists(struct catalog *cat, const struct conf *c)
{
	if (!conf_named(c, "volume") && !conf_named(c, "backup-host"))
		return 1;
	struct db_stmt *st = db_bind(cat->db, SQL_VOLUMES, "");
	enum db_got got = DB_FAIL;
	int found = 0;

	while (st && (got = db_step(st)) == DB_ROW)
		found |= asked_row(c, st, 0, 3);
	if (got == DB_DONE && !found && conf_named(c, "volume"))
		msg_error("%s: no such volume in the catalog", escape_name(c->volume));
	else if (got == DB_DONE && !found)
		msg_error("%s: no such backup host in the catalog", escape_name(c->backup_host));
	return got == DB_FAIL ? -1 : found;
}
