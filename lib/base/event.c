/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event.c - what happened, for people and for programs. */
#include "base/event.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/pair.h"

void event_begin(struct event *e, enum msg_level level, const char *name)
{
	e->level = level;
	buf_reset(&e->pairs);
	pair_add(&e->pairs, "event", name);
}

void event_text(struct event *e, const char *key, const char *value)
{
	if (value && *value)
		pair_add(&e->pairs, key, value);
}

void event_number(struct event *e, const char *key, int64_t value)
{
	buf_printf(&e->pairs, " %s=%" PRId64, key, value);
}

void event_say(struct event *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_event(e->level, e->pairs.p, fmt, ap);
	va_end(ap);
	buf_free(&e->pairs);
}
