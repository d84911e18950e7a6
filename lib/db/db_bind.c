/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* db_bind.c - parameters of a statement, from a list of arguments. */
#include <stdarg.h>
#include <string.h>

#include "db/db_copy.h"
#include "db/db_driver.h"

/* The last parameters, from i on. */
static void bind_array(const struct db_driver *drv, void *st, int i, const int64_t *v, size_t n)
{
	for (; n; n--, v++, i++)
		drv->bind_int(st, i, *v);
}

static void bind_cells(const struct db_driver *drv, void *st, int i, const struct db_cell *c,
		       size_t n)
{
	for (; n; n--, c++, i++) {
		if (c->kind == DB_CELL_INT)
			drv->bind_int(st, i, c->n);
		else if (c->kind == DB_CELL_BYTES)
			drv->bind_bytes(st, i, c->p, c->len);
		else
			drv->bind_null(st, i);
	}
}

static void bind_text(const struct db_driver *drv, void *st, int i, const char *text)
{
	if (text)
		drv->bind_bytes(st, i, text, strlen(text));
	else
		drv->bind_null(st, i);
}

void db_bind_values(const struct db_driver *drv, void *st, const char *fmt, va_list ap)
{
	for (int i = 1; *fmt; fmt++, i++) {
		const void *p;
		int64_t v;

		switch (*fmt) {
		case 'i':
			drv->bind_int(st, i, va_arg(ap, int64_t));
			break;
		case 'z':
			v = va_arg(ap, int64_t);
			if (v)
				drv->bind_int(st, i, v);
			else
				drv->bind_null(st, i);
			break;
		case 'b':
			p = va_arg(ap, const void *);
			drv->bind_bytes(st, i, p, va_arg(ap, size_t));
			break;
		case 's':
			bind_text(drv, st, i, va_arg(ap, const char *));
			break;
		case 'a':
			p = va_arg(ap, const void *);
			bind_array(drv, st, i, p, va_arg(ap, size_t));
			break;
		case 'c':
			p = va_arg(ap, const void *);
			bind_cells(drv, st, i, p, va_arg(ap, size_t));
			break;
		default:
			drv->bind_null(st, i);
		}
	}
}
