#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: an ordinary night, with the real rsnapshot and rsync.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# begin [KEY=VALUE...]: configuration as conf, and a catalog.
begin() {
	conf "$@"
	ss-catalog init
}

# savesets HOST: one line each, oldest first: STATUS LOCATION FILES.
savesets() {
	ss-catalog savesets --json "$1" | jq -r '"\(.status) \(.location) \(.files)"'
}

# equal SOURCE TREE: the stored tree is the source.
equal() {
	run rsync -aHnic --delete "$1/" "$2/"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

@test "two hosts are synced, catalogued, hashed and rotated, twice" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	contains "$stderr" 'alpha: complete, [0-9]+ files, alpha-backup-'
	contains "$stderr" 'beta: complete'
	contains "$stderr" 'rotated hourly'
	[ "$output" = "" ]
	echo more >>"$SRC/alpha/one"
	run_ok ss-run
	[ ! -e "$ROOT/.sync" ]
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	equal "$SRC/beta" "$ROOT/hourly.1/beta"
	run_ok savesets alpha
	[[ ${#lines[@]} == 2 && ${lines[0]} == "complete hourly.1 "* && ${lines[1]} == "complete hourly.0 "* ]]
	run_ok ss-verify --all
	[ -z "$(ls "$ROOT/.secondshot/run")" ]
}

@test "a catalog named in the environment is that of the programs it starts, too" {
	begin
	sed -i '/^db-url/d' "$SECONDSHOT_CONF"
	run_ok env DB_URL="$CATALOG_URL" ss-run
	run_ok ss-catalog --db-url="$CATALOG_URL" savesets --json alpha
	[ "$(jq -r .status <<<"$output")" = complete ]
}

@test "link_dest 0: the savesets lie in hourly.0, .sync stays" {
	HOSTS="alpha beta" LINK_DEST=0 begin
	run_ok ss-run
	[ -d "$ROOT/.sync/alpha" ]
	[ ! -e "$ROOT/.sync/.secondshot/alpha" ]
	echo more >>"$SRC/alpha/one"
	rm "$SRC/alpha/dir/two"
	run_ok ss-run
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	[ -e "$ROOT/hourly.1/alpha/dir/two" ]
	run_ok savesets alpha
	[[ ${lines[0]} == "complete hourly.1 "* && ${lines[1]} == "complete hourly.0 "* ]]
	# The inode of the unchanged file is the same in all three.
	[ "$(stat -c %i "$ROOT/.sync/beta/dir/two")" = "$(stat -c %i "$ROOT/hourly.1/beta/dir/two")" ]
}

@test "several backup points a host make one saveset" {
	mkdir -p src
	RSNAPSHOT_MORE="backup\t$PWD/src/etc/\talpha/etc/\nbackup\t$PWD/src/home/\talpha/home/\nbackup\t$PWD/src/etc/\tomega/" \
		HOSTS=" " conf
	source_tree "$SRC/etc"
	source_tree "$SRC/home"
	ss-catalog init
	run_ok ss-run
	equal "$SRC/etc" "$ROOT/hourly.0/alpha/etc"
	equal "$SRC/home" "$ROOT/hourly.0/alpha/home"
	equal "$SRC/etc" "$ROOT/hourly.0/omega"
	run_ok savesets alpha
	[ "${#lines[@]}" -eq 1 ]
}

@test "several lines with one destination are synced in one call" {
	mkdir -p src/a src/b
	echo a >src/a/a
	echo b >src/b/b
	RSNAPSHOT_MORE="rsync_long_args\t--relative\nbackup\t$PWD/src/a/./\talpha/\nbackup\t$PWD/src/b/./\talpha/" \
		HOSTS=" " begin
	run_ok ss-run --dry-run
	[ "$(grep -c ' sync alpha/$' <<<"$output")" -eq 1 ]
	run_ok ss-run
	[[ -e $ROOT/hourly.0/alpha/a && -e $ROOT/hourly.0/alpha/b ]]
}

@test "--dry-run prints every command and does nothing" {
	HOSTS="alpha beta" begin autoverify=yes
	find "$ROOT" >before
	catalog_sum >catalog.before
	run_ok ss-run --dry-run
	find "$ROOT" | cmp - before
	catalog_sum | cmp - catalog.before
	contains "${lines[0]}" 'ss-catalog reconcile'
	contains "${lines[1]}" '^/usr/bin/rsnapshot -c .*/0.conf sync alpha/$'
	contains "${lines[2]}" "ss-catalog add .*--status=complete --vanished=0 -- alpha \| .*/ss-hash .* \| .*/ss-catalog store"
	contains "${lines[3]}" 'ss-verify .*alpha@.sync$'
	contains "$output" 'sync beta/$'
	contains "$output" 'all.conf hourly$'
	run_ok ss-run --dry-run --no-rotate
	lacks "$output" 'hourly$'
	run_ok ss-run --dry-run beta
	lacks "$output" 'alpha'
	run_ok ss-run --dry-run --rotate=daysago
	lacks "$output" 'sync'
	contains "$output" 'daysago$'
}

@test "a named host is synced and rotated alone" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	run_ok ss-run beta
	equal "$SRC/beta" "$ROOT/hourly.0/beta"
	run_ok savesets beta
	[[ ${lines[0]} == "complete hourly.1 "* && ${lines[1]} == "complete hourly.0 "* ]]
	run_ok savesets alpha
	[[ ${#lines[@]} == 1 && ${lines[0]} == "complete hourly.0 "* ]]
	run_ok ss-verify --all
	run_ok ss-catalog check
}

@test "--no-rotate leaves the savesets in .sync, and the next run rotates first" {
	begin
	run_ok ss-run --no-rotate
	[ -d "$ROOT/.sync/alpha" ]
	echo later >"$SRC/alpha/later"
	run_ok ss-run
	[ ! -e "$ROOT/hourly.1/alpha/later" ]
	[ -e "$ROOT/hourly.0/alpha/later" ]
}

@test "autoverify reads back what never was, and its findings are ours" {
	begin
	run_ok ss-run
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_code 1 ss-run --autoverify=yes
	contains "$output" 'corrupt.*dir/two'
	contains "$stderr" 'rotated hourly'
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verified IS NULL')" = 0 ]
	# What was rotten is read again, what was sound is not.
	sql 'UPDATE inodes SET verified = 1' >/dev/null
	echo later >"$SRC/alpha/later"
	run_code 1 ss-run --autoverify=yes
	contains "$output" 'corrupt.*dir/two'
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verified > 1')" = 2 ]
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_ok ss-run --autoverify=yes
}

@test "files that vanish make it complete, files that cannot be read partial" {
	begin
	cat >rsync <<-'END'
		#!/bin/bash
		/usr/bin/rsync "$@" || exit
		[ "$(cat code)" = 24 ] && echo 'file has vanished: "x"' >&2
		exit "$(cat code)"
	END
	chmod +x rsync
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$PWD/rsync|" "$RSNAPSHOT_CONF"
	sed -i "s|\$(cat code)|\$(cat $PWD/code)|" rsync
	echo 24 >code
	run_ok ss-run
	[ "$(ss-catalog savesets --json alpha | jq .vanished)" -eq 1 ]
	echo 23 >code
	run_code 3 ss-run
	contains "$stderr" 'alpha: partial'
	contains "$stderr" 'not rotated: no host has'
	[ ! -e "$ROOT/hourly.1" ]
	# The partial one is no saveset that waits: it is replaced.
	echo 0 >code
	run_ok ss-run
	[ -d "$ROOT/hourly.1" ]
	run_ok ss-verify --all
}

@test "hosts with odd names" {
	requires root
	HOSTS="-n 0 host,with" begin
	run_ok ss-run
	run_ok ss-run
	[[ -d $ROOT/hourly.1/-n && -d $ROOT/hourly.1/0 ]]
	run_ok ss-verify --all
}

@test "passwords are not handed on, and rsync sees none of our variables" {
	begin
	cat >rsync <<-END
		#!/bin/bash
		env >$PWD/env
		exec /usr/bin/rsync "\$@"
	END
	chmod +x rsync
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$PWD/rsync|" "$RSNAPSHOT_CONF"
	if on_mariadb; then
		# As with a server that is away, the backup is made all the same.
		DBPASS=secret run_code 2 ss-run
		contains "$stderr" 'DBPASS is not used'
		(umask 077; echo secret >password)
		echo "db-password-file = $PWD/password" >>"$SECONDSHOT_CONF"
	fi
	DBPASS=secret MYSQL_PWD=secret run_ok ss-run
	run_code 1 grep -E 'secret|SECONDSHOT_(RSYNC|RESULTS|LOCK_FD)' env
}
