#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run while the catalog's server is away: the backup happens all the same, and
# the catalog is caught up with later.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	requires_mariadb "a file is never away"
}

# begin: a catalog that is reached through a link, which can be taken away.
begin() {
	conf
	SERVER=$BATS_TEST_TMPDIR/server
	ln -s "$SS_TEST_SOCKET" "$SERVER"
	sed -i "s|unix_socket=.*|unix_socket=$SERVER|" "$SECONDSHOT_CONF"
	ss-catalog init
}

away() {
	rm "$SERVER"
}

back() {
	ln -s "$SS_TEST_SOCKET" "$SERVER"
}

savesets() {
	ss-catalog savesets --json "$1" | jq -r '"\(.status) \(.location) \(.files) \(.unhashed)"'
}

equal() {
	run rsync -aHnic --delete "$1/" "$2/"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

three_nights() {
	run_ok ss-run
	echo first night >"$SRC/alpha/night"
	away
	run_code 3 ss-run
	contains "$stderr" 'the catalog cannot be reached'
	[ "$(grep -c 'cannot connect' <<<"$stderr")" = 1 ]
	contains "$stderr" 'alpha: complete, not catalogued yet'
	contains "$stderr" 'rotated hourly'
	cp -a "$SRC" first
	echo second night, of another length >"$SRC/alpha/night"
	sleep 1
	run_code 3 ss-run
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	equal first/alpha "$ROOT/hourly.1/alpha"
}

@test "two nights without the server: both savesets are there, in their order" {
	RETAIN=hourly:5 begin
	three_nights
	back
	run_code 1 ss-catalog check
	contains "$stderr" "1 of them only lie elsewhere.* 'ss-catalog reconcile'"
	run_ok ss-catalog reconcile
	contains "$stderr" 'taken while the catalog could not be reached'
	run_ok savesets alpha
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[0]} == "complete hourly.2 "* ]]
	[[ ${lines[1]} == "complete hourly.1 "* ]]
	[[ ${lines[2]} == "complete hourly.0 "* ]]
	run_ok ss-run
	run_ok savesets alpha
	[ "${#lines[@]}" -eq 4 ]
	run_ok ss-catalog savesets --json
	[ "$(jq -s 'map(.unhashed) | add' <<<"$output")" -eq 0 ]
	run_ok ss-verify --all
	run_ok ss-catalog check
	run_ok ss-catalog files alpha@hourly.1 --format sha256sum
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
}

# bats test_tags=more
@test "the same with link_dest 0, where the tree lies in two places" {
	LINK_DEST=0 RETAIN=hourly:5 begin
	three_nights
	back
	run_ok ss-run
	run_ok savesets alpha
	[ "${#lines[@]}" = 4 ]
	[[ ${lines[2]} == "complete hourly.1 "*" 0" ]]
	run_ok ss-catalog check
	run_ok ss-verify --all
}

# bats test_tags=more
@test "a dry run tells what a run would do without the server, and touches nothing" {
	RETAIN=hourly:5 begin
	away
	local waits
	for waits in '' 'rsnapshot -c .* hourly'; do
		find "$ROOT" -printf '%p %i %C@\n' | sort >before
		run_code 3 ss-run -n
		contains "$stderr" 'the catalog cannot be reached'
		contains "${lines[0]}" "$waits"
		contains "$output" 'rsnapshot -c .* sync alpha/'
		contains "${lines[-1]}" 'rsnapshot -c .* hourly'
		lacks "$output" ss-catalog
		find "$ROOT" -printf '%p %i %C@\n' | sort | cmp before -
		[[ $waits ]] || run_code 3 ss-run --no-rotate
	done
	back
	run_ok ss-run
	run_ok savesets alpha
	[ "${#lines[@]}" -eq 2 ]
}

@test "a dry run writes nothing on the server, and what keeps it from a catalog is told once" {
	local call
	begin
	sed -i 's/^backup-host.*/backup-host = another/' "$SECONDSHOT_CONF"
	sql "CREATE TRIGGER nothing BEFORE INSERT ON commits FOR EACH ROW
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'something is written'"
	run_code 2 ss-run -n
	lacks "$stderr" 'something is written'
	contains "$stderr" 'backup-host = keeper'
	sql 'DROP TRIGGER nothing'
	sql "DROP TABLE meta"
	for call in 'ss-run -n' ss-run; do
		# shellcheck disable=SC2086
		run_code 2 $call
		contains "$stderr" 'the catalog was never made'
		[ "$(grep -c 'there is no catalog' <<<"$stderr")" = 1 ]
	done
}

@test "a catalog that was never made is not away: exit 2 each night, until init; then a run catches up" {
	begin
	catalog_drop
	local night
	for night in 1 2; do
		echo "night $night" >"$SRC/alpha/night"
		run_code 2 ss-run --json
		contains "$stderr" "there is no catalog; 'ss-catalog init' makes one"
		contains "$stderr" "never made: the backup goes on without it.*'ss-catalog init'"
		lacks "$stderr" 'cannot be reached'
		contains "$output" '"result":2,.*"catalog":"never made"'
	done
	run_code 2 ss-catalog check
	contains "$stderr" "there is no catalog; 'ss-catalog init' makes one"
	ss-catalog init
	run_ok ss-run
	[ "$(grep -c 'was taken while the catalog' <<<"$stderr")" = 2 ]
	run_ok ss-verify --all
	contains "$stderr" '3 of 3 savesets verified, 0 findings'
	run_ok ss-catalog check
	away
	run_code 3 ss-run --json
	contains "$output" '"catalog":"away"'
}

@test "the server goes away in mid-run" {
	HOSTS="alpha beta" begin
	cp "$RSNAPSHOT_CONF" whole
	wrap_rsync <<-END
		#!/bin/bash
		if [ -e $SERVER ]; then
			rm $SERVER
			mariadb --no-defaults -S $SS_TEST_SOCKET -N -e "SELECT concat('KILL ', id, ';')
				FROM information_schema.processlist WHERE db = '$CATALOG_DB'" |
				mariadb --no-defaults -S $SS_TEST_SOCKET
		fi
		exec /usr/bin/rsync "\$@"
	END
	echo db-timeout = 1 >>"$SECONDSHOT_CONF"
	run_code 3 ss-run
	contains "$stderr" 'beta: complete, not catalogued yet'
	equal "$SRC/beta" "$ROOT/hourly.0/beta"
	back
	cp whole "$RSNAPSHOT_CONF"
	run_ok ss-run
	run_ok ss-verify --all
	run_ok ss-catalog check
	run_ok savesets beta
	[ "${#lines[@]}" -eq 2 ]
}

@test "an empty source is not taken, a partial saveset stays one" {
	begin
	run_ok ss-run
	away
	mv "$SRC/alpha" kept
	mkdir -p "$SRC/alpha/dir"
	run_code 2 ss-run
	contains "$stderr" 'no files'
	[ -e "$ROOT/hourly.0/alpha/one" ]
	[ ! -e "$ROOT/hourly.1" ]
	rm -r "$SRC/alpha"
	mv kept "$SRC/alpha"
	cp "$RSNAPSHOT_CONF" whole
	wrap_rsync <<-END
		#!/bin/bash
		/usr/bin/rsync "\$@"
		exit 23
	END
	run_code 3 ss-run
	run_code 3 ss-run
	lacks "$stderr" 'rotated hourly|rotating it first'
	[ ! -e "$ROOT/hourly.1" ]
	back
	cp whole "$RSNAPSHOT_CONF"
	run_ok ss-catalog reconcile
	run_ok savesets alpha
	[[ ${lines[1]} == "partial .sync "* ]]
}
