/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sign.h - markers that say what the catalog says.
 */
#ifndef SS_SIGN_H
#define SS_SIGN_H

#include "catalog/catalog.h"

/*
 * Write the marker of s anew, from the catalog, and seal it: for a tree in that location
 * that was proved to be its.  status: what the marker is to say.  1 sealed, 0 written
 * without a seal as there is no key, -1 after reporting.
 */
int sign_again(const struct volume *v, const struct saveset *s, const char *location,
	       enum saveset_status status);

/* Does one of the locations of s have its marker, with a seal that v attests?  1 or 0. */
int sign_attested(const struct volume *v, const struct saveset *s);

/* Why a marker that v does not attest is not believed; static. */
const char *sign_lacks(const struct volume *v, const struct marker *m);

#endif
