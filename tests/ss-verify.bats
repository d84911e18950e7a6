#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-verify: each way a stored tree can differ from what was recorded of it.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
}

# found CLASS PATH [SAVESET]: the output has that finding.
found() {
	grep -qF "$1	${3:-$S}	$2" <<<"$output" || {
		printf 'no %s of %s in:\n%s\n' "$1" "$2" "$output"
		return 1
	}
}

@test "a sound tree: exit 0, nothing on stdout" {
	take
	run_ok ss-verify "$S"
	[ -z "$output" ]
	run_ok ss-verify --json alpha@latest
	[ "$(jq -c '[.type, .verified, .findings]' <<<"$output")" = '["summary",1,0]' ]
	run_ok ss-verify alpha
	run_ok ss-verify alpha@.sync alpha@sync
	run_ok ss-verify --all --read=cache
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verified IS NULL OR verdict <> 1')" = 0 ]
}

@test "each class by its name, exit 1" {
	echo link >"$TREE/target"
	ln -s target "$TREE/alink"
	mkfifo "$TREE/fifo"
	take
	rot "$TREE/dir/two"
	echo longer >>"$TREE/nothing"
	rm "$TREE/dir/sub/three"
	echo extra >"$TREE/unasked"
	chmod 0400 "$TREE/target"
	ln -sfn elsewhere "$TREE/alink"
	rm "$TREE/fifo"
	mkdir "$TREE/fifo"
	touch -d 2001-01-01 "$TREE/empty"
	run_code 1 ss-verify "$S"
	found corrupt dir/two
	found changed 'nothing	(size 7, was 0'
	found missing dir/sub/three
	found extra unasked
	found changed 'target	(mode 0400, was 0644)'
	found changed alink
	contains "$output" 'alink.*target elsewhere, was target'
	found changed 'fifo	(type d, was p)'
	found changed 'empty	(mtime'
	run_code 1 ss-verify --json "$S"
	[ "$(jq -r 'select(.type == "finding") | .class' <<<"$output" | sort -u | xargs)" = 'changed corrupt extra missing' ]
	jq -es 'map(select(.type == "finding")) | all(.saveset and .path and .host)' <<<"$output" >/dev/null
	# The contents are not read for the structure.
	run_code 1 ss-verify --structure "$S"
	lacks "$output" corrupt
	found missing dir/sub/three
}

@test "rot right after a clean verification is found, in the same second too" {
	take
	run_ok ss-verify "$S"
	rot "$TREE/dir/two"
	run_code 1 ss-verify "$S"
	found corrupt dir/two
	# And with a clock that stands still, or that was wrong when the file was verified last.
	rot "$TREE/dir/two"
	SECONDSHOT_NOW=4000000000 run_ok ss-verify "$S"
	rot "$TREE/dir/two"
	SECONDSHOT_NOW=4000000000 run_code 1 ss-verify "$S"
	run_code 1 ss-verify "$S"
	found corrupt dir/two
}

@test "rot is named in each saveset that shares the inode, and only there" {
	local s=()
	take; s+=("$S")
	turn
	take; s+=("$S")
	turn
	fresh "$TREE/dir/two" 'a new one'
	take; s+=("$S")
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_code 1 ss-verify "${s[0]}"
	found corrupt dir/two "${s[0]}"
	found corrupt dir/two "${s[1]}"
	[ "$(grep -c corrupt <<<"$output")" = 2 ]
	run_code 1 ss-verify --all
	[ "$(grep -c corrupt <<<"$output")" = 2 ]
	lacks "$output" "${s[2]}"
	run_code 1 ss-verify "${s[1]}" "${s[0]}" "${s[2]}"
	[ "$(grep -c corrupt <<<"$output")" = 2 ]
	run_ok ss-verify "${s[2]}"
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verdict = 2')" = 1 ]
	# The first name of a hard link stands for all of them.
	rot "$TREE/one"
	run_code 1 ss-verify "${s[2]}"
	found corrupt one "${s[2]}"
	found corrupt dir/one-again "${s[2]}"
	found corrupt one "${s[0]}"
	[ "$(grep -c corrupt <<<"$output")" = 6 ]
}

@test "an inode of several savesets is read once in a run" {
	# So slow that the clock moves on after the first saveset: it tells runs apart.
	head -c 100000 /dev/urandom >"$TREE/big"
	take; turn; take; turn; take
	strace -f -qq -y -o "$BATS_TEST_TMPDIR/log" -e trace=openat,openat2 \
		-e inject=openat2:delay_enter=600000 ss-verify --all
	[ "$(grep -c "\"big\"" "$BATS_TEST_TMPDIR/log")" = 1 ] || { grep big "$BATS_TEST_TMPDIR/log"; false; }
}

@test "--new reads what was never verified or was corrupt, and compares the whole structure" {
	take
	run_ok ss-verify --new "$S"
	rot "$TREE/dir/two"
	echo extra >"$TREE/extra"
	run_code 1 ss-verify --new "$S"
	found extra extra
	lacks "$output" corrupt
	run_code 1 ss-verify "$S"
	found corrupt dir/two
	run_code 1 ss-verify --new "$S"
	found corrupt dir/two
	run_code 2 ss-verify --new --structure "$S"
	contains "$stderr" 'one of them'
}

@test "files without digest are told, never passed over" {
	ss-catalog add alpha >/dev/null
	S=$(newest)
	run_code 1 ss-verify "$S"
	found unhashed dir/two
	[ "$(grep -c '^unhashed' <<<"$output")" = 5 ]
}

@test "what cannot be read is unreadable, not missing, not passed over" {
	local call
	take
	run strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$TREE/dir/two" \
		-e trace=read,pread64 -e inject=read,pread64:error=EIO ss-verify "$S"
	contains "$(cat "$BATS_TEST_TMPDIR/log")" INJECTED
	[ "$status" = 1 ]
	found unreadable 'dir/two	(Input/output error)'
	lacks "$output" corrupt
	lacks "$output" missing
	# A directory.
	run strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$TREE/dir" \
		-e trace=getdents64 -e inject=getdents64:error=EIO ss-verify "$S"
	contains "$(cat "$BATS_TEST_TMPDIR/log")" INJECTED
	[ "$status" = 1 ]
	for call in dir/two dir/sub dir/sub/three dir/one-again; do
		found unreadable "$call"
	done
	lacks "$output" missing
	# The top.
	run strace -f -qq -o "$BATS_TEST_TMPDIR/log" -P "$TREE" \
		-e trace=getdents64 -e inject=getdents64:error=EIO ss-verify "$S"
	contains "$(cat "$BATS_TEST_TMPDIR/log")" INJECTED
	[ "$status" = 1 ]
	found unreadable one
	lacks "$output" missing
}

@test "all findings count, over all savesets named" {
	local first
	take
	first=$S
	turn
	fresh "$TREE/one" 2
	take
	rm "$ROOT/hourly.0/alpha/one"
	run_ok ss-verify "$S"
	run_code 1 ss-verify "$S" "$first"
	run_code 1 ss-verify "$first" "$S"
	found missing one "$first"
	# What could not be done weighs more than what was found.
	rm -rf "$ROOT/.sync"
	run_code 2 ss-verify "$first" "$S"
	found missing one "$first"
}

@test "a file that is being written is changed, never corrupt" {
	local pid
	head -c 300000 /dev/zero >"$TREE/busy"
	take
	(while :; do printf x >>"$TREE/busy"; done) &
	pid=$!
	for _ in 1 2 3 4 5; do
		run_code 1 ss-verify "$S"
		found changed busy
		lacks "$output" corrupt
	done
	kill "$pid"
	wait "$pid" || :
	# The same bytes over and over: it is what it was.
	truncate -s 300000 "$TREE/busy"
	take
	(while :; do printf '\0' | dd of="$TREE/busy" conv=notrunc status=none; done) &
	pid=$!
	for _ in 1 2 3; do
		run ss-verify "$S"
		lacks "$output" corrupt
	done
	kill "$pid"
	wait "$pid" || :
}

@test "a location that is rotated, renamed or thrown away meanwhile gives no false finding" {
	local pid i
	(cd "$TREE" && for i in $(seq 400); do echo "$i" >"file-$i"; done)
	take
	(
		until [ -e "$BATS_TEST_TMPDIR/stop" ]; do
			mv -T "$ROOT/.sync" "$ROOT/hourly.0"
			mv -T "$ROOT/hourly.0" "$ROOT/.sync"
		done
	) 3>&- &
	pid=$!
	for _ in 1 2 3 4 5 6; do
		run --separate-stderr ss-verify "$S"
		[ -z "$output" ] || { echo "$output"; false; }
		((status == 0 || status == 2))
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait "$pid"
	run_ok ss-verify "$S"

	turn
	for i in 1 2 3; do
		local old=$S
		fresh "$TREE/one" "$i"
		take
		ss-prune "$old" 2>/dev/null &
		pid=$!
		run --separate-stderr ss-verify "$old"
		[ -z "$output" ] || { echo "$output"; false; }
		((status == 0 || status == 2))
		wait "$pid"
		turn
	done
}

@test "the tree of another saveset in its place is told, not compared" {
	take
	local first=$S
	fresh "$TREE/one" 2
	take
	run_code 2 ss-verify "$first"
	contains "$stderr" 'is not where the catalog has it'
	[ -z "$output" ]
}

@test "names that would harm a terminal come out escaped, in JSON valid" {
	hostile_tree "$TREE/hostile"
	take
	find "$TREE/hostile" -type f -delete
	run_code 1 ss-verify "$S"
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
	ss-verify --json "$S" >"$BATS_TEST_TMPDIR/json" 2>/dev/null || :
	run_ok jq -e '.type == "finding" or .type == "summary"' "$BATS_TEST_TMPDIR/json"
	iconv -f UTF-8 -t UTF-8 "$BATS_TEST_TMPDIR/json" >/dev/null
	run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$BATS_TEST_TMPDIR/json"
	[ "$(jq -r 'select(.path_b64) | .path_b64' "$BATS_TEST_TMPDIR/json" | wc -l)" -gt 50 ]
}

@test "what a prune took away is not reported by a shared inode" {
	local first
	take
	first=$S
	turn
	take
	run_ok ss-prune "$first"
	rot "$TREE/dir/two"
	run_code 1 ss-verify "$S"
	[ "$(grep -c . <<<"$output")" = 1 ]
	found corrupt dir/two
}
