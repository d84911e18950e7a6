#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: several disks in turn under one snapshot root, and a disk that is away.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# begin [KEY=VALUE...]: the snapshot root is a link to a disk; the first one is in.
begin() {
	conf "$@"
	export SECONDSHOT_NOW=1800000000
	mv "$ROOT" first
	mkdir second third
	insert first
	ss-catalog init
	insert second
	ss-catalog init --volume=second
	insert first
}

# insert [DISK]: that one is in; none if it is not given.
insert() {
	rm -f "$ROOT"
	[[ -z ${1:-} ]] || ln -s "$1" "$ROOT"
}

# days N: later.
days() {
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + $1 * 86400))
}

# saved: a saveset of alpha in hourly.0 of the disk that is in, without a run of ss-run.
saved() {
	mkdir "$ROOT/.sync"
	cp -a "$SRC/alpha" "$ROOT/.sync/"
	pipeline alpha
	[[ ! -e $ROOT/hourly.0 ]] || mv "$ROOT/hourly.0" "$ROOT/hourly.1"
	mv "$ROOT/.sync" "$ROOT/hourly.0"
	ss-catalog reconcile
}

# savesets VOLUME: STATUS LOCATION of each.
savesets() {
	ss-catalog savesets --json alpha | jq -r --arg v "$1" 'select(.volume == $v) | "\(.status) \(.location)"'
}

@test "the disk's id tells which volume it is" {
	begin
	saved
	days 1
	insert second
	run_ok ss-run --dry-run
	contains "$output" 'ss-catalog add .*--volume=second'
	run_ok ss-run
	contains "$stderr" 'alpha-second-'
	days 1
	echo new >"$SRC/alpha/new"
	saved
	days 1
	insert first
	run_ok ss-run
	contains "$stderr" 'alpha-backup-'
	run_ok savesets backup
	[[ ${#lines[@]} == 2 && ${lines[0]} == "complete hourly.1" && ${lines[1]} == "complete hourly.0" ]]
	run_ok savesets second
	[[ ${#lines[@]} == 2 && ${lines[0]} == "complete hourly.1" && ${lines[1]} == "complete hourly.0" ]]
	[[ -e first/hourly.0/alpha/new && ! -e first/hourly.1/alpha/new ]]
	# Of a disk that is not in nothing is said but that.
	run_code 3 ss-catalog check
	lacks "$output" differs
	contains "$stderr" 'volume offline: second is not at .*root: savesets not compared with their markers: 2$'
	contains "$stderr" '4 savesets checked, 0 findings'
	run_ok ss-catalog check "$(ss-catalog savesets --json alpha | jq -r 'select(.volume == "backup").name' | tail -n1)"
}

@test "ss-catalog check goes on where a disk is away, and finds what can be found" {
	local second
	begin
	saved
	days 1
	insert second
	saved
	second=$(ss-catalog savesets --json alpha | jq -r 'select(.volume == "second").name')
	insert first
	run_code 3 ss-catalog check --json
	[ "$(jq -c 'select(.type == "offline") | [.volume, .savesets]' <<<"$output")" = '["second",1]' ]
	# Another machine's disk is for that one to look at.
	run_ok ss-catalog check --backup-host=other
	run_code 2 ss-catalog check "$second"
	contains "$stderr" 'volume offline: .* is another volume'
	catalog_save good
	sql 'UPDATE savesets SET files = files + 1'
	run_code 1 ss-catalog check
	contains "$output" "^differs	$second	number of files"
	contains "$stderr" 'volume offline: second'
	catalog_restore good
	rm first/hourly.0/.secondshot/alpha
	run_code 1 ss-catalog check
	contains "$output" 'marker: missing'
	contains "$stderr" 'volume offline: second'
	# With none of them there is nothing to compare with.
	insert none
	run_code 2 ss-catalog check
	contains "$stderr" 'volume offline: backup'
	contains "$stderr" 'volume offline: second'
}

@test "ss-verify --all verifies what is there, and names once each disk that is away" {
	begin
	saved
	insert second
	saved
	days 1
	saved
	insert first
	run_code 3 ss-verify --all --json
	[ "$(jq -c 'select(.type == "offline") | [.volume, .savesets]' <<<"$output")" = '["second",2]' ]
	[ "$(jq -c 'select(.type == "summary") | [.verified, .savesets]' <<<"$output")" = '[1,3]' ]
	[ "$(grep -c 'volume offline: second is not at .*root: savesets not verified: 2$' <<<"$stderr")" = 1 ]
	[ "$(grep -c 'volume offline' <<<"$stderr")" = 1 ]
	rot "$(find first/hourly.0/alpha -name one)"
	run_code 1 ss-verify --all
	contains "$output" '^corrupt'
	insert second
	run_code 3 ss-verify --all
	contains "$stderr" '2 of 3 savesets verified'
	echo nonsense >second/.secondshot/volume
	run_code 2 ss-verify --all
	# Once for each volume that it may be.
	[ "$(grep -c "does not hold a volume's id" <<<"$stderr")" = 2 ]
	insert
	run_code 2 ss-verify --all
	contains "$stderr" '0 of 3 savesets verified'
}

@test "so it does for ss-catalog, by hand" {
	begin
	insert second
	saved
	run_ok savesets second
	[ "$output" = "complete hourly.0" ]
	saved
	run_ok ss-prune alpha@hourly.1
	run_ok savesets second
	[ "$output" = "complete hourly.0" ]
	[ ! -e second/hourly.1/alpha ]
	run_ok ss-run --check
	lacks "$output" 'is not the disk'
}

@test "a volume that was named is that one, whatever disk is in" {
	begin
	insert second
	run_code 2 ss-run --volume=backup
	contains "$stderr" "volume offline: .*another volume's id than backup"
	echo 'volume = backup' >>"$SECONDSHOT_CONF"
	run_code 2 ss-run
	[ ! -e second/.sync ]
	insert first
	run_ok ss-run --dry-run
}

@test "a machine that was renamed is told how to go on with its savesets" {
	begin
	saved
	sed -i 's/^backup-host.*/backup-host = renamed/' "$SECONDSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" 'this disk as volume backup of keeper, and this is renamed: .*"backup-host = keeper"'
	contains "$(<"$LOG")" 'level=error msg=.*this disk as volume backup of keeper'
	run_code 1 ss-run --check
	contains "$output" '^volume +mend .*"backup-host = keeper"'
	# It can begin anew, knowingly.
	run_ok ss-catalog init
	contains "$stderr" 'warning: the catalog knows this disk as volume backup of keeper'
	run_ok ss-catalog init
	lacks "$stderr" warning
	run_code 2 ss-run --backup-host=third
	contains "$stderr" '"backup-host = keeper"'
	sed -i 's/^backup-host.*/backup-host = keeper/' "$SECONDSHOT_CONF"
	days 1
	run_ok ss-run
	run_ok savesets backup
	[[ ${#lines[@]} == 2 && ${lines[0]} == "complete hourly.1" && ${lines[1]} == "complete hourly.0" ]]
}

@test "a disk that nobody knows is refused, with what makes it one" {
	begin
	insert third
	run_code 2 ss-run
	contains "$stderr" "no .secondshot/volume: is the disk mounted"
	# Another catalog's.
	cp -r first/.secondshot third/
	sed -i "s/^id .*/id $(printf '%032d' 7)/" third/.secondshot/volume
	run_code 2 ss-run
	contains "$stderr" "a disk that the catalog does not know; 'ss-catalog init --volume=NAME'"
	[ ! -e third/.sync ]
	run_ok ss-catalog init --volume=third
	run_ok ss-run
	contains "$stderr" 'alpha-third-'
	run_ok savesets backup
	[ "$output" = "" ]
}

@test "without max-age a disk that is away is an error" {
	begin
	insert
	run_code 2 ss-run
	contains "$stderr" 'volume offline'
	mkdir "$ROOT"
	run_code 2 ss-run
	contains "$stderr" 'volume offline'
	[ -z "$(ls -A "$ROOT")" ]
}

@test "with max-age it is none, until it was away for too long" {
	begin max-age=7d
	saved
	insert second
	saved
	insert
	days 3
	run_ok ss-run
	contains "$stderr" 'ss-run: volume offline: nothing at .*root, nothing to do'
	[ ! -e "$ROOT" ]
	# Nor is an empty mount point.
	mkdir "$ROOT"
	run_ok ss-run --quiet
	[ "$stderr" = "" ]
	rmdir "$ROOT"
	insert second
	run_ok ss-run
	insert
	days 5
	run_code 1 ss-run
	contains "$stderr" 'volume backup is overdue: .* 2027-.*, 8 days ago'
	lacks "$stderr" 'volume second'
	days 3
	run_code 1 ss-run
	contains "$stderr" 'volume backup is overdue'
	contains "$stderr" 'volume second is overdue'
}

# bats test_tags=more
@test "each run names the other disks that are overdue" {
	begin max-age=7d
	days 8
	run_code 1 ss-run
	contains "$stderr" 'alpha: complete'
	contains "$stderr" 'volume second is overdue: it has no complete saveset since it was made'
	lacks "$stderr" 'volume backup'
	[ -d "$ROOT/hourly.0" ]
	insert second
	run_ok ss-run
}

@test "a catalog that is not there tells nothing of a disk that is away" {
	requires_sqlite "a server's that is not there is one that is away"
	begin max-age=7d
	insert
	mv "$CATALOG" catalog
	run_code 2 ss-run
}

# bats test_tags=more
@test "cmd_preexec mounts the disk, cmd_postexec unmounts it" {
	requires root mountns mkfs.ext4
	conf max-age=7d
	truncate -s 32M image
	mkfs.ext4 -q image
	mkdir -p at
	unshare -m mount -o loop image at 2>/dev/null || skip "needs loop devices"
	printf '#!/bin/bash\nexec mount -o loop %q %q\n' "$PWD/image" "$ROOT" >mount-it
	printf '#!/bin/bash\nexec umount %q\n' "$ROOT" >unmount-it
	chmod +x mount-it unmount-it
	export ROOT
	# As somebody does who makes the disk a volume by hand.
	run_ok unshare -m bash -c './mount-it && ss-catalog init && umount "$ROOT"'
	# Not mounted: away.
	run_ok ss-run
	contains "$stderr" 'volume offline'
	printf 'cmd_preexec\t%s\ncmd_postexec\t%s\n' "$PWD/mount-it" "$PWD/unmount-it" >>"$RSNAPSHOT_CONF"
	run_ok unshare -m bash -c 'ss-run && ! mountpoint -q "$ROOT"'
	contains "$stderr" 'rotated hourly'
	# After a run that failed, too.
	mv "$SRC/alpha" kept
	run_ok unshare -m bash -c '! ss-run && ! mountpoint -q "$ROOT"'
	contains "$stderr" 'alpha: failed'
	[ -z "$(ls -A "$ROOT")" ]
	run_ok unshare -m bash -c './mount-it && ls "$ROOT"'
	contains "$output" 'hourly.0'
}

@test "a disk that is gone for good: given up, and neither check nor a run misses it any more" {
	begin max-age=14d
	saved
	insert second
	saved
	insert first
	sql "UPDATE volumes SET created = 1"
	days 30
	run_code 1 ss-run
	contains "$stderr" 'volume second is overdue'
	run_code 3 ss-catalog check
	contains "$stderr" "forgotten by 'ss-prune --given-up=VOLUME'"
	# What is there is not given up, nor what is not known, and not by the way.
	local wrong before
	before=$(catalog_sum)
	for wrong in backup secnod 'second alpha' 'second --volume=second'; do
		# shellcheck disable=SC2086
		run_code 2 ss-prune --given-up=$wrong
	done
	contains "$stderr" 'goes with no saveset and no --volume'
	run_code 2 ss-prune --given-up=backup
	contains "$stderr" 'volume backup is there'
	run_ok ss-prune -n --given-up=second
	contains "$output" '^forget.alpha-second-.*complete$'
	[ "$(catalog_sum)" = "$before" ]
	# Another backup host has the disk too, and keeps what it has there.
	insert second
	run_ok ss-catalog init --volume=its --backup-host=other
	insert
	run_ok ss-prune --given-up=second --json
	contains "$output" '"type":"forget","saveset":"alpha-second-.*"dry_run":false'
	contains "$stderr" 'volume second is forgotten, with 1 savesets, [1-9][0-9]* rows'
	insert first
	run_code 2 ss-catalog savesets --volume=second
	[ "$(ss-catalog volumes --json | jq -r '"\(.backup_host) \(.name)"' | sort | xargs)" = 'keeper backup other its' ]
	[ "$(sql "SELECT count(*) FROM generations WHERE volume = $(bytes "$(sed -n 's/^id //p' second/.secondshot/volume)")")" != 0 ]
	load catalog
	no_orphans
	[ "$(sql 'SELECT count(*) FROM series')" = 1 ]
	run_ok ss-catalog check
	run_ok ss-verify --all
	run_ok ss-run
	lacks "$stderr" overdue
	run_ok ss-prune --given-up=its --backup-host=other
	[ "$(sql "SELECT count(*) FROM generations WHERE volume = $(bytes "$(sed -n 's/^id //p' second/.secondshot/volume)")")" = 0 ]
	run_ok ss-catalog hosts
	# It turns up again.
	insert second
	run_ok ss-catalog init --volume=second
	run_code 3 ss-catalog check --volume=second
	contains "$stderr" 'claims: 1, one of them hourly.0/alpha'
}
