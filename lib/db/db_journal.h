/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_journal.h - does the journal beside a SQLite file belong to that file?
 *
 * A transaction that was cut short leaves NAME-journal, the pages as they were, and
 * SQLite puts them back when the file is opened next.  Where somebody has put an older
 * copy of the file in its place meanwhile, that would spoil the copy.
 */
#ifndef SS_DB_JOURNAL_H
#define SS_DB_JOURNAL_H

/*
 * Look at what lies beside the database path, which is open as fd.  0 if SQLite may open
 * it, -1 after reporting what must be removed first.
 *
 * These tell that a journal is of another file: the database is younger than it (by the
 * times of birth); the change counter in its first page is neither the one that the journal
 * keeps nor the next; the journal keeps none, and there were more or fewer pages.  Formats: "Database File Format" of SQLite's documentation,
 * 1.3 (header) and 3 (rollback journal).
 */
int db_journal_belongs(int fd, const char *path);

#endif
