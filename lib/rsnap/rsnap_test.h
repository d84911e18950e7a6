/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rsnap_test.h - what rsnapshot's own configtest has against a configuration.
 */
#ifndef SS_RSNAP_TEST_H
#define SS_RSNAP_TEST_H

#include "rsnap/rsnap_conf.h"

#ifndef RSNAPSHOT
#define RSNAPSHOT "/usr/bin/rsnapshot"
#endif

/*
 * Run it on file, with env (see child_start()).  Its status, or -1 where it could
 * not be run.  *why, to be freed: what is wrong, in one line and escaped; NULL if
 * nothing was said.  numbered: also in which line of the file.  dir: a
 * descriptor by which file is named (run_dir.h), or -1.  The second one keeps only errors
 * in which the text only stands, says the line, and escapes nothing.
 */
int rsnap_test(const char *file, const char *const env[], int numbered, int dir, char **why);
int rsnap_test_only(const char *file, const char *const env[], const char *only, char **why);

#endif
