#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# ss-run, night after night, with hosts behind ssh that are away or die, and power cuts;
# the long form is tests/torture/nights.

load helpers
load lan


setup() {
	lan_needs
	requires sqlite3 perl
}

nights() {
	run "$TESTS/torture/nights" --nights=8 --seed="$((RANDOM))" --dir="$BATS_TEST_TMPDIR" "$@"
	printf '%s\n' "$output"
	[ "$status" -eq 0 ]
}

@test "eight nights: nothing is lost, and disk and catalog are what they should be" {
	nights
}

# bats test_tags=long
@test "eight nights with link_dest 0" {
	nights --link-dest=0
}

# damaged COMMAND...: the nights with an ss-run that does this as well, when it has run
# the first time; root and catalog are where things are.
damaged() {
	local bin=$BATS_TEST_TMPDIR/bin tool
	rm -rf "$bin"
	mkdir "$bin"
	for tool in "$(type -p ss-run)" "$(type -p ss-catalog)" "$(type -p ss-verify)" "$RRSYNC"; do
		ln -s "$tool" "$bin/"
	done
	mv "$bin/ss-run" "$bin/real"
	cat >"$bin/ss-run" <<-END
		#!/bin/bash
		"$(readlink "$bin/real")" "\$@"
		code=\$?
		root=\${SECONDSHOT_CONF%/*}/root catalog=\${SECONDSHOT_CONF%/*}/catalog.db
		{ $*; } || exit 99
		exit \$code
	END
	chmod +x "$bin/ss-run"
	run env SS_INSTALLED=0 SS_BIN="$bin" SS_RRSYNC="$RRSYNC" "$TESTS/torture/nights" --nights=8 --seed=7 \
		--dir="$BATS_TEST_TMPDIR"
	[ "$status" -eq 1 ] || { printf '%s\n' "$output"; return 1; }
}

# bats test_tags=long
# shellcheck disable=SC2016
@test "the judge of these nights sees what is wrong" {
	damaged 'f=$(find $root/hourly.0/alpha/d1 -type f -name "f*" | head -n 1); t=$(stat -c %y "$f");
		printf x | dd of="$f" conv=notrunc status=none; touch -d "$t" "$f"'
	contains "$output" "hourly.0/alpha is not generation 1: .*: what is"
	damaged 'rm -r "$root/hourly.0/beta"'
	contains "$output" 'beta hourly.0 has nothing, should have 1'
	damaged 'sqlite3 "$catalog" "DELETE FROM locations WHERE saveset = 1"'
	contains "$output" 'hourly.0/alpha is in the catalog as nothing'
	damaged 'sqlite3 "$catalog" "UPDATE paths SET mode = mode + 1 WHERE type = 108"'
	contains "$output" "the catalog's beta, generation 1: .*: mode is"
}
