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

@test "two hosts are synced, catalogued, hashed, verified and rotated, and then one of them by name" {
	HOSTS="alpha beta" begin
	run_ok ss-run
	contains "$stderr" 'alpha: complete, [0-9]+ files, alpha-backup-'
	contains "$stderr" 'beta: complete'
	contains "$stderr" 'rotated hourly'
	[ "$output" = "" ]
	# autoverify reads back what never was, and its findings are ours.
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_code 1 ss-run --autoverify=yes
	contains "$output" 'corrupt.*dir/two'
	contains "$stderr" 'rotated hourly'
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verified IS NULL')" = 0 ]
	[ ! -e "$ROOT/.sync" ]
	equal "$SRC/beta" "$ROOT/hourly.0/beta"
	equal "$SRC/beta" "$ROOT/hourly.1/beta"
	run_ok savesets alpha
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} == "complete hourly.1 "* ]]
	[[ ${lines[1]} == "complete hourly.0 "* ]]
	[ ! -e "$ROOT/.secondshot/run" ]
	# What was rotten is read again, what was sound is not.
	sql 'UPDATE inodes SET verified = 1' >/dev/null
	echo later >"$SRC/alpha/later"
	run_code 1 ss-run --autoverify=yes alpha
	contains "$output" 'corrupt.*dir/two'
	[ "$(sql 'SELECT count(*) FROM inodes WHERE verified > 1')" = 2 ]
	run_ok savesets alpha
	[[ ${lines[1]} == "complete hourly.1 "* ]]
	[[ ${lines[2]} == "complete hourly.0 "* ]]
	run_ok savesets beta
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[1]} == "complete hourly.0 "* ]]
	rot "$ROOT/hourly.0/alpha/dir/two"
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	run_ok ss-verify --new alpha@hourly.0
	run_ok ss-verify --all
	run_ok ss-catalog check
}

@test "a catalog named in the environment is the programs' too, a password is not, and rsync sees nothing of ours" {
	begin
	wrap_rsync <<-END
		#!/bin/bash
		env >$PWD/env
		exec /usr/bin/rsync "\$@"
	END
	if on_mariadb; then
		# As with a server that is away, the backup is made all the same.
		DBPASS=secret run_code 2 ss-run
		contains "$stderr" 'DBPASS is not used'
		(umask 077; echo secret >password)
		echo "db-password-file = $PWD/password" >>"$SECONDSHOT_CONF"
	fi
	sed -i '/^db-url/d' "$SECONDSHOT_CONF"
	DB_URL=$CATALOG_URL DBPASS=secret MYSQL_PWD=secret run_ok ss-run
	run_code 1 grep -E 'secret|SECONDSHOT_(RSYNC|RESULTS|LOCK_FD)' env
	run_ok ss-catalog --db-url="$CATALOG_URL" savesets --json alpha
	[ "$(tail -n 1 <<<"$output" | jq -r .status)" = complete ]
}

# bats test_tags=more
@test "link_dest 0: the savesets lie in hourly.0, .sync stays" {
	LINK_DEST=0 begin
	run_ok ss-run
	[ -d "$ROOT/.sync/alpha" ]
	[ ! -e "$ROOT/.sync/.secondshot/alpha" ]
	echo more >>"$SRC/alpha/one"
	rm "$SRC/alpha/dir/two"
	run_ok ss-run
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	[ -e "$ROOT/hourly.1/alpha/dir/two" ]
	run_ok savesets alpha
	[[ ${lines[0]} == "complete hourly.1 "* ]]
	[[ ${lines[1]} == "complete hourly.0 "* ]]
	# The inode of the unchanged file is the same in all three.
	[ "$(stat -c %i "$ROOT/.sync/alpha/dir/sub/three")" = "$(stat -c %i "$ROOT/hourly.1/alpha/dir/sub/three")" ]
}

# bats test_tags=more
@test "several backup points a host make one saveset, lines with one destination one call" {
	mkdir -p src/a src/b
	echo a >src/a/a
	echo b >src/b/b
	source_tree src/etc
	source_tree src/home
	RSNAPSHOT_MORE="backup\t$PWD/src/etc/\talpha/etc/\nbackup\t$PWD/src/home/\talpha/home/"
	RSNAPSHOT_MORE+="\nbackup\t$PWD/src/a/./\tomega/\trsync_long_args=--relative"
	RSNAPSHOT_MORE+="\nbackup\t$PWD/src/b/./\tomega/\trsync_long_args=--relative"
	HOSTS=" " begin
	run_ok ss-run --dry-run
	[ "$(grep -c ' sync omega/$' <<<"$output")" -eq 1 ]
	run_ok ss-run
	equal "$SRC/etc" "$ROOT/hourly.0/alpha/etc"
	equal "$SRC/home" "$ROOT/hourly.0/alpha/home"
	[ -e "$ROOT/hourly.0/omega/a" ]
	[ -e "$ROOT/hourly.0/omega/b" ]
	run_ok savesets alpha
	[ "${#lines[@]}" -eq 1 ]
}

@test "--dry-run prints every command and does nothing" {
	HOSTS="alpha beta" begin autoverify=yes
	find "$ROOT" >before
	catalog_sum >catalog.before
	run_ok ss-run --dry-run
	contains "${lines[0]}" 'ss-catalog reconcile'
	contains "${lines[1]}" '^/usr/bin/rsnapshot -c .*/0.conf sync alpha/$'
	contains "${lines[2]}" "ss-catalog add .*--status=complete --vanished=0 -- alpha \| .*/ss-hash .* \| .*/ss-catalog store"
	contains "${lines[3]}" 'ss-verify .*alpha@.sync$'
	contains "$output" 'sync beta/$'
	contains "$output" 'all.conf hourly$'
	run_ok ss-run --dry-run --no-rotate beta
	lacks "$output" 'hourly$|alpha'
	contains "$output" 'sync beta/$'
	run_ok ss-run --dry-run --rotate=daysago
	lacks "$output" 'sync'
	contains "$output" 'daysago$'
	find "$ROOT" | cmp - before
	catalog_sum | cmp - catalog.before
}

@test "what waits in .sync is rotated first; files that vanish leave it complete, unread ones partial" {
	begin
	echo 24 >code
	wrap_rsync <<-END
		#!/bin/bash
		/usr/bin/rsync "\$@" || exit
		code=\$(<$PWD/code)
		[ "\$code" != 24 ] || echo 'file has vanished: "x"' >&2
		exit "\$code"
	END
	run_ok ss-run --no-rotate
	[ -d "$ROOT/.sync/alpha" ]
	[ "$(ss-catalog savesets --json alpha | jq .vanished)" -eq 1 ]
	echo later >"$SRC/alpha/later"
	echo 23 >code
	run_code 3 ss-run
	contains "$stderr" 'alpha: partial'
	contains "$stderr" 'not rotated: no host has'
	[ ! -e "$ROOT/hourly.1" ]
	# The partial one is no saveset that waits: it is replaced.
	echo 0 >code
	run_ok ss-run
	[ ! -e "$ROOT/hourly.1/alpha/later" ]
	[ -d "$ROOT/hourly.1/alpha" ]
	[ -e "$ROOT/hourly.0/alpha/later" ]
	run_ok ss-verify --all
}

# bats test_tags=more
@test "hosts with odd names" {
	requires root
	HOSTS="-n 0 host,with" begin
	run_ok ss-run
	run_ok ss-run
	[ -d "$ROOT/hourly.1/-n" ]
	[ -d "$ROOT/hourly.1/0" ]
	run_ok ss-verify --all
}
