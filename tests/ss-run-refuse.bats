#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# ss-run: what it refuses, with nothing lost.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	conf
	ss-catalog init
	find "$ROOT" | sort >before
}

# nothing_changed: the snapshot root is as it was.
nothing_changed() {
	find "$ROOT" ! -path '*/.secondshot/lock' ! -path '*/.secondshot/run*' ! -path '*/.secondshot/trash' |
		sort | cmp - before
}

@test "an unknown host, before anything is done" {
	run_code 2 ss-run alpha nobody
	contains "$stderr" 'nobody: no such host'
	nothing_changed
}

@test "unknown intervals and options" {
	run_code 2 ss-run --rotate=fortnightly
	contains "$stderr" 'fortnightly: no such interval'
	run_code 2 ss-run --rotate=hourly --no-rotate
	run_code 2 ss-run --frobnicate
	local call
	for call in '--due --check' '--due --dry-run' '--check -n' '--check --rotate=hourly' \
		'--due --no-rotate' '--check --accept=alpha'; do
		# shellcheck disable=SC2086
		run_code 2 ss-run $call
		contains "$stderr" 'one of them|have no use with --'
	done
	nothing_changed
}

@test "a volume that is offline" {
	mv "$ROOT/.secondshot/volume" volume
	catalog_sum >catalog.before
	sort -o before <(grep -v '/volume$' before)
	run_code 2 ss-run
	contains "$stderr" 'offline'
	nothing_changed
	catalog_sum | cmp - catalog.before
	mv "$ROOT" elsewhere
	run_code 2 ss-run
	contains "$stderr" 'offline'
	[ ! -e "$ROOT" ]
	catalog_sum | cmp - catalog.before
}

@test "a configuration of rsnapshot that cannot be read, believed, or worked with" {
	run_code 2 ss-run --rsnapshot-conf=/nowhere
	contains "$stderr" '/nowhere'
	chmod 0666 "$RSNAPSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" 'rsnapshot.conf'
	chmod 0644 "$RSNAPSHOT_CONF"
	chmod 0777 "${RSNAPSHOT_CONF%/*}"
	run_code 2 ss-run
	chmod 0755 "${RSNAPSHOT_CONF%/*}"
	cp "$RSNAPSHOT_CONF" conf
	sed 's/^sync_first.*/sync_first\t0/' conf >"$RSNAPSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" 'sync_first must be 1'
	sed 's|alpha/$|.sync/|' conf >"$RSNAPSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" 'rsnapshot.conf:[0-9]+: .sync/: does not begin with the name of a host'
	nothing_changed
}

@test "a configuration that rsnapshot itself refuses" {
	printf 'nonsense\tvalue\n' >>"$RSNAPSHOT_CONF"
	run_code 2 ss-run
	contains "$stderr" "^ss-run: $RSNAPSHOT_CONF: rsnapshot configtest: nonsense value$"
	contains "$(<"$LOG")" 'level=error msg=.*rsnapshot configtest: nonsense value"$'
	lacks "$stderr" ERROR
	[ ! -e "$ROOT/hourly.0" ]
}

# Like rsnapshot's own it counts only while its process lives.
@test "an rsnapshot that is started by hand meanwhile refuses; a killed run is in nobody's way" {
	cp "$RSNAPSHOT_CONF" plain
	wrap_rsync <<-END
		#!/bin/bash
		touch $PWD/syncing
		while [ ! -e $PWD/go ]; do sleep 0.1; done
		exec /usr/bin/rsync "\$@"
	END
	ss-run 3>&- &
	until_true test -e syncing
	[ "$(cat rsnapshot.pid)" = "$!" ]
	run_code 1 rsnapshot -c plain sync
	contains "$stderr" 'rsnapshot.pid exists and so does its process'
	kill -KILL $!
	run_code 137 wait $!
	[ -e rsnapshot.pid ]
	touch go
	run_ok ss-run
	contains "$stderr" 'removed the stale lock file'
	[ -d "$ROOT/hourly.0" ]
	[ ! -e rsnapshot.pid ]
	run_code 2 ss-run nobody
	[ ! -e rsnapshot.pid ]
}
