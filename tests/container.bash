# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# container.bash - the image of "make container", entered with tests/enter.
#
#	load helpers
#	load container
#	setup() { box; }
#	teardown() { box_end; }
#
# SS_CONTAINER is where the image is (build/container); without it all is skipped.

# container_needs: see unmet.
container_needs() {
	[[ -n ${SS_CONTAINER:-} ]] || skip "needs an image: make check-container"
	[[ -e $SS_CONTAINER/root/usr/bin/ss-run ]] || skip "$(cat "$SS_CONTAINER/why" 2>/dev/null || echo "there is no image in $SS_CONTAINER")"
	requires root unshare nsenter jq
	unshare -m -u -i -p --fork true 2>/dev/null || skip "needs mount, uts, ipc and process namespaces"
}

# box: volumes and secrets as compose.yaml has them: BACKUPS, METADATA, CONF_D, SECRETS; a host
# alpha whose files are SRC; a key.
box() {
	met
	BOX=$BATS_TEST_TMPDIR/box
	BACKUPS=$BOX/backups METADATA=$BOX/metadata CONF_D=$BOX/conf.d SECRETS=$BOX/secrets SRC=$BOX/src
	LOG=$BOX/log
	mkdir -p "$BACKUPS" "$METADATA" "$CONF_D" "$SECRETS"
	source_tree "$SRC"
	cat "$BATS_FILE_TMPDIR/key" >"$SECRETS/secondshot-rsync-sshkey"
	printf '%s\n' "$BACKUPS /backups" "$METADATA /metadata" "$CONF_D /etc/secondshot/conf.d ro" \
		"$SECRETS /run/secrets ro" "$SRC /mnt ro" >"$BOX/mounts"
	daily "backup\t/mnt/\talpha/"
}

# daily LINE...: backup-daily.conf as the original's documentation has it, which leaves sync_first
# and link_dest to the file that it includes, and these lines.
daily() {
	{
		printf 'include_conf\t/etc/rsnapshot.conf\nsnapshot_root\t/backups/\n'
		printf 'retain\t%s\n' "hourly	3" "daysago	7" "weeksago	4" "monthsago	6" "semiannually	2" "yearsago	99"
		printf 'logfile\t/var/log/rsnapshot\none_fs\t1\n'
		printf '%b\n' "$@"
	} >"$CONF_D/backup-daily.conf"
}

# starting [NAME=VALUE...]: in the background.
starting() {
	: >"$LOG"
	rm -f "$BOX/pid"
	# shellcheck disable=SC2086
	${NET:-} "$TESTS/enter" start "$SS_CONTAINER" "$BOX" "$@" >>"$LOG" 2>&1 3>&- 4>&- </dev/null &
	ENGINE=$!
	until_true test -s "$BOX/pid"
}

# started [NAME=VALUE...]: the same, until cron is at work.
started() {
	starting "$@"
	until_true ready
	contains "$(<"$LOG")" 'runs ss-run at minute' || return
}

ready() {
	grep -q 'runs ss-run at minute' "$LOG" || ! kill -0 "$ENGINE" 2>/dev/null
}

# inside COMMAND...: as docker exec.
inside() {
	"$TESTS/enter" exec "$BOX" "$@"
}

# stopped: as docker stop; its exit code.
stopped() {
	"$TESTS/enter" stop "$BOX"
	ended
}

# ended: waits for it; its exit code.
ended() {
	local engine=$ENGINE
	ENGINE=''
	wait "$engine"
}

# once [NAME=VALUE...] [COMMAND...]: in the foreground, as docker run.
run_box() {
	# shellcheck disable=SC2086
	${NET:-} "$TESTS/enter" start "$SS_CONTAINER" "$BOX" "$@" </dev/null
}

box_end() {
	[[ -z ${ENGINE:-} ]] || kill -KILL "$(<"$BOX/pid")" 2>/dev/null || :
	test_end
}

# savesets [STATUS]: how many alpha has, of that status.
savesets() {
	inside ss-catalog savesets --json --logfile=/dev/null 2>/dev/null | jq -s "map(select(.status == \"${1:-complete}\")) | length"
}

has_savesets() {
	(($(savesets) >= $1))
}
