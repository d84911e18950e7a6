#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# ss-run over a real ssh: hosts that do not answer, are not who they were, or die.
# run_code leaves $stderr.
# shellcheck disable=SC2154

load helpers
load lan


setup_file() {
	unmet lan_needs || lan_start alpha beta
}

teardown_file() {
	lan_stop
}

setup() {
	met
	cd "$BATS_TEST_TMPDIR" || return
	RETAIN="hourly:6 daysago:2" lan_conf alpha beta
}

teardown() {
	for host in alpha beta; do
		[[ -z ${LAN_DIR:-} ]] || back "$host"
	done
	test_end
}

# equal DIR DIR: by rsync's own eyes.
equal() {
	run rsync -aHnic --delete "$1/" "$2/"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

# alone: beta failed, and that is all: alpha has a new generation, beta its old one where it was.
alone() {
	equal "$SRC/alpha" "$ROOT/hourly.0/alpha"
	equal before "$ROOT/hourly.0/beta"
	[ ! -e "$ROOT/hourly.1/beta" ]
	[ "$(cat "$ROOT/hourly.1/alpha/generation")" != "$(cat "$SRC/alpha/generation")" ]
	ss-catalog savesets --json | jq -es 'group_by(.host) | map(map(.status)) |
		(.[0] | length > 1 and all(. == "complete")) and .[1][0] == "complete" and (.[1][1:] | length > 0 and all(. == "stale"))'
}

# one_night: a first generation of both, and new sources.
one_night() {
	echo first >"$SRC/alpha/generation"
	run_ok keeper ss-run
	cp -a "$SRC/beta" before
	equal before "$ROOT/hourly.0/beta"
	echo the second one >"$SRC/alpha/generation"
	echo the second one >"$SRC/beta/generation"
}

# slow: what is copied from now on takes its time; beta gets a file that takes four seconds.
slow() {
	sed -i 's|^rsync_long_args.*|& --bwlimit=2048|' "$RSNAPSHOT_CONF"
	head -c 32M /dev/urandom >"$SRC/beta/big"
}

# in_transfer: wait until a part of the big file is there.
in_transfer() {
	until_true partly_there_or_over
	partly_there || { cat run.err; return 1; }
}

# Waiting ends, too, when the run has.
partly_there_or_over() {
	partly_there || ! kill -0 "$RUN" 2>/dev/null
}

partly_there() {
	local size
	size=$(stat -c %s "$ROOT"/.sync/beta/.big.* 2>/dev/null) && [[ $size -gt 500000 ]]
}

# in_background: ss-run, whose end finished waits for.
in_background() {
	keeper ss-run >run.out 2>run.err 3>&- &
	RUN=$!
}

# finished CODE
finished() {
	local code=0
	wait "$RUN" || code=$?
	[ "$code" -eq "$1" ] || { cat run.err; return 1; }
}

# Who gave up is in what it says: ssh after ConnectTimeout or ServerAliveInterval, rsync after
# host-timeout.
@test "a host that does not answer, has another key or does not take ours fails alone, and loses no generation" {
	local how
	local -A says=([silent]='timed out' [frozen]='timed out'
		[stranger]='Host key verification failed' [locked]='Permission denied')
	one_night
	cp "$LAN_DIR/ssh/known_hosts" known
	for how in silent stranger locked frozen; do
		# Of another size each time: rsync compares times by the second.
		echo "new: $how" >>"$SRC/alpha/generation"
		away beta "$how"
		run_code 2 keeper ss-run
		contains "$stderr" "beta: failed.*${says[$how]}"
		back beta
		alone
		cmp known "$LAN_DIR/ssh/known_hosts"
	done
	[ -e "$ROOT/hourly.2/alpha" ]
	run_ok keeper ss-run
	equal "$SRC/beta" "$ROOT/hourly.0/beta"
	equal before "$ROOT/hourly.1/beta"
	run_ok ss-verify --all
}

@test "a host that dies in mid-transfer" {
	one_night
	slow
	in_background
	in_transfer
	"$LAN" cut "$LAN_DIR" beta
	finished 2
	contains "$(<run.err)" 'beta: failed'
	alone
	[ -z "$(find "$ROOT" -name '.big.*' -o -name big)" ]
	sed -i 's| --bwlimit=2048||' "$RSNAPSHOT_CONF"
	run_ok keeper ss-run
	cmp "$SRC/beta/big" "$ROOT/hourly.0/beta/big"
	equal before "$ROOT/hourly.1/beta"
}

@test "a host that falls silent in mid-transfer is given up by ServerAliveInterval" {
	one_night
	slow
	in_background
	in_transfer
	away beta silent
	finished 2
	contains "$(<run.err)" 'beta: failed.*not responding'
	alone
}

@test "a host whose rsync hangs while its sshd still answers is given up by host-timeout" {
	local pid
	one_night
	slow
	printf 'host-timeout = 3s\n' >>"$SECONDSHOT_CONF"
	in_background
	in_transfer
	for pid in $("$LAN" sessions "$LAN_DIR" beta); do
		[[ $(<"/proc/$pid/comm") != rsync ]] || kill -STOP "$pid"
	done
	finished 2
	contains "$(<run.err)" 'beta: failed, rsync exit 30'
	"$LAN" cut "$LAN_DIR" beta
	alone
}

@test "the key is good for reading one directory, by rsync, and for nothing else" {
	local ssh=(ssh -F none -i "$LAN_DIR/ssh/key" -o "UserKnownHostsFile=$LAN_DIR/ssh/known_hosts" -o BatchMode=yes)
	run_code 1 keeper "${ssh[@]}" root@beta id
	run -255 keeper "${ssh[@]}" -tt root@beta
	contains "$output" 'PTY allocation request failed'
	run -255 keeper timeout "$HANGS" "${ssh[@]}" -N -o ExitOnForwardFailure=yes -R 2222:127.0.0.1:22 root@beta
	contains "$output" 'remote port forwarding failed'
	echo mine >mine
	run -12 keeper rsync -e "${ssh[*]}" "$PWD/mine" root@beta:/mine
	[ ! -e "$SRC/beta/mine" ]
	run keeper rsync -e "${ssh[*]}" "root@beta:/../alpha/one" "$PWD/theirs"
	[ "$status" -ne 0 ]
	ln -s "$SRC/alpha/one" "$SRC/beta/outside"
	run keeper rsync -L -e "${ssh[*]}" root@beta:/outside "$PWD/theirs"
	[ "$status" -ne 0 ]
	[ ! -e theirs ]
	run_ok keeper rsync -e "${ssh[*]}" root@beta:/one "$PWD/ours"
	cmp ours "$SRC/beta/one"
}

# step N: what the README's step says to type, or to write.
step() {
	sed -n '/^## Backing up over SSH/,/^## How/p' "$TESTS/../README.md" |
		awk -v n="$1" '/^[0-9]\. / { at = $1 + 0 } /^       / && at == n' | cut -c8-
}

# foreign SCRIPT: where the backup host has a root and an /etc of its own, in which the
# administrator has a key that alpha takes already.
foreign() {
	local name
	mkdir -p new/root/.ssh new/etc/secondshot
	cp "$LAN_DIR/ssh/key" new/root/.ssh/id_ed25519
	for name in passwd group nsswitch.conf alternatives localtime ld.so.cache ssl; do
		[ ! -e "/etc/$name" ] || cp -a "/etc/$name" new/etc/
	done
	cp "$LAN_DIR/hosts" new/etc/
	sed -i '/^root:/s|:[^:]*:\([^:]*\)$|:/root:\1|' new/etc/passwd
	# shellcheck disable=SC2016
	printf '%s\n' 'mount --bind new/root /root && mount --bind new/etc /etc || exit' \
		'cd /root && export HOME=/root && unset SSH_AUTH_SOCK' "$1" >script
	keeper unshare -m --propagation private --wd="$PWD" bash -e script
}

@test "the README's five steps, as they stand there" {
	local script line
	[ -e "$TESTS/../README.md" ] || skip "needs the README"
	"$RRSYNC" -check -ro -strict / >check 2>&1 || skip "rrsync -strict refuses to work on this kernel"
	rm -r "$LAN_DIR/alpha/.ssh"
	mkdir "$LAN_DIR/alpha/.ssh"
	cp "$LAN_DIR/ssh/key.pub" "$LAN_DIR/alpha/.ssh/authorized_keys"
	sed -i 's|^rsnapshot-conf.*|rsnapshot-conf = /etc/secondshot/rsnapshot.conf|' "$SECONDSHOT_CONF"
	# Of the sample all but the place of things, and what to back up of this machine.
	mkdir -p new/etc/secondshot
	{
		sed -e "/^snapshot_root\t/d; s|^lockfile.*|lockfile\t$PWD/pid|" \
			-e "s|^logfile.*|logfile\t$PWD/rsnapshot.log|; /^backup\t/d" "$TESTS/../etc/rsnapshot.conf"
		printf 'snapshot_root\t%s/\n' "$ROOT"
		step 4
	} >new/etc/secondshot/rsnapshot.conf
	script=$(step 1; step 2; step 3; step 5)
	[ "$(grep -c . <<<"$script")" -ge 6 ]
	run_ok foreign "${script//\/usr\/lib\/secondshot\/rrsync/$RRSYNC}"
	contains "$output" 'SHA256:.* \(ED25519\)|ED25519 SHA256:'
	contains "$stderr" 'alpha: complete'
	line=$(ssh-keygen -lf "$LAN_DIR/alpha/hostkey.pub")
	[[ $output == *"$(cut -d' ' -f2 <<<"$line")"* ]]
	cmp "$LAN_DIR/alpha.passwd" "$(find "$ROOT" -path '*/alpha/etc/passwd')"
	# The key is good for nothing else.
	run_code 1 foreign 'ssh -i .ssh/backup -o IdentitiesOnly=yes root@alpha id'
}
