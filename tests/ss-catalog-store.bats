#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-catalog store and pending: digests from a stream, whatever becomes of the stream.

# shellcheck disable=SC2034,SC2154
load helpers
load catalog

setup() {
	stage
	STREAM=$BATS_TEST_TMPDIR/stream
	HASHED=$BATS_TEST_TMPDIR/hashed
}

# the files of the newest saveset that have no digest
pending() {
	ss-catalog pending alpha@.sync | grep -vc '^#'
}

store() {
	ss-catalog store <"$1"
}

@test "a stored saveset is finished, in the catalog and in its marker, by either form of the stream" {
	ss-catalog add alpha >"$STREAM"
	S=$(newest)
	[ "$(field "$S" finished full_digest)" = 'null null' ]
	lacks "$(<"$ROOT/.sync/.secondshot/alpha")" ^full
	ss-hash <"$STREAM" | store /dev/stdin
	[ "$(field "$S" finished)" != null ]
	contains "$(<"$ROOT/.sync/.secondshot/alpha")" "^full $(field "$S" full_digest)\$"
	run_ok ss-catalog check
	[ "$(pending)" = 0 ]
	[ "$(ss-catalog pending -0 "$S" | tr '\0' '\n' | grep -c '^#')" = 6 ]
	# Once more: nothing changes, nothing is wrong.
	ss-hash <"$STREAM" | store /dev/stdin
	ss-catalog files "$S" --json >"$BATS_TEST_TMPDIR/json"
	[ "$(jq -r .digest <"$BATS_TEST_TMPDIR/json" | grep -c '^sha256:')" = 5 ]
	# A digest that differs from the stored one does not replace it.
	ss-catalog files "$S" --format stream >"$HASHED"
	awk -F'\t' -v OFS='\t' '!/^#/ { $13 = sprintf("%064d", NR) } { print }' "$HASHED" >"$STREAM"
	run_code 1 store "$STREAM"
	contains "$stderr" 'differ from those stored before'
	ss-catalog files "$S" --json | jq -r .digest | cmp - <(jq -r .digest <"$BATS_TEST_TMPDIR/json")
	# Until they have been read again, the files count as corrupt.
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verdict IS NULL OR verdict <> 2')" = 0 ]
	run_ok ss-catalog check
	run_ok ss-verify "$S"
	# The other form of the stream stores the same.
	fresh "$TREE/one" 'one, again'
	ss-catalog add -0 alpha | ss-hash | ss-catalog store
	[ "$(pending)" = 0 ]
	[[ $(field "$(newest)" unhashed finished) == '0 2'* ]]
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
}

@test "a stream cut anywhere is stored as far as it is valid" {
	local all lines n
	ss-catalog add alpha >"$STREAM"
	ss-hash <"$STREAM" >"$HASHED"
	lines=$(wc -l <"$HASHED")
	catalog_save fresh
	all=$(pending)
	for ((n = 5; n < lines; n++)); do
		catalog_restore fresh
		run_code 3 store <(head -n "$n" "$HASHED")
		contains "$stderr" 'without its end'
		[ "$(pending)" -le $((all - n + 5)) ]
		run_ok ss-catalog check
	done
	# In the middle of a line.
	run_code 3 store <(head -c -20 "$HASHED")
	ss-catalog pending alpha@.sync | ss-hash | store /dev/stdin
	[ "$(pending)" = 0 ]
	run_ok ss-catalog check
}

@test "a part of a stream, as a filter leaves it, is a valid stream" {
	local all
	ss-catalog add alpha >"$STREAM"
	all=$(pending)
	# Before the hashing, and behind it.
	run_ok ss-hash < <(grep -v 'sub/three$' "$STREAM")
	[ "${lines[-1]}" = '#end -' ]
	run_code 3 store <(echo "$output")
	contains "$stderr" '1 files are still without digest'
	[ "$(pending)" = 1 ]
	ss-catalog pending alpha@.sync | sed 's/^#end .*/#end -/' | ss-hash >"$HASHED"
	[ "$(tail -n 1 "$HASHED")" = '#end -' ]
	run_ok store <(awk '/^#/ || /three/' "$HASHED")
	[ "$(pending)" = 0 ]
	((all > 1))
	run_ok ss-catalog check
}

@test "an empty stream, a foreign one, a wrong one: exit 2, with the line; records of no file change nothing" {
	ss-catalog add alpha >"$STREAM"
	ss-hash <"$STREAM" >"$HASHED"
	local all
	all=$(pending)
	[ "$all" -gt 0 ]
	# Another inode, size, time; a number beyond all bounds is a bad stream.
	run_code 3 store <(awk -F'\t' -v OFS='\t' '!/^#/ { $8 += 1000000 } { print }' "$HASHED")
	run_code 3 store <(awk -F'\t' -v OFS='\t' '!/^#/ { $6 += 1 } { print }' "$HASHED")
	[ "$(pending)" = "$all" ]
	run_code 2 store <(awk -F'\t' -v OFS='\t' '!/^#/ { $6 = "99999999999999999999" } { print }' "$HASHED")
	run_code 2 store <(awk -F'\t' -v OFS='\t' '!/^#/ { $12 = "md4" } { print }' "$HASHED")
	run_code 2 store <(awk -F'\t' -v OFS='\t' '!/^#/ { $13 = "00" } { print }' "$HASHED")
	[ "$(pending)" = "$all" ]
	run_code 2 store /dev/null
	contains "$stderr" empty
	run_code 2 store <(echo 'hello')
	contains "$stderr" 'line 1'
	run_code 2 store <(sed '1s/1$/2/' "$HASHED")
	contains "$stderr" 'line 1'
	run_code 2 store <(sed '7s/	[^	]*$//' "$HASHED")
	contains "$stderr" 'line 7'
	run_code 2 store <(sed '8s/$/\\q/' "$HASHED")
	contains "$stderr" 'line 8'
	run_code 2 store <(grep -v '^#marker' "$HASHED")
	run_code 2 store <(sed 's/^#marker .*/#marker 00000000000000000000000000000000/' "$HASHED")
	contains "$stderr" 'no such saveset'
	run_code 2 store <(sed 's/^#saveset .*/#saveset other/' "$HASHED")
	run_code 2 store /dev/urandom
	run_code 2 store <(sed 's/^#end .*/#end 1/' "$HASHED")
	contains "$stderr" 'the end counts fewer records'
	# What came before the wrong line was kept, and the rest is done now.
	run_ok store "$HASHED"
	run_ok ss-catalog check
}

@test "files that could not be hashed leave the saveset unfinished: exit 3" {
	ss-catalog add alpha >"$STREAM"
	rm "$TREE/dir/two"
	run_code 3 bash -c 'ss-hash <"$1" | ss-catalog store' - "$STREAM"
	S=$(newest)
	[ "$(field "$S" unhashed finished)" = '1 null' ]
	[ "$(ss-catalog pending "$S" | grep -v '^#' | cut -f14)" = dir/two ]
	run_code 1 ss-verify "$S"
	run_code 3 ss-catalog files "$S" --format sha256sum
}

@test "a marker that is gone, or another saveset's, is not written: exit 3, and not finished" {
	local marker=$ROOT/.sync/.secondshot/alpha
	ss-catalog add alpha | ss-hash >"$HASHED"
	S=$(newest)
	cp "$marker" "$BATS_TEST_TMPDIR/marker"
	rm "$marker"
	run_code 3 store "$HASHED"
	contains "$stderr" "$S: its marker is not on disk any more"
	[ ! -e "$marker" ]
	# The digests are stored; but what the disk does not know the catalog does not claim.
	[ "$(pending) $(field "$S" finished full_digest)" = '0 null null' ]
	sed 's/^id .*/id 0123456789abcdef0123456789abcdef/' "$BATS_TEST_TMPDIR/marker" >"$marker"
	cp "$marker" "$BATS_TEST_TMPDIR/foreign"
	run_code 3 store "$HASHED"
	contains "$stderr" "$S: its marker is not on disk any more"
	cmp "$marker" "$BATS_TEST_TMPDIR/foreign"
	[ "$(field "$S" finished full_digest)" = 'null null' ]
	# One that cannot be read may be its own.
	echo broken >"$marker"
	run_code 2 store "$HASHED"
	contains "$stderr" 'marker of alpha.*damaged'
	[ "$(field "$S" finished full_digest)" = 'null null' ]
	cp "$BATS_TEST_TMPDIR/marker" "$marker"
	run_ok store "$HASHED"
	contains "$(<"$marker")" "^full $(field "$S" full_digest)\$"
	run_ok ss-catalog check
}

# bats test_tags=more
@test "ss-hash or store killed, then resumed by pending" {
	local n
	(cd "$TREE" && for n in $(seq 300); do echo "$n" >"file-$n"; done)
	ss-catalog add alpha >"$STREAM"
	ss-hash <"$STREAM" | head -n 100 | { run_code 3 ss-catalog store; }
	ss-hash <"$STREAM" >"$HASHED"
	for n in 1 3 5 8 12; do
		strace -f -qq -o /dev/null -e inject="${CATALOG_CALLS%%,*}":signal=KILL:when="$n" \
			ss-catalog store <"$HASHED" 2>/dev/null || :
		catalog_sound
	done
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	[ "$(pending)" = 0 ]
	run_ok ss-catalog check
	run_ok ss-verify alpha@.sync
}

# bats test_tags=more
@test "each algorithm is stored with its digest, and all verify side by side" {
	local algo
	for algo in md5 sha1 sha512 sha512-256 blake2b512 sha256; do
		echo "$algo" >"$TREE/$algo"
		(set -o pipefail; ss-catalog add --hashtype "$algo" alpha | ss-hash | ss-catalog store)
	done
	run_ok ss-verify alpha@.sync
	run_ok ss-catalog check
	run_ok ss-catalog files alpha@.sync
	for algo in md5 sha1 sha512 sha512-256 blake2b512 sha256; do
		contains "$output" "$algo:[0-9a-f]* $algo\$"
	done
	contains "$output" "blake2b512:$(b2sum <"$TREE/blake2b512" | cut -c-128)"
}

# under STREAM: records from stdin under the head of a stream, as if ss-hash had read nothing but zeros.
under() {
	awk -F'\t' -v OFS='\t' 'FNR == NR { if (/^#/ && !/^#end/) print; next }
		{ $1 = "ok"; $11 = "media"; $12 = "sha256"; $13 = sprintf("%064d", 0); print; n++ }
		END { print "#end " n }' "$1" -
}

# record STREAM PATH
record() {
	awk -F'\t' -v path="$2" '!/^#/ && $14 == path' "$1"
}

# refused STREAM: exit 3; each of its records is told, and none changes anything.
refused() {
	local n before
	n=$(grep -vc '^#' "$1")
	before=$(sql "SELECT ino, since, hex(digest), verdict FROM inodes ORDER BY series, ino, since")
	run_code 3 store "$1"
	[[ $stderr =~ " $n records are of files it does not hold, and are not stored; one is of "([^[:space:]]*) ]]
	record "$1" "${BASH_REMATCH[1]}" | grep -q .
	[ "$(sql "SELECT ino, since, hex(digest), verdict FROM inodes ORDER BY series, ino, since")" = "$before" ]
}

@test "no digest and no verdict for a file that the stream's saveset does not hold" {
	local first=$BATS_TEST_TMPDIR/first second=$BATS_TEST_TMPDIR/second forged=$BATS_TEST_TMPDIR/forged
	local one two
	ss-catalog add alpha >"$first" 2>/dev/null
	one=$(newest)
	turn
	rm "$TREE/nothing"
	fresh "$TREE/dir/two" 'two, again'
	ss-catalog add alpha >"$second" 2>/dev/null
	two=$(newest)
	# What the first alone holds: a file that is gone, a path that has another file now.
	record "$first" nothing | under "$second" >"$forged"
	refused "$forged"
	{ record "$first" nothing && record "$first" dir/two; } | under "$second" >"$forged"
	refused "$forged"
	# What the second alone holds.
	record "$second" dir/two | under "$first" >"$forged"
	refused "$forged"
	# Of no file at all; of one with another size or time.
	record "$second" dir/two | awk -F'\t' -v OFS='\t' '{ $8 += 1000000 } { print }' | under "$second" >"$forged"
	refused "$forged"
	record "$second" dir/two | awk -F'\t' -v OFS='\t' '{ $6 += 1 } { print }' | under "$second" >"$forged"
	refused "$forged"
	# What both hold is taken from either; and they are finished one by one.
	record "$second" dir/sub/three | grep -q .
	record "$first" dir/sub/three | under "$second" | { run_code 3 store /dev/stdin; lacks "$stderr" 'does not hold'; }
	[ "$(ss-catalog files "$one" --json | grep -c 'sha256:0\{64\}')" = 1 ]
	sql "UPDATE inodes SET digest = NULL"
	ss-catalog pending "$one" | ss-hash | store /dev/stdin
	ss-catalog pending "$two" | ss-hash | store /dev/stdin
	# Nor can anybody else say of a file that it differs.
	record "$first" nothing | under "$second" >"$forged"
	refused "$forged"
	record "$second" dir/two | under "$first" >"$forged"
	refused "$forged"
	record "$second" dir/two | awk -F'\t' -v OFS='\t' '{ $6 += 1 } { print }' | under "$second" >"$forged"
	refused "$forged"
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verdict IS NOT NULL')" = 0 ]
	run_ok ss-verify "$one" "$two"
	run_ok ss-catalog check
	# The saveset was pruned; what it held and others hold still is not its any more.
	rm -r "$ROOT/hourly.0"
	ss-catalog reconcile
	run_ok ss-prune
	record "$first" dir/sub/three | under "$first" >"$forged"
	run_code 2 store "$forged"
	contains "$stderr" 'no such saveset'
}

@test "a stream says nothing of another host's files" {
	HOSTS='alpha beta' stage
	cp -a "$SRC/beta" "$ROOT/.sync/"
	rm "$ROOT/.sync/beta/one"
	ss-catalog add alpha >"$STREAM" 2>/dev/null
	ss-catalog add beta >"$HASHED" 2>/dev/null
	grep -v '^#' "$STREAM" | under "$HASHED" >"$BATS_TEST_TMPDIR/forged"
	refused "$BATS_TEST_TMPDIR/forged"
	run_code 3 ss-catalog store <"$HASHED"
	lacks "$stderr" 'does not hold'
}

# bats test_tags=more
@test "a saveset that is taken back while its stream is stored gets nothing more, nor does the next" {
	local n pid forged=$BATS_TEST_TMPDIR/forged
	(cd "$TREE" && for n in {1..2100}; do echo "$n" >"file-$n"; done)
	ss-catalog add alpha >"$STREAM" 2>/dev/null
	# As if add had been killed before its end.
	sql "DELETE FROM locations"
	sql "UPDATE savesets SET seq = NULL, status = 0"
	sql "UPDATE series SET last_seq = 0"
	grep -v '^#' "$STREAM" | under "$STREAM" >"$forged"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	ss-catalog store <"$BATS_TEST_TMPDIR/fifo" 2>"$BATS_TEST_TMPDIR/err" &
	pid=$!
	exec 9>"$BATS_TEST_TMPDIR/fifo"
	head -n $((5 + 2048)) "$forged" >&9
	some_digests() { [ "$(sql 'SELECT count(*) FROM inodes WHERE digest IS NOT NULL')" = 2048 ]; }
	until_true some_digests
	ss-catalog add alpha >"$HASHED" 2>/dev/null
	[ "$(sql 'SELECT count(*) FROM inodes WHERE digest IS NOT NULL')" = 0 ]
	tail -n +$((6 + 2048)) "$forged" >&9
	exec 9>&-
	run_code 2 wait "$pid"
	contains "$(<"$BATS_TEST_TMPDIR/err")" 'records are of files it does not hold'
	contains "$(<"$BATS_TEST_TMPDIR/err")" 'is not in the catalog any more'
	[ "$(sql 'SELECT count(*) FROM inodes WHERE digest IS NOT NULL')" = 0 ]
	ss-hash <"$HASHED" | store /dev/stdin
	run_ok ss-verify alpha@.sync
}

@test "digests that come with one saveset are counted for all that share them; check compares the count" {
	ss-catalog add alpha >/dev/null
	local first n
	first=$(newest)
	turn
	fresh "$TREE/dir/two" 'of the second alone'
	ss-catalog add alpha >"$STREAM"
	# The second is hashed but for its own file: what the first has is done all the same.
	ss-hash <"$STREAM" | grep -v 'dir/two' | sed 's/^#end .*/#end -/' | run_code 3 store /dev/stdin
	[ "$(field "$first" unhashed)" = 1 ]
	[ "$(field "$(newest)" unhashed)" = 1 ]
	run_ok ss-catalog check
	run_ok bash -o pipefail -c "ss-catalog pending '$first' | ss-hash | ss-catalog store"
	[ "$(field "$first" unhashed)" = 0 ]
	contains "$(<"$ROOT/hourly.0/.secondshot/alpha")" "^full $(field "$first" full_digest)\$"
	run_ok ss-catalog check
	# A count that is wrong either way, also of one that has all its digests.
	for n in 3 0; do
		sql "UPDATE savesets SET unhashed = $n"
		run_code 1 ss-catalog check
		contains "$output" "files without digest: [01], should be $n\$"
	done
	sql 'UPDATE savesets SET unhashed = 3'
	run_code 1 ss-catalog check
	contains "$stderr" "2 of them only count files .*'ss-catalog pending SAVESET . ss-hash . ss-catalog store'"
	run_ok bash -o pipefail -c "ss-catalog pending '$first' | ss-hash | ss-catalog store"
	run_ok bash -o pipefail -c "ss-catalog pending '$(newest)' | ss-hash | ss-catalog store"
	run_ok ss-catalog check
}
