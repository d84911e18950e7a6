/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* login.c - how to get at the catalog, as the configuration says it. */
#include "conf/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/trust.h"

#define PASSWORD_MAX 4096

/* In a url these need no percent sign. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

static void add_encoded(struct buf *b, const char *s, const char *also)
{
	for (; *s; s++) {
		if (strchr(plain, *s) || strchr(also, *s))
			buf_char(b, *s);
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
	}
}

/* The url of the original's five settings.  NULL after reporting. */
static char *compose(const struct conf *c)
{
	struct buf b = { 0 };

	if (!c->dbname || !c->dbuser) {
		msg_error("dbtype = %s needs %s", c->dbtype, c->dbname ? "dbuser" : "dbname");
		return NULL;
	}
	buf_printf(&b, "%s://", c->dbtype);
	add_encoded(&b, c->dbuser, "");
	buf_char(&b, '@');
	add_encoded(&b, c->dbhost ? c->dbhost : "localhost", ",:[]");
	if (c->dbport)
		buf_printf(&b, ":%d", c->dbport);
	buf_char(&b, '/');
	add_encoded(&b, c->dbname, "");
	return b.p;
}

/* Is what is open here its owner's secret?  1, or 0 after reporting. */
static int is_secret(int fd, const char *file)
{
	struct stat st;

	if (trust_file(fd, file) < 0)
		return 0;
	if (fstat(fd, &st) == 0 && !(st.st_mode & 077))
		return 1;
	msg_error("%s is refused: others than its owner can read the password (chmod 600 it)",
		  escape_name(file));
	return 0;
}

/* The first line of file.  NULL after reporting. */
static char *read_password(int fd, const char *file)
{
	char line[PASSWORD_MAX + 1];
	ssize_t n = read(fd, line, PASSWORD_MAX);
	char *password = NULL;

	if (n < 0) {
		msg_error("%s: %m", escape_name(file));
	} else {
		line[n] = 0;
		line[strcspn(line, "\r\n")] = 0;
		if (n == PASSWORD_MAX || !line[0])
			msg_error("%s: there is no password in it", escape_name(file));
		else
			password = mem_strdup(line);
	}
	explicit_bzero(line, sizeof(line));
	return password;
}

/* 0 with or without l->password, or -1 after reporting. */
static int find_password(struct login *l, const struct conf *c)
{
	const char *file = c->db_password_file ? c->db_password_file : LOGIN_SECRET;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && !c->db_password_file && errno == ENOENT) {
		if (!c->dbpass)
			return 0;
		msg_error("DBPASS is not used: others can read an environment; put the password"
			  " into a file and name it in db-password-file");
		return -1;
	}
	if (fd < 0) {
		msg_error("db-password-file %s: %m", escape_name(file));
		return -1;
	}
	if (is_secret(fd, file))
		l->password = read_password(fd, file);
	close(fd);
	return l->password ? 0 : -1;
}

static enum db_tls tls_of(const char *word)
{
	if (!word)
		return DB_TLS_AUTO;
	return !strcmp(word, "off") ? DB_TLS_OFF : !strcmp(word, "required") ? DB_TLS_REQUIRED
									     : DB_TLS_VERIFY;
}

static int is_server(const char *url)
{
	return strstr(url, "://") && strncmp(url, "sqlite:", 7) != 0;
}

int login_on_server(const struct conf *c)
{
	return c->db_url ? is_server(c->db_url) : c->dbtype && strcmp(c->dbtype, "sqlite") != 0;
}

int login_make(struct login *l, const struct conf *c, const char *url)
{
	*l = (struct login){ 0 };
	if (!url)
		url = c->db_url;
	if (url)
		l->url = mem_strdup(url);
	else if (c->dbtype && strcmp(c->dbtype, "sqlite"))
		l->url = compose(c);
	else
		l->url = mem_strdup(LOGIN_SQLITE);
	if (!l->url)
		return -1;
	/* A file needs no password, so nobody looks for one. */
	if (is_server(l->url) && find_password(l, c) < 0) {
		login_free(l);
		return -1;
	}
	l->db = (struct db_login){ l->url, l->password, c->db_ca, tls_of(c->db_tls), c->db_timeout };
	return 0;
}

void login_free(struct login *l)
{
	if (l->password)
		explicit_bzero(l->password, strlen(l->password));
	free(l->password);
	free(l->url);
	*l = (struct login){ 0 };
}
