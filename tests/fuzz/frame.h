/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * frame.h - what every harness has in common: libFuzzer calls frame.c, frame.c calls
 * fuzz_one() of the harness, and watches over its memory.
 *
 *	make fuzz FUZZ_RUNS=10000000		each harness so many times
 *	make fuzz-marker FUZZ_SEED=7		one of them, by another series of random numbers
 *	tests/fuzz/run build-fuzz marker FILE	one input again: a finding, a seed
 */
#ifndef FUZZ_FRAME_H
#define FUZZ_FRAME_H

#include <stddef.h>
#include <stdlib.h>

/* A property that must hold of every input; libFuzzer keeps the input for which it does not. */
#define CHECK(what) do { if (!(what)) abort(); } while (0)

/* The harness: once, before the first input. */
void fuzz_begin(void);

/*
 * The harness: one input, len bytes and a NUL behind them, malloc'd at that size so that a
 * byte too far is seen; it may be changed.  1 = the reader accepted it, 0 = it refused it.
 */
int fuzz_one(char *text, size_t len);

/* Independent of the check that the readers share: may this be the name of a file? */
int fuzz_is_name(const char *name);

/* n lower-case hexadecimal digits, no more? */
int fuzz_is_hex(const char *text, size_t n);

#endif
