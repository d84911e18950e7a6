/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.h - what a volume keeps of itself, as lines: ROOT/.secondshot/NAME.
 *
 *	secondshot-NAME 1
 *	(lines)
 *	end
 *
 * Only the holder of the volume's lock writes; who reads sees a whole record.
 */
#ifndef SS_RECORD_H
#define SS_RECORD_H

#include "base/mem.h"
#include "tree/volume.h"

#define RECORD_MAX (4 << 20)	/* bytes: a line for each slot, or for each host of each interval */

/* Called for each line, without its newline, which it may change; 0, or -1 if it is none. */
typedef int record_line_fn(char *line, void *arg);

/*
 * Call fn for each line.  1; 0 there is no such record; -1 with errno, EBADMSG where it
 * is damaged or of a newer version, of which fn may have seen some lines.
 */
int record_read(const struct volume *v, const char *name, record_line_fn *fn, void *arg);

/* What errno of record_read() means; static. */
const char *record_error(void);

/* Put lines in place of the record, and free them.  0, or -1 after reporting. */
int record_write(const struct volume *v, const char *name, struct buf *lines);

#endif
