#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# secondshot: the command line of secondshot 0.10, what it printed, and its cron script.
# run_code leaves $output and $stderr.
# shellcheck disable=SC2154

load helpers
load catalog
load secondshot

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	requires jq
}

# stub TOOL...: in their places programs that write down what they get, each word in brackets,
# and print what ANSWER has; and the password that a file of theirs holds.
stub() {
	local tool
	once "no catalog is asked"
	mkdir -p stub
	for tool; do
		cat >"stub/$tool" <<-'END'
			#!/bin/bash
			{
				printf '%s' "${0##*/}"
				printf ' [%s]' "$@"
				echo
				for word; do
					case $word in
					--db-password-file=*)
						file=${word#*=}
						echo "password $(cat "$file") $(stat -c %a "$file" "${file%/*}" | xargs)"
						echo "$file" >>files
						;;
					esac
				done
				env | grep -E '^DB[A-Z_]*=.' | sort
				tr '\0' ' ' <"/proc/$PPID/cmdline" >>parent
			} >>calls
			[[ ! -e answer ]] || cat answer
			exit "$(cat code 2>/dev/null || echo 0)"
		END
		chmod +x "stub/$tool"
	done
	PATH=$PWD/stub:$PATH
	SECONDSHOT_CONF=$PWD/secondshot.conf
	export SECONDSHOT_CONF
	: >"$SECONDSHOT_CONF"
	: >calls
}

# summer: two savesets of alpha and one of beta, at a time that is two hours ahead of UTC.
summer() {
	local HOSTS="beta alpha"
	stage
	cp -a "$SRC/beta" "$ROOT/.sync/"
	now '2026-07-01 12:34'
	take beta
	take alpha
	turn
	now '2026-07-01 20:34'
	take alpha
}

@test "lists as the original had them: the same keys, by name, a glob with *; times in UTC" {
	local keys
	summer
	run_ok secondshot --list-hosts
	[ "$output" = $'alpha\nbeta' ]
	run_ok secondshot --list-hosts --format=json
	[ "$output" = '{"hosts":[{"name":"alpha","created":"2026-07-01 10:34:00"},{"name":"beta","created":"2026-07-01 10:34:00"}]}' ]
	run_ok secondshot --list-savesets
	[ "$output" = $'alpha-backup-20260701-103400Z\nalpha-backup-20260701-183400Z\nbeta-backup-20260701-103400Z' ]
	run_ok secondshot --list-savesets --filter='*-1834*' --format=json
	[ "$output" = '{"savesets":[{"name":"alpha-backup-20260701-183400Z","location":".sync","created":"2026-07-01 18:34:00","host":"alpha","backup_host":"keeper","files":6,"size":14,"finished":"2026-07-01 18:34:00"}]}' ]
	run_ok secondshot --list-volumes
	[ "$output" = backup ]
	run_ok secondshot --list-volumes --format json
	keys=$(jq -r '.volumes[0] | keys_unsorted | join(" ")' <<<"$output")
	[ "$keys" = "name path size created host" ]
	[ "$(jq -r '.volumes[0].path' <<<"$output")" = "$ROOT" ]
	[ "$(jq -r '.volumes[0].host' <<<"$output")" = keeper ]
	# A list is done before an action; a pattern is of the whole name, and has no other signs.
	run_ok secondshot --list-hosts --filter='a*a' --version --verify=x --action=nothing
	[ "$output" = alpha ]
	for keys in 'a?pha' 'alph[a]' '.*' 'alpha|beta' ''; do
		run_ok secondshot --list-hosts --filter="$keys"
		[ "$output" = "" ]
	done
	run_ok secondshot --list-hosts --format=json --filter='lph'
	[ "$output" = '{"hosts":[]}' ]
	[ "$stderr" = "" ]
	# Of several lists the first in the original's order, wherever it stands.
	run_ok secondshot --list-volumes --list-hosts --list-savesets
	[ "$output" = $'alpha\nbeta' ]
	run_ok secondshot --list-volumes --list-savesets --filter='beta*'
	[ "$output" = beta-backup-20260701-103400Z ]
	run_ok secondshot --list-savesets --list-volumes --filter='beta*'
	[ "$output" = beta-backup-20260701-103400Z ]
}

@test "a verification counts what differs, and exits with 1" {
	local name=alpha-backup-20260701-103400Z
	summer
	run_ok secondshot --verify=$name --verify beta@hourly.0 --format=json
	[ "$output" = '{"verify":{"status":"ok","results":[{"saveset":"'$name'","count":5,"errors":0,"missing":0,"skipped":0},{"saveset":"beta-backup-20260701-103400Z","count":5,"errors":0,"missing":0,"skipped":0}]}}' ]
	rot "$ROOT/hourly.0/alpha/dir/sub/three"
	rm "$ROOT/hourly.0/alpha/nothing"
	run_code 1 secondshot --verify=$name --format=json
	[ "$output" = '{"verify":{"status":"error","results":[{"saveset":"'$name'","count":5,"errors":1,"missing":1,"skipped":0}]}}' ]
	run_code 1 secondshot --verify=$name
	[ "$output" = "" ]
	contains "$stderr" 'missing.*nothing'
	# What cannot be verified keeps nothing else from it.
	run_code 1 secondshot --verify=nosuch --verify=beta@latest --format=json
	[ "$output" = '{"verify":{"status":"error","results":[{"saveset":"beta@latest","count":null,"errors":0,"missing":0,"skipped":0}]}}' ]
	contains "$stderr" 'nosuch: no such saveset'
	# Another machine has its own alpha@hourly.0, with a name that comes first.
	(
		mkdir -p away/hourly.0
		cp -a "$SRC/alpha" away/hourly.0/
		sed "s|^snapshot_root.*|snapshot_root\t$PWD/away/|" "$RSNAPSHOT_CONF" >away.conf
		sed "s|^rsnapshot-conf.*|rsnapshot-conf = $PWD/away.conf|; s/keeper/attic/" "$SECONDSHOT_CONF" >attic.conf
		SECONDSHOT_CONF=$PWD/attic.conf
		ss-catalog init
		now '2026-06-01 12:34'
		pipeline alpha --location=hourly.0
	)
	run_code 1 secondshot --verify=alpha@hourly.0 --format=json
	[ "$output" = '{"verify":{"status":"error","results":[{"saveset":"alpha@hourly.0","count":null,"errors":2,"missing":1,"skipped":0}]}}' ]
}

# bats test_tags=more
@test "no name or filter breaks JSON, or does something to a terminal" {
	local host all
	HOSTS='alpha' stage
	# A host's name has no control character, but for what is one in Unicode alone.
	all=("it's \"x\" \$(id)" $'bad\xff\xfe' $'\xc3\xa9t\xc3\xa9' 'a*b \ c' $'c1\xc2\x9b' $'bidi\xe2\x80\xae')
	for host in "${all[@]}"; do
		cp -al "$ROOT/.sync/alpha" "$ROOT/.sync/$host"
		ss-catalog add "$host" 2>>err | ss-hash | ss-catalog store 2>>err || { cat err; return 1; }
	done
	run_ok secondshot --list-hosts --format=json
	jq -e . <<<"$output" >/dev/null
	[ "$(jq '.hosts | length' <<<"$output")" = 6 ]
	# ASCII, and no control character.
	lacks "$output" $'[^ -~]'
	[ "$(jq -r '.hosts[] | .name_b64 // empty' <<<"$output" | base64 -d | od -An -tx1)" = ' 62 61 64 ff fe' ]
	[ "$(jq '.hosts[] | select(.name | startswith("c1")) | .name' <<<"$output" | od -An -c | tr -d ' ')" = '"c1302233"\n' ]
	run_ok secondshot --list-hosts
	[ "${#lines[@]}" = 6 ]
	lacks "$output" $'\xc2\x9b|\xe2\x80\xae'
	grep -qxF 'a*b \ c' <<<"$output"
	grep -qxF 'bidi?' <<<"$output"
	grep -qxF 'c1?' <<<"$output"
	grep -qxF $'\xc3\xa9t\xc3\xa9' <<<"$output"
	grep -qxF "${all[0]}" <<<"$output"
	for host in "${all[@]}"; do
		[[ $host != bad* ]] || continue
		run_ok secondshot --list-hosts --filter="$host"
		[ "${#lines[@]}" = 1 ]
		run_ok secondshot --list-hosts --filter="*$host"
		[ "${#lines[@]}" = 1 ]
	done
	run_ok secondshot --list-savesets --format=json --filter='bad*'
	# As it is printed it is taken.
	run_ok secondshot --format=json --verify="$(jq -r '.savesets[0].name' <<<"$output")"
	[ "$(jq -r '.verify.results[0].count' <<<"$output")" = 5 ]
	# A filter that is none of our names, and no UTF-8.
	run_ok secondshot --list-savesets --filter=$'\n"\xfe*' --format=json
	[ "$output" = '{"savesets":[]}' ]
	run_code 1 secondshot --verify=$'a\nb"' --format=json
	jq -e . <<<"$output" >/dev/null
	run_code 1 secondshot --action=$'st\eart'
	lacks "$stderr" $'\e'
	run_code 1 secondshot --list-hosts --format=$'\e'
	lacks "$stderr" $'\e'
}

@test "what is wrong is said, with the original's exit code" {
	local wrong
	stub ss-run ss-catalog ss-verify
	wrong() {
		local pattern=$1
		shift
		run_code 1 secondshot "$@"
		[ "$output" = "" ]
		contains "$stderr" "^secondshot: $pattern"
		[ ! -s calls ]
	}
	wrong 'Unknown action'
	wrong 'Unknown action: stop' --action=stop
	wrong '--action=start: which hosts' --action=start
	wrong '--action=start: which hosts' --action=start --volume=backup
	wrong '--action=start: which hosts' --action=start --host=
	wrong '--action=rotate: which interval' --action=rotate
	wrong '--verify: which saveset' --verify= --format=json
	wrong '--verify: which saveset' --verify=a --verify ''
	wrong 'ERROR: --format=xml' --list-hosts --format=xml
	wrong "unrecognized option '--nonsense'" --nonsense
	wrong "option '--db=x' is ambiguous" --db=x
	wrong "option '--list-hosts' doesn't allow an argument" --list-hosts=yes
	wrong "option '--filter' requires an argument" --list-hosts --filter
	wrong 'alpha: it is no option' --action=start alpha
	wrong "invalid option -- 'x'" -x
	# A tool's failure is the original's, too.
	echo 2 >code
	for wrong in --list-hosts --list-savesets --list-volumes --verify=x --action=schema-update \
		'--action=start --host=a' '--action=rotate --interval=hourly'; do
		# shellcheck disable=SC2086
		run_code 1 secondshot $wrong
		[ "$output" = "" ]
	done
	mkdir none
	for wrong in sed awk getopt tr; do ln -s "$(type -P "$wrong")" none; done
	PATH=$PWD/stub:$PWD/none run_code 1 "$(type -P sh)" "$(type -P secondshot)" --list-hosts
	contains "$stderr" 'jq is not installed'
}

@test "options reach the tools, in any of their forms, and what means nothing says so" {
	stub ss-run ss-catalog ss-verify
	run_code 1 secondshot --act start --host=alpha --host 'b c' --vol=disk --hashtype md5 --autoverify=on --backup-host=keeper \
		--rsnapshot-conf=/etc/r.conf --logfile=/log --log-level=warn --db-url=/catalog.db --sequence=hourly,daysago
	contains "$stderr" '^secondshot: --sequence=hourly,daysago has no meaning any more'
	contains "$(cat calls)" '^DB_URL=/catalog.db$'
	contains "$(cat calls)" '^ss-run \[--quiet\] \[--logfile=/log\] \[--log-level=warn\] \[--volume=disk\] \[--backup-host=keeper\] \[--rsnapshot-conf=/etc/r.conf\] \[--no-rotate\] \[--json\] \[--autoverify=on\] \[--hashtype=md5\] \[--\] \[alpha\] \[b c\]$'
	: >calls
	run_ok secondshot -v --volume=disk --backup-host=keeper --list-hosts
	# A list is of the whole catalog.
	[ "$(cat calls)" = 'ss-catalog [--json] [hosts]' ]
	: >calls
	run_ok secondshot --verify=a --host=no --verify=-b --rsnapshot-conf=/etc/r.conf
	[ "$(cat calls)" = 'ss-verify [--quiet] [--] [a] [-b]' ]
}

@test "each action takes all options of the original together" {
	local -a all
	local what
	come_over hourly:2 daysago:2
	all=(-v --volume=disk --backup-host=keeper --hashtype=md5 --autoverify=true --log-level=info --logfile="$PWD/l"
		--rsnapshot-conf="$RSNAPSHOT_CONF" '--sequence=hourly,daysago' --manifest=.snapshot-manifest '--filter=*' --format=json
		--db-url="$CATALOG_URL" --host=alpha --interval=daysago)
	[[ $CATALOG_URL == mysql* ]] || all+=(--dbpass=x)
	for what in --action=schema-update --action=rotate --list-volumes; do
		run_ok secondshot "${all[@]}" "$what"
	done
	[ "$(jq -r '.volumes[].name' <<<"$output")" = disk ]
	# The disk is known by its id: once more without the name changes nothing.
	run_ok secondshot --action=schema-update --volume=
	run_ok secondshot --list-volumes
	[ "$output" = disk ]
}

# run_of RESULT [INTERVAL [BACKUP-HOST [VOLUME-ID]]]: a run's record.
run_of() {
	printf '{"type":"run","id":"%s","backup_host":"%s","volume_id":"%s","result":%s,"rotations":[%s]}\n' \
		"$((++ID))" "${3:-keeper}" "${4:-v}" "$1" "${2:+{\"interval\":\"$2\",\"moved\":1,\"result\":\"rotated\"\}}"
}

# bats test_tags=more
@test "the rotation that ends a round looks at each run since the last one, of this machine and disk" {
	local ID=0 i
	stub ss-run ss-catalog
	cat >stub/ss-run <<-'END'
		#!/bin/bash
		[[ " $* " != *' --due '* ]] || exec cat due
		exec tail -n 1 runs
	END
	cat >stub/ss-catalog <<-'END'
		#!/bin/bash
		exec cat runs
	END
	printf '%s\n' '{"type":"due","interval":"daysago","fed":true}' '{"type":"due","interval":"hourly","fed":true}' >due
	# ends CODE: those in the file "runs", and then the one that ends the round.
	ends() {
		run_of 0 hourly >>runs
		run_code "$1" secondshot --action=rotate --interval=hourly
	}
	: >runs
	ends 0
	{ run_of 2; run_of 0 hourly; run_of 0; run_of 0 daysago; } >runs
	ends 0
	{ run_of 0 hourly; run_of 2; run_of 0 daysago; } >runs
	ends 1
	contains "$stderr" 'not every run of this round was well'
	# One that was killed has no result.
	{ run_of 0 hourly; run_of null; } >runs
	ends 1
	{ run_of 0 hourly; run_of 2 daysago; for ((i = 0; i < 100; i++)); do run_of 0; run_of 0 hourly attic; run_of 0 hourly keeper w; done; } >runs
	ends 1
	{ run_of 0 hourly; run_of 2 '' attic; run_of 2 '' keeper w; } >runs
	ends 0
}

# bats test_tags=more
@test "a volume with a name of its own: rounds, a saveset that waits, and what another machine has waiting" {
	HOSTS="alpha beta"
	come_over hourly:2 daysago:2
	on_mariadb && export DBTYPE='' DB_URL=$CATALOG_URL
	sed -i 's/^VOLUME=.*/VOLUME="--volume=daily-keeper"/' etc/secondshot-env
	run_ok secondshot --action=schema-update --volume=daily-keeper
	now '2026-07-03 00:30'
	run_ok cron
	now '2026-07-03 08:30'
	run_ok cron
	[ "$stderr" = "" ]
	run_ok secondshot --list-savesets --filter='alpha-daily-keeper-*'
	[ "${#lines[@]}" = 2 ]
	[ "$(cat "$ROOT/hourly.1/alpha/generation")" = '2026-07-03 00:30' ]
	# It was killed after its start.
	now '2026-07-03 12:30'
	run_ok secondshot --action=start --host=alpha --volume=daily-keeper --backup-host=keeper --autoverify=true --hashtype=md5 \
		--logfile="$PWD/l" --log-level=warn --rsnapshot-conf="$RSNAPSHOT_CONF" --interval=hourly '--filter=*' -v
	now '2026-07-04 00:30'
	run_ok cron
	contains "$stderr" 'waits in .sync: hourly is rotated first'
	[ "$(cat "$ROOT/hourly.0/beta/generation")" = '2026-07-04 00:30' ]
	[ "$(cat "$ROOT/daysago.0/alpha/generation")" = '2026-07-03 08:30' ]
	# Another machine that shares the catalog: what waits there is not ours, and it is left in peace.
	mkdir attic
	sed "s|^snapshot_root.*|snapshot_root\t$PWD/attic/|" "$RSNAPSHOT_CONF" >attic.conf
	secondshot --action=schema-update --backup-host=attic --volume=daily-keeper --rsnapshot-conf="$PWD/attic.conf"
	now '2026-07-04 04:30'
	run_ok secondshot --action=start --host=alpha --host=beta --backup-host=attic --volume=daily-keeper --rsnapshot-conf="$PWD/attic.conf"
	now '2026-07-04 08:30'
	run_ok cron
	[ "$stderr" = "" ]
	[ -e attic/.sync/alpha ]
}

# bats test_tags=more
@test "where the catalog is: the original's defaults for a server, sqlite for ours" {
	stub ss-catalog
	calls() {
		: >calls
		run_ok "$@"
		sed 's/ \[--quiet\].*//; /^DBPASS/!s/$//' calls | xargs
	}
	[ "$(calls env DBTYPE=mysql+pymysql secondshot --list-hosts)" = \
		'ss-catalog DBHOST=db00 DBNAME=secondshot DBPORT=3306 DBTYPE=mysql+pymysql DBUSER=bkp' ]
	[ "$(calls env DBTYPE=sqlite DBHOST=h DBNAME=n secondshot --dbtype=mysql --dbhost=db --dbport=1 --list-hosts)" = \
		'ss-catalog DBHOST=db DBNAME=n DBPORT=1 DBTYPE=mysql DBUSER=bkp' ]
	# What the type of the environment says is less than the url of the command line.
	[ "$(calls env DBTYPE=mysql secondshot --db-url=sqlite:////c --list-hosts)" = 'ss-catalog DB_URL=sqlite:////c' ]
	[ "$(calls env DB_URL=mysql://u@h/n DBTYPE=sqlite secondshot --list-hosts)" = 'ss-catalog DBTYPE=sqlite DB_URL=mysql://u@h/n' ]
	[ "$(calls env DB_URL=mysql://u@h/n secondshot --dbtype=sqlite --list-hosts)" = 'ss-catalog DBTYPE=sqlite' ]
	# sqlite is the file, which the configuration may name.
	[ "$(calls env DBTYPE=sqlite secondshot --list-hosts)" = 'ss-catalog DBTYPE=sqlite' ]
	echo 'db-url = mysql://u@h/n' >"$SECONDSHOT_CONF"
	[ "$(calls env DBTYPE=sqlite secondshot --list-hosts)" = 'ss-catalog DBTYPE=sqlite' ]
	echo 'db-url = sqlite:////metadata/catalog.db' >"$SECONDSHOT_CONF"
	[ "$(calls env DBTYPE=sqlite secondshot --list-hosts)" = 'ss-catalog' ]
	[ "$(calls secondshot --dbtype=sqlite --list-hosts)" = 'ss-catalog' ]
}

@test "a password is in no command line or environment of a tool, and in no file afterwards" {
	stub ss-catalog
	local file program
	# What else is started does not see it either.
	for program in getopt awk mktemp tr; do
		printf '#!/bin/sh\nenv | grep geheim >>"%s/calls"\nexec "%s" "$@"\n' "$PWD" "$(type -P $program)" >stub/$program
		chmod +x stub/$program
	done
	asked() {
		: >calls
		run_ok "$@"
		lacks "$(grep -v ^password calls)" 'geheim'
		grep -q '^password geheim 600 700$' calls
	}
	asked env DBTYPE=mysql DBPASS=geheim secondshot --list-hosts
	[ "$stderr" = "" ]
	asked env DBPASS=other secondshot --dbtype=mysql --dbpass=geheim --list-hosts
	contains "$stderr" '^secondshot: --dbpass: others can see a command line'
	asked env DB_URL='mysql+pymysql://bkp:geheim@db00:3306/secondshot' secondshot --list-hosts
	contains "$(cat calls)" '^DB_URL=mysql\+pymysql://bkp@db00:3306/secondshot$'
	asked secondshot --db-url='mysql://bkp:ge%68eim@db/n?x=1' --list-hosts
	contains "$(cat calls)" '^DB_URL=mysql://bkp@db/n\?x=1$'
	# A file needs none.
	: >calls
	run_ok env DBTYPE=sqlite DBPASS=geheim secondshot --list-hosts
	lacks "$(cat calls)" 'geheim|password'
	[ "$(wc -l <files)" = 4 ]
	while read -r file; do [ ! -e "${file%/*}" ]; done <files
}

@test "a catalog of the original is not taken for ours, and stays as it is" {
	requires sqlite3
	conf
	sqlite3 original 'CREATE TABLE hosts (id INTEGER PRIMARY KEY, hostname TEXT, created TEXT);
		INSERT INTO hosts VALUES (1, "alpha", "2020-01-01")'
	sha256sum original >sum
	run_code 1 secondshot --db-url="sqlite:///$PWD/original" --list-hosts
	run_code 1 secondshot --db-url="sqlite:///$PWD/original" --action=schema-update
	[ -n "$stderr" ]
	sha256sum -c --quiet sum
}

# bats test_tags=more
@test "a signal ends the tool first, and then the script" {
	local pid
	stub ss-catalog
	cat >stub/ss-run <<-'END'
		#!/bin/bash
		sleep 900 &
		sleeps=$!
		trap 'kill "$sleeps"; echo ended >end; exit 143' TERM
		readlink "/proc/$$/fd/1" >out
		wait "$sleeps"
	END
	chmod +x stub/ss-run
	secondshot --action=start --host=alpha 3>&- &
	pid=$!
	until_true test -s out
	kill -TERM "$pid"
	run_code 143 wait "$pid"
	[ "$(cat end)" = ended ]
	# Where its answer was to lie is gone.
	[ ! -e "$(dirname "$(cat out)")" ]
}

@test "help and version" {
	local line
	once "no catalog is asked"
	run_ok secondshot --version
	contains "$output" '^secondshot [0-9]'
	run_ok secondshot --version --format=json --action=start
	[ "$(jq -r '.version[0].name' <<<"$output")" = "$(secondshot --version)" ]
	run_ok secondshot -h
	mapfile -t lines <<<"$output"
	[ "${#lines[@]}" -le 32 ]
	for line in "${lines[@]}"; do [ "${#line}" -le 80 ]; done
	while read -r line _; do
		[[ $output == *--$line* ]]
	done < <(secondshot --list-options)
	run_code 1 bash -c 'secondshot --version >/dev/full'
	run_code 1 bash -c 'secondshot --help >/dev/full'
}

# old_default: /etc has a file of the original, and ours says nothing of one, or something.
old_default() {
	mkdir etc
	cp -a /etc/alternatives etc/
	: >etc/backup-daily.conf
	mount --bind etc /etc
	run_code 1 secondshot --action=start --host=alpha
	contains "$(cat calls)" '^ss-run .*\[--rsnapshot-conf=/etc/backup-daily.conf\]'
	run_code 1 secondshot --action=start --host=alpha --rsnapshot-conf=/other
	contains "$(tail -n1 calls)" '\[--rsnapshot-conf=/other\]'
	echo 'rsnapshot-conf = /ours' >"$SECONDSHOT_CONF"
	run_code 1 secondshot --action=start --host=alpha
	lacks "$(tail -n1 calls)" rsnapshot-conf
}

# bats test_tags=more
@test "the original's configuration of rsnapshot is the default, if ours names none" {
	requires root mountns
	stub ss-run ss-catalog
	export SECONDSHOT_CONF BATS_TEST_TMPDIR
	in_namespace old_default lacks
}

# bats test_tags=more
@test "start, rotate, and again: what they print, and the manifest" {
	local first
	HOSTS="alpha beta" come_over hourly:2 daysago:2
	run_ok secondshot --action=schema-update
	contains "$output" '^[0-9]'
	run_ok secondshot --action=schema-update --format=json
	[ "$(jq -c '[.status, ."schema-update"[0].action]' <<<"$output")" = '["ok","skipped"]' ]
	run_ok secondshot --action=start --host=beta --host=alpha --volume=backup --manifest="$PWD/manifest" --format=json
	[ "$(jq -r '[.start.status] + [.start.results[] | keys[]] | join(" ")' <<<"$output")" = 'ok inject calc_sums inject calc_sums' ]
	[ "$(jq -c '.start.results[0].inject | [.status, .file_count, .skipped]' <<<"$output")" = '["ok",5,0]' ]
	[ "$(jq -c '.start.results[1].calc_sums | [.status, .size]' <<<"$output")" = '["ok",14]' ]
	# A running number, kind, size, whether there is a checksum: as find and stat see them.
	[ "$(grep -c '^# .*-backup-' manifest)" = 2 ]
	[ "$(stat -c %a manifest)" = 600 ]
	diff <(sed -n '/^# alpha/,/^# beta/p' manifest | grep -v '^#' | cut -d, -f2-) <(
		cd "$ROOT/.sync/alpha"
		find . \( -type d -printf 'd,0,0\t%P\n' -o -type f -printf 'f,%s,1\t%P\n' -o -printf '%y,0,0\t%P\n' \) |
			LC_ALL=C sort -t "$(printf '\t')" -k2 | cut -f1
	)
	run_ok secondshot --action=rotate --interval=daysago --format=json
	contains "$stderr" '^secondshot: daysago: nothing to rotate yet: hourly.1, which it takes over, is not there$'
	[ "$output" = '{"rotate":{"status":"ok","actions":[]}}' ]
	run_ok secondshot --action=rotate --interval=hourly --format=json
	[ "$output" = '{"rotate":{"status":"ok","actions":[{"host":"keeper","savesets":2,"location":"hourly.0","prev":".sync"}]}}' ]
	# Nothing new: nothing moves, which is no failure.
	run_ok secondshot --action=rotate --interval=hourly
	[ "$output" = "" ]
	contains "$stderr" 'no host has a new complete saveset'
	# One that was never rotated is not copied over.
	echo 2 >"$SRC/alpha/turn"
	run_ok secondshot --action=start --host=alpha --manifest=.snapshot-manifest
	contains "$stderr" 'nothing is written into a backup any more'
	[ "$output" = "" ]
	echo three >"$SRC/alpha/turn"
	run_ok secondshot --action=start --host=alpha
	contains "$stderr" 'waits in .sync: hourly is rotated first'
	[ "$(cat "$ROOT/hourly.0/alpha/turn")" = 2 ]
	run_ok secondshot --action=rotate --interval=daysago
	run_ok secondshot --action=rotate --interval=hourly --format=json
	[ "$(cat "$ROOT/hourly.0/alpha/turn")" = three ]
	run_code 1 secondshot --action=rotate --interval=weeksago
	contains "$stderr" 'weeksago'
	run_code 1 secondshot --action=start --host=gamma
	contains "$stderr" 'gamma: no such host'
	run_ok ss-verify --all
}

# bats test_tags=more
@test "a rotation tells what comes, and where from" {
	RETAIN=hourly:1 come_over hourly:2 daysago:2
	ss-catalog init
	for _ in 1 2; do
		ss-run --no-rotate
		ss-run --rotate=hourly
	done
	ss-run --no-rotate
	run_ok secondshot --action=rotate --interval=hourly --format=json
	[ "$output" = '{"rotate":{"status":"ok","actions":[{"host":"keeper","savesets":1,"location":"hourly.0","prev":".sync"}]}}' ]
}

# bats test_tags=more
@test "one host fails: the cron script rotates the other, then exits with 1; the next round is clean" {
	HOSTS="alpha beta"
	come_over hourly:2 daysago:2 weeksago:2 monthsago:2 semiannually:2 yearsago:2
	on_mariadb && export DBTYPE='' DB_URL=$CATALOG_URL
	ss-catalog init
	now '2026-08-31 16:30'
	run_ok cron
	now '2026-08-31 20:30'
	run_ok cron
	now '2026-09-01 00:30'
	mv "$SRC/beta" away
	run_code 1 cron
	contains "$stderr" 'beta: failed'
	contains "$stderr" 'not all is well .exit 2 of ss-run.*: go on with the rotation'
	contains "$stderr" 'secondshot: not every run of this round was well'
	[ "$(cat "$ROOT/hourly.0/alpha/generation")" = '2026-09-01 00:30' ]
	[ "$(cat "$ROOT/daysago.0/alpha/generation")" = '2026-08-31 16:30' ]
	[ "$(cat "$ROOT/hourly.0/beta/generation")" = '2026-08-31 20:30' ]
	mv away "$SRC/beta"
	now '2026-09-01 08:30'
	run_ok cron
	[ "$stderr" = "" ]
	# All of them fail: what they have is promoted all the same.
	mv "$SRC" away
	now '2026-09-02 00:30'
	run_code 1 cron
	[ "$(cat "$ROOT/daysago.0/alpha/generation")" = '2026-09-01 00:30' ]
	# What cannot begin ends the script at once.
	hold_lock
	run_code 1 cron
	contains "$stderr" 'locked by a-test'
	lacks "$stderr" 'go on with the rotation'
}

# bats test_tags=slow
@test "the original's crontab, from nothing: some days with a Sunday, and 1 March" {
	come_over hourly:3 daysago:2 weeksago:2 monthsago:2 semiannually:2 yearsago:2
	on_mariadb && export DBTYPE='' DB_URL=$CATALOG_URL
	ss-catalog init
	rounds 2026-02-27 4
	contains "$(cat said)" 'weeksago: nothing to rotate yet'
	diff <(printf '%s\n' "${ROTATED[@]}") <(rotated)
}

# bats test_tags=slow
@test "the original's crontab, on its own trees: 1 March and 1 September, each with all that is due" {
	once "the same calendar"
	come_over hourly:3 daysago:7 weeksago:4 monthsago:6 semiannually:2 yearsago:99
	old_trees
	ss-catalog init
	rounds 2026-02-28 3
	rounds 2026-08-31 2
	diff <(printf '%s\n' "${ROTATED[@]}") <(rotated)
	contains "${ROTATED[*]}" '2026-09-01 00:30 yearsago'
	[ "$(cat "$ROOT/yearsago.1/alpha/generation")" = 'old yearsago.0' ]
}
