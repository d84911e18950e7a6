/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sign.c - markers that say what the catalog says. */
#include "catalog/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tree/keys.h"

int sign_again(const struct volume *v, const struct saveset *s, const char *location,
	       enum saveset_status status)
{
	int fd = volume_location(v, location), rc = -1;
	struct marker m;

	catalog_marker(s, &m);
	snprintf(m.status, sizeof(m.status), "%s", saveset_status_name(status));
	if (fd < 0) {
		msg_error("%s/%s: %m", escape_name(v->root), escape_name(location));
	} else {
		rc = marker_write(fd, s->host, &m);
		close(fd);
	}
	return rc < 0 ? -1 : keys_own() != NULL;
}

int sign_attested(const struct volume *v, const struct saveset *s)
{
	char *list = mem_strdup(s->locations), *save = NULL;
	int found = 0;

	for (char *l = strtok_r(list, ",", &save); l && !found; l = strtok_r(NULL, ",", &save)) {
		int fd = volume_location(v, l);
		struct marker m;

		if (fd < 0)
			continue;
		found = marker_read(fd, s->host, &m) > 0 && !strcmp(m.id, s->uid) && volume_attests(v, &m);
		close(fd);
	}
	free(list);
	return found;
}

const char *sign_lacks(const struct volume *v, const struct marker *m)
{
	static char text[80];

	if (!m->key[0])
		return "has no seal";
	if (m->sealed && strcmp(m->volume, v->id) != 0)
		return "was sealed for another volume";
	if (keys_find(m->key))
		return "does not fit its seal";
	snprintf(text, sizeof(text), "has a seal of the key %s, which is not here", escape_name(m->key));
	return text;
}
