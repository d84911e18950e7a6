/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* marker.c - a saveset's marker on a strange disk (tree/marker.h). */
#include <string.h>

#include "frame.h"
#include "tree/keys.h"
#include "tree/marker.h"
#include "world.h"

static int location;
static const char *path;

void fuzz_begin(void)
{
	/* No key is known: whatever a seal says, it is none. */
	keys_in(NULL);
	location = world_volume(&path);
}

static int same(const struct marker *a, const struct marker *b)
{
	return !strcmp(a->saveset, b->saveset) && !strcmp(a->id, b->id) && !strcmp(a->volume, b->volume) &&
	       !strcmp(a->status, b->status) && a->created == b->created && a->entries == b->entries &&
	       a->files == b->files && a->bytes == b->bytes && !strcmp(a->metadata, b->metadata) &&
	       !strcmp(a->full, b->full);
}

int fuzz_one(char *text, size_t len)
{
	struct marker m, again;
	const char *p;
	int got;

	world_file(text, len);
	got = marker_read(location, "host", &m);
	CHECK(got == (world_said() ? -1 : 1));
	if (got < 0)
		return 0;
	CHECK(fuzz_is_hex(m.id, ID_LEN) && (!*m.volume || fuzz_is_hex(m.volume, ID_LEN)));
	CHECK((!*m.metadata || fuzz_is_hex(m.metadata, 64)) && (!*m.full || fuzz_is_hex(m.full, 64)));
	/* The name of a saveset is no file's: a volume's name, which is in it, may have a slash. */
	for (p = m.saveset; *p; p++)
		CHECK((unsigned char)*p >= ' ' && *p != 127);
	CHECK(p > m.saveset && fuzz_is_name(m.status) && !m.sealed);
	CHECK(marker_write(location, "host", &m) == 0);
	CHECK(marker_read(location, "host", &again) == 1 && same(&m, &again) && !world_said());
	return 1;
}
