/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seal.h - keyed checksums of markers: HMAC-SHA256 (RFC 2104, FIPS 198-1).  Pure.
 *
 * Whoever can write to a disk can write a marker.  Only who has the key can seal one.
 */
#ifndef SS_SEAL_H
#define SS_SEAL_H

#include <stddef.h>

#define SEAL_KEY 32		/* bytes of a key */
#define SEAL_ID 16		/* hex digits of its name */
#define SEAL_MAC 64		/* hex digits of a checksum */
#define SEAL_FILE 128		/* room for the text of a key's file */

struct seal_key {
	unsigned char secret[SEAL_KEY];
	char id[SEAL_ID + 1];	/* its name, made of the secret, which it does not give away */
};

/* Make a key of random bytes from the kernel.  0, or -1 where OpenSSL fails. */
int seal_new(struct seal_key *k);

/* The text of the key's file, NUL-ended, into text; its length. */
size_t seal_text(const struct seal_key *k, char text[SEAL_FILE]);

/* Read such a text of len bytes.  0, or -1: it is none. */
int seal_parse(struct seal_key *k, const char *text, size_t len);

/*
 * The checksum of len bytes of text, as the marker of a host: another host's marker
 * with the same text has another one.  0, or -1 where OpenSSL fails.
 */
int seal_mac(const struct seal_key *k, const char *host, const char *text, size_t len,
	     char mac[SEAL_MAC + 1]);

/* Is mac (of any length) that checksum?  1 or 0; takes as long whichever digit differs. */
int seal_fits(const struct seal_key *k, const char *host, const char *text, size_t len, const char *mac);

/* Wipe the secret. */
void seal_wipe(struct seal_key *k);

#endif
