/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* db_maria_url.c - the address of a database on a server. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "db/db_maria.h"

#define FORM "mysql://USER@HOST[:PORT][,HOST[:PORT]...]/NAME[?unix_socket=PATH]"

static int nibble(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* A copy of s..end with %XX decoded; NULL if one is none, or gives NUL. */
static char *decoded(const char *s, const char *end)
{
	char *out = mem_dup(s, (size_t)(end - s)), *to = out;

	for (; s < end; s++) {
		int hi = -1, lo = -1;

		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (end - s > 2) {
			hi = nibble(s[1]);
			lo = nibble(s[2]);
		}
		if (hi < 0 || lo < 0 || hi + lo == 0) {
			free(out);
			return NULL;
		}
		*to++ = (char)(hi << 4 | lo);
		s += 2;
	}
	*to = 0;
	return out;
}

/* HOST or HOST:PORT or [V6]:PORT.  0 or -1. */
static int add_node(struct maria_address *a, const char *s, const char *end)
{
	const char *host_end = end, *port = NULL;
	char *stop;

	if (a->n == MARIA_HOSTS)
		return -1;
	if (s < end && *s == '[') {
		host_end = memchr(s, ']', (size_t)(end - s));
		if (!host_end || (host_end + 1 < end && host_end[1] != ':'))
			return -1;
		s++;
		port = host_end + 1 < end ? host_end + 2 : NULL;
	} else {
		const char *colon = memchr(s, ':', (size_t)(end - s));

		if (colon) {
			host_end = colon;
			port = colon + 1;
		}
	}
	a->node[a->n].host = decoded(s, host_end);
	if (!a->node[a->n].host)
		return -1;
	a->n++;
	if (!port)
		return 0;
	unsigned long number = strtoul(port, &stop, 10);
	if (stop != end || stop == port || *port < '0' || *port > '9' || !number || number > 65535)
		return -1;
	a->node[a->n - 1].port = (unsigned)number;
	return 0;
}

static int add_nodes(struct maria_address *a, const char *s, const char *end)
{
	for (;;) {
		const char *comma = memchr(s, ',', (size_t)(end - s));

		if (add_node(a, s, comma ? comma : end) < 0)
			return -1;
		if (!comma)
			return 0;
		s = comma + 1;
	}
}

/* This machine?  A name may begin with anything. */
static int is_local(const char *host)
{
	struct in_addr in;

	return !*host || !strcmp(host, "localhost") || !strcmp(host, "::1") ||
	       (inet_pton(AF_INET, host, &in) == 1 && ntohl(in.s_addr) >> 24 == 127);
}

/* What is wrong with url, or NULL. */
static const char *parse(struct maria_address *a, const char *url)
{
	static const char form[] = "a catalog on a server is " FORM;
	const char *s = strstr(url, "://") + 3, *slash = strchr(s, '/');

	if (!slash)
		return form;
	const char *at = memrchr(s, '@', (size_t)(slash - s));
	if (!at)
		return "it names no user: " FORM;
	if (memchr(s, ':', (size_t)(at - s)))
		return "a password does not belong here; put it into a file (db-password-file)";
	const char *query = strchrnul(slash, '?');
	a->user = decoded(s, at);
	a->name = decoded(slash + 1, query);
	if (!a->user || !*a->user || !a->name || !*a->name || add_nodes(a, at + 1, slash) < 0)
		return form;
	if (*query) {
		static const char key[] = "?unix_socket=";

		if (strncmp(query, key, sizeof(key) - 1))
			return "the only parameter is unix_socket=PATH";
		a->socket = decoded(query + sizeof(key) - 1, query + strlen(query));
		if (!a->socket || *a->socket != '/')
			return "unix_socket is no path";
	}
	a->local = 1;
	for (size_t i = 0; i < a->n; i++)
		a->local &= a->socket || is_local(a->node[i].host);
	for (size_t i = 0; i < a->n; i++)
		if (!a->socket && a->n > 1 && !*a->node[i].host)
			return form;
	return NULL;
}

int db_maria_url(struct maria_address *a, const char *url)
{
	*a = (struct maria_address){ 0 };
	const char *why = parse(a, url);

	/* The url itself is not shown: it may hold a password after all. */
	if (why)
		msg_error("the catalog's url is refused: %s", why);
	return why ? -1 : 0;
}

void db_maria_url_free(struct maria_address *a)
{
	free(a->user);
	free(a->name);
	free(a->socket);
	for (size_t i = 0; i < a->n; i++)
		free(a->node[i].host);
	*a = (struct maria_address){ 0 };
}
