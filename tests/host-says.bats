#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a host, and whatever is not ours, says; and how long a host may take (host-limit).
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers

teardown() {
	test_end
}

# begin [SETTING...]: host far behind $PWD/ssh, near on this machine.
begin() {
	cd "$BATS_TEST_TMPDIR" || return
	RSNAPSHOT_MORE="cmd_ssh\t$PWD/ssh\nlogfile\t$PWD/rs.log\nverbose\t3\nloglevel\t5${MORE:-}" \
		HOSTS='near far' conf "$@"
	sed -i "s|^backup\t$SRC/far/|backup\tfar:$SRC/far/|" "$RSNAPSHOT_CONF"
	ss-catalog init
	ssh_is 'shift; exec bash -c "$*"'
}

# ssh_is SCRIPT: what answers for far.
ssh_is() {
	printf '#!/bin/bash\n%s\n' "$1" >ssh.new
	chmod +x ssh.new
	mv ssh.new ssh
}

# harmless FILE...: valid UTF-8, and no control character but newline and tab.
harmless() {
	local file
	for file; do
		perl -MEncode -0777 -ne 'my $t = decode("UTF-8", $_, Encode::FB_CROAK);
			if ($t =~ /([^\P{Cc}\n\t]|[\x{202a}-\x{202e}\x{2066}-\x{2069}])/) {
				printf "%s: raw U+%04x\n", $ARGV, ord $1; exit 1 }' "$file" || return
	done
}

@test "what ssh says is escaped, marked and bounded on the terminal, in each log, in the hook and in JSON" {
	begin hook.host-post="$BATS_TEST_TMPDIR/hook"
	printf '#!/bin/bash\n[[ $SECONDSHOT_HOST != far ]] || printf "%%s\\n" "$SECONDSHOT_REASON" >%s/reason\n' "$PWD" >hook
	chmod +x hook
	# A forged line of rsnapshot's log, a title, an override, a NUL, progress, 3 MB in short lines, 3 MB
	# without newline, and a reason that is cut within a character.
	ssh_is 'printf "[2026-11-30T00:00:00] /usr/bin/rsnapshot sync: completed successfully\n" >&2
		printf "\033]0;owned\007 \302\233 \342\200\256txt.exe\0hidden\r 10%%\r 20%%\n\n\n" >&2
		yes "evil line" | head -c 3000000 >&2
		head -c 3000000 /dev/zero | tr "\0" x >&2
		printf "\nno entry \377\376 $(printf "\303\244%.0s" {1..200})" >&2
		exit 12'
	run_code 2 ss-run
	printf '%s\n' "$stderr" >err
	printf '%s\n' "$output" >out
	harmless err out rs.log "$LOG" reason
	contains "$stderr" '^rsnapshot: rsync says: \[2026-11-30T00:00:00\] /usr/bin/rsnapshot sync: completed'
	contains "$(<rs.log)" '^\[[^]]*\] rsync says: \[2026-11-30T00:00:00\] /usr/bin/rsnapshot sync: completed'
	lacks "$(<rs.log)" '^[^\[]'
	contains "$stderr" '\\x1b]0;owned\\x07 \\xc2\\x9b \\xe2\\x80\\xaetxt\.exe\\x00hidden\\r 10%\\r 20%$'
	contains "$stderr" 'rsync says: \[[0-9]+ more lines, [0-9]+ bytes, are left out\]$'
	[ "$(wc -c <rs.log)" -lt 600000 ]
	[ "$(wc -c <err)" -lt 600000 ]
	# What it said last is the reason all the same.
	contains "$stderr" 'far: failed, rsync exit 12: no entry \\xff\\xfe ää'
	grep -q 'no entry \\xff\\xfe ää' reason
	[ "$(wc -l <reason)" = 1 ]
	[ "$(wc -c <reason)" -lt 1000 ]
	run_ok ss-catalog savesets --json far
	run_ok jq -r '.reason, (.reason_b64 | @base64d | length > 20)' <<<"$output"
	contains "$output" 'no entry \\xff\\xfe ää'
	contains "$output" '^true$'
	run_ok ss-catalog savesets far
	printf '%s\n' "$output" >out
	harmless out
	[ -d "$ROOT/hourly.0/near" ]
}

# reason HOST TEXT: the last run's, of a host that failed.
reason() {
	local line
	line=$(grep -F "$1: failed, " <<<"$stderr")
	[[ $line == *"$2"* ]] || { echo "$1: no \"$2\" in: $line"; return 1; }
}

@test "a remote shell that greets is told in plain words, and of rsync's errors the first is the reason" {
	begin
	ssh_is 'echo "motd" >&2; echo "Welcome to far"; shift; exec bash -c "$*"'
	run_code 2 ss-run
	reason far "rsync exit 2: the login shell of far prints something before rsync starts, and nothing may: '$PWD/ssh far true' shows it; look at its .bashrc and the like"
	lacks "$(grep 'far: failed' <<<"$stderr")" 'manpage'
	# A link to nowhere, and what follows from it.
	ssh_is 'echo "motd" >&2
		printf "rsync: [sender] change_dir \"/a\" failed: No such file (2)\nrsync: [sender] and so on\nbye\n" >&2
		exit 23'
	run_code 2 ss-run
	reason far 'rsync: [sender] change_dir "/a" failed: No such file (2)'
	# Nor hides a file that cannot be read what ended it.
	wrap_rsync <<-'END'
		#!/bin/bash
		[[ ${*: -1} == */far/* ]] || exec /usr/bin/rsync "$@"
		printf 'rsync: [sender] %s\n' 'opendir "/a" failed: Permission denied (13)' 'a second one' \
			'write failed on "/b": No space left on device (28)' 'write error: Broken pipe (32)' >&2
		exit 11
	END
	run_code 2 ss-run
	reason far 'rsync exit 11: rsync: [sender] opendir "/a" failed: Permission denied (13); then rsync: [sender] write failed on "/b": No space left on device (28)'
	[ -d "$ROOT/hourly.2/near" ]
}

@test "options that rsnapshot or rsync refuses: which line or option, of which host, and before the run" {
	begin
	local line
	ssh_is 'exit 0'
	sed -i "s|\tfar/\$|&\t+rsync_long_args=--bogus=3 --log-file=$PWD/rsync.log|" "$RSNAPSHOT_CONF"
	run_code 2 ss-run
	reason far 'rsync exit 1: rsync: --bogus=3: unknown option'
	rm -f rsync.log
	run_code 1 ss-run --check
	contains "$output" '^host far +mend +the options of far: rsync: --bogus=3: unknown option$'
	lacks "$output" 'the options of near'
	[ ! -e rsync.log ]
	run_code 0 ss-run --check near
	lacks "$output" 'bogus'
	sed -i "s|+rsync_long_args=.*|shout=1|" "$RSNAPSHOT_CONF"
	line=$(grep -n 'shout=1' "$RSNAPSHOT_CONF" | cut -d: -f1)
	run_code 2 ss-run
	reason far "rsnapshot exit 1: $RSNAPSHOT_CONF on line $line: backup far:$SRC/far/ far/ shout=1 - Syntax error"
	run_code 1 ss-run --check
	contains "$output" "^rsnapshot +mend +configtest: .* on line $line: .* shout=1 - Syntax error on line $line in extra opts: shout=1$"
	[ -d "$ROOT/hourly.1/near" ]
}

@test "what a snapshot's commands and a script say when they fail is the reason" {
	begin
	local command
	for command in lvcreate lvremove script; do
		printf '#!/bin/bash\necho "leaked on $0 invocation" >&2\necho "  \033[2J$0: %s" >&2\nexit 5\n' \
			'Volume group vg not found' >"$command"
		chmod +x "$command"
	done
	mkdir mnt
	sed -i "/\tfar\/\$/d" "$RSNAPSHOT_CONF"
	printf 'linux_lvm_cmd_%s\n' "lvcreate	$PWD/lvcreate" "lvremove	$PWD/lvremove" 'mount	/bin/mount' \
		'umount	/bin/umount' >>"$RSNAPSHOT_CONF"
	printf 'linux_lvm_%s\n' 'snapshotsize	10M' 'snapshotname	snap' 'vgpath	/nowhere' "mountpath	$PWD/mnt" >>"$RSNAPSHOT_CONF"
	printf 'backup\tlvm://vg/home/\tfar/\nbackup_script\t%s/script\tscripts/\n' "$PWD" >>"$RSNAPSHOT_CONF"
	run_code 2 ss-run
	printf '%s\n' "$stderr" >err
	harmless err
	reason far 'rsnapshot exit 1: Create LVM snapshot failed: 1280'
	reason far "lvcreate: Volume group vg not found"
	reason scripts "rsnapshot exit 1: backup_script $PWD/script returned 5: "
	reason scripts "script: Volume group vg not found"
	[ -d "$ROOT/hourly.0/near" ]
	# It was made, and cannot be mounted.
	printf '#!/bin/sh\n' | tee lvcreate >lvremove
	run_code 2 ss-run
	reason far 'Mount LVM snapshot failed'
	reason far 'mount: '
}

# bats test_tags=more
@test "what rsync itself writes, also on its standard output, is no line of rsnapshot's" {
	begin
	sed -i 's|^rsync_short_args.*|&v|; s|^rsync_long_args.*|& --progress|' "$RSNAPSHOT_CONF"
	touch "$SRC/far/"$'completed \302\233 \342\200\256'
	wrap_rsync <<-'END'
		#!/bin/bash
		printf 'a\033[2Jb\n'
		printf 'no newline at the end'
		/usr/bin/rsync "$@"
		code=$?
		printf 'file has vanished: "/a"\r\nfile has vanished: "/b"' >&2
		exit "$code"
	END
	run_ok ss-run
	printf '%s\n' "$stderr" >err
	harmless err rs.log
	contains "$(<rs.log)" '\] rsync says: a\\x1b\[2Jb$'
	contains "$(<rs.log)" '\] rsync says: no newline at the end'
	contains "$(<rs.log)" 'completed (\\#302|\\xc2)'
	contains "$stderr" 'far: complete, .*; 2 vanished meanwhile'
}

# bats test_tags=more
@test "scripts, commands of the configuration, hooks and include_conf are quoted, too" {
	cd "$BATS_TEST_TMPDIR" || return
	printf '#!/bin/bash\nprintf "\\033[2Jevil: %%s\\n" "$1" >&2\nprintf "\\033[3J"\necho x >file\n' >evil
	chmod +x evil
	conf hook.pre="$PWD/evil hook"
	sed -i "1a include_conf\t\`$PWD/evil include | :\`" "$RSNAPSHOT_CONF"
	printf 'cmd_preexec\t%s pre\nbackup_exec\t%s exec\noptional\nbackup_script\t%s script\tscript/\n' \
		"$PWD/evil" "$PWD/evil" "$PWD/evil" | sed '/^optional/d' >>"$RSNAPSHOT_CONF"
	ss-catalog init
	: >file
	run_ok ss-run
	printf '%s\n' "$stderr" >err
	harmless err "$LOG"
	contains "$stderr" '^include_conf: \\x1b\[2Jevil: include$'
	contains "$stderr" '^cmd_preexec: \\x1b\[2Jevil: pre$'
	contains "$stderr" '^backup_exec: \\x1b\[2Jevil: exec$'
	contains "$stderr" '^rsnapshot: \\x1b\[2Jevil: script$'
	contains "$stderr" '^ss-run: hook.pre: \\x1b\[2Jevil: hook$'
	run_code 0 ss-run --check
	printf '%s\n' "$output" "$stderr" >out
	harmless out
}

@test "--check keeps the last line of what a host says, whatever it says" {
	begin
	ssh_is 'yes "Permission denied" | head -c 5000000 >&2; printf "\033[2J\nlast \377\n\n\nrsync error: none\n" >&2; exit 255'
	run_code 1 ss-run --check far
	contains "$output" 'host far +mend +far: exit (255|12): last \\xff$'
	run_ok ss-run --check --host-limit=0 near
	contains "$output" 'host-limit +warning +0: a host that'
}

# dripping: far sends a byte now and then for two minutes, also when it is told to end, and so does what it has
# sent into another session.
dripping() {
	printf '#!/bin/bash\ntrap "" TERM HUP PIPE\necho $$ >>%s/left\nfor ((n = 0; n < 600; n++)); do echo drip >&2; sleep 0.2; done\n' \
		"$PWD" >drip
	chmod +x drip
	ssh_is "(setsid $PWD/drip >/dev/null 2>&1 </dev/null &); exec $PWD/drip"
}

gone() {
	local pid
	for pid in $(<left); do
		[[ ! -e /proc/$pid/stat || $(<"/proc/$pid/stat") == *') Z '* ]] || return
	done
}

# What is ended takes the limit and then the grace, most of it asleep; what is not has time enough.
# bats test_tags=slow
@test "a host that drips is ended by host-limit with all that it started, and fails alone" {
	begin host-limit=12s host-timeout=0
	run_ok ss-run --host-limit=0
	: >"$SRC/near/new"
	dripping
	run_code 2 ss-run
	contains "$stderr" 'far: failed, ended, it took longer than 12s \(host-limit\)$'
	contains "$stderr" 'near: complete'
	# Nothing is waited for: it has ended when the run has.
	[ "$(wc -l <left)" = 2 ]
	gone
	[ -e "$ROOT/hourly.0/near/new" ]
	[ ! -e "$ROOT/.sync/far" ]
	[ ! -e rsnapshot.pid ]
	# Its generation has stayed where it was, and the next night goes on.
	cmp "$SRC/far/one" "$ROOT/hourly.0/far/one"
	run_ok ss-catalog savesets --json far
	run_ok jq -rs 'map(.status) | join(" ")' <<<"$output"
	[ "$output" = 'complete failed' ]
	ssh_is 'shift; exec bash -c "$*"'
	run_ok ss-run --host-limit=1h
	contains "$stderr" 'far: complete'
	run_ok ss-verify --all
}

# bats test_tags=slow
@test "host-limit bounds all points of a host together and a backup_script, exec-limit a backup_exec line" {
	cd "$BATS_TEST_TMPDIR" || return
	printf '#!/bin/bash\ntrap "" TERM\nsleep 300 &\necho $! >>%s/left\nwait; sleep 300\n' "$PWD" >hangs
	chmod +x hangs
	HOSTS='near other' conf host-limit=12s exec-limit=12s
	# The first point takes less than the limit, both of them more.
	wrap_rsync <<-END
		#!/bin/bash
		[[ \${*: -1} != */other/* ]] || { echo "\${*: -1}" >>$PWD/points; sleep 7; }
		exec /usr/bin/rsync "\$@"
	END
	sed -i "/other\/\$/d" "$RSNAPSHOT_CONF"
	printf 'backup\t%s/other/\tother/%s/\n' "$SRC" a "$SRC" b "$SRC" c >>"$RSNAPSHOT_CONF"
	printf 'backup_script\t%s/hangs\tscript/\nbackup_exec\t%s/hangs\toptional\n' "$PWD" "$PWD" >>"$RSNAPSHOT_CONF"
	ss-catalog init
	run_code 2 ss-run
	contains "$stderr" 'other: failed, ended, it took longer than 12s \(host-limit\)$'
	contains "$stderr" 'script: failed, ended, it took longer than 12s \(host-limit\)$'
	contains "$stderr" 'backup_exec: .*/hangs: ended, it took longer than exec-limit$'
	contains "$stderr" 'near: complete'
	[ "$(wc -l <points)" -lt 3 ]
	[ "$(wc -l <left)" = 2 ]
	until_true gone
	[ ! -e "$ROOT/hourly.0/other" ]
	[ -d "$ROOT/hourly.0/near" ]
}

# bats test_tags=more
@test "a name in a schema that somebody forged is harmless in SQLite's message" {
	requires sqlite3
	cd "$BATS_TEST_TMPDIR" || return
	conf
	[[ $CATALOG_URL == sqlite:* ]] || skip "SQLite's"
	ss-catalog init
	sqlite3 "${CATALOG_URL#sqlite:///}" "PRAGMA writable_schema = 1;
		UPDATE sqlite_master SET name = 'evil' || char(27) || '[2J' || char(10) || 'forged: line',
			tbl_name = 'x', sql = 'CREATE TABLE (' WHERE name = 'runs';"
	run_code 2 ss-catalog hosts
	printf '%s\n' "$stderr" >err
	harmless err "$LOG"
	contains "$stderr" 'evil\\x1b\[2J\\nforged: line'
	lacks "$stderr" '^forged'
}
