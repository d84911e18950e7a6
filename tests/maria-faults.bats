#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# A server that dies, hangs, refuses or loses its word: whole transactions are tried
# again, and nothing is lost, doubled or half stored.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog
load server

setup_file() {
	server_of_file --innodb-monitor-enable=lock_timeouts
}

teardown_file() {
	server_end "$BATS_FILE_TMPDIR/srv"
}

# A catalog on the server with one saveset of alpha, and a tree that has changed since.
setup() {
	on_server db-timeout=20
	ss-catalog init 2>/dev/null
	take
	FIRST=$S
	turn
	edit
	LOCKS=() ADD=''
}

teardown() {
	[[ -z ${ADD:-} ]] || kill -KILL "$ADD" 2>/dev/null || :
	release
	[[ -z ${PROXY:-} ]] || kill "$PROXY" 2>/dev/null || :
	test_end
}

edit() {
	fresh "$TREE/dir/two" "22 ${1:-}"
	fresh "$TREE/one" "11 ${1:-}"
	ln "$TREE/one" "$TREE/one-too"
	rm -rf "$TREE/dir/sub"
	mkdir -p "$TREE/more"
	echo "new ${1:-}" >"$TREE/more/new"
}

# lock STATEMENT...: another session that holds what they lock until release.
lock() {
	coproc command mariadb --no-defaults --socket="$SERVER/socket" --user="$SERVER_USER" --skip-ssl \
		--skip-column-names --batch --unbuffered --force "$NAME" 2>&1 3>&- 4>&-
	LOCKS=("${COPROC[@]}" "$COPROC_PID")
	# Only the rows that it means, not all that it looks at.
	also 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED' 'START TRANSACTION' "$@"
}

# also STATEMENT...: in that session; waits for their end.
also() {
	local statement word
	for statement; do echo "$statement;" >&"${LOCKS[1]}"; done
	echo "SELECT 'ready';" >&"${LOCKS[1]}"
	while read -rt "$HANGS" -u "${LOCKS[0]}" word; do
		[[ $word != ERROR* ]] || { echo "$word"; return 1; }
		[[ $word != ready ]] || return 0
	done
	return 1
}

release() {
	[[ ${#LOCKS[@]} -gt 0 ]] || return 0
	eval "exec ${LOCKS[1]}>&-"
	wait "${LOCKS[2]}" 2>/dev/null || :
	LOCKS=()
}

# begin_add: an add that hangs in the middle of its transaction: it has added rows and
# waits for the lock on one of those that it closes.  Sets ADD and ID, of its connection.
begin_add() {
	ss-catalog add alpha >"$BATS_TEST_TMPDIR/stream" 2>"$BATS_TEST_TMPDIR/add.err" 3>&- 4>&- &
	ADD=$!
	until_true add_waits
	[[ -n $ID ]] || { cat "$BATS_TEST_TMPDIR/add.err"; return 1; }
}

# It waits for the lock, or is gone.
add_waits() {
	# The server brings this table up to date if nobody has asked for a tenth of a second.
	sleep 0.15
	ID=$(ask "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx
		WHERE trx_state = 'LOCK WAIT' AND trx_rows_modified > 0")
	[[ -n $ID ]] || ! kill -0 "$ADD" 2>/dev/null
}

row_of_one="SELECT * FROM paths WHERE name = 'one' AND first = 1 FOR UPDATE"

# end_add: it goes on to its end, and all of the rest is well.
end_add() {
	release
	wait "$ADD" || { cat "$BATS_TEST_TMPDIR/add.err"; return 1; }
	ADD=''
	ss-hash <"$BATS_TEST_TMPDIR/stream" | ss-catalog store
	S=$(newest)
	listing "$TREE" >"$KEPT/$S"
	sound 2
	[ "$(ask "SELECT count(*) FROM commits")" = 0 ]
}

# all_list: each saveset lists what was kept aside when it was taken.
all_list() {
	local all
	mapfile -t all < <(names)
	still_lists "${all[@]}"
}

# sound N: N published savesets and no other, all list what they held, no row too many.
sound() {
	all_list
	[ "$(ask "SELECT count(*), sum(seq IS NOT NULL), max(seq) FROM savesets")" = "$1	$1	$1" ]
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
	[ "$(ask "SELECT count(*) FROM paths WHERE first = 2")" = "$(ask "SELECT rows_added FROM savesets WHERE seq = 2")" ]
	[ "$(ask "SELECT count(*) FROM paths WHERE last = 1")" = "$(ask "SELECT rows_closed FROM savesets WHERE seq = 2")" ]
	[ "$(ask "SELECT count(*) FROM inodes i WHERE NOT EXISTS (SELECT 1 FROM paths p
		WHERE p.series = i.series AND p.ino = i.ino AND p.since = i.since)")" = 0 ]
}

@test "KILL CONNECTION in mid-transaction: all of it is done again" {
	lock "$row_of_one"
	begin_add
	[ "$(ask "SELECT count(*) FROM paths WHERE first = 2")" = 0 ]
	ask "KILL CONNECTION $ID"
	end_add
}

@test "KILL QUERY in mid-transaction: all of it is done again" {
	lock "$row_of_one"
	begin_add
	ask "KILL QUERY $ID"
	end_add
}

@test "kill -9 of the server in mid-transaction: the client waits for it and does all of it again" {
	lock "$row_of_one"
	begin_add
	server_kill "$SERVER"
	release
	sleep 0.5
	server_start "$SERVER"
	end_add
}

@test "a server that stands still for some seconds is waited for" {
	local server
	server=$(<"$SERVER/child")
	lock "$row_of_one"
	begin_add
	kill -STOP "$server"
	(sleep 3; kill -CONT "$server") 3>&- &
	sleep 1
	kill -0 "$ADD"
	wait $!
	end_add
}

@test "a deadlock (1213) of which the client is the victim: all of it is done again" {
	local before
	before=$(ask "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
	# Who changed fewer rows is rolled back: not this session.
	lock "INSERT INTO hosts (name, created) SELECT concat('many', seq), 1 FROM seq_1_to_3000" "$row_of_one"
	begin_add
	also "SELECT count(*) FROM paths WHERE first = 2 FOR UPDATE"
	[ "$(ask "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")" != "$before" ]
	also ROLLBACK
	end_add
}

@test "a lock waited for in vain (1205): tried again, a bounded number of times" {
	local timeouts before
	timeouts="SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_timeouts'"
	before=$(ask "$timeouts")
	sed -i 's/^db-timeout.*/db-timeout = 1/' "$SECONDSHOT_CONF"
	lock "$row_of_one"
	begin_add
	more_timeouts() { [ "$(ask "$timeouts")" -gt "$before" ]; }
	until_true more_timeouts
	end_add
	rm "$TREE/one-too"
	edit again
	# The lock stays: the end comes, with a reason, and nothing is left behind.
	lock "SELECT * FROM paths WHERE name = 'one' AND last IS NULL FOR UPDATE"
	before=$(ask "$timeouts")
	run_code 2 ss-catalog add alpha
	[ "$(ask "$timeouts")" -le $((before + 20)) ]
	contains "$stderr" 'Lock wait timeout.*1205'
	release
	[ "$(ask 'SELECT count(*) FROM paths WHERE first = 3')" = 0 ]
	take
	all_list
	run_ok ss-catalog check
}

# proxy_begin WHAT N, proxy_end: the catalog is reached through it.
proxy_begin() {
	"$TESTS/proxy" "$BATS_TEST_TMPDIR/proxy" "$SERVER/socket" "$1" "$2" "$BATS_TEST_TMPDIR/lost" 3>&- 4>&- &
	PROXY=$!
	until_true test -S "$BATS_TEST_TMPDIR/proxy"
	catalog_at "mysql://$SERVER_USER@localhost/$NAME?unix_socket=$BATS_TEST_TMPDIR/proxy"
}

proxy_end() {
	kill "$PROXY"
	wait "$PROXY" 2>/dev/null || :
	PROXY=''
	rm -f "$BATS_TEST_TMPDIR/proxy"
	catalog_at "$(server_url "$SERVER" "$NAME")"
}

# proxied WHAT N: the pipeline through a proxy that loses one thing, from the same
# catalog and tree each time; fails if there was nothing left to lose.
proxied() {
	local code=0
	rm -rf "$ROOT" "$BATS_TEST_TMPDIR/lost"
	cp -a "$ROOT.kept" "$ROOT"
	admin "$SERVER" "$NAME" <"$BATS_TEST_TMPDIR/kept.sql"
	proxy_begin "$1" "$2"
	export -f pipeline
	bash -c 'pipeline alpha' 2>"$BATS_TEST_TMPDIR/err" || code=$?
	proxy_end
	[[ $code == 0 ]] || {
		echo "$1 $2: exit $code"
		cat "$BATS_TEST_TMPDIR/err"
		CODE=$code
	}
	[[ -s $BATS_TEST_TMPDIR/lost ]]
}

# through_it WHAT: proxied did it all, and nothing is lost or doubled.
through_it() {
	echo "$1"
	[ "$CODE" = 0 ]
	S=$(newest)
	listing "$TREE" >"$KEPT/$S"
	sound 2
}

# Each test that uses the proxy begins with this state.
keep_state() {
	CODE=0
	cp -a "$ROOT" "$ROOT.kept"
	{
		echo 'SET foreign_key_checks = 0;'
		command mariadb-dump --no-defaults --socket="$SERVER/socket" --user="$SERVER_USER" --skip-ssl "$NAME"
	} >"$BATS_TEST_TMPDIR/kept.sql"
}

@test "the reply to a COMMIT is lost: asked, not guessed, whatever the server had done" {
	local what n step=2
	[[ -z ${SS_LONG:-} ]] || step=1
	keep_state
	for what in "done" undone late never; do
		for ((n = 1; n < 40; n += step)); do
			proxied $what $n || break
			through_it "$what $n"
			((n < 4)) || [[ $what != [ln]* ]] || break
		done
		[ "$n" -gt 3 ] || { echo "$what: only $n"; false; }
	done
	[ "$CODE" = 0 ]
}

@test "the connection is lost at any packet, the first one too, before or after it" {
	local what n step=17
	[[ -z ${SS_LONG:-} ]] || step=1
	keep_state
	for what in before after; do
		for ((n = 1; n < 400; n += step)); do
			proxied $what $n || break
			through_it "$what $n"
		done
		[ "$n" -gt 30 ] || { echo "$what: only $n"; false; }
	done
}

@test "a server that has no room for one more connection is asked again" {
	requires strace
	local n=0 pid others=()
	ask 'SET GLOBAL max_connections = 10'
	lock "DO GET_LOCK('room', 0)"
	while ask 'DO 1' 2>/dev/null; do
		[ $((n++)) -lt 100 ]
		(ask "DO GET_LOCK('room', $HANGS)" || :) >/dev/null 2>&1 3>&- 4>&- &
		others+=($!)
		sleep 0.05
	done
	# Its patience is longer here than what it takes us to make room.
	strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e inject=clock_nanosleep:delay_exit=2000000 \
		ss-catalog savesets >/dev/null 3>&- 4>&- &
	pid=$!
	until_true grep -q clock_nanosleep "$BATS_TEST_TMPDIR/trace"
	release
	wait "$pid"
	wait "${others[@]}"
	ask 'SET GLOBAL max_connections = 100'
}

@test "the server rolls back while it prepares, and tells nobody: all of it is done again" {
	local n step=3
	[[ -z ${SS_LONG:-} ]] || step=1
	keep_state
	for ((n = 1; n < 60; n += step)); do
		proxied forgotten $n || break
		through_it "forgotten $n"
	done
	[ "$n" -gt 10 ] || { echo "only $n"; false; }
}

@test "an answer breaks off in the middle: what was read of it is not read twice" {
	local what n step=3
	mkdir "$TREE/many"
	touch "$TREE/many"/{1..70}
	keep_state
	for what in middle killed; do
		[[ -z ${SS_LONG:-} && $what == middle ]] || step=1
		for ((n = 1; n < 100; n += step)); do
			CODE=0
			proxied $what $n || break
			through_it "$what $n"
		done
		[ "$n" -gt 3 ] || { echo "$what: only $n"; false; }
	done
}

@test "a server that answers with more or less than it was asked for: no byte beyond what is ours" {
	local what
	(mkdir "$TREE/much" && cd "$TREE/much" && seq 9000 | xargs touch)
	take
	for what in fewer params; do
		proxy_begin $what 1
		run ss-catalog savesets --json
		proxy_end
		echo "$what: $status"
		[ "$status" -le 3 ]
		[ -s "$BATS_TEST_TMPDIR/lost" ]
		rm "$BATS_TEST_TMPDIR/lost"
	done
	contains "$output" 'another statement than ours'
	proxy_begin many 1
	run ss-prune alpha@.sync
	proxy_end
	[ "$status" -le 3 ]
	[ -s "$BATS_TEST_TMPDIR/lost" ]
	run_ok ss-prune
	[ "$(names)" = "$FIRST" ]
	run_ok ss-catalog check
}

@test "check tells if the server is lost to it" {
	local n
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
		rm -f "$BATS_TEST_TMPDIR/lost"
		proxy_begin before $n
		run ss-catalog check
		proxy_end
		[ "$status" = 0 ] || [ "$output" != "" ]
	done
	[ -s "$BATS_TEST_TMPDIR/lost" ]
}

# check-long has the long one, too.
# bats test_tags=long
@test "kill -9 of server and clients: a short round of the torture" {
	run_ok "$TESTS/torture/maria" --kills=6 --files=200 --dir="$BATS_TEST_TMPDIR"
	contains "$output" 'equal in both catalogs'
}
