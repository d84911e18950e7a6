/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trust.h - may root believe what stands in this file? */
#ifndef SS_TRUST_H
#define SS_TRUST_H

struct stat;

/* What speaks against trusting the owner and the mode of a file or directory, and what to do; NULL if nothing does. */
const char *trust_why(const struct stat *st);

/*
 * 0 if file (an open descriptor, the name it was opened by) and every directory
 * above it are owned by root or our own user and writable by nobody else; else
 * -1 after reporting.
 */
int trust_file(int fd, const char *name);

/*
 * The same for an open directory.  It may lie in a directory of root's that is writable
 * by all and sticky (/tmp): nobody else can put another in its place.
 */
int trust_dir(int fd, const char *name);

/* 0 if every directory above file is so, whoever owns file itself; else -1 after reporting. */
int trust_above(int fd, const char *name);

#endif
