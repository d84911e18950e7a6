#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names are bytes that strangers chose: from the source to the last report.

load helpers

setup() {
	conf
	TREE=$ROOT/.sync/alpha
	run_ok ss-catalog init
}

# backup: the hostile tree, copied by rsnapshot, catalogued and hashed.
backup() {
	rm -rf "$SRC/alpha"
	hostile_tree "$SRC/alpha"
	sync_host alpha
	pipeline alpha
}

# Lines of a file or stream that hold a raw control byte (tab and newline separate fields).
raw_controls() {
	LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$@"
}

# bats test_tags=more
@test "every name and kind is stored, hashed and verified" {
	backup
	run_ok ss-verify alpha@.sync
	run_ok ss-catalog check
	find "$TREE" -printf '%P\0' | sed -z 's/^$/./' | sort -z >"$BATS_TEST_TMPDIR/want"
	ss-catalog files alpha@.sync -0 | sort -z >"$BATS_TEST_TMPDIR/have"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/have"
}

# bats test_tags=more
@test "the stored digests pass sha256sum -c, all of them" {
	backup
	ss-catalog files alpha@.sync --format sha256sum >"$BATS_TEST_TMPDIR/sums"
	cd "$TREE"
	sha256sum -c --quiet --strict "$BATS_TEST_TMPDIR/sums"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/sums")" = "$(find . -type f -printf x | wc -c)" ]
}

# bats test_tags=more
@test "ss-hash on plain paths passes sha256sum -c, all of them" {
	once "needs no catalog"
	hostile_tree "$BATS_TEST_TMPDIR/tree"
	cd "$BATS_TEST_TMPDIR/tree"
	find . -type f -print0 | ss-hash -0 --format sha256sum >"$BATS_TEST_TMPDIR/sums"
	run_ok sha256sum -c --quiet --strict "$BATS_TEST_TMPDIR/sums"
	[ -z "$output$stderr" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/sums")" = "$(find . -type f -printf x | wc -c)" ]
}

@test "a name reaches no terminal raw" {
	backup
	cd "$TREE"
	find . -type f -newermt 1900-01-01 -delete
	run_code 1 ss-verify alpha@.sync
	contains "$output" missing
	local out=$BATS_TEST_TMPDIR/out
	ss-verify alpha@.sync >"$out" 2>&1 || :
	ss-verify --json alpha@.sync >>"$out" 2>&1 || :
	ss-catalog files alpha@.sync >>"$out" 2>&1
	ss-catalog files --json alpha@.sync >>"$out" 2>&1
	cat "$LOG" >>"$out"
	run ! raw_controls "$out"
}

# bats test_tags=more
@test "JSON lines are valid, and paths that are not UTF-8 come in base64 as well" {
	backup
	ss-catalog files --json alpha@.sync >"$BATS_TEST_TMPDIR/json"
	jq -e '.type' <"$BATS_TEST_TMPDIR/json" >/dev/null
	jq -j 'select(.path_b64) | .path_b64, "\n"' <"$BATS_TEST_TMPDIR/json" |
		while read -r line; do base64 -d <<<"$line"; printf '\0'; done |
		sort -z >"$BATS_TEST_TMPDIR/have"
	find "$TREE" -mindepth 1 -printf '%P\0' | sort -z |
		perl -MEncode -0 -ne 'chomp(my $path = $_);
			eval { decode("UTF-8", $path, Encode::FB_CROAK); 1 } or print' >"$BATS_TEST_TMPDIR/want"
	[ -s "$BATS_TEST_TMPDIR/want" ]
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/have"
}

# bats test_tags=more
@test "the stream carries every name there and back, as lines and with NUL" {
	local sums=$BATS_TEST_TMPDIR/sums
	backup
	ss-catalog files alpha@.sync --format stream | ss-hash --format sha256sum >"$sums"
	(cd "$TREE" && sha256sum -c --quiet --strict "$sums")

	catalog_drop
	rm "$ROOT/.sync/.secondshot/alpha"
	run_ok ss-catalog init
	ss-catalog add -0 alpha | ss-hash | ss-catalog store
	run_ok ss-verify alpha@.sync
	ss-catalog files alpha@.sync --format sha256sum | cmp <(sort "$sums") <(sort -)
}

# bats test_tags=more
@test "paths beyond PATH_MAX, made below a location by hand" {
	backup
	hostile_tree "$TREE/deep" --long --depth=40
	pipeline alpha
	run_ok ss-verify alpha@.sync
	ss-catalog files alpha@.sync --format sha256sum >"$BATS_TEST_TMPDIR/sums"
	[ "$(grep -c 'file-[0-9]*$' "$BATS_TEST_TMPDIR/sums")" = 40 ]
	# shellcheck disable=SC2016
	contains "$(cat "$BATS_TEST_TMPDIR/sums")" "^$(echo 'level 40' | sha256sum | cut -c1-64) .*/file-40\$"

	local name i
	printf -v name '%0200d' 0
	cd "$TREE/deep/long"
	for ((i = 1; i <= 40; i++)); do cd "./$name" 2>/dev/null; done
	rot file-40
	run_code 1 ss-verify alpha@.sync
	[ "${#lines[@]}" -ge 1 ]
	contains "$output" 'corrupt.*/file-40'
	lacks "$output" 'file-39'
}

@test "names that are SQL change nothing but their own row" {
	backup
	catalog_sound
	run_ok ss-catalog files alpha@.sync
	contains "$output" 'DROP TABLE rows'
	run_ok ss-catalog savesets
	contains "$output" alpha
}

# bats test_tags=more
@test "times before 1970 and after 2106 stay what they are" {
	backup
	run_ok ss-verify alpha@.sync
	touch -d 1901-12-13T20:45:54Z "$TREE/times/1"
	touch -d 2400-01-01T00:00:01Z "$TREE/times/8"
	run_code 1 ss-verify alpha@.sync
	contains "$output" 'changed.*times/1'
	contains "$output" 'changed.*times/8'
}
