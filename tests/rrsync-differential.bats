#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Our rrsync and the stock script judge the same command lines the same way; see
# tests/rrsync/diff.  This is the short run, make diff-rrsync the long one.

load helpers

STOCK=/usr/bin/rrsync

setup() {
	requires root python3
	[[ -e $STOCK ]] || skip "needs the stock rrsync, which is in the package rsync"
	grep -q confine-root $STOCK || skip "needs the stock rrsync of rsync 3.5.0 or later"
	[[ -x $SS_BIN/rrsync-driver ]] || skip "needs tests/rrsync/driver.c, built"
	export TMPDIR=$BATS_TEST_TMPDIR
}

# differ OPTION...
differ() {
	"$TESTS/rrsync/diff" -t "$HANGS" "$@" "$SS_BIN/rrsync-driver"
}

# bats test_tags=more
@test "the same lines are accepted, with the same arguments: a fixed seed" {
	run_ok differ -n "$([[ ${SS_LONG:-0} == 1 ]] && echo 2500 || echo 700)" -s secondshot
	contains "$output" 'refused by both, in the same words'
}

# bats test_tags=more
@test "the comparison sees a refusal in other words" {
	sed 's/die("option", opt, /die("option", "x" + opt, /' $STOCK >"$BATS_TEST_TMPDIR/stock"
	run_code 1 differ -n 700 -s 1 --stock "$BATS_TEST_TMPDIR/stock"
	contains "$output" 'WRONG: other words: a disabled option'
}

# bats test_tags=more
@test "the same lines are accepted, with the same arguments: a new seed" {
	run_ok differ -n 2500
	echo "$output" # names the seed, if it is shown
}

# bats test_tags=more
@test "the comparison sees an option that only the stock script refuses" {
	sed "s/^short_disabled = 's'/short_disabled = 'sv'/" $STOCK >"$BATS_TEST_TMPDIR/stock"
	run_code 1 differ -n 700 -s 1 --stock "$BATS_TEST_TMPDIR/stock"
	contains "$output" 'WRONG: accepted what the stock script refuses'
}

# bats test_tags=more
@test "the comparison sees what only ours refuses, and a changed argument" {
	sed "s/if args.[rw]o and .*am_sender:/if False:/; s/'--drop-D'/'--drop-DD'/" $STOCK >"$BATS_TEST_TMPDIR/stock"
	run_code 1 differ -n 700 -s 1 --stock "$BATS_TEST_TMPDIR/stock"
	contains "$output" 'WRONG: refused what the stock script accepts'
	contains "$output" 'WRONG: other arguments'
}

# bats test_tags=more
@test "what stands in authorized_keys is read the same way" {
	[[ -x $SS_BIN/rrsync ]] || skip "needs rrsync, built"
	run_ok "$TESTS/rrsync/diff-options" "$SS_BIN/rrsync"
}
