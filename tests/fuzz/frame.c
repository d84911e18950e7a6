/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * frame.c - libFuzzer's side of a harness.
 *
 * Besides what the sanitizers see, it checks that a reader's memory is linear in what it
 * reads: never more than MEMORY_BASE + MEMORY_FACTOR bytes for each byte of the input at once.
 * And it counts what was accepted: a harness that refuses everything tests nothing.
 */
#include "frame.h"

#include <sanitizer/allocator_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_BASE ((size_t)512 << 10)	/* buffers of stdio, of lines.c */
#define MEMORY_FACTOR 128		/* a slot of a rotation takes 272 bytes, its line at least 11; twice, as it grows */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static size_t live, most;	/* bytes allocated and not freed since the input began, and at most */
static int watching;
static unsigned long inputs, accepted;

static void allocated(const volatile void *p, size_t size)
{
	(void)p;
	live += watching ? size : 0;
	most = live > most ? live : most;
}

/* Memory from before the input may be freed, too. */
static void freed(const volatile void *p)
{
	size_t size = watching && p ? __sanitizer_get_allocated_size(p) : 0;

	live -= size < live ? size : live;
}

/* stderr may be closed by libFuzzer's -close_fd_mask; that is no reason to fail. */
static void report(void)
{
	char text[100];
	int len = snprintf(text, sizeof(text), "frame: %lu of %lu inputs were accepted\n", accepted, inputs);

	(void)!write(STDERR_FILENO, text, (size_t)len);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(__sanitizer_install_malloc_and_free_hooks(allocated, freed));
	fuzz_begin();
	atexit(report);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	live = most = 0;
	watching = 1;
	accepted += (unsigned long)fuzz_one(text, size);
	watching = 0;
	inputs++;
	CHECK(most <= MEMORY_BASE + MEMORY_FACTOR * size);
	free(text);
	return 0;
}

int fuzz_is_name(const char *name)
{
	const char *p;

	for (p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '/')
			return 0;
	return p > name && p <= name + 255 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int fuzz_is_hex(const char *text, size_t n)
{
	return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}
