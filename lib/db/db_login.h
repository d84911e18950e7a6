/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* db_login.h - what it takes to open a database. */
#ifndef SS_DB_LOGIN_H
#define SS_DB_LOGIN_H

enum db_tls { DB_TLS_AUTO, DB_TLS_OFF, DB_TLS_REQUIRED, DB_TLS_VERIFY };

/* How to get at a database; all strings stay the caller's and need not outlive the call. */
struct db_login {
	const char *url;	/* sqlite:////absolute, a plain path, mysql://USER@HOST/NAME */
	const char *password;	/* for a server; NULL: none */
	const char *ca;		/* file of certificates to trust; NULL: the system's */
	enum db_tls tls;	/* AUTO: VERIFY, but OFF to this machine itself */
	int timeout;		/* seconds to wait for a lock, or for a server that went away */
};

/*
 * What of a url may be shown, escaped (escape_name() has the rules): not what stands before
 * an @ or, unless it is a path, behind a question mark, where a password may be.
 */
const char *db_shown(const char *url);

#endif
