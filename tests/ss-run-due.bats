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

# due INTERVAL: its object.
due() {
	run_ok ss-run --due --json
	jq -r --arg i "$1" 'select(.interval == $i)' <<<"$output"
}

# says INTERVAL DUE WHY: due is yes or no, why a pattern.
says() {
	local o
	o=$(due "$1")
	[[ $(jq -r 'if .due then "yes" else "no" end' <<<"$o") == "$2" ]] || { echo "$o"; return 1; }
	contains "$(jq -r .why <<<"$o")" "$3"
}

feed() {
	mkdir -p "$ROOT/hourly.5" "$ROOT/daysago.6" "$ROOT/weeksago.3"
}

@test "a table, the larger intervals first, in local time" {
	mkdir "$ROOT/hourly.5" "$ROOT/weeksago.3"
	promoted hourly '2026-11-21 16:30' daysago '2026-11-21 00:31' weeksago '2026-11-15 00:31' monthsago '2026-10-31 00:30'
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
}

@test "one object each, with times in UTC" {
	promoted daysago '2026-11-21 00:31'
	run_ok ss-run --due --json
	[ "$(jq -r .type <<<"$output" | sort | uniq -c | xargs)" = "4 due" ]
	[ "$(due daysago | jq -c 'del(.why)')" = '{"type":"due","interval":"daysago","period":"1d","last":"2026-11-20T23:31:00Z","next":"2026-11-21T23:00:00Z","due":false}' ]
	[ "$(due hourly | jq -c '[.period, .last, .next]')" = '[null,null,null]' ]
}

@test "nothing is written, no lock and no catalog needed" {
	promoted daysago '2030-01-01 00:00'
	catalog_drop
	exec 9>"$ROOT/.secondshot/lock"
	flock 9
	find "$ROOT" -printf '%p %i %T@ %s\n' | sort >before
	run_ok ss-run --due
	exec 9>&-
	find "$ROOT" -printf '%p %i %T@ %s\n' | sort | diff before -
}

@test "without a record: when NAME.0 came there; without that, never" {
	feed
	mkdir "$ROOT/daysago.0"
	now '@'"$(stat -c %Z "$ROOT/daysago.0")"
	says daysago no '1d has not passed yet'
	says weeksago yes 'never before'
	SECONDSHOT_NOW=$((SECONDSHOT_NOW + 86400)) says daysago yes '1d has passed'
	echo nonsense >"$ROOT/.secondshot/promoted"
	run_ok ss-run --due
	contains "$stderr" 'promoted: damaged.*count instead'
	contains "$output" 'daysago .* no '
}

@test "fixed days, and periods of intervals with names of their own" {
	RETAIN='alpha:6 beta:7 gamma:4 delta:3' conf period.beta=12h 'on.gamma=mar-1, nov-22'
	mkdir "$ROOT/alpha.5" "$ROOT/beta.6" "$ROOT/gamma.3"
	promoted beta '2026-11-21 12:30' gamma '2026-11-21 23:59' delta '2020-01-01 00:00'
	says beta yes '12h has passed'
	says gamma yes 'nov-22 has come'
	says delta no 'no period is known: write period.delta = 1d, or on.delta = sunday'
	says alpha yes 'at every run'
	promoted beta '2026-11-21 13:00' gamma '2026-11-22 00:00'
	says beta no '12h has not passed yet'
	says gamma no 'waits for mar-1, nov-22'
	[ "$(due gamma | jq -r .next)" = 2027-02-28T23:00:00Z ]
}

@test "the lowest interval, where it has a period of its own" {
	printf 'period.hourly = 8h\n' >>"$SECONDSHOT_CONF"
	says hourly yes 'never before'
	promoted hourly '2026-11-21 16:30'
	says hourly yes '8h has passed'
	promoted hourly '2026-11-21 17:30'
	says hourly no '8h has not passed yet'
}

@test "keys that make no sense are refused by name" {
	local key
	cp "$SECONDSHOT_CONF" conf
	for key in 'period.fortnightly = 1d' 'on.fortnightly = 1' 'period.daysago = 1 d' 'period.daysago = soon' \
		'on.daysago = someday' 'on.daysago = feb-30'; do
		{ cat conf; echo "$key"; } >"$SECONDSHOT_CONF"
		run_code 2 ss-run --due
		contains "$stderr" "${key%% *}"
		[ "$output" = "" ]
	done
	{ cat conf; printf 'on.daysago = 1\nperiod.daysago = 1d\n'; } >"$SECONDSHOT_CONF"
	run_code 2 ss-run --due
	contains "$stderr" 'on.daysago: it has period.daysago as well'
}

@test "a promotion in the future counts as now" {
	feed
	promoted daysago '2030-01-01 00:00' weeksago '2026-11-22 00:31'
	says daysago no '1d has not passed yet'
	[ "$(due daysago | jq -r .next)" = 2026-11-22T23:00:00Z ]
	says weeksago no '1w has not passed yet'
}

@test "a year off: each is due once" {
	feed
	promoted hourly "$NOW" daysago "$NOW" weeksago "$NOW" monthsago "$NOW"
	now '2027-11-30 17:00'
	run_ok ss-run --due --json
	[ "$(jq -r 'select(.due).interval' <<<"$output" | xargs)" = "monthsago weeksago daysago hourly" ]
	promoted hourly '2027-11-30 17:00' daysago '2027-11-30 17:00' weeksago '2027-11-30 17:00' monthsago '2027-11-30 17:00'
	now '2027-11-30 23:59:59'
	run_ok ss-run --due --json
	[ "$(jq -r 'select(.due).interval' <<<"$output" | xargs)" = hourly ]
}

@test "hosts, and a volume that is away" {
	run_code 2 ss-run --due alpha
	contains "$stderr" 'alpha: --due takes no hosts'
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
	RETAIN='hourly:2 daysago:2 weeksago:2' conf
	turn '2026-11-20 23:50'
	turn '2026-11-21 00:10'
	turn '2026-11-21 23:59'
	contains "$stderr" 'rotated daysago'
	lies daysago.0 '2026-11-20 23:50'
	turn '2026-11-22 00:01'
	lies daysago.0 '2026-11-21 00:10'
	turn '2026-11-22 12:00'
	lacks "$stderr" 'rotated daysago'
	contains "$stderr" 'rotated weeksago'
	lies weeksago.0 '2026-11-20 23:50'
	turn '2026-11-23 12:00'
	lacks "$stderr" 'rotated weeksago'
	lies daysago.0 '2026-11-22 00:01'
	# Off for a month.
	turn '2026-12-31 08:00'
	lies weeksago.0 '2026-11-21 00:10'
	lies weeksago.1 '2026-11-20 23:50'
	lies daysago.0 '2026-11-22 12:00'
	lies hourly.0 '2026-12-31 08:00'
	says weeksago no '1w has not passed yet'
	[ "$(sed -n 's/^weeksago //p' "$ROOT/.secondshot/promoted")" = "$SECONDSHOT_NOW" ]
	run_ok ss-verify --all
}

@test "a run that comes before the lowest interval's time does nothing" {
	printf 'period.hourly = 8h\n' >>"$SECONDSHOT_CONF"
	turn '2026-11-22 00:30'
	turn '2026-11-22 07:59'
	contains "$stderr" 'hourly: not due, 8h has not passed yet'
	[ ! -e "$ROOT/.sync" ] && [ ! -e "$ROOT/hourly.1" ]
	turn '2026-11-22 08:05'
	lies hourly.1 '2026-11-22 00:30'
	# By name, out of turn.
	echo by-name >"$SRC/alpha/turn"
	run_ok ss-run alpha
	contains "$stderr" 'alpha: complete'
}

@test "a run corrects what lies in the future, and keeps what it was" {
	feed
	turn "$NOW"
	promoted daysago '2030-01-01 00:00' hourly "$NOW"
	turn '2026-11-22 08:00'
	grep -qx "daysago $(date -d '2030-01-01 00:00' +%s) $SECONDSHOT_NOW" "$ROOT/.secondshot/promoted"
	feed
	now '2026-11-23 00:00'
	says daysago yes '1d has passed'
	now '2030-01-01 12:00'
	says daysago no '1d has not passed yet'
}
