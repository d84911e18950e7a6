#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What secondshot(7) says to do when something is lost, done.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	HOSTS=alpha conf
	export SECONDSHOT_NOW=1800000000
	ss-catalog init
}

# two_nights [HOST...]: before anything is lost; default: alpha.
two_nights() {
	[[ $# == 0 ]] || HOSTS=$* conf
	night
	echo more >"$SRC/alpha/more"
	night
}

# night [OPTION...]: a run, eight hours later.
night() {
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 28800))
	run_code "${NIGHT:-0}" ss-run "$@"
}

# lost N TREE: the last run has said so, and ends with 3 until they are gone.
lost() {
	contains "$stderr" "trees that no saveset of the catalog claims: $1, one of them $2;"
}

# all_well: what the catalog knows is what lies on the disk.
all_well() {
	run_ok ss-catalog check
	lacks "$stderr" warning
	run_ok ss-verify --all
	lacks "$stderr" warning
}

# known HOST: STATUS LOCATION of each of its savesets.
known() {
	ss-catalog savesets --json "$1" | jq -r '"\(.status) \(.location)"'
}

# bats test_tags=slow
@test "the sample hook's copy of the catalog is one to go on with" {
	requires_sqlite "a server's catalog is not in one file"
	two_nights
	local hook=$TESTS/../etc/hooks/save-catalog
	[[ ${SS_INSTALLED:-0} != 1 ]] || hook=/usr/share/doc/secondshot/examples/hooks/save-catalog
	mkdir "$BATS_TEST_TMPDIR/hooks"
	sed "s|^set -eu\$|&; PATH=$(dirname "$(type -P ss-catalog)"):\$PATH|" "$hook" >"$BATS_TEST_TMPDIR/hooks/save"
	chmod 0755 "$BATS_TEST_TMPDIR/hooks/save"
	night --hook.post="$BATS_TEST_TMPDIR/hooks/save $CATALOG"
	night --hook.post="$BATS_TEST_TMPDIR/hooks/save $CATALOG"
	[ "$(stat -c %a "$ROOT/catalog.db")" = 600 ]
	[ ! -e "$ROOT/catalog.db.new" ]
	# A night later all but the disk is lost, and the new machine has another name.
	night
	rm "$CATALOG"
	sed -i 's/^backup-host.*/backup-host = other/' "$SECONDSHOT_CONF"
	run_code 2 ss-catalog savesets
	contains "$stderr" 'there is no catalog'
	install -m 600 "$ROOT/catalog.db" "$CATALOG"
	run_code 2 ss-run
	contains "$stderr" '"backup-host = keeper"'
	sed -i 's/^backup-host.*/backup-host = keeper/' "$SECONDSHOT_CONF"
	# What lies between is the one that the copy does not know.
	night
	contains "$stderr" 'was not in this catalog, an older copy; catalogued in hourly.0'
	run_ok known alpha
	[ "$(grep -c 'complete hourly' <<<"$output")" = 3 ]
	all_well
	# A run of a disk that is away leaves nothing where it would be.
	mv "$ROOT" "$ROOT.away"
	mkdir "$ROOT"
	run_code 2 ss-run --hook.post="$BATS_TEST_TMPDIR/hooks/save $CATALOG"
	[ -z "$(ls -A "$ROOT")" ]
}

# bats test_tags=slow
@test "a damaged catalog: where to read on" {
	requires_sqlite "about its file"
	dd if=/dev/zero of="$CATALOG" bs=4096 seek=1 count=8 conv=notrunc status=none
	run_code 2 ss-run
	contains "$stderr" 'malformed .*put a copy in its place, see IF SOMETHING IS LOST in secondshot.7.$'
	run_code 1 ss-run --check
	contains "$output" '^catalog +mend .*put a copy in its place'
}

# bats test_tags=slow
@test "an old disk, and a catalog that is not its own" {
	two_nights
	catalog_drop
	run_ok ss-catalog init
	contains "$stderr" 'warning: .*the disk was a volume before'
	run_ok ss-catalog init
	lacks "$stderr" warning
	NIGHT=3 night
	lost 2 hourly.1/alpha
	NIGHT=3 night
	NIGHT=3 night
	NIGHT=3 night
	lost 2 daysago.0/alpha
	rm -r "$ROOT"/daysago.?
	night
	lacks "$stderr" warning
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "what waits in .sync is rotated, not thrown away, where the catalog does not know it" {
	requires_sqlite "a server's catalog is not in one file"
	two_nights
	cp -a "$CATALOG" "$BATS_TEST_TMPDIR/older"
	echo waits >"$SRC/alpha/more"
	night --no-rotate
	[ -e "$ROOT/.sync/alpha" ]
	local id
	id=$(sed -n 's/^id //p' "$ROOT/.sync/.secondshot/alpha")
	mv "$BATS_TEST_TMPDIR/older" "$CATALOG"
	rm -f "$CATALOG"-*
	echo later and longer >"$SRC/alpha/more"
	night
	[ "$(cat "$ROOT/hourly.1/alpha/more")" = waits ]
	grep -q "^id $id" "$ROOT/hourly.1/.secondshot/alpha"
	[ "$(cat "$ROOT/hourly.0/alpha/more")" = "later and longer" ]
	# A tree without a marker may be a torn one.
	echo torn >"$SRC/alpha/more"
	night --no-rotate
	rm "$ROOT/.sync/.secondshot/alpha"
	echo the last >"$SRC/alpha/more"
	night
	[ "$(cat "$ROOT/hourly.0/alpha/more")" = "the last" ]
	[ "$(cat "$ROOT/hourly.1/alpha/more")" = "later and longer" ]
}

# bats test_tags=slow
@test "a new disk that the old one was copied to" {
	two_nights
	cp -a "$ROOT" "$ROOT.new"
	mv "$ROOT" "$ROOT.old"
	mv "$ROOT.new" "$ROOT"
	all_well
	night
	all_well
	run_ok known alpha
	[ "$(grep -c '^complete hourly' <<<"$output")" = 3 ]
}

@test "a new disk in the place of one that is dead" {
	two_nights
	mv "$ROOT" "$ROOT.dead"
	mkdir "$ROOT"
	run_code 2 ss-catalog init
	contains "$stderr" "'ss-catalog init --volume=NAME'"
	run_ok ss-catalog init --volume=second
	night
	run_code 3 ss-verify --all
	contains "$stderr" '1 of 3 savesets verified, 0 findings'
}

# bats test_tags=slow
@test "a host that is backed up no more is removed, and forgotten" {
	two_nights alpha beta
	sed -i '/beta\/$/d' "$RSNAPSHOT_CONF"
	night
	[[ -e $ROOT/hourly.0/beta && -e $ROOT/hourly.1/beta ]]
	rm -r "$ROOT"/*.*/beta "$ROOT"/*.*/.secondshot/beta
	run_ok ss-prune
	run_code 0 known beta
	[ -z "$output" ]
	all_well
	night
}
