#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names are bytes that strangers chose: from the source to the last report.

load helpers

# What no test changes: the hostile tree, copied by rsnapshot, catalogued and hashed.
setup_file() {
	share backup
}

teardown_file() {
	catalog_forget "$BATS_FILE_TMPDIR"
}

setup() {
	shared
}

backup() {
	prepared sync_host alpha
}

# prepared COMMAND...: a source that is the hostile tree, taken once by the command.
prepared() {
	conf
	TREE=$ROOT/.sync/alpha
	run_ok ss-catalog init
	rm -rf "$SRC/alpha"
	hostile_tree "$SRC/alpha"
	"$@"
	pipeline alpha
}

# own: a root and a catalog that this test may change.
own() {
	prepared copied
}

copied() {
	mkdir "$ROOT/.sync"
	mv "$SRC/alpha" "$ROOT/.sync/"
}

# Lines of a file or stream that hold a raw control byte (tab and newline separate fields).
raw_controls() {
	LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$@"
}

@test "every name and kind is stored, hashed and verified; the digests pass sha256sum -c" {
	local out=$BATS_TEST_TMPDIR
	run_ok ss-verify alpha@.sync
	run_ok ss-catalog check
	find "$TREE" -printf '%P\0' | sed -z 's/^$/./' | sort -z >"$out/want"
	ss-catalog files alpha@.sync -0 | sort -z >"$out/have"
	cmp "$out/want" "$out/have"
	ss-catalog files alpha@.sync --format sha256sum >"$out/sums"
	cd "$TREE"
	sha256sum -c --quiet --strict "$out/sums"
	[ "$(wc -l <"$out/sums")" = "$(find . -type f -printf x | wc -c)" ]
	# The stream carries every name to ss-hash.
	ss-catalog files alpha@.sync --format stream | ss-hash --format sha256sum | sort | cmp - <(sort "$out/sums")
	# Names that are SQL change nothing but their own row.
	catalog_sound
	run_ok ss-catalog files alpha@.sync
	contains "$output" 'DROP TABLE rows'
	printf '%s\n' "$output" >"$out/shown"
	ss-catalog files --json alpha@.sync >>"$out/shown"
	run_code 1 raw_controls "$out/shown"
	run_ok ss-catalog savesets
	contains "$output" alpha
}

# bats test_tags=more
@test "JSON lines are valid, and paths that are not UTF-8 come in base64 as well" {
	ss-catalog files --json alpha@.sync >"$BATS_TEST_TMPDIR/json"
	jq -e '.type' <"$BATS_TEST_TMPDIR/json" >/dev/null
	jq -r '.path_b64 // empty' <"$BATS_TEST_TMPDIR/json" |
		perl -MMIME::Base64 -ne 'print decode_base64($_), "\0"' | sort -z >"$BATS_TEST_TMPDIR/have"
	find "$TREE" -mindepth 1 -printf '%P\0' | sort -z |
		perl -MEncode -0 -ne 'chomp(my $path = $_);
			eval { decode("UTF-8", $path, Encode::FB_CROAK); 1 } or print' >"$BATS_TEST_TMPDIR/want"
	[ -s "$BATS_TEST_TMPDIR/want" ]
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/have"
}

# bats test_tags=more
@test "times before 1970 and after 2106 stay what they are; a name reaches no terminal raw" {
	own
	run_ok ss-verify alpha@.sync
	touch -d 1901-12-13T20:45:54Z "$TREE/times/1"
	touch -d 2400-01-01T00:00:01Z "$TREE/times/8"
	run_code 1 ss-verify alpha@.sync
	contains "$output" 'changed.*times/1'
	contains "$output" 'changed.*times/8'

	cd "$TREE"
	find . -type f -newermt 1900-01-01 -delete
	run_code 1 ss-verify alpha@.sync
	contains "$output" missing
	local out=$BATS_TEST_TMPDIR/out
	printf '%s\n' "$output" "$stderr" >"$out"
	run_code 1 ss-verify --json alpha@.sync
	printf '%s\n' "$output" "$stderr" >>"$out"
	ss-catalog files alpha@.sync >>"$out" 2>&1
	ss-catalog files --json alpha@.sync >>"$out" 2>&1
	cat "$LOG" >>"$out"
	[ "$(wc -l <"$out")" -gt 2000 ]
	run_code 1 raw_controls "$out"
}

# bats test_tags=more
@test "the stream carries every name there and back with NUL; paths beyond PATH_MAX" {
	local sums=$BATS_TEST_TMPDIR/sums
	own
	ss-catalog files alpha@.sync --format sha256sum >"$sums"
	catalog_drop
	rm "$ROOT/.sync/.secondshot/alpha"
	run_ok ss-catalog init
	ss-catalog add -0 alpha | ss-hash | ss-catalog store
	run_ok ss-verify alpha@.sync
	ss-catalog files alpha@.sync --format sha256sum | cmp <(sort "$sums") <(sort -)

	# Made below a location by hand: rsync refuses them.
	local name i
	printf -v name '%0200d' 0
	mkdir -p "$TREE/deep/long"
	cd "$TREE/deep/long"
	for ((i = 1; i <= 40; i++)); do
		mkdir "$name"
		cd "./$name" 2>/dev/null
		echo "level $i" >"file-$i"
	done
	ln -s file-1 link
	mkdir empty
	pipeline alpha
	run_ok ss-verify alpha@.sync
	ss-catalog files alpha@.sync --format sha256sum >"$sums"
	[ "$(grep -c 'file-[0-9]*$' "$sums")" = 40 ]
	contains "$(cat "$sums")" "^$(echo 'level 40' | sha256sum | cut -c1-64) .*/file-40\$"
	rot file-40
	run_code 1 ss-verify alpha@.sync
	contains "$output" 'corrupt.*/file-40'
	lacks "$output" 'file-39'
}
