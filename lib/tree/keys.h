/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keys.h - the keys that seal markers: this machine's own, and others' to read.
 *
 *	STATE-DIR/marker.key		the own one: new markers are sealed with it
 *	STATE-DIR/marker-keys/NAME	keys of other machines, and older ones: accepted
 *
 * All are files of mode 0600, of root or of our own user, in a directory that nobody
 * else can write.  They are looked for once a process, when the first marker is read.
 */
#ifndef SS_KEYS_H
#define SS_KEYS_H

#include <stddef.h>
#include "base/mem.h"
#include "tree/seal.h"

#define KEYS_OWN "marker.key"
#define KEYS_OTHERS "marker-keys"

/* From now on keys lie in dir (NULL: there are none); what was known of others is forgotten. */
void keys_in(const char *dir);

/* Read them now, as one who will not be allowed to later; what is wrong with one is said. */
void keys_load(void);

/*
 * See to it that there is an own key; one that is made is said.  1 it is there, 0 there
 * is none and none can be made, after a warning, once a process.
 */
int keys_need(void);

/* The own key, or NULL where there is none.  Never makes one. */
const struct seal_key *keys_own(void);

/* The known key of this name, or NULL. */
const struct seal_key *keys_find(const char *id);

enum keys_state {
	KEYS_OK,	/* the own key is there */
	KEYS_NEW,	/* there is none yet: one will be made */
	KEYS_BAD,	/* it is refused or damaged, or could not be made where there is none */
};

/* For a person: how it is, appended to text (escaped); nothing is changed. */
enum keys_state keys_look(struct buf *text);

#endif
