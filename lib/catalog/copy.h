/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy.h - a catalog moved to another database.
 */
#ifndef SS_COPY_H
#define SS_COPY_H

#include "conf/conf.h"

/*
 * Copy the catalog at the url from into the one at the url to, which must hold no
 * savesets and is made if it is not there.  Both are opened with c's password and
 * other settings.  What is copied is one state of from, whoever writes to it
 * meanwhile.  Until the copy is complete and was compared with it, the target says
 * so, and nothing but another copy opens it.  Each table with its rows and digest
 * is a line on stdout (json: an object).
 *
 * Returns SS_OK; SS_FINDINGS if the copy is complete and right, but check finds
 * something in it, and so would in from; SS_FAIL after reporting.
 */
int copy_run(const struct conf *c, const char *from, const char *to, int json);

#endif
