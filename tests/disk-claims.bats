#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a disk says of itself is believed only as far as it can be checked.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	stage
}

@test "a marker without its tree is no saveset: not for reconcile, check, verify or prune" {
	local old real phantom
	take && old=$S && turn
	fresh "$TREE/one" second && take && real=$S && turn
	fresh "$TREE/one" third && take && phantom=$S && turn
	# Somebody deletes the newest tree, and leaves its marker.
	rm -r "$ROOT/hourly.0/alpha" "${ROOT:?}/.sync"
	[ -e "$ROOT/hourly.0/.secondshot/alpha" ]
	run_code 2 ss-verify "$phantom"
	run_code 1 ss-catalog check
	run_ok ss-catalog reconcile
	contains "$stderr" "$phantom: is gone from disk"
	[ "$(names)" = "$old"$'\n'"$real" ]
	run_ok ss-catalog check
	run_ok ss-verify --all
	# The newest that is really there stays.
	run_code 2 ss-prune "$real"
	contains "$stderr" 'newest complete'
	[ -e "$ROOT/hourly.1/alpha/one" ]
	run_ok ss-prune "$old"
	# A link or a file in the tree's place is no tree either.
	mkdir "$ROOT/hourly.0/alpha"
	run_ok ss-catalog reconcile
	[ "$(names)" = "$real" ]
	run_code 2 ss-prune "$real"
	rmdir "$ROOT/hourly.0/alpha"
	ln -s ../hourly.1/alpha "$ROOT/hourly.0/alpha"
	run_ok ss-catalog reconcile
	rm "$ROOT/hourly.0/alpha" && echo >"$ROOT/hourly.0/alpha"
	run_ok ss-catalog reconcile
	[ "$(names)" = "$real" ]
}

# journal TEXT...: of a rotation, in which _delete.1 was something else before.
journal() {
	mkdir -p "$ROOT/_delete.1"
	echo here >"$ROOT/_delete.1/canary"
	{
		echo 'secondshot-rotation 1'
		printf "$1\n" "$(stat -c %i "$ROOT/_delete.1")" "$(perl -e 'printf "%.0f", 1e9 * $ARGV[0]' "$(stat -c %.9W "$ROOT/_delete.1")")"
		echo end
	} >"$ROOT/.secondshot/rotation"
}

@test "the journal of a rotation names locations, not paths" {
	local line
	take && turn
	for line in 'interval ../out .sync rename 1\nat ../out.0 %s %s' 'interval out ../.sync rename 1\nat ../.sync %s %s' \
		'interval /tmp/out .sync rename 1\nat /tmp/out.0 %s %s' 'interval .. .sync rename 1\nat ...0 %s %s' \
		'interval hourly .sync rename 1\nmissed ../alpha\nat hourly.7 %s %s'; do
		journal "$line"
		run_code 2 ss-run --rotate=hourly
		contains "$stderr" 'rotation: not the journal of a rotation'
		[ "$(<"$ROOT/_delete.1/canary")" = here ]
		[ ! -e "$ROOT/../out.0" ]
	done
}

@test "a record has so many lines, each with a name" {
	{
		echo 'secondshot-promoted 1'
		seq -f 'i%.0f 1796004987' 70000
		echo end
	} >"$ROOT/.secondshot/promoted"
	run_ok ss-run --due
	contains "$stderr" 'promoted: damaged'
	printf 'secondshot-promoted 1\n../hourly 1796004987\nend\n' >"$ROOT/.secondshot/promoted"
	run_ok ss-run --due
	contains "$stderr" 'promoted: damaged'
}

@test "sizes that a disk makes up do not overflow their sum" {
	requires root mountns
	catalog_drop
	run_ok unshare -m bash -euc '
		mount -t tmpfs -o size=8m,mode=755 none "$1"
		ss-catalog init 2>/dev/null
		mkdir -p "$1/.sync/alpha"
		truncate -s 9223372036854775807 "$1/.sync/alpha/1" "$1/.sync/alpha/2"
		ss-catalog add alpha >/dev/null 2>&1
		ss-catalog savesets --json
	' - "$ROOT"
	contains "$output" '"size":9223372036854775807'
}

@test "a disk that comes back under another name blesses no rot" {
	take
	turn
	rot "$TREE/dir/two"
	fresh "$TREE/one" changed
	# As where the kernel tells a device's number for a file system's name.
	sql "UPDATE series SET fs = 'uuid:00'; UPDATE volumes SET fs = 'uuid:00'"
	run_code 1 pipeline alpha
	contains "$stderr" '1 files are corrupt'
	# What could not be told from another file is a row of its own, and what is new is not corrupt.
	run_code 1 ss-verify --all --json
	[ "$(jq -r 'select(.class == "corrupt").path' <<<"$output" | sort -u)" = dir/two ]
	# And it stays so.
	turn
	run_code 1 pipeline alpha
	run_code 1 ss-verify alpha
	contains "$output" 'corrupt.*dir/two'
}

@test "where a file system has no lasting name, another inode of the same size and time is no new file" {
	requires root mountns strace
	catalog_drop
	run_code 1 unshare -m bash -euc '
		nameless() { ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=ioctl -e inject=ioctl:error=ENOTTY "$@"; }
		mount -t tmpfs -o size=8m,mode=755 none "$1"
		nameless ss-catalog init 2>/dev/null
		mkdir -p "$1/.sync/alpha"
		echo one >"$1/.sync/alpha/same"
		echo two >"$1/.sync/alpha/rotten"
		nameless ss-catalog add alpha | ss-hash | ss-catalog store
		cp -al "$1/.sync" "$1/hourly.0"
		ss-catalog reconcile -q
		# As on a file system that gives its files other numbers each day.
		cp -rp "$1/.sync/alpha" "$1/copy"
		rm -r "$1/.sync/alpha"
		mv "$1/copy" "$1/.sync/alpha"
		touch -r "$1/.sync/alpha/rotten" "$1/when"
		echo TWO >"$1/.sync/alpha/rotten"
		touch -r "$1/when" "$1/.sync/alpha/rotten"
		nameless ss-catalog add alpha 2>/dev/null | ss-hash | { ss-catalog store 2>/dev/null || [ $? = 1 ]; }
		ss-verify --json --read=cache alpha@.sync
	' - "$ROOT"
	[ "$(jq -r 'select(.class == "corrupt").path' <<<"$output")" = rotten ]
}

# unread N: the newest saveset has so many files without digest; pending has them.
unread() {
	[ "$(field "$(newest)" unhashed finished full_digest)" = "$1 null null" ]
	[ "$(ss-catalog pending "$(newest)" | grep -vc '^#')" = "$1" ]
	[ "$(ss-catalog files "$(newest)" --format stream | grep -c '^-')" = "$1" ]
	run_ok ss-catalog check
}

@test "a digest that is only expected is none before the file was read, whatever becomes of the stream" {
	take
	turn
	rot "$TREE/dir/two"
	sql "UPDATE series SET fs = 'uuid:00'; UPDATE volumes SET fs = 'uuid:00'"
	# ss-hash and store are killed before they do anything; here, and in the next night.
	ss-catalog add alpha >/dev/null 2>&1
	unread 5
	turn
	[ "$(ss-catalog add alpha 2>/dev/null | grep -v '^#' | cut -f14 | sort -u | wc -l)" = 5 ]
	unread 5
	# What was hashed with another algorithm tells nothing of what was expected.
	ss-catalog pending "$(newest)" | sed 's/^#hash .*/#hash sha1/' | ss-hash >"$BATS_TEST_TMPDIR/sha1"
	run_code 3 ss-catalog store <"$BATS_TEST_TMPDIR/sha1"
	contains "$stderr" '5 files are expected to have a digest of another algorithm'
	unread 5
	# One of them is read; then the rest.
	ss-catalog pending "$(newest)" | ss-hash | grep -E '^#|	one$' | grep -v '^#end' >"$BATS_TEST_TMPDIR/some"
	run_code 3 ss-catalog store <"$BATS_TEST_TMPDIR/some"
	unread 3
	ss-catalog pending "$(newest)" | ss-hash | { run_code 1 ss-catalog store; contains "$stderr" '1 files are corrupt'; }
	[[ "$(field "$(newest)" unhashed finished)" == '0 2'* ]]
	[ "$(ss-catalog pending "$(newest)" | grep -vc '^#')" = 0 ]
	run_ok ss-catalog check
	run_code 1 ss-verify alpha
	contains "$output" 'corrupt.*dir/two'
}

# bats test_tags=more
@test "who verifies what was only expected has read it" {
	take
	turn
	sql "UPDATE series SET fs = 'uuid:00'; UPDATE volumes SET fs = 'uuid:00'"
	ss-catalog add alpha >/dev/null 2>&1
	unread 5
	run_ok ss-verify alpha
	[ "$(ss-catalog pending "$(newest)" | grep -vc '^#')" = 0 ]
	ss-catalog pending "$(newest)" | ss-hash | ss-catalog store
	[[ "$(field "$(newest)" unhashed finished)" == '0 2'* ]]
	run_ok ss-catalog check
}

# bats test_tags=more
@test "a tree that was emptied, its directory left, is no saveset either" {
	local real
	take && real=$S && turn
	fresh "$TREE/one" second && take && turn
	find "$ROOT/hourly.0/alpha" -mindepth 1 -delete
	rm -r "${ROOT:?}/.sync"
	run_ok ss-catalog reconcile
	contains "$stderr" "$S: is gone from disk"
	[ "$(names)" = "$real" ]
	run_code 2 ss-prune "$real"
	contains "$stderr" 'newest complete'
}
