#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What goes wrong before the first backup: each message says what to do, and nothing is
# made that was not asked for.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

setup() {
	conf
	SHIPPED=$TESTS/../etc
}

# shipped [SED-SCRIPT]: the configuration as it is shipped, but that it may lie here.
shipped() {
	[[ -e $SHIPPED/rsnapshot.conf ]] || skip "needs the source tree"
	sed -e "s|/run/secondshot-rsnapshot.pid|$BATS_TEST_TMPDIR/rsnapshot.pid|" \
		-e "s|^logfile.*|logfile\t$BATS_TEST_TMPDIR/rsnapshot.log|" \
		${1:+-e "$1"} "$SHIPPED/rsnapshot.conf" >"$RSNAPSHOT_CONF"
}

# all_say PATTERN [EXCEPT]: who needs rsnapshot's configuration says so and does nothing.
all_say() {
	local command
	for command in "ss-run" "ss-run --dry-run" "ss-catalog init" "ss-catalog reconcile" ss-prune; do
		# shellcheck disable=SC2086
		run_code 2 $command
		contains "$stderr" "$1"
		[ "$(grep -c . <<<"$stderr")" = 1 ]
	done
	[ ! -e "$CATALOG" ]
}

@test "rsnapshot.conf is as it came: edit it" {
	shipped
	all_say "$RSNAPSHOT_CONF: no snapshot_root and no backup line yet: edit it"
}

# bats test_tags=more
@test "one of its two lines was edited" {
	shipped "s|^#snapshot_root.*|snapshot_root\t$ROOT/|"
	all_say "$RSNAPSHOT_CONF: no backup line: .*tabs between"
	shipped "s|^#\(backup\t/etc/\)|\1|"
	all_say "$RSNAPSHOT_CONF: no snapshot_root: it names the directory"
}

# bats test_tags=more
@test "blanks in place of tabs" {
	shipped "s|^#snapshot_root.*|snapshot_root  $ROOT/|; s|^#\(backup\t/etc/\)|\1|"
	all_say "rsnapshot.conf:[0-9]+: snapshot_root  .*separated by tabs"
	shipped "s|^#snapshot_root.*|snapshot_root	$ROOT/|; s|^#backup	/etc/	localhost/|backup	/etc/ localhost/|"
	all_say "rsnapshot.conf:[0-9]+: /etc/ localhost/: no destination .words are separated by tabs"
	shipped "s|^#snapshot_root.*|snapshot_root	$ROOT/|; s|^#\(backup	/etc/\)|\1|; s|^retain	daysago	|retain	daysago |"
	all_say "rsnapshot.conf:[0-9]+: daysago 7: .*separated by tabs"
}

@test "a source is not there; its two lines, and it works" {
	run_ok ss-catalog init
	mv "$SRC/alpha" "$SRC/beta"
	run_code 2 ss-run
	contains "$stderr" "alpha: failed, $SRC/alpha/: No such file or directory"
	[ ! -e "$ROOT/.sync" ]
	mv "$SRC/beta" "$SRC/alpha"
	# The shipped file names it, though nothing here uses it.
	[[ -x /usr/bin/ssh ]] || skip "needs ssh"
	shipped "s|^#snapshot_root.*|snapshot_root\t$ROOT/|
		s|^#backup\t/etc/\tlocalhost/|backup\t$SRC/alpha/\tlocalhost/|"
	run_ok ss-catalog init
	run_ok ss-run
	run_ok ss-verify localhost@hourly.0
	[ "$(cat "$ROOT"/hourly.0/localhost"$SRC"/alpha/one)" = one ]
}

@test "there is no rsnapshot.conf" {
	rm "$RSNAPSHOT_CONF"
	all_say "$RSNAPSHOT_CONF: .*No such file or directory \(rsnapshot-conf names it\)"
}

@test "the disk is not there, not prepared, or not mounted" {
	rmdir "$ROOT"
	run_code 2 ss-catalog init
	contains "$stderr" "$ROOT: No such file or directory: mount the disk, or make the directory"
	run_code 2 ss-run
	contains "$stderr" "volume offline: $ROOT: No such file or directory: mount the disk, or make"
	[ ! -e "$ROOT" ]
	mkdir "$ROOT"
	run_code 2 ss-run
	contains "$stderr" "'ss-catalog init' prepares a new one"
	[ -z "$(ls -A "$ROOT")" ]
	run_ok ss-catalog init
	mv "$ROOT" "$ROOT.disk"
	mkdir "$ROOT"
	run_code 2 ss-run
	contains "$stderr" "volume offline: $ROOT has no .secondshot/volume: is the disk mounted\?"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "there is no catalog, or no directory for one" {
	requires_sqlite "a file"
	run_ok ss-catalog init
	rm "$CATALOG"
	run_code 2 ss-run
	contains "$stderr" "there is no catalog; 'ss-catalog init' makes one"
	sed -i "s|^db-url.*|db-url = sqlite:///$BATS_TEST_TMPDIR/lib/catalog.db|" "$SECONDSHOT_CONF"
	for command in ss-run "ss-catalog init" "ss-catalog hosts" "ss-verify --all" ss-prune; do
		# shellcheck disable=SC2086
		run_code 2 $command
		contains "$stderr" "there is no directory for the catalog: make $BATS_TEST_TMPDIR/lib \(mode 0700\)"
	done
	[ ! -e "$BATS_TEST_TMPDIR/lib" ]
	mkdir -m 0700 "$BATS_TEST_TMPDIR/lib"
	run_ok ss-catalog init
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/lib/catalog.db")" = 600 ]
}

@test "a configuration that belongs to somebody else, or that others may write" {
	local file
	for file in "$SECONDSHOT_CONF" "$RSNAPSHOT_CONF"; do
		chmod 0620 "$file"
		run_code 2 ss-run
		contains "$stderr" "$file is refused: others than its owner may write it \(chmod go-w it\)"
		chmod 0600 "$file"
	done
	chmod 0770 "${RSNAPSHOT_CONF%/*}"
	run_code 2 ss-run
	contains "$stderr" "is refused for the directory ${RSNAPSHOT_CONF%/*}: .*\(chmod go-w it\)"
	chmod 0755 "${RSNAPSHOT_CONF%/*}"
	requires root
	for file in "$SECONDSHOT_CONF" "$RSNAPSHOT_CONF"; do
		chown 12345 "$file"
		run_code 2 ss-run
		contains "$stderr" "$file is refused: it belongs to somebody else \(chown root it\)"
		chown 0 "$file"
	done
	[ ! -e "$CATALOG" ]
}

# plain COMMAND...: as a user who is nobody here.
plain() {
	setpriv --reuid=12345 --regid=12345 --clear-groups -- "$@"
}

# bats test_tags=more
@test "run by a plain user" {
	requires root setpriv
	requires_sqlite "a file"
	local dir=$BATS_TEST_TMPDIR
	plain ss-run --version >/dev/null || skip "the programs lie where only root looks"
	run_ok ss-catalog init
	# All that root alone reads in a system as the package leaves it, one after the other.
	chmod 0711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$dir" 2>/dev/null || :
	plain test -x "$dir" || skip "$dir lies where only root looks"
	chmod 0750 "${SECONDSHOT_CONF%/*}"
	run_code 2 plain ss-run
	contains "$stderr" "configuration $SECONDSHOT_CONF: Permission denied: run it as root"
	chmod 0755 "${SECONDSHOT_CONF%/*}"
	chmod 0640 "$RSNAPSHOT_CONF"
	sed -i /logfile/d "$SECONDSHOT_CONF"
	for command in ss-run "ss-catalog init" ss-prune; do
		# shellcheck disable=SC2086
		run_code 2 plain $command
		contains "$stderr" "$RSNAPSHOT_CONF: .*Permission denied: run it as root"
	done
	chmod 0644 "$RSNAPSHOT_CONF"
	run_code 2 plain ss-run
	contains "$stderr" "volume offline: $ROOT/.secondshot: Permission denied: run it as root"
	for command in "ss-catalog hosts" "ss-verify --all" "ss-catalog store"; do
		# shellcheck disable=SC2086
		run_code 2 plain $command
		contains "$stderr" "$CATALOG: cannot open the catalog: Permission denied: run it as root"
	done
}
