/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* world.c - what the library meets outside of itself, in memory. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"
#include "frame.h"

char *world_text;
size_t world_len;

static int said;
static const char *secret;

void world_file(const void *bytes, size_t len)
{
	char *copy = mem_dup(bytes, len);

	free(world_text);
	world_text = copy;
	world_len = len;
}

char *__wrap_file_read_most(int dir, const char *name, size_t most, size_t *len);
char *__wrap_file_read(int dir, const char *name, size_t *len);
int __wrap_file_replace(int dir, const char *name, const void *p, size_t len, unsigned mode);

char *__wrap_file_read_most(int dir, const char *name, size_t most, size_t *len)
{
	CHECK(dir >= 0 && fuzz_is_name(name));
	if (world_len >= most) {
		errno = EFBIG;
		return NULL;
	}
	*len = world_len;
	return mem_dup(world_text, world_len);
}

char *__wrap_file_read(int dir, const char *name, size_t *len)
{
	return __wrap_file_read_most(dir, name, FILE_SMALL, len);
}

int __wrap_file_replace(int dir, const char *name, const void *p, size_t len, unsigned mode)
{
	CHECK(dir >= 0 && fuzz_is_name(name) && mode == 0600);
	world_file(p, len);
	return 0;
}

int world_said(void)
{
	int was = said;

	said = 0;
	return was;
}

void world_secret(const char *word)
{
	secret = word;
}

int world_tells(const char *text)
{
	return secret && strstr(text, secret);
}

/* Between its backslashes a message is what the escape leaves as it is. */
static void check_said(const char *text)
{
	const char *plain;
	size_t n;

	CHECK(*text && !world_tells(text));
	for (; *text; text += n + (text[n] == '\\')) {
		n = strcspn(text, "\\");
		plain = escape_bytes(text, n);
		CHECK(strlen(plain) == n && memcmp(plain, text, n) == 0);
	}
}

static void __attribute__((format(printf, 1, 0))) say(const char *format, va_list ap)
{
	static char text[1 << 16];
	int len = vsnprintf(text, sizeof(text), format, ap);

	CHECK(len > 0 && (size_t)len < sizeof(text));
	check_said(text);
	said = 1;
}

#define SAY(name) \
	void __wrap_##name(const char *format, ...) __attribute__((format(printf, 1, 2))); \
	void __wrap_##name(const char *format, ...) \
	{ \
		va_list ap; \
\
		va_start(ap, format); \
		say(format, ap); \
		va_end(ap); \
	}

SAY(msg_error)
SAY(msg_warn)
SAY(msg_info)
SAY(msg_debug)

int __wrap_trust_file(int fd, const char *name);
int __wrap_trust_file(int fd, const char *name)
{
	CHECK(fd >= 0 && *name);
	return 0;
}

static char *volume;
static int volume_fd;

static void remove_volume(void)
{
	unlinkat(volume_fd, ".secondshot", AT_REMOVEDIR);
	unlinkat(volume_fd, "host/tree", AT_REMOVEDIR);
	unlinkat(volume_fd, "host", AT_REMOVEDIR);
	rmdir(volume);
}

int world_volume(const char **path)
{
	const char *tmp = getenv("TMPDIR");

	volume = mem_printf("%s/ss-fuzz.XXXXXX", tmp ? tmp : "/tmp");
	CHECK(mkdtemp(volume) && (volume_fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	CHECK(atexit(remove_volume) == 0);
	CHECK(mkdirat(volume_fd, ".secondshot", 0700) == 0 && mkdirat(volume_fd, "host", 0700) == 0);
	/* An empty tree would be none. */
	CHECK(mkdirat(volume_fd, "host/tree", 0700) == 0);
	*path = volume;
	return volume_fd;
}
