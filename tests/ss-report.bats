#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a monitoring system is told, and who may ask.
# run_ok and run_code leave $stderr and $output.
# shellcheck disable=SC2154

load helpers
load catalog

NOON=1800000000

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	test_end
}

at() {
	export SECONDSHOT_NOW=$((NOON + $1 * 3600))
}

# plugin: the plugin as it is installed, as PLUGIN.
plugin() {
	PLUGIN=/usr/lib/nagios/plugins/check_secondshot
	[[ ${SS_INSTALLED:-0} != 1 ]] || return 0
	PLUGIN=$PWD/check_secondshot
	sed "s|@BINDIR@|$SS_BIN|" "$TESTS/../etc/nagios/check_secondshot" >"$PLUGIN"
	chmod +x "$PLUGIN"
}

@test "each state and each limit, of real nights" {
	plugin
	HOSTS="alpha beta gone" conf max-change=40% min-change=3
	# No catalog is no answer, and a new one has no backup.
	run_code 3 "$PLUGIN"
	contains "$output" '^SECONDSHOT UNKNOWN - .*ss-catalog init'
	run_ok ss-catalog init
	at 0
	run_code 2 "$PLUGIN"
	contains "$output" '^SECONDSHOT CRITICAL - 0 savesets in 24 hours, fewer than 1; the catalog has no saveset;'
	run_code 2 "$PLUGIN" -e -w 0 -c 0 -f 0 -a 36h -A 3d
	run_ok ss-run
	sed -i '/gone\/$/d' "$RSNAPSHOT_CONF"
	echo more >"$SRC/alpha/more"
	at 20
	run_ok ss-run alpha
	at 26
	# One of alpha; beta's and gone's are 26 hours old.
	run_code 1 "$PLUGIN" -f 1000
	contains "$output" '^SECONDSHOT WARNING - [0-9]+ files in 24 hours, fewer than 1000; 1 saveset in 24 hours with'
	run_ok "$PLUGIN" -f 1
	contains "${lines[0]}" '^SECONDSHOT OK - 1 saveset in 24 hours with [0-9]+ files; the last good one of (beta|gone) is 26 hours old \|'
	contains "${lines[0]}" '\| savesets=1;1:;1:;0 files=[0-9]+;1:;;0 age=93600s;;;0$'
	contains "$output" 'alpha: 1 saveset in 24 hours with [0-9]+ files, the last good one 6 hours old'
	[ "${#lines[@]}" = 4 ]
	run_ok "$PLUGIN" -f 1 -w 4 -c 4 -i 27
	run_code 1 "$PLUGIN" -f 1 -w 5 -c 4 -i 27
	contains "$output" 'WARNING - 4 savesets in 27 hours, fewer than 5;'
	run_code 2 "$PLUGIN" -f 1 -w 5 -c 5 -i 27
	run_ok "$PLUGIN" -f 1 -H alpha
	run_code 2 "$PLUGIN" -f 1 -H beta
	run_code 2 "$PLUGIN" -e -f 1
	contains "$output" 'CRITICAL - beta: 0 savesets in 24 hours, fewer than 1; gone: 0 savesets'
	run_ok "$PLUGIN" -f 1 -H alpha -H beta -H all
	# How old, and whose.
	run_ok "$PLUGIN" -f 1 -a 26h -A 26h
	run_code 1 "$PLUGIN" -f 1 -a 25h -A 26h
	contains "$output" 'WARNING - no good saveset for too long: beta, gone;'
	run_code 2 "$PLUGIN" -f 1 -a 5h -A 25h
	contains "$output" 'CRITICAL - no good saveset for too long: alpha, beta, gone;'
	# Who is not there has no backup.
	run_code 2 "$PLUGIN" -w 0 -c 0 -f 0 -H alpha -H nobody
	contains "$output" 'CRITICAL - not in the catalog: nobody;'
	# What is partial, failed, held back or of another volume is no good backup.

	run_ok ss-report --nagios -f 1 -H alpha --backup-host=keeper
	# What there is not is not asked for.
	run_code 3 ss-report --nagios -f 1 -H alpha --backup-host=other
	run_code 3 ss-report --nagios -w 0 -c 0 -f 0 --volume=typo
	contains "$output" '^SECONDSHOT UNKNOWN - .*typo'
	for file in one dir/two dir/sub/three more; do echo encrypted and longer >"$SRC/alpha/$file"; done
	run_code 1 ss-run alpha
	run_code 1 "$PLUGIN" -f 1 -H alpha
	contains "$output" "^SECONDSHOT WARNING - held back, see 'ss-catalog hosts': alpha; 1 saveset in 24 hours"
	contains "${lines[1]}" ', one is held back$'
	rm -r "$SRC/beta"
	run_code 2 ss-run beta
	run_code 2 "$PLUGIN" -f 1 -H beta
	contains "$output" 'the last good one of beta is 26 hours old'
	# A clock that was wrong makes nothing new.
	at -48
	run_code 2 "$PLUGIN" -f 1 -H beta
	contains "$output" 'made in the future, is a clock wrong\?: beta;'
}

@test "what it cannot know is UNKNOWN, never OK, and said in one line on standard output" {
	local call
	plugin
	conf
	run_ok ss-catalog init
	for call in '-w x' '-z' 'alpha' '-i 0' '-t 0' '-a soon' '-c -1' '-w' '-H alpha --logfile=/nonexistent/x' '-- x' '-e-x'; do
		# shellcheck disable=SC2086
		run_code 3 "$PLUGIN" $call
		[ "${#lines[@]}" = 1 ] || fail "$call: $output"
		contains "$output" '^SECONDSHOT UNKNOWN - .+'
	done
	# A file that is named as the value of an option is not opened.
	run_code 3 "$PLUGIN" -w --logfile="$PWD/written"
	run_code 2 "$PLUGIN" -H --logfile="$PWD/written"
	contains "$output" 'not in the catalog: --logfile='
	[ ! -e written ]
	run_code 3 ss-report --nagios --db-url="sqlite:///$PWD/none/x.db"
	echo garbage >garbage.db
	run_code 3 ss-report --nagios --db-url="sqlite:///$PWD/garbage.db"
	[ "${#lines[@]}" = 1 ]
	run_code 3 ss-report --nagios --db-url=mysql://nobody@127.0.0.1:1/x
	# Without the word it is a tool as the others.
	run_code 2 ss-report
	contains "$stderr" 'which report\?'
	[ "$output" = "" ]
	echo 'no-such-key = 1' >>"$SECONDSHOT_CONF"
	run_code 3 ss-report --nagios
	contains "$output" '^SECONDSHOT UNKNOWN - .*no-such-key'
	run_code 3 bash -c 'ss-report --nagios >/dev/full'
}

# bats test_tags=more
@test "a server that takes the connection and says nothing is UNKNOWN in time" {
	local port pid
	once "about time, not the catalog"
	conf
	coproc SILENT { exec perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or exit 1;
		$| = 1; print $s->sockport, "\n"; my @c; push @c, $s->accept while 1'; }
	pid=$SILENT_PID
	read -r port <&"${SILENT[0]}"
	run_code 3 ss-report --nagios -t 2 --db-url="mysql://nobody@127.0.0.1:$port/x"
	kill "$pid"
	wait "$pid" || :
	contains "$output" '^SECONDSHOT UNKNOWN - .+'
	[ "${#lines[@]}" = 1 ]
}

@test "the samples name what is there" {
	local examples=$TESTS/../etc/nagios
	once "about files"
	[[ ${SS_INSTALLED:-0} != 1 ]] || examples=/usr/share/doc/secondshot/examples/nagios
	grep -q '/usr/lib/nagios/plugins/check_secondshot' "$examples/secondshot.cfg"
	[ "$(grep -c 'define command' "$examples/secondshot.cfg")" = 2 ]
	! type -p visudo >/dev/null || run_ok visudo -cf "$examples/sudoers"
}
