/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.h - what the administrator of this host gets to know. */
#ifndef RRSYNC_REPORT_H
#define RRSYNC_REPORT_H

#include "policy.h"

/* The number of a syslog facility ("auth", "local3"), or -1. */
int report_facility(const char *name);

/* Open the log while it can be reached: the sandbox shuts it off. */
void report_open(const struct rules *r);

/*
 * With -log, one line: who asked for what and, unless why is NULL, why it is refused.
 * And one, in any case, if a part of the sandbox is missing.
 */
void report_request(const struct rules *r, const char *command, const char *why);

/* -check: print what is enforced on this host, from within the sandbox.  Returns 0 or -1. */
int report_check(const struct rules *r, char *const *argv);

#endif
