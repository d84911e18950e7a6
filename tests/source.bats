#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the source promises about itself.

load helpers

setup() {
	[[ ${SS_INSTALLED:-0} != 1 ]] || skip "about the source tree"
	cd "$TESTS/.." || return
}

@test "a database driver's names stay in its file" {
	run grep -nE --exclude='db_*' '\b(sqlite3|mysql|mariadb)_' lib/*/*.[ch] tools/*.c
	[ "$output" = "" ]
}

@test "no SQL is made by formatting" {
	run grep -niE '(printf|buf_str|buf_add|strcat|mem_printf)[ (].*"[^"]*\b(select|insert into|update|delete from|create table|drop table)\b' lib/*/*.c tools/*.c
	[ "$output" = "" ]
	run grep -nE '\bsqlite3_(mprintf|snprintf|vmprintf)\b' lib/*/*.c
	[ "$output" = "" ]
}

@test "what a file of the library exports starts with its name" {
	[[ -d $SS_BIN/obj/lib ]] || skip "not built here"
	local object name symbol n=0
	while read -r object _ symbol; do
		[[ $symbol != __* ]] || continue
		name=${object##*/}
		name=${name%.o:*}
		n=$((n + 1))
		[[ $symbol == "${name%%_*}"_* ]] || grep -qw "$symbol" lib/*/"$name.h" ||
			{ echo "$name.c exports $symbol"; return 1; }
	done < <(nm -A -g --defined-only "$SS_BIN"/obj/lib/*/*.o)
	((n > 300))
}

# Each room of lib/ takes from itself and from those before it.
@test "the library's rooms depend on each other one way" {
	local room rooms='' files=0 wrong
	for room in base db tree conf catalog rsnap run report; do
		rooms+=${rooms:+|}$room
		wrong=$(grep -nE '^#include "' lib/$room/*.[ch] | grep -vE ":#include \"($rooms)/[a-z_]+\.h\"$") || :
		[ "$wrong" = "" ] || { echo "$wrong"; return 1; }
		files=$((files + $(ls lib/$room/*.c | wc -l)))
	done
	[ "$files" = "$(find lib -name '*.c' | wc -l)" ]
	# rrsync can be copied anywhere, and no library knows the tools.
	run grep -nE '^#include "(lib|tools|base|db|tree|conf|catalog|rsnap|run|report)/' rrsync/*.[ch]
	[ "$output" = "" ]
}

# bats test_tags=more
@test "each mutation changes the file that it names" {
	local list n=0 stale=''
	unnoticed() { :; }
	mutation() {
		n=$((n + 1))
		! sed "$3" "$2" 2>&1 | cmp -s - "$2" || stale+="$1: $2"$'\n'
	}
	for list in tests/mutations/*; do
		# shellcheck disable=SC1090
		. "$list"
	done
	[ "$stale" = "" ] || { echo "$stale"; return 1; }
	((n > 250))
}

@test "headers stay under 100 lines, sources under 600" {
	run awk 'FNR == 1 { if (name) count[name] = n } { name = FILENAME; n = FNR }
		END { count[name] = n; for (f in count)
			if (count[f] >= (f ~ /\.h$/ ? 100 : 600)) print f, count[f] }' lib/*/*.[ch] tools/*.c
	[ "$output" = "" ]
}

@test "an escaped name is printed, not kept: the ring it is in goes round" {
	run grep -nE '= *escape_(name|bytes)\(' lib/*/*.c tools/*.c
	[ "$output" = "" ]
}

@test "rrsync is read in one sitting: under 1,150 lines, headers under 100" {
	(($(cat rrsync/*.c | wc -l) < 1150))
	local header
	for header in rrsync/*.h; do (($(wc -l <"$header") < 100)); done
}

@test "functions stay under 60 lines" {
	run awk '/^[a-z].*[(]/ && !/;$/ { start = FNR; name = $0 }
		/^}/ && start { if (FNR - start >= 60) print FILENAME ": " name; start = 0 }' lib/*/*.c tools/*.c rrsync/*.c
	[ "$output" = "" ]
}

@test "every source file names its licence" {
	run grep -L 'SPDX-License-Identifier: LGPL-2.1-or-later' Makefile debian/rules .ci/run lib/*/*.[ch] tools/*.[c1-8] tools/secondshot rrsync/*.[ch8] tests/*.bats tests/*.bash tests/*/*.c
	[ "$output" = "" ]
}

@test "every key is explained in its page and in the sample, where a default may be taken as it stands" {
	local key n=0
	for key in $(sed -n 's/^\t{ "\([a-z.-]*\)", CONF_.*/\1/p' lib/*/*.c); do
		grep -qE "^\.(It )?Cm (.* , )?$key( |\$)" tools/secondshot.conf.5 || { echo "$key: no page"; return 1; }
		grep -qE "^#?$key = ." etc/secondshot.conf || { echo "$key: no sample"; return 1; }
		n=$((n + 1))
	done
	((n >= 25))
	# Switched on one by one, each of them is taken.
	while read -r key; do
		[[ $key != *'= ('* ]] || continue
		printf '%s\n' "${key#\#}" >"$BATS_TEST_TMPDIR/conf"
		run_code 2 ss-catalog --config="$BATS_TEST_TMPDIR/conf" --logfile=/dev/null nothing
		contains "$stderr" 'no such verb'
	done < <(grep -E '^#?[a-z][a-z.-]* = .' etc/secondshot.conf)
}

@test "every tool has a man page with EXAMPLES and EXIT STATUS" {
	local tool page
	for tool in tools/*.c tools/secondshot; do
		[[ $tool != tools/ss-rs*.c ]] || continue
		page=$(ls "${tool%.c}".[18])
		grep -q '^\.Sh EXAMPLES' "$page"
		grep -q '^\.Sh EXIT STATUS' "$page"
	done
}

# cannot_fail FILE...: what stands in a test and does not make it fail, or only on a slow day.
#	[ A ] && [ B ]	unless it is the last of its block: a failure left of && is forgiven
#	! COMMAND	the same
#	wait		also for bats' own limit, which lasts a quarter of an hour
#	SECONDS		less than a number of them
cannot_fail() {
	awk '
		function tell(what) { printf "%s:%s: %s: %s\n", FILENAME, FNR, what, $0 }
		FNR == 1 { held = "" }
		held && /[^ \t]/ {
			if ($0 !~ /^[ \t]*}/)
				print held
			held = ""
		}
		/^[ \t]*#/ || /\|\||(break|continue|return|exit|skip)( [^ ]*)?$/ { next }
		/^[ \t]+(\[\[?|test|grep|cmp|diff|contains|lacks) .* && (\[\[?|test|grep|cmp|diff|contains|lacks|run_ok|run_code) / && !/(\\|&&|\{)$/ {
			held = FILENAME ":" FNR ": && that forgives: " $0
		}
		/^[ \t]+! / && !/(\\|&&|\{)$/ { held = FILENAME ":" FNR ": ! that forgives: " $0 }
		/^[ \t]+wait$/ { tell("waits for all") }
		/SECONDS"? (-l[te]|<)|TENTHS <|\(\(SECONDS </ { tell("a limit in seconds") }' "$@"
}

@test "tests can fail: no && and no ! that forgives, no wait for all, no limit in seconds" {
	local n
	printf '%s\n' '@test "x" {' '	[ a ] && [ b ]' '	[ c ]' '	! grep x y' '	wait' '	[ "$SECONDS" -lt 30 ]' \
		'	[ a ] && break' '	! grep x || skip' '	[ a ] && [ b ]' '}' >"$BATS_TEST_TMPDIR/x.bats"
	run_ok cannot_fail "$BATS_TEST_TMPDIR/x.bats"
	n=$(cut -d: -f2 <<<"$output" | xargs)
	[ "$n" = '2 4 5 6' ] || { echo "$output"; false; }
	# But for this one, which has them all.
	GLOBIGNORE=tests/source.bats
	run_ok cannot_fail tests/*.bats
	[ "$output" = "" ] || { echo "$output"; false; }
}
