#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=more
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
	HOSTS='alpha beta'
	RETAIN=hourly:2 conf
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
	[ "$(find "$ROOT/.secondshot/trash" -type f | wc -l)" = 4 ]
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

# emptied LOCATION COMMAND...: what is mounted below its tree of alpha when COMMAND removes it is left whole.
emptied() {
	run_code 3 unshare -m bash -c '
		mount -t tmpfs none "$1/alpha/empty"
		echo here >"$1/alpha/empty/precious"
		"${@:2}"
		code=$?
		cat "${1%/*}"/.secondshot/trash/*/empty/precious
		exit $code
	' - "$ROOT/$1" "${@:2}"
	[ "${output##*$'\n'}" = here ]
	contains "$stderr" '/empty: cannot be removed: Device or resource busy'
	# rsnapshot, which would have emptied it, found nothing to remove.
	lacks "$stderr" 'rsnapshot: '
	lacks "$stderr" 'an earlier run left over'
}

later_than() {
	(($(date +%s) > $1))
}

@test "what is mounted below a generation that goes is left whole, and told; the next run removes the rest" {
	requires root mountns
	HOSTS='alpha beta'
	RETAIN='hourly:2 daysago:1' conf
	run_ok ss-catalog init
	night 0
	night 0
	run_ok ss-run --no-rotate
	emptied hourly.1 ss-run --rotate=hourly
	[ -e "$ROOT/hourly.0/alpha" ]
	[ ! -e "$ROOT/hourly.2" ]
	night 0
	[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
	# The only slot of a larger interval.  Times are compared by the second: the next saveset has to be
	# made in a later second than the last promotion.
	until_true later_than "$(date +%s)"
	night 0
	emptied daysago.0 ss-run --rotate=daysago
	[ -e "$ROOT/daysago.0/alpha" ]
	night 0
	[ -z "$(ls -A "$ROOT/.secondshot/trash")" ]
}

# lacking.so: a file system without what LACKS names.
lacking() {
	cat >lacking.c <<-'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <fcntl.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/file.h>
		#include <sys/stat.h>
		#include <unistd.h>
		#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
		static int lacks(const char *what)
		{
			const char *l = getenv("LACKS");
			return l && strstr(l, what);
		}
		int linkat(int a, const char *from, int b, const char *to, int flags)
		{
			if (!lacks("links"))
				return NEXT(linkat)(a, from, b, to, flags);
			errno = EPERM;
			return -1;
		}
		int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
		{
			if (!flags || !lacks("exclusive"))
				return NEXT(renameat2)(a, from, b, to, flags);
			if (faccessat(a, from, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
				return -1;
			errno = faccessat(b, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? EEXIST : EINVAL;
			return -1;
		}
		/* The other runs' private directories are on another file system. */
		int flock(int fd, int how)
		{
			char path[64], to[8] = "";
			snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
			readlink(path, to, sizeof(to) - 1);
			return lacks("locks") && strncmp(to, "/run/", 5) ? 0 : NEXT(flock)(fd, how);
		}
		int utimensat(int dir, const char *name, const struct timespec t[2], int flags)
		{
			struct timespec whole[2];
			if (t && lacks("times")) {
				memcpy(whole, t, sizeof(whole));
				whole[0].tv_nsec = whole[1].tv_nsec = 0;
				t = whole;
			}
			return NEXT(utimensat)(dir, name, t, flags);
		}
	END
	cc -D_GNU_SOURCE -shared -fPIC -o lacking.so lacking.c -ldl
}

# without WHAT COMMAND...
without() {
	local what=$1
	shift
	LACKS=$what LD_PRELOAD=$PWD/lacking.so \
		ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 "$@"
}

@test "a file system that cannot do all is told by --check, and what can be done without is" {
	requires cc
	HOSTS='alpha beta' conf
	run_ok ss-catalog init
	lacking
	run_ok without exclusive ss-run --check
	contains "$output" 'file system +ok +no renames that replace nothing \(Invalid argument\)'
	run_ok without times ss-run --check
	contains "$output" 'file system +warning +no times with fractions of seconds: '
	run_code 1 without links,locks ss-run --check
	contains "$output" 'file system +mend +no hard links \(Operation not permitted\): .*; no locks \(flock\): '
	# A check that was killed leaves a directory, which the next one uses.
	mkdir "$ROOT/.secondshot/.new-probe"
	touch "$ROOT/.secondshot/.new-probe/a"
	run_ok ss-run --check
	contains "$output" 'file system +ok +has all'
	[ ! -e "$ROOT/.secondshot/.new-probe" ]
	# A host is away: what is held out of the rotation is renamed all the same.
	run_ok without exclusive ss-run
	mv "$SRC/beta" "$SRC/away"
	echo 2 >"$SRC/alpha/nightly"
	run_code 2 without exclusive ss-run
	cmp "$SRC/alpha/nightly" "$ROOT/hourly.0/alpha/nightly"
	[ -e "$ROOT/hourly.0/beta/one" ]
	mv "$SRC/away" "$SRC/beta"
	run_ok without exclusive ss-run
	run_ok without exclusive ss-prune alpha@hourly.2
	[ ! -e "$ROOT/hourly.2/alpha" ]
	# And never over what is there.
	mkdir -p "$ROOT/.secondshot/held/hourly.0/beta/held"
	run_ok without exclusive ss-run --no-rotate alpha
	contains "$stderr" 'hourly.0/beta: another tree lies there by now'
	[ -e "$ROOT/hourly.0/beta/one" ]
	[ -e "$ROOT/rescued.0/beta/held" ]
}

@test "a catalog behind a symbolic link works for every tool" {
	requires_sqlite "a server's catalog is no file"
	conf
	mkdir -m 700 ssd var
	sed -i "s|^db-url.*|db-url = sqlite:///$PWD/var/c.db|" "$SECONDSHOT_CONF"
	run_ok ss-catalog init
	mv var/c.db ssd/catalog.db
	ln -s "$PWD/ssd/catalog.db" var/c.db
	run_ok ss-run
	run_ok ss-verify --all
	[ "$stderr" = "ss-verify: 1 of 1 savesets verified, 0 findings" ]
	run_ok ss-catalog check
	run_ok ss-catalog reconcile
	run_ok ss-run
	run_ok ss-prune alpha@hourly.1
	# By a relative name as well.
	cd var
	sed -i 's|^db-url.*|db-url = c.db|' "$SECONDSHOT_CONF"
	run_ok ss-verify --all
	[ "$stderr" = "ss-verify: 1 of 1 savesets verified, 0 findings" ]
}

@test "a catalog that is full, read-only, damaged or lost costs no backup; the next run catches up" {
	requires_sqlite "a server's has its own tests"
	requires root mountns
	HOSTS="alpha beta" RETAIN=hourly:3 conf
	mkdir -m 700 var
	sed -i "s|^db-url.*|db-url = sqlite:///$PWD/var/c.db|" "$SECONDSHOT_CONF"
	run_code 0 env ROOT="$ROOT" SRC="$SRC" unshare -m bash -c '
		mount -t tmpfs -o size=300k,mode=700 none var
		fail() { echo "$*"; exit 9; }
		# backup N: of both hosts, though ss-run fails; the newest has this.
		backup() {
			echo "$1" | tee "$SRC/alpha/night" >"$SRC/beta/night"
			code=0
			ss-run 2>err || code=$?
			[ $code = 2 ] && grep -q "$2: the backup goes on without it" err || fail "$1: $code, $(cat err)"
			cmp "$SRC/alpha/night" "$ROOT/hourly.0/alpha/night" && cmp "$SRC/beta/night" "$ROOT/hourly.0/beta/night" ||
				fail "$1: not rotated"
			[ "$(grep -c "complete, not catalogued yet" err)" = 2 ] || fail "$1: $(cat err)"
		}
		ss-catalog init && ss-run || fail first
		head -c 1000000 /dev/zero >var/fill 2>/dev/null
		for i in $(seq 1500); do : >"$SRC/alpha/f$i"; done
		backup full "reading or writing the catalog failed"
		mount -o remount,size=50m var
		rm var/fill
		ss-run || fail "after full"
		cp var/c.db keep
		mount -o remount,ro var
		backup read-only "the catalog cannot be used"
		mount -o remount,rw var
		head -c 40960 /dev/urandom >var/c.db
		backup damaged "the catalog cannot be used"
		rm var/c.db
		backup lost "the catalog cannot be used"
		mv keep var/c.db
		ss-run || fail caught up
		ss-catalog check || fail check
		ss-verify --all || fail verify
		[ "$(ss-catalog savesets --json alpha | jq -r "select(.status == \"complete\").location" | sort | xargs)" = "hourly.0 hourly.1 hourly.2" ] ||
			fail "$(ss-catalog savesets)"
		ss-catalog savesets | grep -c complete
	'
	[ "${output##*$'\n'}" = 6 ]
}

# rot FILE: other content, the same size and time.
rot() {
	local when
	when=$(stat -c %y "$1")
	printf 'X' | dd of="$1" conv=notrunc status=none
	touch -d "$when" "$1"
}

@test "known rot that is handed on: exit 1, a word in summary and savesets, until what the page says was done" {
	local page
	conf
	run_ok ss-catalog init
	run_ok ss-run
	rot "$ROOT/hourly.0/alpha/dir/two"
	run_code 1 ss-verify alpha
	contains "$output" 'corrupt.*dir/two'
	contains "$stderr" '1 findings; see ROT in secondshot\(7\)'
	# What the next run stores has it, too, and is rotated all the same.
	run_code 1 ss-run
	contains "$stderr" '1 files are known to be corrupt and were handed on unchanged; see ROT in secondshot\(7\)'
	contains "$stderr" 'alpha: complete, 5 files, .*; 1 files are known to be corrupt'
	[ -e "$ROOT/hourly.1/alpha/dir/two" ]
	run_ok ss-catalog savesets
	[ "$(grep -c 'complete .* 1 files are known to be corrupt$' <<<"$output")" = 1 ]
	run_ok ss-catalog check
	# As the page has it: compare with the source, give it a new time, run, verify.
	page=$(<"$TESTS/../tools/secondshot.7")
	contains "$page" 'ss-catalog files alpha --format sha256sum'
	run_ok ss-catalog files alpha --format sha256sum
	[ "$(grep ' dir/two$' <<<"$output" | cut -d' ' -f1)" = "$(sha256sum <"$SRC/alpha/dir/two" | cut -d' ' -f1)" ]
	[ "$(sha256sum <"$ROOT/hourly.0/alpha/dir/two")" != "$(sha256sum <"$SRC/alpha/dir/two")" ]
	touch "$SRC/alpha/dir/two"
	run_ok ss-run alpha
	lacks "$stderr" 'corrupt'
	run_ok ss-verify alpha@latest
	cmp "$SRC/alpha/dir/two" "$ROOT/hourly.0/alpha/dir/two"
	# The older ones stay rotten, which is known.
	run_code 1 ss-verify --all
}

@test "a mistyped remote path: the host has failed, and the reason is rsync's own" {
	requires rsync
	conf
	run_ok ss-catalog init
	run_ok ss-run
	cat >ssh <<-'END'
		#!/bin/bash
		while [[ $1 == -* ]]; do
			[[ $1 != -l ]] || shift
			shift
		done
		shift
		exec bash -c "$*"
	END
	chmod 755 ssh
	printf 'cmd_ssh\t%s/ssh\nbackup\troot@beta:%s/not-there/\tbeta/\n' "$PWD" "$PWD" >>"$RSNAPSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" 'beta: failed, rsync exit 23: .*not-there.*No such file or directory'
	contains "$stderr" 'alpha: complete'
	run_ok ss-catalog savesets beta
	contains "$output" ' failed .*No such file or directory'
	[ ! -e "$ROOT/hourly.0/beta" ]
	[ -e "$ROOT/hourly.1/alpha" ]
}

@test "a log file that cannot be opened costs the log alone: ours, and rsnapshot's" {
	requires root
	HOSTS='alpha beta'
	RSNAPSHOT_MORE="logfile\t$PWD/rs.log" conf
	run_ok ss-catalog init
	night 0
	[ -s rs.log ]
	rm "$LOG" rs.log
	mkdir "$LOG" rs.log
	night 3
	contains "$stderr" "rsnapshot's logfile $PWD/rs.log: Is a directory: rsnapshot writes no log this time"
	rmdir rs.log
	night 3
	[ "$(grep -c 'log file' <<<"$stderr")" = 1 ]
	contains "$stderr" "ss-run: log file $LOG: Is a directory"
	contains "$stderr" 'exit 3'
	run_code 1 ss-run --check
	contains "$output" "log +mend +$LOG: cannot be opened"
	run_code 3 ss-catalog hosts
	contains "$output" '^beta'
	run_code 3 ss-prune
	rmdir "$LOG"
	night 0
	[ -s "$LOG" ]
	rm rs.log
	mkfifo rs.log
	night 3
	contains "$stderr" "rsnapshot's logfile $PWD/rs.log: nobody reads from it: rsnapshot writes no log"
	lacks "$stderr" 'Could not open logfile'
	sed -i "s|^logfile.*|logfile\t$PWD/nowhere/rs.log|" "$RSNAPSHOT_CONF"
	night 3
	contains "$stderr" "rsnapshot's logfile $PWD/nowhere/rs.log: No such file or directory"
	run_code 1 ss-run --check
	mkdir nowhere
	run_ok ss-run --check
	night 0
	[ -s nowhere/rs.log ]
}
