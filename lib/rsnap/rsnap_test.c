/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rsnap/rsnap_test.h"

#include <stddef.h>

#include "base/below.h"
#include "base/mem.h"
#include "base/quote.h"
#include "rsnap/rsnap_errors.h"

#define WHY_MAX 8192		/* bytes of the reason that are enough */

/* Run it and hear the errors as e has them set.  Its status, or -1. */
static int test(const char *const env[], int dir, struct rsnap_errors *e)
{
	const char *const argv[] = { RSNAPSHOT, "-c", e->file, "configtest", NULL };
	struct quote q = { .fd = -1, .hear = rsnap_errors_hear, .arg = e };
	struct below b = { .out = &q, .family = 1, .keep = dir, .patient = 1 };
	int status = below_run(&b, argv, env);

	rsnap_errors_end(e);
	return status;
}

int rsnap_test(const char *file, const char *const env[], int numbered, int dir, char **why)
{
	struct rsnap_errors e = { .file = file, .numbered = numbered };
	int status = test(env, dir, &e);
	struct buf text = { 0 };

	if (e.text.len > 0)
		quote_add(&text, e.text.p, e.text.len, WHY_MAX);
	buf_free(&e.text);
	*why = text.p;
	return status;
}

int rsnap_test_only(const char *file, const char *const env[], const char *only, char **why)
{
	struct rsnap_errors e = { .file = file, .numbered = 1, .only = only };
	int status = test(env, -1, &e);

	*why = e.text.p;
	return status;
}
