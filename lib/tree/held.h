/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * held.h - trees that stay where they are while their locations are rotated.
 *
 * rsnapshot moves whole locations.  What is not to move with one is renamed, with
 * its marker, to ROOT/.secondshot/held/LOCATION before, and back to LOCATION
 * after the rotation; that is made anew where it has gone.  Whatever lies in held
 * when no rotation is under way was left there by a killed run, and goes back.
 */
#ifndef SS_HELD_H
#define SS_HELD_H

#include "tree/volume.h"

/*
 * Take out of the location everything but the trees of the hosts of the NULL-ended
 * list (and of the directory of markers).  0 (also where there is no such
 * location), or -1 after reporting: held_back() brings back what went.
 */
int held_away(const struct volume *v, const char *location, const char *const *moving);

/* Locations, with a number behind it, for trees whose place somebody else's hand has taken. */
#define HELD_SPARE "rescued."
int held_is_spare(const char *location);	/* 1 or 0 */

/* Is anything held?  1 or 0. */
int held_any(const struct volume *v);

/*
 * Put another directory in the place of a location, with the same trees and those markers that
 * can be renamed: something else in it is spoilt.  The old one goes to the trash.  0, or -1
 * after reporting: held_back() brings back what went.
 */
int held_renew(const struct volume *v, const char *location);

/*
 * Put everything back; a tree whose place is taken goes to a location of its own (HELD_SPARE),
 * with a warning.  Number of trees, or -1 after reporting; then call it again later.
 */
long held_back(const struct volume *v);

#endif
