#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# A server that is not what it should be gets no file and no password; encryption is
# what was asked for, or there is no connection.

# shellcheck disable=SC2034,SC2154
load helpers
load server

# Keys that are made at once.
EC=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1)

# Two servers, when a test first asks for one: srv has no TLS, tls has it, and two addresses,
# of which its certificate has one.
servers() {
	local dir=$D
	[[ ! -e $dir/tls/port ]] || return 0
	cd "$dir" || return
	for ca in ca other; do
		openssl req -x509 "${EC[@]}" -nodes -days 3650 -subj "/CN=$ca" -keyout $ca.key -out $ca.pem
	done 2>"$dir/openssl.log"
	certificate server ca 'IP:127.0.0.2,DNS:localhost'
	server_install "$dir/srv" "${CARELESS[@]}"
	# An account with a password on each server.
	server_start "$dir/srv"
	admin "$dir/srv" -e "CREATE USER keeper IDENTIFIED BY 'geheim-3141'; GRANT ALL ON \`ss%\`.* TO keeper"
	server_end "$dir/srv"
	server_copy "$dir/srv" "$dir/tls" --ssl-ca="$dir/ca.pem" --ssl-cert="$dir/server.pem" --ssl-key="$dir/server.key"
	sed -i '/skip-ssl/d' "$dir/tls/options"
	listening "$dir/srv"
	listening "$dir/tls"
	cd "$BATS_TEST_TMPDIR" || return
}

# certificate NAME CA ALTERNATIVE-NAMES
certificate() {
	openssl req "${EC[@]}" -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>>openssl.log
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 3650 \
		-extfile <(echo "subjectAltName = $3") -out "$1.pem" 2>>openssl.log
}

# listening DIR: start it on a port of its own, on the loopback alone; the port is in
# DIR/port.  Not on 127.0.0.1, where a newer client library asks for no name.
listening() {
	local n port
	for ((n = 0; n < 5; n++)); do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		echo "$port" >"$1/port"
		server_start "$1" --bind-address=127.0.0.2,127.0.0.3 --port="$port" && return 0
		server_end "$1"
	done
	return 1
}

teardown_file() {
	local dir
	for dir in srv tls; do
		server_end "$BATS_FILE_TMPDIR/$dir"
	done
}

setup() {
	alone
	requires openssl
	conf
	D=$BATS_FILE_TMPDIR
	printf 'geheim-3141\n' >"$BATS_TEST_TMPDIR/password"
	chmod 0600 "$BATS_TEST_TMPDIR/password"
	echo "db-password-file = $BATS_TEST_TMPDIR/password" >>"$SECONDSHOT_CONF"
}

teardown() {
	[[ -z ${FAKE:-} ]] || kill "$FAKE" 2>/dev/null || :
	test_end
}

set_conf() {
	sed -i "/^$1 *=/d" "$SECONDSHOT_CONF"
	printf '%s = %s\n' "$1" "$2" >>"$SECONDSHOT_CONF"
}

# fake WHAT [FILE]: such a server at $BATS_TEST_TMPDIR/fake.
fake() {
	"$TESTS/fake-server" "$BATS_TEST_TMPDIR/fake" "$1" "$BATS_TEST_TMPDIR/heard" ${2:+"$2"} 3>&- 4>&- &
	FAKE=$!
	until_true test -S "$BATS_TEST_TMPDIR/fake"
	catalog_at "mysql://keeper@localhost/ss?unix_socket=$BATS_TEST_TMPDIR/fake"
}

# cut_at N MOST: the catalog is reached through tests/cut, which loses as many connections there.
cut_at() {
	local port=$((20000 + RANDOM % 12000))
	[[ -z ${FAKE:-} ]] || kill "$FAKE"
	"$TESTS/cut" "127.0.0.2:$port" "127.0.0.2:$(<"$D/tls/port")" "$1" "$2" 3>&- 4>&- &
	FAKE=$!
	until_true grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp
	catalog_at "mysql://keeper@127.0.0.2:$port/ss$BATS_TEST_NUMBER"
}

# over DIR [ADDRESS]: the catalog is this test's one on that server, by TCP.
over() {
	servers
	admin "$D/$1" -e "CREATE DATABASE IF NOT EXISTS ss$BATS_TEST_NUMBER"
	catalog_at "mysql://keeper@${2:-127.0.0.2}:$(<"$D/$1/port")/ss$BATS_TEST_NUMBER"
}

@test "a server that asks for a file of ours gets none, from no tool" {
	local when tool
	run_ok ss-catalog init
	echo 'canary-2718' >"$BATS_TEST_TMPDIR/canary"
	for when in file later; do
		rm -f "$BATS_TEST_TMPDIR/fake"
		fake $when "$BATS_TEST_TMPDIR/canary"
		for tool in "ss-catalog savesets" "ss-catalog init" 'ss-catalog add alpha' 'ss-verify --all' ss-prune; do
			# shellcheck disable=SC2086
			run_code 2 $tool
			[ -n "$stderr" ]
			[[ $when != file ]] || contains "$stderr" 'infile forbidden|got nothing'
		done
		kill "$FAKE"
	done
	# They did talk to it, and it did ask.
	grep -aq 'SET SESSION' "$BATS_TEST_TMPDIR/heard"
	run_code 1 grep -a canary-2718 "$BATS_TEST_TMPDIR/heard"
}

@test "a server that asks for the password itself does not get it" {
	local what
	for what in clear dialog; do
		rm -f "$BATS_TEST_TMPDIR/fake"
		fake $what
		run_code 2 ss-catalog savesets
		[ -n "$stderr" ]
		kill "$FAKE"
	done
	[ -s "$BATS_TEST_TMPDIR/heard" ]
	run_code 1 grep -a geheim "$BATS_TEST_TMPDIR/heard"
}

# bats test_tags=more
@test "db-tls = verify: with the right authority it works, and is encrypted" {
	over tls
	set_conf db-tls verify
	set_conf db-ca "$D/ca.pem"
	admin "$D/tls" -e "ALTER USER keeper REQUIRE SSL"
	run_ok ss-catalog init
	mkdir -p "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	run_ok pipeline alpha
	run_ok ss-catalog check
}

# bats test_tags=more
@test "db-tls = verify: another authority, another name, or no encryption: refused" {
	set_conf db-tls verify
	over tls
	set_conf db-ca "$D/other.pem"
	run_code 2 ss-catalog savesets
	contains "$stderr" 'TLS|SSL|certificate'
	set_conf db-ca "$D/ca.pem"
	over tls 127.0.0.3
	run_code 2 ss-catalog savesets
	contains "$stderr" 'TLS|SSL|certificate'
	over srv
	run_code 2 ss-catalog savesets
	contains "$stderr" 'TLS|SSL'
	# Not even the system's authorities know ours.
	sed -i '/^db-ca/d' "$SECONDSHOT_CONF"
	over tls
	run_code 2 ss-catalog savesets
}

# bats test_tags=more
@test "db-tls = required: any certificate, but no server without one" {
	set_conf db-tls required
	over tls 127.0.0.3
	run_ok ss-catalog init
	over srv
	run_code 2 ss-catalog init
	contains "$stderr" 'TLS|SSL'
}

@test "a server that offers no TLS: no statement with required, not even a name with verify" {
	local port=$((20000 + RANDOM % 12000)) pid
	"$TESTS/fake-server" "$port" plain "$BATS_TEST_TMPDIR/heard" 3>&- 4>&- &
	FAKE=$!
	until_true grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp
	set_conf db-tls verify
	catalog_at "mysql://keeper@127.0.0.1:$port/ss"
	run_code 2 ss-catalog savesets
	[ ! -s "$BATS_TEST_TMPDIR/heard" ]
	set_conf db-tls required
	run_code 2 ss-catalog savesets
	contains "$stderr" 'offers no TLS'
	grep -aq keeper "$BATS_TEST_TMPDIR/heard"
	run_code 1 grep -aq 'SET SESSION' "$BATS_TEST_TMPDIR/heard"
	set_conf db-tls off
	ss-catalog savesets >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	until_true grep -aq 'SET SESSION' "$BATS_TEST_TMPDIR/heard"
	kill "$pid" 2>/dev/null || :
	wait "$pid" || :
}

# bats test_tags=more
@test "an encrypted connection that is lost while it begins: tried again, and then the server is away" {
	local n port
	over tls
	set_conf db-tls verify
	set_conf db-ca "$D/ca.pem"
	run_ok ss-catalog init
	# In the greeting, right behind it, in the server's certificate, at the end.
	for n in 50 104 400 1400; do
		cut_at "$n" 1
		run_ok ss-catalog savesets
	done
	cut_at 400 1000
	run_code 2 ss-catalog savesets
	contains "$stderr" 'cannot connect'
	run_code 3 ss-run
	contains "$stderr" 'the catalog cannot be reached'
	# A server that we do not trust is not away for a night.
	over tls
	set_conf db-ca "$D/other.pem"
	run_code 2 ss-run --json
	contains "$stderr" 'cannot connect: .*certificate'
	contains "$stderr" 'the catalog cannot be used'
	contains "$output" '"catalog_away":true,"catalog":"refused"'
	set_conf db-ca "$D/ca.pem"
	run_ok ss-run --json
	contains "$output" '"catalog_away":false,"catalog":"used"'
	run_ok ss-catalog savesets
	[ "${#lines[@]}" = 4 ]
}

# bats test_tags=more
@test "db-tls = off, to this machine itself: a plain connection" {
	over srv
	set_conf db-tls off
	run_ok ss-catalog init
	sed -i '/^db-tls/d' "$SECONDSHOT_CONF"
	run_ok ss-catalog check
}

# bats test_tags=more
@test "an encrypted connection that is killed in mid-work: done again, no SIGPIPE" {
	local n
	over tls
	set_conf db-tls verify
	set_conf db-ca "$D/ca.pem"
	run_ok ss-catalog init
	mkdir -p "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	seq 3000 | (cd "$ROOT/.sync/alpha" && xargs touch)
	(
		for ((n = 0; n < 200; n++)); do
			admin "$D/tls" -e "SELECT concat('KILL CONNECTION ', id, ';') FROM information_schema.processlist
				WHERE user = 'keeper'" | admin "$D/tls" -f 2>/dev/null || :
			sleep 0.25
		done
	) 3>&- 4>&- &
	n=$!
	run_ok pipeline alpha
	kill "$n"
	run_ok ss-catalog check
}

# bats test_tags=slow
@test "ss-verify, confined, connects again to a server that has hung up: by TCP, encrypted" {
	over tls
	set_conf db-tls verify
	set_conf db-ca "$D/ca.pem"
	run_ok ss-catalog init
	mkdir -p "$ROOT/.sync/alpha"
	truncate -s 4G "$ROOT/.sync/alpha/sparse"
	ss-catalog add alpha 2>/dev/null | ss-hash | ss-catalog store
	# It hangs up on who is silent for a second, and to read that file takes longer.
	admin "$D/tls" -e 'SET GLOBAL wait_timeout = 1'
	run_ok ss-verify alpha@.sync
	admin "$D/tls" -e 'SET GLOBAL wait_timeout = 28800'
	contains "$stderr" '1 of 1 savesets verified, 0 findings'
}
