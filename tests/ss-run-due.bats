#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run --due: which intervals are due, and why.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

# A Sunday.  The zone is written out, so that no database of zones is needed.
NOW='2026-11-22 00:30'
export TZ=CET-1CEST,M3.5.0,M10.5.0/3

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export RETAIN='hourly:6 daysago:7 weeksago:4 monthsago:6'
	conf
	ss-catalog init
	now "$NOW"
}

# now TIME: what our clock shows, in local time.
now() {
	SECONDSHOT_NOW=$(date -d "$1" +%s)
	export SECONDSHOT_NOW
}

# promoted INTERVAL TIME...: the record says so.
promoted() {
	{
		echo 'secondshot-promoted 1'
		while (($#)); do
			printf '%s %s\n' "$1" "$(date -d "$2" +%s)"
			shift 2
		done
		echo end
	} >"$ROOT/.secondshot/promoted"
}

@test "a table, the larger intervals first, in local time, and one object each, in UTC; nothing is written" {
	mkdir -p "$ROOT"/{hourly.5,weeksago.3}/alpha
	promoted hourly '2026-11-21 16:30' daysago '2026-11-21 00:31' weeksago '2026-11-15 00:31' monthsago '2026-10-31 00:30'
	# Neither a lock nor a catalog is needed.
	catalog_drop
	exec 9>"$ROOT/.secondshot/lock"
	flock 9
	find "$ROOT" -printf '%p %i %T@ %s\n' | sort >before
	run_ok ss-run --due
	diff -u - <(printf '%s\n' "$output") <<-'END'
		INTERVAL   LAST              NEXT              DUE  WHY
		monthsago  2026-10-31 00:30  2026-11-30 00:00  no   1mo has not passed yet
		weeksago   2026-11-15 00:31  2026-11-22 00:00  no   daysago.6, which feeds it, is not there yet
		daysago    2026-11-21 00:31  2026-11-22 00:00  yes  1d has passed
		hourly     2026-11-21 16:30  -                 yes  at every run
	END
	[ "$stderr" = "" ]
	TZ=UTC0 run_ok ss-run --due
	contains "$output" 'daysago +2026-11-20 23:31  2026-11-21 00:00  yes'
	run_ok ss-run --due --json
	exec 9>&-
	find "$ROOT" -printf '%p %i %T@ %s\n' | sort | diff before -
	[ "$(jq -r .type <<<"$output" | sort | uniq -c | xargs)" = "4 due" ]
	[ "$(jq -c 'select(.interval == "daysago") | del(.why)' <<<"$output")" = '{"type":"due","interval":"daysago","period":"1d","last":"2026-11-20T23:31:00Z","next":"2026-11-21T23:00:00Z","feeder":"hourly.5","fed":true,"due":true}' ]
	[ "$(jq -c '[.interval, .feeder, .fed]' <<<"$output" | xargs)" = '[monthsago,weeksago.3,true] [weeksago,daysago.6,false] [daysago,hourly.5,true] [hourly,null,true]' ]
	[ "$(jq -c 'select(.interval == "hourly") | [.period, .next]' <<<"$output")" = '[null,null]' ]
}

# What is due when is asked of test_due.c and test_period.c.
@test "a record that is damaged is none, and keys are those of the configuration" {
	mkdir -p "$ROOT"/{hourly.5,daysago.0}/alpha
	echo nonsense >"$ROOT/.secondshot/promoted"
	echo 'period.hourly = 8h' >>"$SECONDSHOT_CONF"
	now "@$(stat -c %Z "$ROOT/daysago.0")"
	run_ok ss-run --due
	contains "$stderr" 'promoted: damaged.*count instead'
	contains "$output" 'daysago .* no '
	contains "$output" 'weeksago +never .* no +daysago.6'
	contains "$output" 'hourly +never .* yes +never before'
	run_ok ss-run --due --json
	[ "$(jq -c 'select(.interval == "weeksago").last' <<<"$output")" = null ]
}

@test "keys that make no sense, hosts, and a volume that is away are refused by name" {
	local key
	run_code 2 ss-run --due alpha
	contains "$stderr" 'alpha: --due takes no hosts'
	cp "$SECONDSHOT_CONF" conf
	for key in 'period.fortnightly = 1d' 'on.daysago = feb-30'; do
		{ cat conf; echo "$key"; } >"$SECONDSHOT_CONF"
		run_code 2 ss-run --due
		contains "$stderr" "${key%% *}"
		[ "$output" = "" ]
	done
	cp conf "$SECONDSHOT_CONF"
	mv "$ROOT" elsewhere
	run_code 2 ss-run --due
	contains "$stderr" 'offline'
}

# turn: a run at the time our clock shows; the files tell which one it was.
turn() {
	now "$1"
	echo "$1" >"$SRC/alpha/turn"
	# rsync looks at nothing else: these are of one size.
	touch -d "$1" "$SRC/alpha/turn"
	run_ok ss-run
}

# lies LOCATION TIME: what was saved then lies there.
lies() {
	[ "$(cat "$ROOT/$1/alpha/turn")" = "$2" ] || { head "$ROOT"/*/alpha/turn; return 1; }
}

@test "runs promote what is due, once for each date, and note when" {
	RETAIN='hourly:2 daysago:1 weeksago:2' conf
	turn '2026-11-20 23:50'
	turn '2026-11-21 00:10'
	turn '2026-11-21 23:59'
	contains "$stderr" 'rotated daysago'
	lacks "$stderr" 'rotated weeksago'
	lies daysago.0 '2026-11-20 23:50'
	run_ok ss-run --due
	contains "$output" 'daysago .* no +1d has not passed yet'
	turn '2026-11-22 00:01'
	contains "$stderr" 'rotated daysago'
	contains "$stderr" 'rotated weeksago'
	lies daysago.0 '2026-11-21 00:10'
	lies weeksago.0 '2026-11-20 23:50'
	# Off for a month.
	turn '2026-12-31 08:00'
	lies weeksago.0 '2026-11-21 00:10'
	lies weeksago.1 '2026-11-20 23:50'
	lies daysago.0 '2026-11-21 23:59'
	lies hourly.0 '2026-12-31 08:00'
	grep -qx "weeksago $SECONDSHOT_NOW 0 alpha" "$ROOT/.secondshot/promoted"
	run_ok ss-run --due
	contains "$output" 'weeksago .* no +1w has not passed yet'
	run_ok ss-verify --all
}

# bats test_tags=more
@test "a run that comes before the lowest interval's time does nothing, by name it goes out of turn; what lies in the future is corrected" {
	printf 'period.hourly = 8h\n' >>"$SECONDSHOT_CONF"
	turn '2026-11-22 00:30'
	turn '2026-11-22 07:59'
	contains "$stderr" 'hourly: not due, 8h has not passed yet'
	[ ! -e "$ROOT/.sync" ]
	[ ! -e "$ROOT/hourly.1" ]
	now '2026-11-22 08:00'
	run_ok ss-run --dry-run
	contains "$output" 'sync alpha/$'
	now '2026-11-22 07:59'
	echo by-name >"$SRC/alpha/turn"
	promoted daysago '2030-01-01 00:00' hourly '2026-11-22 00:30'
	run_ok ss-run alpha
	contains "$stderr" 'alpha: complete'
	lies hourly.1 '2026-11-22 00:30'
	# And what it was is kept.
	grep -qx "daysago $(date -d '2030-01-01 00:00' +%s) $SECONDSHOT_NOW alpha" "$ROOT/.secondshot/promoted"
	mkdir -p "$ROOT"/{hourly.5,daysago.0}/alpha
	now '2026-11-23 00:00'
	run_ok ss-run --due
	contains "$output" 'daysago .* yes +1d has passed'
	now '2030-01-01 12:00'
	run_ok ss-run --due
	contains "$output" 'daysago .* no +1d has not passed yet'
}
