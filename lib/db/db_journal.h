/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * db_journal.h - does the journal beside a SQLite file belong to that file?
 *
 * A transaction that was cut short leaves NAME-journal with the pages as they were
 * before.  SQLite puts them back when the file is opened next.  If somebody has put an
 * older copy of the file in its place meanwhile, that spoils the copy.
 */
#ifndef SS_DB_JOURNAL_H
#define SS_DB_JOURNAL_H

/*
 * Look at what lies beside the database path (where that is a link: beside the file it leads
 * to), which is open as fd.  0 if SQLite may open it, -1 after reporting what must be removed first.
 *
 * A journal that keeps the first page is of another file if the change counter of the
 * database is neither the one in that page nor the next.  If the journal lacks that page,
 * or the database is empty, the journal is of another file if
 *   - the database was born later than the journal, or
 *   - the database has more or fewer pages than the journal's header tells.
 * Formats: "Database File Format" of SQLite's documentation, 1.3 (header) and 3
 * (rollback journal).
 */
int db_journal_belongs(int fd, const char *path);

#endif
