/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sums.h - a file's digest for other programs to read.
 */
#ifndef SS_SUMS_H
#define SS_SUMS_H

#include <stdio.h>
#include "tree/stream.h"

/*
 * "DIGEST  PATH" as sha256sum(1) writes it and checks it: where the path has a
 * newline, carriage return or backslash they are escaped and the line begins
 * with a backslash.  For a terminal the path is escaped as names are
 * everywhere else.  Only for a record that is ok.
 */
void sums_put(FILE *out, const struct stream_rec *r, int terminal);

/* A JSON object of the type "digest", whatever the state. */
void sums_put_json(FILE *out, const struct stream_rec *r);

#endif
