# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# helpers.bash - what each bats file loads: private configuration, source trees,
# and run wrappers that say what happened.
#
#	load helpers
#	setup() { conf; }
#
# The tools come from $SS_BIN (default: build/ beside tests/), or, with
# SS_INSTALLED=1, from the system.

bats_require_minimum_version 1.5.0

TESTS=$BATS_TEST_DIRNAME
SS_BIN=${SS_BIN:-${TESTS%/*}/build}
if [[ ${SS_INSTALLED:-0} != 1 ]]; then
	[[ $SS_BIN == /* ]] || SS_BIN=$(cd "$SS_BIN" && pwd)
	PATH=$SS_BIN:$PATH
fi
export PATH LC_ALL=C
unset SECONDSHOT_CONF SECONDSHOT_LOCK_FD DB_URL DBTYPE DBHOST DBPORT DBNAME DBUSER DBPASS
unset MYSQL_HOME MYSQL_HOST MYSQL_PWD MYSQL_TCP_PORT MYSQL_UNIX_PORT
umask 022
load database

# requires WHAT...: skip unless all is there: root, unprivileged, btime, mknod, mountns
# (a mount namespace; there is none in a plain chroot), or a program.
requires() {
	local what
	for what; do
		case $what in
		root) [[ $EUID == 0 ]] || skip "needs root" ;;
		unprivileged) [[ $EUID != 0 ]] || skip "must not be root" ;;
		btime)
			[[ $(stat -c %W "$BATS_TEST_TMPDIR") != [0-]* ]] ||
				skip "needs a file system with birth times"
			;;
		mknod)
			if [[ ! -e $BATS_TEST_TMPDIR/.mknod ]]; then
				mknod "$BATS_TEST_TMPDIR/.mknod" c 1 3 2>/dev/null ||
					skip "needs the right to make devices"
			fi
			;;
		mountns) unshare -m true 2>/dev/null || skip "needs a mount namespace" ;;
		*) type -P -- "$what" >/dev/null || skip "needs $what" ;;
		esac
	done
}

# in_namespace FUNCTION [FUNCTION...]: call the first in a mount namespace of its own, which has
# the others, too, and ROOT, SRC, HOSTS and TESTS.  Where it exits with 77 there are no loop devices: skip.
in_namespace() {
	export ROOT SRC HOSTS TESTS
	export -f "$@" run_code run_ok contains
	echo "$1" >"$BATS_TEST_TMPDIR/.in-namespace"
	run unshare -m bash -eE "$BATS_TEST_TMPDIR/.in-namespace"
	echo "$output"
	[[ $status != 77 ]] || skip "no loop devices here"
	[[ $status == 0 ]]
}

# unmet COMMAND...: in setup_file, where bats cannot skip: true if the command would,
# and the reason is kept for met, which setup calls.
unmet() {
	UNMET=$(
		exec 4>&1 >&2
		skip() {
			printf '%s' "$1" >&4
			exit
		}
		"$@"
	)
	export UNMET
	[[ -n $UNMET ]]
}

met() {
	[[ -z ${UNMET:-} ]] || skip "$UNMET"
}

# strace, under which the leak checker of a sanitized build refuses to work.
strace() {
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 command strace "$@"
}

# source_tree DIR: a small tree of every ordinary kind of thing.  Made once for all
# tests of a file, and copied: two processes, not five.
source_tree() {
	local made=$BATS_FILE_TMPDIR/.source-tree
	[[ -e $made ]] || source_tree_make "$made"
	mkdir -p "$1"
	cp -a "$made/." "$1"
}

source_tree_make() {
	mkdir -p "$1/dir/sub" "$1/empty"
	printf 'one\n' >"$1/one"
	printf 'two\n' >"$1/dir/two"
	printf 'three\n' >"$1/dir/sub/three"
	: >"$1/nothing"
	ln -s dir/two "$1/link"
	ln "$1/one" "$1/dir/one-again"
	chmod 0640 "$1/dir/two"
	touch -d '2020-02-02 02:02:02.123456789 UTC' "$1/one"
}

# conf [KEY=VALUE...]: private secondshot.conf and rsnapshot.conf, a source tree for
# each host, an empty snapshot root; KEY is one of secondshot.conf's.  Sets ROOT, SRC,
# CATALOG, CATALOG_URL, RSNAPSHOT_CONF and LOG.  Before it may be set: HOSTS (default "alpha"),
# LINK_DEST (1), RETAIN ("hourly:3 daysago:2"), RSNAPSHOT_MORE (further lines).
conf() {
	local host setting
	local etc=$BATS_TEST_TMPDIR/etc
	HOSTS=${HOSTS:-alpha}
	SRC=$BATS_TEST_TMPDIR/src
	catalog_make
	LOG=$BATS_TEST_TMPDIR/log
	RSNAPSHOT_CONF=$etc/rsnapshot.conf
	export SECONDSHOT_CONF=$etc/secondshot.conf
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$etc" "$ROOT"
	{
		printf 'config_version\t1.2\n'
		printf 'snapshot_root\t%s/\n' "$ROOT"
		printf 'no_create_root\t1\nsync_first\t1\nlink_dest\t%s\n' "${LINK_DEST:-1}"
		for setting in ${RETAIN:-hourly:3 daysago:2}; do
			printf 'retain\t%s\t%s\n' "${setting%:*}" "${setting#*:}"
		done
		printf 'cmd_rsync\t%s\n' "${RSYNC:=$(type -p rsync)}"
		printf 'lockfile\t%s/rsnapshot.pid\n' "$BATS_TEST_TMPDIR"
		printf 'rsync_short_args\t-aHS\n'
		printf 'rsync_long_args\t--delete --delete-excluded --numeric-ids\n'
		[[ -z ${RSNAPSHOT_MORE:-} ]] || printf '%b\n' "$RSNAPSHOT_MORE"
		for host in $HOSTS; do
			printf 'backup\t%s/%s/\t%s/\n' "$SRC" "$host" "$host"
			[[ -e $SRC/$host ]] || source_tree "$SRC/$host"
		done
	} >"$RSNAPSHOT_CONF"
	{
		printf 'db-url = %s\n' "$CATALOG_URL"
		printf 'rsnapshot-conf = %s\nstate-dir = %s\n' "$RSNAPSHOT_CONF" "$BATS_TEST_TMPDIR"
		printf 'backup-host = keeper\nlogfile = %s\n' "$LOG"
		[[ $* == *syslog=* ]] || echo 'syslog = none'
		for setting; do printf '%s = %s\n' "${setting%%=*}" "${setting#*=}"; done
	} >"$SECONDSHOT_CONF"
}

# afresh: as before conf: no catalog, no key, no disk, no sources.
afresh() {
	catalog_drop
	rm -rf "$BATS_TEST_TMPDIR"/{root,src,etc,marker.key}
}

# run_code N COMMAND...: run it; fail, and say what happened, unless it exits with N.
# Leaves $output (stdout), $stderr and $lines as bats' run does, which starts five
# processes to run one; a function runs in this shell.
run_code() {
	local want=$1 flags=$- out=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/.out-$BASHPID-${#FUNCNAME[@]}
	shift
	set +eET
	"$@" >"$out" 2>"$out.err"
	status=$?
	set "-$flags"
	output=$(<"$out")
	stderr=$(<"$out.err")
	IFS=$'\n' read -d '' -r -a lines <"$out" || :
	if [[ $status != "$want" ]]; then
		printf 'exit %s, not %s: %s\n' "$status" "$want" "$*"
		printf 'stdout: %s\n' "$output"
		printf 'stderr: %s\n' "${stderr:-}"
		return 1
	fi
}

run_ok() {
	run_code 0 "$@"
}

# pipeline HOST [OPTION...]: ss-catalog add HOST | ss-hash | ss-catalog store; fails if
# any of the three does.
pipeline() {
	(
		set -o pipefail
		ss-catalog add "$@" | ss-hash | ss-catalog store
	)
}

# share COMMAND...: in setup_file: a state that the tests of a file look at and none of
# them changes; shared, in setup, has its variables.
share() {
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	"$@" || return
	declare -p ROOT SRC TREE KEPT LOG CATALOG CATALOG_URL CATALOG_DB RSNAPSHOT_CONF SECONDSHOT_CONF S \
		2>/dev/null | sed 's/^declare /declare -g /' >"$BATS_FILE_TMPDIR/.shared"
}

shared() {
	# shellcheck disable=SC1091
	. "$BATS_FILE_TMPDIR/.shared"
}

# wrap_rsync: from now on rsnapshot's rsync is the script on standard input, which may write
# into the test's directory.
wrap_rsync() {
	local wrapper=$BATS_TEST_TMPDIR/rsync
	cat >"$wrapper.new"
	chmod +x "$wrapper.new"
	mv -f "$wrapper.new" "$wrapper"
	sed -i "s|^cmd_rsync.*|cmd_rsync\t$wrapper|" "$RSNAPSHOT_CONF"
	grep -q ^rsync-writes "$SECONDSHOT_CONF" || echo "rsync-writes = $BATS_TEST_TMPDIR" >>"$SECONDSHOT_CONF"
}

# sync_host [HOST]: what rsnapshot copies, without ss-run.
sync_host() {
	rsnapshot -c "$RSNAPSHOT_CONF" sync ${1:+"$1/"}
}

# rotate [INTERVAL]
rotate() {
	rsnapshot -c "$RSNAPSHOT_CONF" "${1:-hourly}"
}

# contains TEXT PATTERN: fail, and show the text, unless the pattern (ERE) is in it.
contains() {
	grep -qE -- "$2" <<<"$1" || {
		printf 'no "%s" in:\n%s\n' "$2" "$1"
		return 1
	}
}

lacks() {
	! grep -E -- "$2" <<<"$1" || {
		printf 'unwanted "%s" in:\n%s\n' "$2" "$1"
		return 1
	}
}

# hostile_tree DIR [OPTION...]: names and things nobody would like to meet; see tests/tree.
hostile_tree() {
	"$TESTS/tree" "$@"
}

# hold_lock: another run has the snapshot root: this shell, which lives, on the descriptor
# LOCK, until that is closed.
hold_lock() {
	mkdir -p "$ROOT/.secondshot"
	exec {LOCK}<>"$ROOT/.secondshot/lock"
	flock "$LOCK"
	# Its holder: pid, start time, since when, what.
	echo "$$ $(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20) 2026-01-01T00:00:00Z a-test" >"$ROOT/.secondshot/lock"
}

# The one limit on what hangs, in seconds: nothing that is well takes as long anywhere.
HANGS=900
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-$HANGS}

# until_true COMMAND...: wait for that.
until_true() {
	local until=$((SECONDS + HANGS))
	until "$@"; do
		((SECONDS < until)) || { echo "never: $*"; return 1; }
		sleep 0.05
	done
}

# rot FILE: change the first byte of a file and put its mtime back.
rot() {
	local when byte
	when=$(stat -c %y "$1")
	byte=$(head -c1 "$1" | od -An -tu1)
	# shellcheck disable=SC2059
	printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 conv=notrunc status=none
	touch -d "$when" "$1"
}
