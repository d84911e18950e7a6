/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.h - what the library meets outside of itself, in memory: small files and messages.
 *
 * The linker puts these in place of file_read(), file_read_most() and file_replace() of
 * base/file.h, through which everything goes that a volume keeps of itself, of the messages of
 * base/msg.h, and of trust_file(), as what has no place on a disk has no owner
 * (-Wl,--wrap, see the Makefile).  So the readers run as they are, and an input costs no file.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stddef.h>

/* From now on every small file holds these bytes; also what was written last. */
void world_file(const void *bytes, size_t len);
extern char *world_text;
extern size_t world_len;

/*
 * Was anything said since the last call?  1 or 0.  Every message is checked when it is said:
 * one line, escaped as escape.h says, and without the word that world_secret() named.
 */
int world_said(void);
void world_secret(const char *word);

/* Does the text hold that word? */
int world_tells(const char *text);

/* Make the directory of a volume, with .secondshot and the tree of "host" in it, below $TMPDIR; open it. */
int world_volume(const char **path);

#endif
