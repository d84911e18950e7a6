/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * capture.h - what is said on stderr, by us and by the programs we start, kept to
 * be shown elsewhere.  Not for programs with threads that talk.
 */
#ifndef SS_CAPTURE_H
#define SS_CAPTURE_H

struct capture {
	int saved;		/* the real stderr */
	int file;		/* what takes its place; also good as a child's stdout */
};

/* From now on stderr goes into c.  0, or -1 after reporting: then nothing is captured. */
int capture_begin(struct capture *c);

/*
 * stderr is what it was.  What was said meanwhile, malloc'd, without our own name
 * at the beginning of lines; 64 KiB of it at most; "" if nothing was, or if it could
 * not be captured.
 */
char *capture_end(struct capture *c);

#endif
