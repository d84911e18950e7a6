#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=more
# What somebody types at a prompt: selectors, pipes into head, a terminal of his own width.
# run_ok and run_code leave $stderr and $output.
# shellcheck disable=SC2154

load helpers
load catalog

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	test_end
}

@test "HOST alone finds the host on whichever volume it is; on several it asks which" {
	local second
	stage
	take
	turn
	# Another disk, with a host of its own, and then one of both.
	mkdir -m 700 second
	sed "s|^snapshot_root.*|snapshot_root\t$PWD/second/|" "$RSNAPSHOT_CONF" >etc/second.conf
	second="--rsnapshot-conf=$PWD/etc/second.conf"
	run_ok ss-catalog init --volume=usb "$second"
	# It is known by its id from now on.
	run_ok ss-catalog init "$second"
	contains "$stderr" 'volume usb was ready'
	mkdir -p second/.sync
	cp -a "$SRC/alpha" second/.sync/beta
	ss-catalog add beta --volume=usb "$second" 2>/dev/null | ss-hash | ss-catalog store
	run_ok ss-catalog files beta --format=sha256sum
	contains "$output" ' one$'
	run_ok ss-catalog files beta@.sync
	run_ok ss-verify beta@latest
	contains "$stderr" '1 of 1 savesets verified, 0 findings'
	# A volume that is named is meant.
	run_code 2 ss-catalog files beta --volume=backup
	contains "$stderr" 'beta: no such saveset in volume backup'
	run_code 2 ss-catalog files beta@hourly.0
	run_code 2 ss-catalog files nobody
	contains "$stderr" 'nobody: no such saveset in volume backup'
	# The volume of the configuration is looked at first.
	cp -a "$SRC/alpha" second/.sync/alpha
	ss-catalog add alpha --volume=usb "$second" 2>/dev/null | ss-hash | ss-catalog store
	[ "$(ss-catalog files alpha --json | head -n 1 | jq -r .saveset)" = "$(ss-catalog files alpha --volume=backup --json | head -n 1 | jq -r .saveset)" ]
	mkdir -m 700 third
	sed "s|^snapshot_root.*|snapshot_root\t$PWD/third/|" "$RSNAPSHOT_CONF" >etc/third.conf
	run_ok ss-catalog init --volume=third --rsnapshot-conf="$PWD/etc/third.conf"
	mkdir third/.sync
	cp -a "$SRC/alpha" third/.sync/beta
	ss-catalog add beta --volume=third --rsnapshot-conf="$PWD/etc/third.conf" 2>/dev/null | ss-hash | ss-catalog store
	run_code 2 ss-catalog files beta
	contains "$stderr" 'beta: it is on the volumes third and usb: say --volume'
	[ "$(wc -l <<<"$stderr")" = 1 ]
	# Nothing is deleted that lies elsewhere.
	run_code 2 ss-prune beta@.sync --volume=usb
	[ -e second/.sync/beta/one ]
}

# piped CODE COMMAND...: its reader leaves after a line; its exit code, and it says nothing.
piped() {
	local code=$1 said
	shift
	said=$({
		"$@" 2>&3 | head -c 10 >/dev/null
		echo "${PIPESTATUS[0]}" >code
	} 3>&1)
	[ "$said" = '' ] || { echo "$said"; return 1; }
	[ "$(<code)" = "$code" ] || { echo "$(<code), not $code: $*"; return 1; }
}

@test "a reader that leaves ends a listing by SIGPIPE, without a word; what writes comes to its end" {
	stage
	# More than a pipe holds.
	mkdir "$TREE/many"
	(cd "$TREE/many" && printf 'a_rather_long_name_of_a_file_%04d\n' {1..3000} | xargs touch)
	# shellcheck disable=SC2016
	piped 141 bash -c 'exec ss-catalog add alpha 2>/dev/null'
	# Its saveset is there all the same.
	run_ok ss-catalog savesets --json
	contains "$output" '"status":"complete"'
	piped 141 ss-catalog pending alpha@.sync
	ss-catalog pending alpha@.sync | ss-hash | ss-catalog store
	piped 141 ss-catalog files alpha@.sync
	piped 141 ss-catalog files alpha@.sync --json
	piped 141 ss-catalog files alpha@.sync -0
	find "$TREE/many" -type f -print0 >list
	piped 141 ss-hash -0 --format=sha256sum <list
	# One that fits into the pipe may end before its reader does.
	run_ok ss-catalog hosts
	[ "$(ss-catalog hosts | head -n 1 | wc -l)" = 1 ]
	# A full disk is no reader that left.
	run_code 2 bash -c 'ss-catalog files alpha@.sync >/dev/full'
	contains "$stderr" 'standard output: No space left'
}

@test "progress has the terminal's own width, and a dumb terminal has none" {
	requires script stty
	# show TERM COLUMNS: what is shown on such a terminal of a work that takes its time.
	show() {
		# shellcheck disable=SC2016
		TERM=$1 script -qec "stty cols $2; { for n in 1 2 3 4; do printf '%s\\0' x; sleep 0.7; done; } | ss-hash -0 >sums" \
			/dev/null </dev/null | tr '\r' '\n'
	}
	printf abc >x
	show xterm 40 >narrow
	# All of 39 columns, padded, none beyond.
	grep -qE '^[0-9]+ files, .{26,}$' narrow
	[ "$(awk 'length > max { max = length } END { print max }' <(grep ' files, ' narrow))" = 39 ]
	show xterm 120 | grep ' files, ' >wide
	[ "$(awk 'length > max { max = length } END { print max }' wide)" = 119 ]
	show dumb 80 >dumb
	lacks "$(<dumb)" ' files, '
	[ "$(wc -l <sums)" = 4 ]
}

@test "a file of /sys says that it has 4096 bytes and has fewer: that is no change" {
	local file=/sys/kernel/mm/transparent_hugepage/enabled
	[ -r "$file" ] || file=/sys/kernel/uevent_seqnum
	[ -r "$file" ] || skip "no file of sysfs here"
	[ "$(stat -c %s "$file")" = 4096 ] || skip "this one says its size"
	run_ok ss-hash --format=sha256sum "$file"
	[ "$output" = "$(sha256sum "$file")" ]
}

# named HOST: a root and a catalog with a saveset of this host, rotated; sets NAME.
named() {
	local host=$1
	conf
	mv "$SRC/alpha" "$SRC/$host"
	{ grep -v ^backup "$RSNAPSHOT_CONF"; printf 'backup\t%s/%s/\t%s/\n' "$SRC" "$host" "$host"; } >new
	mv new "$RSNAPSHOT_CONF"
	ss-catalog init 2>/dev/null
	run_ok ss-run -q
	NAME=$(cd "$ROOT/hourly.0/.secondshot" && sed -n 's/^saveset //p' "$host")
}

# goes_in HOST SAVESET: each tool that takes one takes these.
goes_in() {
	local text
	run_ok ss-catalog savesets "$1"
	for text in "$1" "$1@hourly.0" "$2"; do
		run_ok ss-catalog files "$text"
		run_ok ss-catalog pending "$text"
		run_ok ss-catalog check "$text"
		run_ok ss-verify "$text"
		run_code 2 ss-prune -n "$text"
		contains "$stderr" 'newest complete saveset'
	done
	run_ok ss-run --check "$1"
	run_ok ss-run -n "$1"
	run_ok ss-run -n --accept="$1"
	run_code 2 ss-catalog add --location=hourly.7 "$1"
}

@test "what --json prints as a host or a saveset, and what a table has of it, is the selector that goes in" {
	local host text
	for host in 'a\b' 'a\\b' 'a\x41b'; do
		named "$host"
		run_ok jq -r .name <<<"$(ss-catalog hosts --json)"
		[ "$output" = "$host" ]
		run_ok jq -r '.host, .name' <<<"$(ss-catalog savesets --json)"
		[ "$output" = "$host"$'\n'"$NAME" ]
		[ "$(ss-catalog files "$NAME" --json | jq -r .saveset | sort -u)" = "$NAME" ]
		goes_in "$host" "$NAME"
		goes_in "${host//\\/\\\\}" "${NAME//\\/\\\\}"
		# Two names, one of which is the other's escaped form: what is written is meant.
		[[ $host != 'a\b' ]] || {
			cp -a "$ROOT/hourly.0/a\\b" "$ROOT/hourly.0/a\\\\b"
			ss-catalog add --location=hourly.0 'a\\b' 2>/dev/null | ss-hash | ss-catalog store
			run_ok ss-catalog savesets --json 'a\\b'
			[ "$(jq -r .host <<<"$output")" = 'a\\b' ]
		}
		afresh
	done
	# What is not UTF-8 has its escaped form in JSON.
	named $'caf\xe9'
	text=$(ss-catalog hosts --json | jq -r .name)
	[ "$text" = 'caf\xe9' ]
	goes_in "$text" "$(ss-catalog savesets --json | jq -r .name)"
	mkdir -p "$ROOT/.sync"
	cp -a "$SRC/"caf* "$ROOT/.sync/"
	run_ok pipeline "$text"
}

@test "a volume or an interval that is misspelt is an error to each tool" {
	local call
	stage
	take
	turn
	for call in 'ss-catalog hosts' 'ss-catalog volumes' 'ss-catalog savesets' 'ss-catalog savesets alpha' 'ss-catalog runs' \
		'ss-catalog files alpha' "ss-catalog files $S" "ss-catalog pending $S" 'ss-catalog check' "ss-catalog check $S" \
		'ss-catalog add --location=hourly.0 alpha' 'ss-catalog reconcile' 'ss-catalog store' 'ss-catalog copy a b' \
		'ss-verify --all' 'ss-verify alpha' "ss-verify $S" ss-prune 'ss-prune -n' "ss-prune $S" \
		ss-run 'ss-run -n' 'ss-run --due'; do
		# shellcheck disable=SC2086
		run_code 2 $call --volume=backpu </dev/null
		contains "$stderr" 'volume'
	done
	run_code 1 ss-run --check --volume=backpu
	contains "$output" 'volume +mend +volume backpu of keeper is not in the catalog'
	run_ok ss-catalog files "$S" --volume=backup
	for call in 'ss-run --rotate=houry' 'ss-run -n --rotate=hourly.0' 'ss-catalog files alpha@houry.0' 'ss-verify alpha@hourly' \
		'ss-catalog add --location=houry.0 alpha' 'ss-prune alpha@houry.0'; do
		# shellcheck disable=SC2086
		run_code 2 $call
		contains "$stderr" 'hour'
	done
	echo 'period.houry = 1d' >>"$SECONDSHOT_CONF"
	for call in ss-run 'ss-run --due' 'ss-run -n'; do
		# shellcheck disable=SC2086
		run_code 2 $call
		contains "$stderr" 'houry'
	done
}
