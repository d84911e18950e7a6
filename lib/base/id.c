/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* id.c - names that nobody else has. */
#include "base/id.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

int id_ok(const char *text)
{
	return strlen(text) == ID_LEN && strspn(text, "0123456789abcdef") == ID_LEN;
}

void id_new(char id[ID_LEN + 1])
{
	unsigned char raw[ID_LEN / 2];
	size_t got = 0;

	while (got < sizeof(raw)) {
		ssize_t n = getrandom(raw + got, sizeof(raw) - got, 0);
		if (n > 0)
			got += n;
	}
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
}
