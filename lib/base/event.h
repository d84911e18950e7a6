/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event.h - what happened: a sentence for people on stderr, and for programs a
 * name and facts in the log (pair.h, and LOG in secondshot(7)).
 *
 *	struct event e = { 0 };
 *
 *	event_begin(&e, MSG_INFO, "host");
 *	event_text(&e, "host", h->name);
 *	event_number(&e, "files", h->files);
 *	event_say(&e, "%s: complete", escape_name(h->name));
 *
 * Keys are only ever added.  The sentence is in the log as well, as msg.
 */
#ifndef SS_EVENT_H
#define SS_EVENT_H

#include <stdint.h>
#include "base/mem.h"
#include "base/msg.h"

/* All zero before event_begin() and after event_say(). */
struct event {
	enum msg_level level;
	struct buf pairs;
};

void event_begin(struct event *e, enum msg_level level, const char *name);

/* Add a fact; a text that is NULL or empty is none. */
void event_text(struct event *e, const char *key, const char *value);
void event_number(struct event *e, const char *key, int64_t value);

/* Tell it.  printf-like, as msg_info() is. */
void event_say(struct event *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
