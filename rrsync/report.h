/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.h - what the administrator of this host gets to know. */
#ifndef RRSYNC_REPORT_H
#define RRSYNC_REPORT_H

#include "policy.h"

/* The number of a syslog facility ("auth", "local3"), or -1. */
int report_facility(const char *name);

/* Open the log, while it can be reached: the view and the filter shut it off. */
void report_open(const struct rules *r);

/*
 * One line on who asked for what and, unless why is NULL, why it is refused: if there
 * is -log.  Another one if a part of the sandbox is missing, in any case.
 */
void report_request(const struct rules *r, const char *command, const char *why);

/* -check: print what is enforced on this host.  Returns main's exit status. */
int report_check(struct rules *r, char *const *argv);

#endif
