/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* seal.c - keyed checksums of markers. */
#include "tree/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/mem.h"

#define HEAD "secondshot-key 1\nkey "
#define TAIL "\nend\n"
#define NAMED "secondshot: the name of a key"	/* no host is called so: there is a blank in it, and a colon */

static void hex(char *to, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", p[i]);
}

/* HMAC-SHA256 of host, a NUL and text.  0 or -1. */
static int hmac(const struct seal_key *k, const char *host, const char *text, size_t len,
		unsigned char out[SEAL_MAC / 2])
{
	struct buf b = { 0 };
	size_t n = 0;

	buf_add(&b, host, strlen(host) + 1);
	buf_add(&b, text, len);
	const unsigned char *ret = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, k->secret, SEAL_KEY,
					     (const unsigned char *)b.p, b.len, out, SEAL_MAC / 2, &n);
	buf_free(&b);
	return ret && n == SEAL_MAC / 2 ? 0 : -1;
}

/* Give the key its name.  0 or -1. */
static int name(struct seal_key *k)
{
	unsigned char mac[SEAL_MAC / 2];

	if (hmac(k, NAMED, "", 0, mac) < 0)
		return -1;
	hex(k->id, mac, SEAL_ID / 2);
	return 0;
}

int seal_new(struct seal_key *k)
{
	for (size_t got = 0; got < SEAL_KEY;) {
		ssize_t n = getrandom(k->secret + got, SEAL_KEY - got, 0);

		if (n > 0)
			got += (size_t)n;
	}
	return name(k);
}

size_t seal_text(const struct seal_key *k, char text[SEAL_FILE])
{
	char digits[2 * SEAL_KEY + 1];
	int n;

	hex(digits, k->secret, SEAL_KEY);
	n = snprintf(text, SEAL_FILE, HEAD "%s" TAIL, digits);
	OPENSSL_cleanse(digits, sizeof(digits));
	return (size_t)n;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int seal_parse(struct seal_key *k, const char *text, size_t len)
{
	const size_t head = strlen(HEAD), tail = strlen(TAIL), digits = (size_t)2 * SEAL_KEY;

	if (len != head + digits + tail || memcmp(text, HEAD, head) != 0 ||
	    memcmp(text + head + digits, TAIL, tail) != 0)
		return -1;
	for (size_t i = 0; i < SEAL_KEY; i++) {
		int high = digit(text[head + 2 * i]), low = digit(text[head + 2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		k->secret[i] = (unsigned char)(high << 4 | low);
	}
	return name(k);
}

int seal_mac(const struct seal_key *k, const char *host, const char *text, size_t len,
	     char mac[SEAL_MAC + 1])
{
	unsigned char raw[SEAL_MAC / 2];

	if (hmac(k, host, text, len, raw) < 0)
		return -1;
	hex(mac, raw, sizeof(raw));
	return 0;
}

int seal_fits(const struct seal_key *k, const char *host, const char *text, size_t len, const char *mac)
{
	char own[SEAL_MAC + 1];

	return strlen(mac) == SEAL_MAC && seal_mac(k, host, text, len, own) == 0 &&
	       CRYPTO_memcmp(own, mac, SEAL_MAC) == 0;
}

void seal_wipe(struct seal_key *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}
