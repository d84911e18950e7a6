/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* secondshot-conf.c - secondshot.conf, in a file that has no place on a disk (conf/conf.h). */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/conf_key.h"
#include "frame.h"
#include "world.h"

static int memory;
static char path[40];

void fuzz_begin(void)
{
	memory = memfd_create("secondshot.conf", MFD_CLOEXEC);
	CHECK(memory >= 0 && fchmod(memory, 0600) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	/* Of the settings, those of the file alone. */
	CHECK(clearenv() == 0);
}

static int load(struct conf *c, const char *text, size_t len)
{
	int got;

	CHECK(ftruncate(memory, 0) == 0 && pwrite(memory, text, len, 0) == (ssize_t)len);
	got = conf_load(c, path, NULL);
	CHECK(world_said() == (got != 0));
	return got;
}

/* Everything that a file could have set, as a file. */
static void write_all(struct buf *b, struct conf *c)
{
	size_t i;

	buf_str(b, "");
	for (i = 0; i < conf_nkeys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (!conf_is_text(k))
			buf_printf(b, "%s=%d\n", k->name, *conf_int(c, k));
		else if (*conf_text(c, k))
			buf_printf(b, "%s=%s\n", k->name, *conf_text(c, k));
	}
	for (i = 0; i < c->npair; i++)
		buf_printf(b, "%s=%s\n", c->pair[i].key, c->pair[i].value);
}

int fuzz_one(char *text, size_t len)
{
	struct buf once = { 0 }, twice = { 0 };
	struct conf c, again;
	int accepted = load(&c, text, len) == 0;

	if (accepted) {
		write_all(&once, &c);
		CHECK(load(&again, once.p, once.len) == 0);
		write_all(&twice, &again);
		CHECK(once.len == twice.len && memcmp(once.p, twice.p, once.len) == 0);
		CHECK((!c.db_url || !c.dbtype) && !strpbrk(c.volume, "\t\r\x1b\x7f"));
		conf_free(&again);
	}
	buf_free(&once);
	buf_free(&twice);
	conf_free(&c);
	return accepted;
}
