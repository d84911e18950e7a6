#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# rrsync as a program: what rsync gets from it, and that it stands alone.
# shellcheck disable=SC2154,SC2206

load helpers
load rrsync/lib


setup_file() {
	unmet source_needs && return 0
	HELPERS=$BATS_FILE_TMPDIR
	export HELPERS
	# In place of rsync: what it was started with.  Behind its end, names of options that it has.
	printf '#!/bin/bash\nprintf "<%%s>" "$@"\necho\nenv -u _ -u PWD -u SHLVL\nexit\n' >"$HELPERS/show"
	printf 'confine-root\0drop-D\0' >>"$HELPERS/show"
	chmod 0755 "$HELPERS/show"
	variant shown RSYNC="$HELPERS/show" SANDBOX=0
}

setup() {
	met
	cd "$BATS_TEST_TMPDIR" || return
	mkdir dir
	printf 'file\n' >dir/file
}

# ask RRSYNC OPTIONS COMMAND
ask() {
	local rrsync=$1 options=$2
	# shellcheck disable=SC2086
	SSH_ORIGINAL_COMMAND=$3 SSH_CONNECTION='192.0.2.9 4711 192.0.2.2 22' \
		"$rrsync" $options "$BATS_TEST_TMPDIR/dir" </dev/null
}

shown() {
	run_code 0 ask "$HELPERS/shown.build/rrsync" "$@"
}

@test "rsync gets nothing of the caller's environment but how to read names" {
	export HOME=/nowhere RSYNC_RSH=x TZ=x FOO=bar LANG=C.UTF-8 LC_CTYPE=../x 2>/dev/null
	unset LC_ALL
	shown -ro 'rsync --server --sender -e.L . file'
	[ "$(sed 1d <<<"$output" | sort)" = "$(printf 'LANG=C.UTF-8\nPATH=/usr/bin:/bin')" ]
}

@test "-rate is a limit for rsync; a lower one of the client stays" {
	local more
	# The last one counts.
	for more in '' --bwlimit=0 --bwlimit=900000; do
		shown '-ro -rate 100m' "rsync --server --sender -e.L $more . file"
		[ "$(grep -o '<--bwlimit=[^>]*>' <<<"$output" | tail -n1)" = '<--bwlimit=100m>' ]
	done
	shown '-ro -rate 100m' 'rsync --server --sender -e.L --bwlimit=300 . file'
	[ "$(grep -o '<--bwlimit=[^>]*>' <<<"$output")" = '<--bwlimit=300>' ]
}

# bats test_tags=more
@test "a static binary does the same" {
	local tree=$TESTS/..
	# As it is shipped: a sanitizer is nothing static.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u FORTIFY make -s -C "$tree" rrsync-static BUILD="$HELPERS/static" \
		CC="${CC:-cc}" >&2
	run ldd "$HELPERS/static/rrsync-static"
	[ "$status" -eq 0 ] || [[ $output == *"not a dynamic"* ]]
	lacks "$output" libc
	mkdir dir/sub
	ln dir/file dir/sub/hard
	rsync -aH -e "$(near "$HELPERS/static/rrsync-static" -ro "$PWD/dir")" source:/ copy/
	diff -r dir copy
	[ copy/file -ef copy/sub/hard ]
	rsync -aH -e "$(near "$HELPERS/static/rrsync-static" "$PWD/dir")" copy/ source:/back/
	diff -r copy dir/back
}
