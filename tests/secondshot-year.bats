#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=long
# secondshot: the original's crontab, three times a day for a year, by a clock of ours.
# run_code leaves $output and $stderr.
# shellcheck disable=SC2154

# Each half is some 550 rounds: a quarter of an hour, and more on a slow machine.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-14400}

load helpers
load secondshot

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	requires jq
}

# half_a_year DATE DAYS COUNTS: on the original's trees; COUNTS are the rotations by interval.
half_a_year() {
	local location
	once "the same calendar"
	come_over hourly:3 daysago:7 weeksago:4 monthsago:6 semiannually:2 yearsago:99
	old_trees
	ss-catalog init
	rounds "$1" "$2"
	diff <(printf '%s\n' "${ROTATED[@]}") <(rotated)
	[ "$(printf '%s\n' "${ROTATED[@]}" | cut -d' ' -f3 | sort | uniq -c | xargs)" = "$3" ]
	# The catalog knows where each saveset lies.
	ss-catalog savesets --json | TZ=UTC0 jq -r 'select(.location != null) | "\(.location) \(.created | fromdateiso8601)"' |
		while read -r location t; do printf '%s %(%F %H:%M)T\n' "$location" "$t"; done | sort >known
	for location in "${!SLOT[@]}"; do
		[[ ${SLOT[$location]} == old* ]] || echo "$location ${SLOT[$location]}"
	done | sort | diff - known
	# Old trees are left, in the larger intervals, and nobody has catalogued them.
	run_code 3 ss-verify --all
	contains "$stderr" "$(wc -l <known) of $(wc -l <known) savesets verified, 0 findings"
	run_code 3 ss-catalog check
	contains "$stderr" 'trees that no saveset of the catalog claims'
	lacks "$output" .
	printf '# %s rotations, %s savesets on the disk\n' "${#ROTATED[@]}" "$(wc -l <known)" >&3
}

# Together a year: 3 a day, 1 a day, Sundays, firsts, March and September, September.
@test "the original's crontab, from 2 March to 31 August" {
	half_a_year 2026-03-02 183 '183 daysago 549 hourly 5 monthsago 26 weeksago'
}

@test "the original's crontab, from 1 September to 1 March" {
	half_a_year 2026-09-01 182 '182 daysago 546 hourly 7 monthsago 2 semiannually 26 weeksago 1 yearsago'
}
