# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# server.bash - private MariaDB servers that a test may kill, stop and start again.
# Unlike the one of tests/mariadb they write safely: what was committed must be
# there after kill -9.
#
#	server_install DIR; server_start DIR; admin DIR -e STATEMENT; server_end DIR
#
# A server has all below DIR: data, socket, log, pid, options (one a line).

SERVER_USER=${SS_TEST_USER:-$(id -un 2>/dev/null)} || SERVER_USER=''
# Who the server runs as; another one than we are needs the right to reach DIR.
SERVER_ACCOUNT=$SERVER_USER

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

# server_start DIR [OPTION...]: and wait until it answers, for at most a minute.
server_start() {
	server_begin "$@"
	server_wait "$1"
}

server_wait() {
	local n
	for ((n = 0; n < 1200; n++)); do
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

# server_kill DIR: kill -9, and wait until it is gone, whoever has to bury it.
server_kill() {
	local pid n stat
	pid=$(<"$1/child")
	kill -KILL "$pid" 2>/dev/null || :
	{ wait "$pid" || :; } 2>/dev/null
	for ((n = 0; n < 600; n++)); do
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
