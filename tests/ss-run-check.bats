#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run --check: what would keep a run from working, and what to do about it.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load rrsync/lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	HOSTS="alpha beta" conf
	ss-catalog init
}

teardown() {
	sshd_stop
	test_end
}

# row CHECK STATE PATTERN: there is such a row in $output.
row() {
	grep -E "^$1 +$2 +" <<<"$output" | grep -qE -- "$3" || {
		printf 'no "%s %s %s" in:\n%s\n%s\n' "$1" "$2" "$3" "$output" "${stderr:-}"
		return 1
	}
}

# checks N: ss-run --check exits with N and says nothing on stderr.
checks() {
	run_code "$1" ss-run --check
	[ "$stderr" = "" ]
}

# edit SCRIPT: rsnapshot.conf.
edit() {
	sed -i "$1" "$RSNAPSHOT_CONF"
}

@test "all is well: a row each, and nothing was changed" {
	find "$ROOT" -printf '%p %i %s\n' | sort >before
	catalog_sum >sum
	checks 0
	row CHECK STATE 'HOW IT IS'
	row configuration ok "$SECONDSHOT_CONF, $RSNAPSHOT_CONF"
	row rsnapshot ok 'configtest has no objection'
	row link_dest ok 1
	row intervals ok 'hourly at every run, daysago 1d'
	row volume ok "$ROOT, id [0-9a-f]{32}"
	row 'file system' ok 'has all that a run needs of it'
	row space ok 'enough for another run, and 1% is left'
	row catalog ok 'schema [0-9]+'
	row key ok 'marker.key: there is none; the next run makes it'
	row host-limit ok 1d
	row 'host alpha' ok '1 local directory is there'
	row 'host beta' ok '1 local directory is there'
	row confinement '(ok|warning)' .
	[ "$(awk '$1 !~ /^(confinement|root|schedule)$/ {print $1 ~ /^(host|file)$/ ? $3 : $2}' <<<"$output" | sort | uniq -c | xargs)" = "1 STATE 12 ok" ]
	find "$ROOT" -printf '%p %i %s\n' | sort | diff before -
	catalog_sum | cmp - sum
	run_ok ss-run --check beta
	row 'host beta' ok .
	lacks "$output" 'host alpha'
	run_code 1 ss-run --check gamma
	row 'host gamma' mend 'there is no such host in .*rsnapshot.conf'
}

@test "each thing to mend has its row: a source, hooks, room" {
	rm -r "$SRC/beta"
	printf '#!/bin/sh\ntrue\n' >hook
	chmod 0755 hook
	printf 'hook.pre = %s arg\nhook.failure = %s/nowhere\n' "$PWD/hook" "$PWD" >>"$SECONDSHOT_CONF"
	run_code 1 ss-run --check --min-free=100%
	[ "$stderr" = "" ]
	row 'host beta' mend 'src/beta/: No such file or directory'
	row 'host alpha' ok .
	row rsnapshot mend 'configtest: .*beta'
	cp "$RSNAPSHOT_CONF" conf
	edit 's/^rsync_short_args.*/&n/'
	run_code 1 ss-run --check alpha
	row 'host alpha' mend 'its rsync options have -n .--dry-run. or --list-only: nothing is copied'
	cp conf "$RSNAPSHOT_CONF"
	run_code 1 ss-run --check --min-free=100%
	row hook.pre ok "$PWD/hook arg"
	row hook.failure mend 'nowhere: No such file'
	lacks "$output" hook.post
	row space mend 'min-free is 100%: delete old savesets, or find a larger disk'
	# What the last run took is looked at, and stays as it was.
	chmod 0757 hook
	printf 'secondshot-space 1\nbytes 999999999999999999\ninodes 0\nend\n' >space
	cp space "$ROOT/.secondshot/"
	checks 1
	row hook.pre mend 'others than its owner may write it'
	row space mend 'min-free is 1%'
	cmp space "$ROOT/.secondshot/space"
	sed -i '/^hook/d' "$SECONDSHOT_CONF"
	source_tree "$SRC/beta"
	rm "$ROOT/.secondshot/space"
	run_ok ss-run --check --min-free=0
	row space ok 'min-free is 0'
}

@test "rsnapshot's configuration: not there, not to be believed, with an error" {
	cp "$RSNAPSHOT_CONF" conf
	printf 'nonsense\tvalue\n' >>"$RSNAPSHOT_CONF"
	checks 1
	row rsnapshot mend 'configtest: .*rsnapshot.conf on line [0-9]+: nonsense value$'
	sed 's/^sync_first.*/sync_first\t0/' conf >"$RSNAPSHOT_CONF"
	checks 1
	row configuration mend 'sync_first must be 1'
	row catalog ok .
	cp conf "$RSNAPSHOT_CONF"
	chmod 0666 "$RSNAPSHOT_CONF"
	checks 1
	row configuration mend 'others than its owner may write it'
	rm "$RSNAPSHOT_CONF"
	checks 1
	row configuration mend 'No such file'
}

@test "intervals: wrong keys, and names that tell no period" {
	RETAIN='alpha:6 beta:7 gamma:4' conf
	checks 1
	row intervals mend 'never due, for want of a period: beta, gamma; write period.NAME = 1d'
	# A run says so as well, once.
	run_ok ss-run
	[ "$(grep -c 'nothing is ever promoted into beta, gamma: the names tell no period; write period.NAME' <<<"$stderr")" = 1 ]
	run_ok ss-run --no-rotate
	lacks "$stderr" 'nothing is ever promoted'
	printf 'period.beta = never\non.gamma = sunday\n' >>"$SECONDSHOT_CONF"
	run_code 0 ss-run --check
	row intervals ok 'alpha at every run, beta never, gamma sunday'
	run_ok ss-run --due
	contains "$output" 'beta +never +- +no +only by --rotate=beta'
	run_ok ss-run
	lacks "$stderr" 'nothing is ever promoted'
	echo 'period.alpha = never' >>"$SECONDSHOT_CONF"
	checks 1
	row intervals mend 'period.alpha = never: it is the lowest interval'
	sed -i '/never/d' "$SECONDSHOT_CONF"
	echo 'period.beta = 1d' >>"$SECONDSHOT_CONF"
	run_code 0 ss-run --check
	row intervals ok 'alpha at every run, beta 1d, gamma sunday'
	echo 'period.delta = 1d' >>"$SECONDSHOT_CONF"
	checks 1
	row intervals mend 'period.delta: there is no such interval'
}

@test "the volume: away, another disk, not to be written, made by rsnapshot" {
	edit '/^no_create_root/d'
	run_code 0 ss-run --check
	row volume warning 'without no_create_root 1'
	cp "$ROOT/.secondshot/volume" volume
	sed -i 's/^id .*/id 00112233445566778899aabbccddeeff/' "$ROOT/.secondshot/volume"
	checks 1
	row volume mend 'not the disk that the catalog knows as volume backup'
	rm "$ROOT/.secondshot/volume"
	checks 1
	row volume mend 'volume offline: .*is the disk mounted'
	mv volume "$ROOT/.secondshot/volume"
	requires root mountns
	run_code 1 unshare -m bash -c "mount --bind '$ROOT' '$ROOT' && mount -o remount,ro,bind '$ROOT' && ss-run --check"
	row volume mend 'cannot be written: Read-only file system'
}

@test "the volume: open to everybody, or behind a directory that is not" {
	requires root
	local open
	open=$(mktemp -d -p /tmp)
	mv "$ROOT" "$open/root"
	ln -s "$open/root" "$ROOT"
	chmod 0755 "$open/root"
	run_ok ss-run --check
	row volume ok "$ROOT, id"
	chmod 0711 "$open"
	run_ok ss-run --check
	row volume warning 'every user can enter it, .*: chmod 0700 it'
	chmod 0750 "$open/root"
	run_ok ss-run --check
	rm -rf "$open"
	row volume ok "$ROOT, id"
}

@test "the catalog: not there, none, older, newer, of another volume" {
	catalog_save good
	echo 'volume = elsewhere' >>"$SECONDSHOT_CONF"
	checks 1
	row catalog ok .
	row volume mend 'volume elsewhere of keeper is not in the catalog; run .ss-catalog init'
	sql "UPDATE meta SET value = $(bytes 999) WHERE keyword = $(bytes schema)"
	checks 1
	row catalog mend 'schema 999 is newer than'
	sql "UPDATE meta SET value = $(bytes 1) WHERE keyword = $(bytes schema)"
	run_code "$(on_mariadb && echo 1 || echo 0)" ss-run --check
	row catalog 'mend|warning' 'schema 1 will be upgraded to [0-9]+ by'
	[ "$(sql "SELECT hex(value) FROM meta WHERE keyword = $(bytes schema)")" = 31 ]
	catalog_drop
	checks 1
	row catalog mend 'catalog.db|there is none; run ss-catalog init'
}

# Which options these are: test_rsnap_opt.c.
# bats test_tags=more
@test "link_dest 0 with options that write into older savesets: refused, by a run as well; one object each" {
	edit 's/^link_dest.*/link_dest\t0/'
	run_ok ss-run --check --json
	[ "$(jq -r .type <<<"$output" | sort -u)" = check ]
	[ "$(jq -r 'select(.check == "link_dest") | .state' <<<"$output")" = warning ]
	contains "$(jq -r 'select(.check == "link_dest") | .text' <<<"$output")" 'use link_dest 1'
	[ "$(jq -r 'select(.check == "host beta") | .text' <<<"$output")" = '1 local directory is there' ]
	cp "$RSNAPSHOT_CONF" conf
	sed "s/^rsync_long_args.*/&\x20--append/" conf >"$RSNAPSHOT_CONF"
	checks 1
	row link_dest mend "link_dest 0 and --append: every sync would write into older savesets"
	run_code 2 ss-run
	contains "$stderr" "link_dest 0 and --append"
	[ ! -e "$ROOT/.sync" ]
	sed "s|^backup.*beta/\$|&\t+rsync_long_args=--inplace|" conf >"$RSNAPSHOT_CONF"
	checks 1
	row link_dest mend 'link_dest 0 and --inplace'
	edit 's/^link_dest.*/link_dest\t1/'
	checks 0
}

@test "hosts over ssh: one that answers, one that refuses, one nobody knows, one that is silent" {
	requires root ssh /usr/sbin/sshd unshare nsenter ip perl timeout
	unshare -n -m -p --fork true 2>/dev/null || skip "needs network, mount and process namespaces"
	sshd_start
	[[ ! -x $RRSYNC ]] || gate "$RRSYNC" -ro /
	edit '/^backup/d'
	printf 'cmd_ssh\t%s\nssh_args\t-o IPQoS=none\n' "$SSH" >>"$RSNAPSHOT_CONF"
	printf 'backup\troot@source:%s/\t%s/\n' /etc good /usr good >>"$RSNAPSHOT_CONF"
	printf 'backup\troot@source:/etc/\tother/\t+ssh_args=-o HostKeyAlias=other\n' >>"$RSNAPSHOT_CONF"
	printf 'backup\tnobody@source:/etc/\tstranger/\n' >>"$RSNAPSHOT_CONF"
	printf 'backup\troot@192.0.2.99:/etc/\tsilent/\t+ssh_args=-o ProxyCommand="sleep 100"\n' >>"$RSNAPSHOT_CONF"
	checks 1
	row 'host good' ok '^host good +ok +root@source answers, and lets rsync read what is to be copied$'
	row 'host other' mend 'root@source: exit (255|12): Host key verification failed: log in once by hand'
	row 'host stranger' mend 'nobody@source: exit (255|12): .*Permission denied.*: put the key into its authorized_keys'
	row 'host silent' mend 'root@192.0.2.99: (no answer within|exit (255|12): .*timed out)'
}

# The far side is rrsync, at once; what a real ssh adds is above.
@test "a host that answers, and would refuse the transfer: -strict, an option, a path; no rsync; a greeting" {
	requires rsync "$RRSYNC"
	host() {
		edit '/^backup/d; /^cmd_ssh/d'
		printf 'cmd_ssh\t%s\nbackup\tsource:%s\tfar/\n' "$PWD/ssh" "$1" >>"$RSNAPSHOT_CONF"
		printf '#!/bin/bash\n# near wants the host alone.\nwhile [[ $1 == -* ]]; do shift; done\n%s\n' "$2" >ssh
		chmod 0755 ssh
	}
	tries() {
		run_code "$1" ss-run --check
		[ "$stderr" = "" ]
		row 'host far' "$2" "$3"
	}
	mkdir there
	host / "exec $(near "$RRSYNC" -ro "$PWD/there") \"\$@\""
	tries 0 ok 'source answers, and lets rsync read what is to be copied'
	[ -z "$(find "$ROOT" -name far)" ]
	host /nowhere/ "exec $(near "$RRSYNC" -ro "$PWD/there") \"\$@\""
	tries 1 mend 'source: exit .*No such file or directory: /nowhere/$'
	# A part of the sandbox is missing: as an ordinary user's, or without namespaces.
	host / "exec $(near setpriv --bounding-set=-all "$RRSYNC" -ro -strict "$PWD/there") \"\$@\""
	tries 1 mend 'source: exit .*rrsync error: -strict, and this host lacks: .*: see "What is missing on a host" in rrsync.8.'
	host / "exec $(near "$RRSYNC" -ro -deny numeric-ids "$PWD/there") \"\$@\""
	tries 1 mend 'source: exit .*rrsync error: .*numeric-ids'
	host / 'echo "bash: line 1: rsync: command not found" >&2; exit 127'
	tries 1 mend 'command not found: install rsync there'
	host / 'echo Welcome; shift; exec "$@"'
	tries 1 mend 'source: exit '
	# Several sources of one login: a row, what is wrong with one of them.
	host / "exec $(near "$RRSYNC" -ro "$PWD/there") \"\$@\""
	printf 'logfile\t%s/rs.log\nrsync_long_args\t--numeric-ids --log-file=%s/rsync.log --temp-dir %s/temp\n' "$PWD" "$PWD" "$PWD" >>"$RSNAPSHOT_CONF"
	printf 'backup\tsource:/no/\tfar/no/\nbackup\tsource:./\tfar/home/\n' >>"$RSNAPSHOT_CONF"
	tries 1 mend '^host far +mend +source: exit [^;]*/no[^;]*$'
	[ ! -e rsync.log ]
	[ ! -e temp ]
	[ ! -e rs.log ]
}

@test "hosts behind an rsync daemon, scripts" {
	requires rsync timeout
	printf '#!/bin/sh\ntrue\n' >script
	chmod 0755 script
	edit '/^backup/d'
	printf 'backup\trsync://127.0.0.1:1/module/\tdaemon/\nbackup_script\t%s/script\tscript/\n' "$PWD" >>"$RSNAPSHOT_CONF"
	checks 1
	row 'host daemon' mend '127.0.0.1:1: exit 10: .*Connection refused'
	row 'host script' ok 'a backup_script is not tried'
}

# bats test_tags=more
@test "the directories of rsnapshot's logfile and lockfile must be there" {
	edit "s|^lockfile.*|lockfile\t$PWD/nowhere/rs.pid|"
	printf 'logfile\t%s/nowhere/rs.log\n' "$PWD" >>"$RSNAPSHOT_CONF"
	checks 1
	row lockfile mend "$PWD/nowhere/rs.pid: $PWD/nowhere: there is no such directory"
	row logfile mend "$PWD/nowhere/rs.log: $PWD/nowhere: there is no such directory"
	mkdir nowhere
	checks 0
	lacks "$output" 'logfile|lockfile'
}

@test "the root: a link, in a source, a source in it; locations that nothing keeps, a hole at 0" {
	local real="$PWD/elsewhere"
	mv "$ROOT" "$real"
	ln -s elsewhere "$ROOT"
	checks 0
	row root warning "$ROOT is a symbolic link to $real: write that path into .*rsnapshot.conf"
	rm "$ROOT"
	mv "$real" "$ROOT"
	cp "$RSNAPSHOT_CONF" conf
	# What is excluded is not copied, however that is said; rsync knows.
	printf 'backup\t%s/\tme/\n' "$PWD" >>"$RSNAPSHOT_CONF"
	checks 1
	row root mend "$ROOT lies inside $PWD/, which host me backs up: .*; exclude it there"
	for line in 'exclude\t/root/' 'exclude\troot/*' "backup\t$PWD/\tme/\texclude=root" 'rsync_long_args\t--exclude=/root/.[!.]*'; do
		{ grep -v '\tme/' conf; [[ $line == backup* ]] || printf 'backup\t%s/\tme/\n' "$PWD"; printf "$line\n"; } >"$RSNAPSHOT_CONF"
		checks 0
		lacks "$output" '^root'
	done
	# As rsnapshot has it by default: paths as a whole.
	{ grep -v '^rsync_' conf; printf 'backup\t%s/\tme/\n' "${PWD%/*}"; } >"$RSNAPSHOT_CONF"
	checks 1
	row root mend "$ROOT lies inside ${PWD%/*}/, which host me"
	printf 'exclude\t%s/\n' "$ROOT" >>"$RSNAPSHOT_CONF"
	checks 0
	lacks "$output" '^root'
	# A directory of one's own in the root is a source as any other.
	mkdir -p "$ROOT/dumps" "$ROOT/hourly.1/beta" "$ROOT/old.0/alpha" "$ROOT/hourly.3/beta" "$ROOT/other.9/stranger" "$ROOT/v1.2"
	{ cat conf; printf 'backup\t%s/\tme/\n' "$ROOT/dumps" "$ROOT/hourly.1/beta"; } >"$RSNAPSHOT_CONF"
	checks 1
	row root mend "$ROOT/hourly.1/beta/, which host me backs up, is part of the backups"
	lacks "$output" 'dumps'
	cp conf "$RSNAPSHOT_CONF"
	checks 0
	row locations warning '[^.a-z]hourly.3, old.0: no retain line of .*rsnapshot.conf reaches so far'
	row locations warning 'hourly.0 is missing, and hourly.1 is there: something else than ss-run rotates'
	mkdir "$ROOT/hourly.0"
	rmdir "$ROOT"/*.[39]/* "$ROOT/old.0/alpha"
	checks 0
	lacks "$output" '^locations'
}

# Which lines are live, and which configuration is which: test_jobs.c.
@test "what rotates on this root beside ss-run is told, and whether anything starts ss-run" {
	requires root mountns
	[ -d /etc/cron.d ] || skip "needs /etc/cron.d"
	mkdir cron.d
	printf '#0 1 * * *\troot\trsnapshot -c %s hourly\n' "$RSNAPSHOT_CONF" >cron.d/rsnapshot
	in_cron() { unshare -m --propagation private bash -c 'mount --bind "$0" /etc/cron.d && ss-run --check' "$PWD/cron.d"; }
	run_ok in_cron
	lacks "$output" '^jobs'
	row schedule '(ok|warning)' .
	{
		sed 's/^#//' cron.d/rsnapshot
		printf '0 2 * * *\troot\trsnapshot -c $CONF hourly\n0 3 * * *\troot\trsnapshot -c /nowhere hourly\n'
		printf '@daily root ss-run --quiet --config=%s\n' "$SECONDSHOT_CONF"
	} >cron.d/live
	mkdir "$ROOT/hourly.1"
	run_code 1 in_cron
	[ "$stderr" = "" ]
	row jobs mend '/etc/cron.d/live:1 starts "rsnapshot hourly" on this root, beside ss-run: .*; switch the line off'
	row jobs warning '/etc/cron.d/live:2 starts "rsnapshot hourly": whether its configuration .\$CONF. is for .* cannot be told; '
	lacks "$output" 'live:3'
	row schedule ok '/etc/cron.d/live:4 starts ss-run'
	row locations warning 'hourly.0 is missing'
}
