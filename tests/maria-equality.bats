#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same history gives the same catalog on both databases; see tests/equality.

load helpers

setup() {
	requires_mariadb "it takes a server"
	requires cc strace rsync jq sqlite3 mariadb
}

@test "random histories of syncs, adds, kills, rot and prunes are equal on both databases" {
	local seed=$((RANDOM * 32768 + RANDOM))
	run_ok timeout 600 "$TESTS/equality" --histories=5 --seed="$seed"
	contains "$output" '^5 histories equal'
}

@test "what differs is found" {
	# As if the server had lost a bit of one row.
	local script=$BATS_TEST_TMPDIR/tests
	mkdir "$script"
	cp "$TESTS/fixed-ids.c" "$script"
	awk '/^\tsame\(.rows/ { print "\tsystem(\"mariadb --no-defaults --socket=$ENV{SS_TEST_SOCKET} --user=$user $db" \
		" -e \\\"UPDATE inodes SET blocks = blocks + 8 LIMIT 1\\\"\");" } { print }' \
		"$TESTS/equality" >"$script/equality"
	chmod +x "$script/equality"
	export SS_BIN TMPDIR=$BATS_TEST_TMPDIR
	run_code 1 timeout 300 "$script/equality" --histories=1 --steps=3 --seed=1
	contains "$output" 'differs: rows'
}
