/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.h - JSON Lines on stdout, thin over jansson.
 *
 * One object a line, each with "type"; keys are only ever added.
 */
#ifndef SS_JSON_H
#define SS_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* A new object of this type. */
json_t *json_new(const char *type);

/* NULL or "": null.  No key is ever left out: other bytes than UTF-8 are as json_bytes() has them. */
void json_text(json_t *o, const char *key, const char *value);
void json_number(json_t *o, const char *key, int64_t value);
void json_count(json_t *o, const char *key, int64_t value);	/* below 0: null */
void json_time(json_t *o, const char *key, int64_t t);		/* RFC 3339 UTC; 0: null */

/*
 * A name as bytes: where they are not valid UTF-8, key holds the escaped form
 * and KEY_b64 the bytes in base64.
 */
void json_bytes(json_t *o, const char *key, const void *p, size_t len);

/* Write o as one line to out, and free it. */
void json_line(FILE *out, json_t *o);

#endif
