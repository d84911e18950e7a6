#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What one small thing may cost: it is said, tried again, and stops no host and no next night.
# run_ok and run_code leave $stderr and $output.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	chattr -R -i "$BATS_TEST_TMPDIR" 2>/dev/null || true
	test_end
}

# night CODE: new content of every host, and a run; each host must have it in hourly.0.
night() {
	local host
	NIGHT=$((${NIGHT:-0} + 1))
	for host in $HOSTS; do
		printf '%0*d\n' "$NIGHT" 0 >"$SRC/$host/nightly"
	done
	run_code "$1" ss-run
	for host in $HOSTS; do
		cmp "$SRC/$host/nightly" "$ROOT/hourly.0/$host/nightly"
	done
}

@test "what cannot be removed is told with its path, left and tried again; backups go on" {
	requires root chattr
	local left
	HOSTS='alpha beta' RETAIN=hourly:2 conf
	run_ok ss-catalog init
	touch probe
	chattr +i probe 2>/dev/null || skip "no immutable files here"
	night 0
	mkdir -p "$SRC/alpha/deep/er"
	echo 1 >"$SRC/alpha/deep/er/fixed"
	night 0
	rm -r "$SRC/alpha/deep"
	# A file, and a directory with what is in it.
	chattr +i "$ROOT/hourly.0/alpha/deep/er/fixed" "$ROOT/hourly.0/beta/dir"
	night 0
	night 3
	contains "$stderr" "$ROOT/.secondshot/trash/[0-9a-f]*.*: cannot be removed: Operation not permitted .*one of 2"
	[ "$(grep -c 'cannot be removed: Op' <<<"$stderr")" = 1 ]
	contains "$stderr" 'exit 3; .*/trash/.* cannot be removed'
	# All else of that generation is gone.
	[ "$(find "$ROOT/.secondshot/trash" -type f | wc -l)" = 3 ]
	night 3
	run_code 1 ss-run --check
	contains "$output" "trash +mend +$ROOT/.secondshot/trash: not empty"
	run_code 3 ss-prune
	contains "$stderr" 'cannot be removed: Operation not permitted'
	left=$(find "$ROOT/.secondshot/trash" -name fixed)
	[ -e "$left" ]
	run_code 3 ss-run --json
	[ "$(jq -r .left <<<"$output" | sed 's/.*trash//')" != null ]
	chattr -R -i "$ROOT/.secondshot/trash"
	night 0
	[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
	[ "$(ss-run --json | jq .left)" = null ]
}
