# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# server.bash - private MariaDB servers that a test may kill, stop and start again.
# Unlike the one of tests/mariadb they write safely: what was committed must be
# there after kill -9.
#
#	server_install DIR; server_start DIR; admin DIR -e STATEMENT; server_end DIR
#
# A server has all below DIR: data, socket, log, pid, options (one a line).  A file whose
# tests share one:
#
#	setup_file() { server_of_file "${CARELESS[@]}"; }
#	teardown_file() { server_end "$BATS_FILE_TMPDIR/srv"; }
#	setup() { on_server; }		# an empty database on it, and a tree

SERVER_USER=${SS_TEST_USER:-$(id -un 2>/dev/null)} || SERVER_USER=''
# Who the server runs as; another one than we are needs the right to reach DIR.
SERVER_ACCOUNT=$SERVER_USER

# Options of a server that nobody kills: it flushes nothing.
CARELESS=(--innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync --innodb-doublewrite=0)

# requires_server: skip unless there is one to start, for an account that has a name.
requires_server() {
	[[ -n $SERVER_USER ]] || skip "needs a user with a name"
	requires mariadbd mariadb-install-db mariadb
}

# Its own servers and its own catalogs: once is enough.
alone() {
	[[ ${SS_TEST_DB:-sqlite} == sqlite ]] || skip "has servers of its own: ran with SQLite"
	requires_server
}

# server_install DIR [OPTION...]: a server's files.
server_install() {
	local dir=$1
	shift
	mkdir -p "$dir"
	chown "$SERVER_ACCOUNT" "$dir"
	printf '%s\n' --no-defaults --user="$SERVER_ACCOUNT" --datadir="$dir/data" --tmpdir="$dir" \
		--socket="$dir/socket" --pid-file="$dir/pid" --skip-name-resolve --loose-skip-ssl \
		--innodb-log-file-size=8M --innodb-buffer-pool-size=24M \
		--innodb-buffer-pool-dump-at-shutdown=0 --innodb-buffer-pool-load-at-startup=0 \
		--max-connections=100 "$@" >"$dir/options"
	mariadb-install-db --no-defaults --user="$SERVER_ACCOUNT" --datadir="$dir/data" --tmpdir="$dir" \
		--innodb-log-file-size=8M --auth-root-authentication-method=socket \
		--auth-root-socket-user="$SERVER_USER" --skip-test-db \
		--skip-name-resolve >"$dir/install.log" 2>&1 || {
		cat "$dir/install.log"
		return 1
	}
}

# server_copy FROM TO [OPTION...]: another one with the same files (FROM does not run).
server_copy() {
	local from=$1 to=$2
	shift 2
	mkdir -p "$to"
	chown "$SERVER_ACCOUNT" "$to"
	cp -a "$from/data" "$to/"
	sed "s|=$from|=$to|" "$from/options" >"$to/options"
	[[ $# == 0 ]] || printf '%s\n' "$@" >>"$to/options"
}

# server_of_file [OPTION...]: in setup_file: the one of this file, as $BATS_FILE_TMPDIR/srv.
server_of_file() {
	unmet requires_server && return 0
	server_install "$BATS_FILE_TMPDIR/srv" "$@"
	server_start "$BATS_FILE_TMPDIR/srv"
}

# database: an empty one for this test on the file's server; sets SERVER and NAME.
database() {
	alone
	SERVER=$BATS_FILE_TMPDIR/srv
	NAME=ss$BATS_TEST_NUMBER
	admin "$SERVER" -e "CREATE DATABASE $NAME"
}

# on_server [KEY=VALUE...]: database, conf with the catalog there, and alpha's tree in .sync.
on_server() {
	database
	conf "$@"
	catalog_at "$(server_url "$SERVER" "$NAME")"
	KEPT=$BATS_TEST_TMPDIR/kept
	TREE=$ROOT/.sync/alpha
	mkdir -p "$KEPT" "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
}

# ask STATEMENT: in that database.
ask() {
	admin "$SERVER" "$NAME" -e "$1"
}

# server_begin DIR [OPTION...]: start it, do not wait.  The socket is its only way
# in unless an option says else.
server_begin() {
	local dir=$1 options
	shift
	rm -f "$dir/socket"
	mapfile -t options <"$dir/options"
	[[ " ${options[*]} $*" == *--port=* ]] || options+=(--skip-networking)
	mariadbd "${options[@]}" "$@" >>"$dir/log" 2>&1 3>&- 4>&- </dev/null &
	echo $! >"$dir/child"
}

# server_start DIR [OPTION...]: and wait until it answers, or ends.
server_start() {
	server_begin "$@"
	server_wait "$1"
}

server_wait() {
	local until=$((SECONDS + ${HANGS:-900}))
	while ((SECONDS < until)); do
		[[ ! -S $1/socket ]] || ! admin "$1" -e 'DO 1' 2>/dev/null || return 0
		kill -0 "$(<"$1/child")" 2>/dev/null || break
		sleep 0.05
	done
	tail -n20 "$1/log"
	return 1
}

# admin DIR ARGUMENT...: MariaDB's own client, as the one who may do everything.  Since
# 11.4 it wants TLS, on a socket too.
admin() {
	local dir=$1
	shift
	command mariadb --no-defaults --socket="$dir/socket" --user="$SERVER_USER" --skip-ssl \
		--skip-column-names --batch "$@"
}

# server_kill DIR: kill -9, and wait until it is gone.
server_kill() {
	kill -KILL "$(<"$1/child")" 2>/dev/null || :
	server_gone "$1"
}

# server_shutdown DIR: as its administrator does.
server_shutdown() {
	admin "$1" -e SHUTDOWN
	server_gone "$1"
}

# Whoever has to bury it.
server_gone() {
	local pid stat until=$((SECONDS + ${HANGS:-900}))
	pid=$(<"$1/child")
	{ wait "$pid" || :; } 2>/dev/null
	while ((SECONDS < until)); do
		read -r stat 2>/dev/null <"/proc/$pid/stat" || return 0
		[[ $stat != *') '[ZX]' '* ]] || return 0
		sleep 0.02
	done
	return 1
}

# server_end DIR: stop it in whatever state it is; its files go with the test.
server_end() {
	[[ ! -e $1/child ]] || server_kill "$1"
}

# server_url DIR NAME [USER]: of database NAME.
server_url() {
	printf 'mysql://%s@localhost/%s?unix_socket=%s/socket' "${3:-$SERVER_USER}" "$2" "$1"
}

# catalog_at URL: the configuration's catalog is this one.
catalog_at() {
	sed -i "s|^db-url = .*|db-url = ${1//&/\\&}|" "$SECONDSHOT_CONF"
}
