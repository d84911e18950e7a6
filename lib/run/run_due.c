/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_due.c - ss-run --due: what the next run would promote. */
#include "run/run_due.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/exits.h"
#include "base/msg.h"
#include "rsnap/due.h"
#include "rsnap/rsnap.h"
#include "tree/volume.h"

int run_due(const struct conf *c, const char *const hosts[])
{
	struct volume v = { .fd = -1, .own = -1 };
	struct due_list l = { 0 };
	struct rsnap *rs = NULL;
	int code = SS_FAIL;

	if (hosts[0] != NULL) {
		msg_error("%s: --due takes no hosts: all of them rotate together", escape_name(hosts[0]));
		return SS_FAIL;
	}
	rs = rsnap_read(c->rsnapshot_conf);
	if (rs == NULL || volume_open(&v, rs->root) != 0)
		goto out;
	if (due_list(&v, rs, c, clock_now(), &l) != 0)
		goto out;
	due_show(&l, c->json);
	code = SS_OK;
out:
	due_free(&l);
	volume_close(&v);
	rsnap_free(rs);
	return code;
}
