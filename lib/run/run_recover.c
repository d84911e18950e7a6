/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run_recover.c - what earlier runs left undone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/exits.h"
#include "base/mem.h"
#include "base/msg.h"
#include "rsnap/recover.h"
#include "rsnap/rsnap_lock.h"
#include "run/run_cmd.h"
#include "run/run_offline.h"
#include "run/run_recover.h"
#include "tree/trash.h"

#define DELETED "_delete."

/* _delete.PID, where that is no rsnapshot which is still at it. */
static int is_leftover(const struct dirent *d)
{
	const char *digits = d->d_name + strlen(DELETED);

	return (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN) &&
	       strncmp(d->d_name, DELETED, strlen(DELETED)) == 0 && *digits != '\0' &&
	       strspn(digits, "0123456789") == strlen(digits) &&
	       !rsnap_lock_rsnapshot(strtol(digits, NULL, 10));
}

/* Move what rotations took out of the way into the trash.  0, or -1 after reporting. */
static int collect_deleted(struct run *r)
{
	struct dirent **list = NULL;
	const long own = (long)getpid();
	int n = scandirat(r->volume.fd, ".", &list, is_leftover, alphasort), i, ret = 0;

	if (n < 0) {
		msg_error("%s: %m", escape_name(r->volume.root));
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (ret >= 0) {
			if (strtol(list[i]->d_name + strlen(DELETED), NULL, 10) != own)
				msg_info("removing %s, which an earlier run left over", escape_name(list[i]->d_name));
			ret = trash_move(&r->volume, r->volume.fd, list[i]->d_name);
		}
		free(list[i]);
	}
	free(list);
	return ret < 0 ? -1 : 0;
}

int run_recover_deleted(struct run *r)
{
	return collect_deleted(r) != 0 || trash_empty(&r->volume) < 0 ? -1 : 0;
}

/* Is s one of ours that lies somewhere and has files without digest? */
static int is_unfinished(const struct conf *c, const struct saveset *s)
{
	return (s->status == SV_COMPLETE || s->status == SV_PARTIAL || s->status == SV_UNATTESTED) && s->seq != 0 &&
	       strcmp(s->volume, c->volume) == 0 && strcmp(s->backup_host, c->backup_host) == 0 &&
	       s->unhashed > 0 && *s->locations != '\0';
}

/* Hash what the savesets of a host lack, the newest first: the older ones share most of it. */
static int finish_hashing(struct run *r, const char *host)
{
	struct saveset *list;
	struct run_cmd c;
	size_t n, i;
	int code;

	if (catalog_list(&r->catalog, host, &list, &n) != 0)
		return -1;
	for (i = n; i-- > 0 && !run_stopped();) {
		if (!is_unfinished(&r->conf, &list[i]))
			continue;
		if (!r->dry)
			msg_info("%s: hashing what an earlier run did not, %" PRId64 " files",
				 escape_name(list[i].name), list[i].unhashed);
		run_cmd_tool(r, &c, "ss-catalog", "pending");
		run_cmd_add(&c, "--");
		run_cmd_add(&c, list[i].name);
		code = run_cmd_finish(r, &c);
		if (!run_stopped())
			run_worse(r, code);
	}
	catalog_list_free(list, n);
	return 0;
}

int run_recover(struct run *r)
{
	size_t i;

	/* The rotation first: what it was about to delete may have to come back. */
	if (!r->dry && (recover_rotation(&r->volume) != 0 || run_recover_deleted(r) != 0))
		return -1;
	if (r->offline)
		return 0;
	if (run_cmd_reconcile(r) != 0)
		return run_offline(r) ? 0 : -1;
	for (i = 0; i < r->nhost && !run_stopped(); i++)
		if (r->host[i].wanted && finish_hashing(r, r->host[i].name) != 0)
			return run_offline(r) ? 0 : -1;
	return 0;
}
