/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run_due.h - ss-run --due: what the next run would promote. */
#ifndef SS_RUN_DUE_H
#define SS_RUN_DUE_H

#include "conf/conf.h"

/*
 * Print it; no lock is taken, no catalog opened, nothing written.  hosts: the
 * arguments, of which there may be none.  An exit code.
 */
int run_due(const struct conf *c, const char *const hosts[]);

#endif
