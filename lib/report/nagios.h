/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nagios.h - the catalog seen by a monitoring system: what was backed up lately, as one state.
 *
 * What is printed is a plugin's output (the Monitoring Plugins Development Guidelines): one
 * line with the state, what is wrong and, behind "|", performance data; then a line a host.
 */
#ifndef SS_NAGIOS_H
#define SS_NAGIOS_H

#include "base/mem.h"
#include "catalog/catalog.h"

/* The exit codes of a plugin. */
enum nagios_state { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

#define NAGIOS_HOUR 3600	/* seconds */

/* What is asked, and where a state begins. */
struct nagios_limits {
	const char *const *hosts;	/* names, as they are or escaped, NULL-ended; NULL or "all" among them: all */
	int each;		/* the numbers of each host by itself, not their sums, must reach the limits */
	int hours;		/* only savesets of the last so many hours are counted */
	int warning, critical;	/* fewer savesets than that */
	int files;		/* fewer files in them than that: a warning */
	int age_warning, age_critical;	/* seconds since a host's last good saveset; 0 = any age will do */
};

/* What there is of a host.  Good are complete savesets that no guard holds back. */
struct nagios_host {
	char *name;
	int known;		/* the catalog has this host */
	int64_t savesets, files;	/* good ones of the last hours, and the files in them */
	int64_t newest;		/* when the last good one was made, seconds since 1970; 0 = never */
	int held;		/* one waits that a guard holds back */
	int future;		/* one has a time to come, and counts for nothing */
};

/*
 * Fill *list with the hosts that are asked for, *n of them, for nagios_free(); of the volume and
 * the backup host that the command line names, if it does.  0, or -1 after reporting.
 */
int nagios_read(struct catalog *cat, const struct conf *c, const struct nagios_limits *l, int64_t now,
		struct nagios_host **list, size_t *n);
void nagios_free(struct nagios_host *list, size_t n);

/* Judge them, and append the output to out.  Pure. */
enum nagios_state nagios_judge(const struct nagios_host *list, size_t n, const struct nagios_limits *l,
			       int64_t now, struct buf *out);

/* Append the output of one that could not look, and why. */
void nagios_unknown(struct buf *out, const char *why);

#endif
