# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# secondshot.bash - somebody comes over from secondshot 0.10: its configuration, its cron
# script in our own words, a clock for both, and where each generation has to be by its calendar.
#
#	load helpers
#	load secondshot
#	setup() { come_over hourly:3 daysago:7; }

# The zone is written out, so that no database of zones is needed.
export TZ=CET-1CEST,M3.5.0,M10.5.0/3

# come_over INTERVAL:SLOTS...: the two files of its rsnapshot, of which one includes the other; an
# environment for the script; and a date(1) that knows our clock.
come_over() {
	local etc=$BATS_TEST_TMPDIR/etc bin=$BATS_TEST_TMPDIR/bin setting
	RETAIN=hourly:3 conf
	LEVELS=("$@")
	grep -vE '^(snapshot_root|retain|backup|sync_first|link_dest)\b' "$RSNAPSHOT_CONF" >"$etc/rsnapshot-distribution.conf"
	mkdir -p "$etc/conf.d" "$bin"
	{
		printf 'include_conf\t%s\n' "$etc/rsnapshot-distribution.conf"
		printf 'snapshot_root\t%s/\nsync_first\t1\nlink_dest\t1\none_fs\t1\n' "$ROOT"
		for setting; do printf 'retain\t%s\t%s\n' "${setting%:*}" "${setting#*:}"; done
		for setting in $HOSTS; do printf 'backup\t%s/%s/\t%s/\n' "$SRC" "$setting" "$setting"; done
	} >"$etc/conf.d/backup-daily.conf"
	RSNAPSHOT_CONF=$etc/conf.d/backup-daily.conf
	sed -i "s|^rsnapshot-conf.*|rsnapshot-conf = $RSNAPSHOT_CONF|" "$SECONDSHOT_CONF"
	printf '#!/bin/sh\nHOSTS="%s"\nVOLUME="--volume=backup"\n' "$(printf -- '--host=%s ' $HOSTS)" >"$etc/secondshot-env"
	printf '#!/bin/sh\nexec /bin/date -d "@$SECONDSHOT_NOW" "$@"\n' >"$bin/date"
	cron_script >"$bin/cron-secondshot"
	chmod +x "$etc/secondshot-env" "$bin/date" "$bin/cron-secondshot"
	declare -gA SLOT=()
	ROTATED=()
}

# What the original ran from cron, one or more times a day.
cron_script() {
	cat <<-END
		#!/bin/bash -e
		if [ -r "$BATS_TEST_TMPDIR/secret" ]; then DBPASS=\$(cat "$BATS_TEST_TMPDIR/secret"); export DBPASS; fi
		export DBTYPE=\${DBTYPE-sqlite} DBHOST=\${DBHOST-db00} DBNAME=\${DBNAME-secondshot} DBPORT=\${DBPORT-3306} DBUSER=\${DBUSER-bkp}
		if [ -x "$BATS_TEST_TMPDIR/etc/secondshot-env" ]; then . "$BATS_TEST_TMPDIR/etc/secondshot-env"; fi
		secondshot --action=start \$VOLUME \$HOSTS
		if [ "\$(date +%H)" -le 2 ]; then
			month=\$(date +%m)
			if [ "\$(date +%d)" = 01 ]; then
				if [ \$month = 09 ]; then secondshot --action=rotate --interval=yearsago; fi
				if [ \$month = 09 ] || [ \$month = 03 ]; then secondshot --action=rotate --interval=semiannually; fi
				secondshot --action=rotate --interval=monthsago
			fi
			if [ "\$(date +%w)" = 0 ]; then secondshot --action=rotate --interval=weeksago; fi
			secondshot --action=rotate --interval=daysago
		fi
		secondshot --action=rotate --interval=hourly
	END
}

# now TIME: what our clock shows, in local time.
now() {
	NOW=$1
	SECONDSHOT_NOW=$(/bin/date -d "$1" +%s)
	export SECONDSHOT_NOW
}

# cron: its script.  MADE is what it finds on the hosts, and what lies in .sync then.
cron() {
	local host
	MADE=$NOW
	for host in $HOSTS; do
		[[ -d $SRC/$host ]] || continue
		echo "$MADE" >"$SRC/$host/generation"
		touch -d "@$SECONDSHOT_NOW" "$SRC/$host/generation"
	done
	PATH=$BATS_TEST_TMPDIR/bin:$PATH DBTYPE=${DBTYPE-sqlite} "$BATS_TEST_TMPDIR/bin/cron-secondshot"
}

# --- the model ---

# slots INTERVAL: how many it has; BELOW is the interval that feeds it.
slots() {
	local level
	BELOW=''
	for level in "${LEVELS[@]}"; do
		N=${level#*:}
		[[ ${level%:*} != "$1" ]] || return 0
		BELOW=${level%:*}
	done
}

# old_trees: every slot has a tree already, that the original made.
old_trees() {
	local level name i
	for level in "${LEVELS[@]}"; do
		name=${level%:*}
		for ((i = 0; i < ${level#*:}; i++)); do
			[[ $name != yearsago || $i == 0 ]] || break
			mkdir -p "$ROOT/$name.$i/alpha"
			echo "old $name.$i" >"$ROOT/$name.$i/alpha/generation"
			SLOT[$name.$i]="old $name.$i"
		done
	done
}

# promote INTERVAL: as rsnapshot does; without what feeds it nothing happens.
promote() {
	local i feeder=.sync
	slots "$1"
	local n=$N below=$BELOW
	if [[ -n $below ]]; then
		slots "$below"
		feeder=$below.$((N - 1))
	fi
	[[ -n ${SLOT[$feeder]:-} ]] || return 0
	for ((i = n - 1; i > 0; i--)); do
		if [[ -n ${SLOT[$1.$((i - 1))]:-} ]]; then
			SLOT[$1.$i]=${SLOT[$1.$((i - 1))]}
		else
			unset "SLOT[$1.$i]"
		fi
	done
	SLOT[$1.0]=${SLOT[$feeder]}
	unset "SLOT[$feeder]"
	ROTATED+=("$NOW $1")
}

# calendar: what original.md says is rotated at $NOW, DAY being that of the week, 0 = Sunday.
calendar() {
	local month=${NOW:5:2} day=${NOW:8:2} hour=${NOW:11:2}
	SLOT[.sync]=$MADE
	if [[ $hour < 03 ]]; then
		if [[ $day == 01 ]]; then
			[[ $month != 09 ]] || promote yearsago
			[[ $month != 0[39] ]] || promote semiannually
			promote monthsago
		fi
		[[ $DAY != 0 ]] || promote weeksago
		promote daysago
	fi
	promote hourly
}

# as_modelled: each slot has what it must have, and there is no other.
as_modelled() {
	local location want have wrong=0
	for location in "${!SLOT[@]}" "$ROOT"/*.*; do
		location=${location##*/}
		[[ $location != .sync ]] || continue
		want=${SLOT[$location]:-nothing} have=nothing
		[[ ! -e $ROOT/$location/alpha/generation ]] || have=$(<"$ROOT/$location/alpha/generation")
		[[ $have == "$want" ]] || { echo "$NOW: $location has $have, not $want"; wrong=1; }
	done
	return "$wrong"
}

# rounds DATE DAYS: three times a day, as the original's crontab has it by default.
rounds() {
	local i date hour
	for ((i = 0; i < $2; i++)); do
		read -r date DAY < <(/bin/date -d "$1 12:00 $i days" '+%F %w')
		for hour in 00 08 16; do
			now "$date $hour:30"
			cron 2>>"$BATS_TEST_TMPDIR/said" || { echo "$NOW: exit $?"; cat "$BATS_TEST_TMPDIR/said"; return 1; }
			calendar
		done
		as_modelled || return 1
	done
}

# rotated: what the records of all runs say was rotated, as ROTATED has it.
rotated() {
	ss-catalog runs --json | TZ=UTC0 jq -r '(.started | fromdateiso8601) as $t | .rotations[] | select(.result == "rotated") | "\($t) \(.interval)"' |
		while read -r t interval; do
			printf '%(%F %H:%M)T %s\n' "$t" "$interval"
		done
}
