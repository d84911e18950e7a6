/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_end.c - what follows a run, whatever it came to. */
#include "run/run_end.h"

#include "base/exits.h"
#include "base/json.h"
#include "run/run_hook.h"
#include "run/run_record.h"
#include "run/run_summary.h"
#include "tree/trash.h"

int run_end(struct run *r, int code, int begun)
{
	json_t *summary;
	int result;

	run_worse(r, code);
	if (trash_left() != NULL)
		run_worse(r, SS_INCOMPLETE);
	/* That somebody else is at it is no failure of this volume's backup. */
	if (code != SS_LOCKED)
		run_hook_failure(r, r->code);
	if (begun)
		run_hook_post(r, r->code);
	result = run_stopped() ? 128 + run_stopped() : r->code;
	if (begun && !r->dry)
		run_summary_end(r, result);
	summary = run_summary(r, result);
	run_record_end(r, result, summary);
	if (r->conf.json)
		json_line(stdout, summary);
	else
		json_decref(summary);
	return r->code;
}
