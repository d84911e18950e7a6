#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=more
# What only reads works where nothing can be written, and what writes says what cannot be written.
# run_ok and run_code leave $stderr and $output.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	requires root mountns
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	test_end
}

# read_only DIR COMMAND...: run it where DIR, or each of several joined by :, is mounted read-only.
read_only() {
	local dirs=$1
	shift
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -euc '
		IFS=:
		for dir in $1; do
			mount --bind "$dir" "$dir"
			mount -o remount,ro,bind "$dir"
		done
		shift
		exec "$@"' bash "$dirs" "$@"
}

@test "a snapshot root that is mounted read-only" {
	local before
	conf
	run_ok ss-catalog init
	run_ok ss-run
	run_ok read_only "$ROOT" ss-verify --all
	before=$(ss-catalog savesets --json)
	run_ok read_only "$ROOT" ss-catalog check
	contains "$stderr" '1 savesets checked, 0 findings'
	run_ok read_only "$ROOT" ss-prune -n
	run_ok read_only "$ROOT" ss-catalog reconcile
	run_ok read_only "$ROOT" ss-catalog pending alpha
	run_ok read_only "$ROOT" ss-run -n
	# A tool that writes, or somebody who can write by another mount, is still kept out.
	hold_lock
	run_code 11 read_only "$ROOT" ss-catalog check
	exec {LOCK}>&-
	run_code 2 read_only "$ROOT" ss-run
	contains "$stderr" "$ROOT/.secondshot/[^:]*: .*Read-only file system"
	run_code 2 read_only "$ROOT" ss-prune "$(newest)"
	run_code 1 read_only "$ROOT" ss-run --check
	contains "$output" "volume +mend +$ROOT: cannot be written: Read-only file system"
	[ "$(<"$ROOT/.secondshot/lock")" != "" ]
	# Nothing of it changed the catalog, and a run goes on.
	[ "$(ss-catalog savesets --json)" = "$before" ]
	run_ok ss-run
}

@test "a catalog on a read-only file system, or one that its reader may not write" {
	requires_sqlite "a server's catalog is no file"
	local dir verb
	dir=$PWD/var
	mkdir "$dir"
	conf
	sed -i "s|^db-url.*|db-url = sqlite:///$dir/c.db|" "$SECONDSHOT_CONF"
	run_ok ss-catalog init
	run_ok ss-run
	for verb in savesets hosts volumes runs check 'files alpha' 'pending alpha'; do
		# shellcheck disable=SC2086
		run_ok read_only "$dir" ss-catalog $verb
	done
	run_ok read_only "$dir:$ROOT" ss-prune -n
	run_ok read_only "$dir:$ROOT" ss-run -n
	run_ok read_only "$dir" ss-catalog copy "sqlite:///$dir/c.db" "sqlite:///$PWD/copy.db"
	run_code 2 read_only "$dir" ss-prune
	contains "$stderr" "$dir/c.db: .*Read-only file system"
	run_code 2 read_only "$dir" ss-catalog add alpha
	contains "$stderr" "$dir/c.db: .*Read-only file system"
	# A transaction that was cut off must first be undone, which is said.
	cp "$dir/c.db" good.db
	sqlite3 "$dir/c.db" ".open $dir/c.db" 'PRAGMA cache_size=2' 'BEGIN' \
		"UPDATE savesets SET reason = zeroblob(100000)" ".system cp $dir/c.db $dir/c.db-journal $PWD"
	[ -s c.db-journal ]
	cp c.db c.db-journal "$dir"
	run_code 2 read_only "$dir" ss-catalog savesets
	contains "$stderr" 'a transaction was cut off'
	run_ok ss-catalog savesets
	[ ! -e "$dir/c.db-journal" ]
}
