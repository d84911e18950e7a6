/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"

static void *alloc(size_t size)
{
	return mem_realloc(NULL, size);
}

json_t *json_new(const char *type)
{
	/* jansson would pass over what it has no memory for. */
	json_set_alloc_funcs(alloc, free);
	json_t *o = json_object();

	json_text(o, "type", type);
	return o;
}

void json_text(json_t *o, const char *key, const char *value)
{
	if (value && *value)
		json_bytes(o, key, value, strlen(value));
	else
		json_object_set_new(o, key, json_null());
}

void json_number(json_t *o, const char *key, int64_t value)
{
	json_object_set_new(o, key, json_integer(value));
}

void json_count(json_t *o, const char *key, int64_t value)
{
	json_object_set_new(o, key, value < 0 ? json_null() : json_integer(value));
}

void json_time(json_t *o, const char *key, int64_t t)
{
	char buf[CLOCK_TEXT];

	json_text(o, key, t ? clock_text(t, buf) : NULL);
}

void json_bytes(json_t *o, const char *key, const void *p, size_t len)
{
	json_t *text = escape_is_utf8(p, len) ? json_stringn(p, len) : NULL;

	if (text) {
		json_object_set_new(o, key, text);
		return;
	}
	char *name = mem_printf("%s_b64", key);
	unsigned char *b64 = mem_alloc(4 * (len / 3 + 1) + 1);

	EVP_EncodeBlock(b64, p, (int)len);
	json_text(o, key, escape_bytes(p, len));
	json_text(o, name, (char *)b64);
	free(b64);
	free(name);
}

void json_line(FILE *out, json_t *o)
{
	char *line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII), *p = line, *del;

	json_decref(o);
	/* DEL is the one control character that JSON lets stand as it is. */
	while (p && (del = strchr(p, 127))) {
		fwrite(p, 1, (size_t)(del - p), out);
		fputs("\\u007f", out);
		p = del + 1;
	}
	fprintf(out, "%s\n", p ? p : "");
	free(line);
}
