/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source.c - where a source lies. */
#include "rsnap/source.h"

#include <string.h>
#include <strings.h>

#define URL "rsync://"

/* Length of the [USER@]HOST that text begins with, up to its colon; 0 = it begins with none. */
static size_t host_length(const char *text)
{
	size_t at = 0, len;

	for (len = 0; text[len] != '\0' && strchr(":/[", text[len]) == NULL; len++)
		if (text[len] == '@')
			at = len + 1;
	if (text[len] != '[')
		return text[len] == ':' ? len : 0;
	if (len != at)
		return 0;	/* a bracket within a name: a file's */
	len += strcspn(text + len, "]/");
	return text[len] == ']' && len > at + 1 && text[len + 1] == ':' ? len + 1 : 0;
}

/* text begins with the name of a daemon's module; the path comes behind it. */
static void in_module(struct source *s, const char *text)
{
	s->kind = SOURCE_DAEMON;
	s->path = text + strcspn(text, "/");
}

void source_parse(struct source *s, const char *src)
{
	*s = (struct source){ SOURCE_LOCAL, NULL, 0, src };
	if (strncasecmp(src, URL, strlen(URL)) == 0) {
		s->login = src + strlen(URL);
		s->login_len = strcspn(s->login, "/");
		src = s->login + s->login_len;
		in_module(s, *src == '/' ? src + 1 : src);
		return;
	}
	if (strcspn(src, ":/") > 0 && strncmp(src + strcspn(src, ":/"), "://", 3) == 0) {
		s->kind = SOURCE_OTHER;
		return;
	}
	s->login_len = host_length(src);
	if (s->login_len == 0)
		return;
	s->login = src;
	if (src[s->login_len + 1] == ':') {
		in_module(s, src + s->login_len + 2);
		return;
	}
	s->kind = SOURCE_SSH;
	s->path = src + s->login_len + 1;
}
