#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The container: what its entrypoint prepares and refuses, runs by hand and from cron, an end
# in the middle of a sync, a host behind ssh, a catalog on a server.

load helpers
load container
load lan
load server

setup_file() {
	unmet container_needs && return 0
	ssh-keygen -q -t ed25519 -N '' -C backup -f "$BATS_FILE_TMPDIR/key"
}

setup() {
	box
}

teardown() {
	lan_stop
	rm -rf "$BATS_FILE_TMPDIR/lan"
	[[ ! -e $BATS_TEST_TMPDIR/srv/child ]] || server_end "$BATS_TEST_TMPDIR/srv"
	box_end
}

gone() {
	! inside test -e "/proc/$1"
}

@test "with nothing set: a catalog on /metadata, a run by hand, one from cron, an end in order" {
	local orphan
	started CRON_MINUTE='*' CRON_HOUR='*' TZ=Asia/Kathmandu
	contains "$(<"$LOG")" 'authorized_keys on each host'
	contains "$(<"$LOG")" '^restrict,command="/usr/lib/secondshot/rrsync -ro -strict -log auth /" ssh-ed25519 '
	grep -qF "$(cut -d' ' -f2 "$BATS_FILE_TMPDIR/key.pub")" "$METADATA/authorized_keys.example"
	[ "$(inside stat -c %a:%u /run/secondshot-rsync-sshkey)" = 600:0 ]
	[ "$(stat -c %a "$METADATA/catalog.db")" = 600 ]
	[ "$(inside date +%Z)" = +0545 ]
	# Logs in memory are cut, so that they do not fill it.
	inside sh -c 'head -c 1100000 /dev/zero >/var/log/large'
	run_ok inside cron-secondshot.sh --quiet --wait=10m
	[ "$(inside stat -c %s /var/log/large)" = 0 ]
	[ "$(savesets)" -ge 1 ]
	[ -e "$BACKUPS/hourly.0/alpha/mnt/dir/two" ]
	[ -e "$METADATA/marker.key" ]
	# And cron's, whose output is the container's.
	until_true has_savesets 2
	until_true grep -q 'alpha.*complete' "$LOG"
	lacks "$(<"$LOG")" 'Read-only file system|Permission denied'
	run_code 1 inside touch /etc/anything
	# What others leave behind is buried.
	orphan=$(inside sh -c '(sleep 0.1 & echo $!) | head -n 1')
	until_true gone "$orphan"
	run_ok stopped
	contains "$(tail -n 1 "$LOG")" '^container: stopped$'
	# Once more over the same volumes.
	started
	[ "$(savesets)" -ge 2 ]
	run_ok inside cron-secondshot.sh --quiet
	run_ok inside ss-verify --all
	run_ok inside ss-catalog check
	run_ok stopped
}

# In the middle: rsync writes its file.
transferring() {
	compgen -G "$BACKUPS/.sync/alpha/mnt/.large.*" >/dev/null
}

@test "SIGTERM in the middle of a sync: the run ends in order, nothing is torn, the next goes on" {
	head -c 3000000 /dev/urandom >"$SRC/large"
	started
	run_ok inside cron-secondshot.sh --quiet
	run_ok stopped
	head -c 3000000 /dev/urandom >"$SRC/large"
	daily "rsync_long_args\t--delete --numeric-ids --relative --delete-excluded --bwlimit=8" "backup\t/mnt/\talpha/"
	started CRON_MINUTE='*' CRON_HOUR='*'
	until_true transferring
	run_ok stopped
	contains "$(<"$LOG")" 'ends the run under way'
	contains "$(tail -n 1 "$LOG")" '^container: stopped$'
	contains "$(<"$LOG")" 'stopped by signal 15 .*the next run goes on from here'
	[ "$(stat -c %s "$BACKUPS/hourly.0/alpha/mnt/large")" = 3000000 ]
	daily "backup\t/mnt/\talpha/"
	started
	run_ok inside ss-catalog check
	[ "$(savesets)" = 1 ]
	run_ok inside cron-secondshot.sh --quiet
	[ "$(savesets)" = 2 ]
	cmp "$SRC/large" "$BACKUPS/hourly.0/alpha/mnt/large"
	run_ok inside ss-verify --all
	run_ok inside ss-catalog runs --json
	contains "$output" '"result":143,.*"host":"alpha","status":"interrupted"'
	run_ok stopped
}

scanning() {
	inside sh -c 'cat /proc/[0-9]*/comm 2>/dev/null' | grep -q '^ssh-keyscan$'
}

@test "a host behind ssh and rrsync: its key is taken on trust once, and never replaced" {
	local known print mounts
	lan_needs
	lan_start alpha
	NET="nsenter --net=/proc/$(<"$LAN_DIR/keeper.pid")/ns/net"
	echo "$LAN_DIR/hosts /etc/hosts ro" >>"$BOX/mounts"
	cp "$LAN_DIR/ssh/key" "$SECRETS/secondshot-rsync-sshkey"
	daily "backup\troot@alpha:/\talpha/"
	printf 'restrict,command="%s -ro %s" %s\n' "$SS_CONTAINER/root/usr/lib/secondshot/rrsync" "$SRC" \
		"$(<"$LAN_DIR/ssh/key.pub")" >"$LAN_DIR/alpha/.ssh/authorized_keys"
	# Where the original had it.
	mounts=$(<"$BOX/mounts")
	cp "$LAN_DIR/ssh/known_hosts" "$BOX/known_hosts"
	echo "$BOX/known_hosts /home/secondshot/.ssh/known_hosts ro" >>"$BOX/mounts"
	started
	contains "$(<"$LOG")" '/home/secondshot/.ssh/known_hosts: the keys in it are known here'
	run_ok inside cron-secondshot.sh --quiet
	away alpha stranger
	run_code 2 inside cron-secondshot.sh --quiet
	lacks "$output$stderr$(<"$LOG")" 'taken on trust'
	[ ! -e "$METADATA/known_hosts" ]
	back alpha
	run_ok stopped
	echo "$mounts" >"$BOX/mounts"
	# A stop does not wait for a host that says nothing.
	away alpha frozen
	starting
	until_true scanning
	run_code 143 stopped
	lacks "$(<"$LOG")" 'does not tell'
	back alpha
	started
	print=$(ssh-keygen -l -f "$LAN_DIR/alpha/hostkey.pub" | cut -d' ' -f2)
	contains "$(grep -F "$print" "$LOG")" 'alpha: its host key is taken on trust'
	run_ok inside cron-secondshot.sh --quiet
	[ "$(savesets)" = 2 ]
	cmp "$SRC/dir/two" "$BACKUPS/hourly.0/alpha/dir/two"
	[ "$(inside ssh -G alpha | grep '^user ')" = "user secondshot" ]
	run_ok stopped
	known=$(<"$METADATA/known_hosts")
	started
	lacks "$(<"$LOG")" 'taken on trust'
	away alpha stranger
	run_code 2 inside cron-secondshot.sh --quiet
	contains "$stderr" 'Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED'
	[ "$(<"$METADATA/known_hosts")" = "$known" ]
	back alpha
	run_ok stopped
	# A host that is away when the container starts is asked by the next run.
	rm "$METADATA/known_hosts"
	away alpha stopped
	started
	contains "$(<"$LOG")" 'alpha: it does not tell its host key'
	back alpha
	run_ok inside cron-secondshot.sh --quiet
	contains "$output" 'alpha: its host key is taken on trust'
	run_ok stopped
}

@test "whose keys are collected: what backup lines name, with their own ports and arguments" {
	local conf=$BATS_TEST_TMPDIR/rsnapshot.conf
	printf '%b\n' '#backup\tnever@commented:/\tn/' "include_conf\t$conf.more" 'ssh_args\t-p 22 -i /key' 'backup\t/etc/\tlocal/' \
		'backup\troot@alpha:/etc/\talpha/' 'backup\talpha:/home/\talpha/' 'backup\tbeta:/\tbeta/\t+ssh_args=-p 2222,one_fs=1' \
		'backup\tgamma:/\n\tgamma/\n\tssh_args=-p 2200' 'backup\trsync://delta/all/\tdelta/' 'backup\tdelta::all/\tdelta/' \
		'backup\troot@[2001:db8::1]:/\tsix/' 'backup\tlvm://vg/home/\tlvm/' >"$conf"
	printf 'backup\tincluded:/\tincluded/\n' >"$conf.more"
	run_ok "$TESTS/../etc/container/host-keys" --list "$conf"
	[ "$output" = "$(printf '%b\n' 'included\t-p 22 -i /key' 'alpha\t-p 22 -i /key' 'beta\t-p 22 -i /key -p 2222' \
		'gamma\t-p 2200' '2001:db8::1\t-p 22 -i /key')" ] || { echo "$output"; false; }
}

# server_as_original: a server that db00 is the name of, with the original's account and port.
server_as_original() {
	local srv=$BATS_TEST_TMPDIR/srv
	requires_server
	unshare -n true 2>/dev/null || skip "needs network namespaces"
	lan_start
	NET="nsenter --net=/proc/$(<"$LAN_DIR/keeper.pid")/ns/net"
	printf '127.0.0.1 localhost db00\n' >"$BOX/hosts"
	echo "$BOX/hosts /etc/hosts ro" >>"$BOX/mounts"
	printf 'geheim-3141\n' >"$SECRETS/secondshot-db-password"
	server_install "$srv" "${CARELESS[@]}"
}

server_up() {
	local srv=$BATS_TEST_TMPDIR/srv
	mapfile -t options <"$srv/options"
	# shellcheck disable=SC2086
	$NET mariadbd "${options[@]}" --port=3306 --bind-address=127.0.0.1 >>"$srv/log" 2>&1 3>&- 4>&- </dev/null &
	echo $! >"$srv/child"
	server_wait "$srv"
}

@test "a catalog on a server: waited for, made, used; the original's tables are left alone" {
	local srv=$BATS_TEST_TMPDIR/srv
	server_as_original
	# Nobody answers.
	run_code 2 run_box DBTYPE=mysql+pymysql DB_WAIT=1
	contains "$stderr" 'database secondshot on db00 cannot be used, after 1 s'
	contains "$output" 'waits for database secondshot on db00, 1 s at most'
	server_up
	admin "$srv" -e "CREATE DATABASE secondshot; CREATE USER bkp IDENTIFIED BY 'geheim-3141';
		GRANT ALL ON \`secondshot%\`.* TO bkp; USE secondshot;
		CREATE TABLE hosts (id int, hostname varchar(45), created timestamp)"
	# A no is not waited for: without a certificate, with another password.
	run_code 2 run_box DBTYPE=mysql+pymysql
	contains "$stderr" 'DB_TLS=off'
	lacks "$output" 'waits for'
	printf 'other\n' >"$SECRETS/secondshot-db-password"
	refused 'database secondshot on db00 cannot be used: .*Access denied' DBTYPE=mysql+pymysql DB_TLS=off
	printf 'geheim-3141\n' >"$SECRETS/secondshot-db-password"
	run_code 2 run_box DBTYPE=mysql+pymysql DB_TLS=off
	contains "$stderr" 'a table hosts already, of another program'
	admin "$srv" -e "CREATE DATABASE secondshot1"
	started DBTYPE=mysql+pymysql DB_TLS=off DBNAME=secondshot1
	lacks "$(<"$LOG")" geheim
	run_ok inside cron-secondshot.sh --quiet
	[ "$(savesets)" = 1 ]
	[ ! -e "$METADATA/catalog.db" ]
	run_ok inside ss-catalog check
	run_ok inside ss-verify --all
	run_ok stopped
	# It comes a little later than we.  Cron knows of DB_URL, too.
	server_shutdown "$srv"
	starting DB_URL=mysql+pymysql://bkp@db00/secondshot1 DB_TLS=off CRON_MINUTE='*' CRON_HOUR='*'
	until_true grep -q 'waits for' "$LOG"
	server_up
	until_true ready
	contains "$(<"$LOG")" 'waits for the database of DB_URL'
	until_true has_savesets 2
	[ ! -e "$METADATA/catalog.db" ]
	run_ok stopped
	[ "$(admin "$srv" -e "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'secondshot'")" = 1 ]
}

# refused PATTERN [NAME=VALUE...]: in one sentence, with 2.
refused() {
	local pattern=$1
	shift
	run_code 2 run_box "$@"
	contains "$stderr" "$pattern" || return
	[[ $(grep -c . <<<"$stderr") == 1 ]] || { echo "$stderr"; return 1; }
}

@test "what cannot work is refused in a sentence" {
	local mounts when
	mounts=$(<"$BOX/mounts")
	refused 'DBTYPE=oracle: there is no such database' DBTYPE=oracle
	refused 'TZ=Mars/Olympus: there is no such time zone' TZ=Mars/Olympus
	refused 'TZ=\.\./' TZ=../../etc/passwd
	# Nothing that a terminal would act on.
	refused 'TZ=UTC\?\[31m\?\?' TZ=$'UTC\e[31m\r\n'
	refused 'CRON_HOUR=24: cron does not know' CRON_HOUR=24
	refused 'CRON_HOUR=8-2: cron' CRON_HOUR=8-2
	refused 'CRON_MINUTE=5,: cron' CRON_MINUTE=5,
	refused 'CRON_MINUTE=\* root rm: cron' CRON_MINUTE='* root rm'
	refused 'DB_WAIT=soon' DB_WAIT=soon
	refused 'DB_TLS=perhaps' DB_TLS=perhaps
	refused 'DB_URL: /metadata/secondshot is the database of secondshot 0.10' DB_URL=sqlite:////metadata/secondshot
	refused 'DB_URL: it has a password in it' DB_URL=mysql://bkp:geheim@db00/secondshot
	lacks "$stderr" geheim
	refused 'DB_URL: there is no such database' DB_URL=sqlite:///catalog.db
	refused 'DB_URL: it has another character' DB_URL=$'/metadata/x\nhook.pre = /x'
	refused 'secondshot-db-password: the secret is not there, and the database of DB_URL needs' DB_URL=mysql://bkp@db00/secondshot
	refused 'secondshot-db-password: the secret is not there' DBTYPE=mysql
	refused 'DBNAME: it has another character' DBTYPE=mysql DBNAME='a;b'
	# The volumes.
	grep -v ' /backups' <<<"$mounts" >"$BOX/mounts"
	refused '/backups: nothing is mounted there'
	sed 's| /backups$| /backups ro|' <<<"$mounts" >"$BOX/mounts"
	refused '/backups: it cannot be written'
	mkdir -p "$BOX/volumes/$(printf '%064x' 31)/_data"
	sed "s|^[^ ]* /backups$|$BOX/volumes/$(printf '%064x' 31)/_data /backups|" <<<"$mounts" >"$BOX/mounts"
	refused '/backups: the volume there has no name'
	grep -v ' /metadata' <<<"$mounts" >"$BOX/mounts"
	refused '/metadata: it cannot be written'
	grep -v ' /etc/secondshot/conf.d' <<<"$mounts" >"$BOX/mounts"
	refused "backup-daily.conf: rsnapshot's configuration is not there"
	echo "$mounts" >"$BOX/mounts"
	echo noexec,mode=755 >"$BOX/run"
	refused '/run: it is mounted with noexec'
	rm "$BOX/run"
	# The command of the refusal does what it says, and touches nothing else: its time counts.
	mkdir "$BACKUPS/hourly.0" "$BACKUPS/hourly.1"
	chown 1000 "$BACKUPS" "$BACKUPS/hourly.0"
	when=$(stat -c %z "$BACKUPS/hourly.1")
	refused '/backups: it belongs to uid 1000'
	contains "$stderr" 'docker compose run --rm secondshot find /backups '
	eval "run_ok run_box ${stderr#*run --rm secondshot }"
	[ "$(stat -c %u "$BACKUPS" "$BACKUPS/hourly.0" | sort -u)" = 0 ]
	[ "$(stat -c %z "$BACKUPS/hourly.1")" = "$when" ]
	rmdir "$BACKUPS"/*
	# What somebody else has put, or could have put, into /metadata.
	echo alpha >"$BOX/victim"
	ln -s ../victim "$METADATA/known_hosts"
	ln -sfn ../victim "$METADATA/authorized_keys.example"
	ln -sfn ../victim "$METADATA/authorized_keys.example.new"
	chown 1000 "$METADATA"
	refused '/metadata: it belongs to uid 1000.*could have exchanged /metadata/known_hosts'
	[ "$(stat -c %u "$METADATA")" = 1000 ]
	chown 0 "$METADATA"
	refused '/metadata/known_hosts: it is a link'
	rm "$METADATA/known_hosts"
	echo stranger >"$METADATA/backup-host"
	chmod 0666 "$METADATA/backup-host"
	refused '/metadata/backup-host: it is a link, or belongs to somebody else than root, or others can write it'
	rm "$METADATA/backup-host"
	mkdir "$METADATA/marker-keys"
	: >"$METADATA/marker-keys/one"
	chown 1000 "$METADATA/marker-keys/one"
	refused '/metadata/marker-keys/one: it is a link, or'
	rm -r "$METADATA/marker-keys"
	chmod o+w "$CONF_D/backup-daily.conf"
	refused 'backup-daily.conf: anybody can write it'
	chmod o-w "$CONF_D/backup-daily.conf"
	mkdir -m 0777 "$CONF_D/.hidden"
	refused 'conf.d/.hidden: anybody can write it'
	rmdir "$CONF_D/.hidden"
	[ ! -e "$METADATA/catalog.db" ]
	[ ! -e "$BACKUPS/.secondshot" ]
	run_ok run_box DB_URL=sqlite:////metadata/other.db ss-catalog volumes
	[ -e "$METADATA/other.db" ]
	[ ! -e "$METADATA/catalog.db" ]
	[ "$(<"$BOX/victim")" = alpha ]
	[ ! -L "$METADATA/authorized_keys.example" ]
	# The key.
	: >"$SECRETS/secondshot-rsync-sshkey"
	refused 'secondshot-rsync-sshkey: the secret is empty'
	cp "$BATS_FILE_TMPDIR/key.pub" "$SECRETS/secondshot-rsync-sshkey"
	refused 'secondshot-rsync-sshkey: it is no private key of ssh, or has a passphrase'
	rm "$SECRETS/secondshot-rsync-sshkey"
	mkdir "$SECRETS/secondshot-rsync-sshkey"
	refused 'secondshot-rsync-sshkey: the secret cannot be read'
	rmdir "$SECRETS/secondshot-rsync-sshkey"
	daily "backup\troot@alpha:/\talpha/"
	refused 'the secret is not there, and a host is copied by ssh \(alpha\)'
	# Without a host behind ssh none is needed.
	daily "backup\t/mnt/\talpha/"
	run_ok run_box DB_URL=sqlite:////metadata/other.db ss-catalog volumes
}

@test "what an ordinary user mounts, and what the original left" {
	local sum
	printf 'SQLite format 3, of another kind' >"$METADATA/secondshot"
	sum=$(sha256sum "$METADATA/secondshot")
	chown -R 1000 "$METADATA"
	# His files name each other by where they lie; what he backs up stays what it is.
	printf 'include_conf\t/etc/secondshot/conf.d/.more/hosts.conf\n' >>"$CONF_D/backup-daily.conf"
	mkdir "$CONF_D/.more"
	printf '%b\n' 'exclude_file\t/etc/secondshot/conf.d/.more/exclude' 'backup\t/mnt/dir/\tbeta/' \
		'backup\t/etc/secondshot/conf.d/\tbeta/' >"$CONF_D/.more/hosts.conf"
	echo two >"$CONF_D/.more/exclude"
	# The other form of "key = value".
	printf '%s\n' 'min-free: 0' 'rsnapshot-conf: /nowhere' 'db-url: /nowhere/catalog.db' 'volume: other' \
		'backup-host: keeper' >"$CONF_D/secondshot.conf"
	chown -R 1000 "$CONF_D"
	# A script of bash, as the original took it; a log that is somebody else's.
	printf '%s\n' 'declare -a names=(beta)' '[[ $nothing ]] || HOSTS="--host=${names[0]}"' \
		'VOLUME="--volume=daily-$(hostname -s)"' >"$BOX/env"
	chmod +x "$BOX/env"
	mkdir "$BOX/log.d"
	head -c 1100000 /dev/zero >"$BOX/log.d/large"
	printf '%s\n' "$BOX/env /etc/secondshot-env ro" "$BOX/log.d /run/log" >>"$BOX/mounts"
	started
	contains "$(<"$LOG")" '/etc/secondshot/conf.d: it belongs to uid 1000.*this start uses a copy'
	contains "$(<"$LOG")" "/metadata: it belonged to uid 1000.*it is root's now"
	contains "$(<"$LOG")" '/metadata/secondshot is the database of secondshot 0.10'
	[ "$(inside cat /run/secondshot-container/secondshot.conf | grep -c '^min-free: 0')" = 1 ]
	run_ok inside cron-secondshot.sh --quiet
	[ -e "$BACKUPS/hourly.0/beta/mnt/dir/sub/three" ]
	[ ! -e "$BACKUPS/hourly.0/beta/mnt/dir/two" ]
	[ -e "$BACKUPS/hourly.0/beta/etc/secondshot/conf.d/.more/hosts.conf" ]
	[ ! -e "$BACKUPS/hourly.0/alpha" ]
	[ "$(inside ss-catalog volumes --json | jq -r '.name, .backup_host' | xargs)" = "daily-secondshot keeper" ]
	[ "$(stat -c %s "$BOX/log.d/large")" = 1100000 ]
	run_ok stopped
	[ "$(sha256sum "$METADATA/secondshot")" = "$sum" ]
	# One root has one name.
	sed -i 's/daily-/weekly-/' "$BOX/env"
	refused 'the catalog cannot be made: .*is known as volume daily-secondshot already'
	echo 'if' >"$BOX/env"
	refused '/etc/secondshot-env: bash does not understand it'
	echo 'VOLUME=daily' >"$BOX/env"
	refused '/etc/secondshot-env: VOLUME=daily: it must be --volume=NAME'
	chown 1000 "$BOX/env"
	refused '/etc/secondshot-env: root would run what is in it'
}

@test "a container that is made anew has another name, and the same savesets" {
	started
	run_ok inside cron-secondshot.sh --quiet
	run_ok stopped
	echo 3f2a9c1b7d42 >"$BOX/hostname"
	started
	[ "$(savesets)" = 1 ]
	run_ok inside cron-secondshot.sh --quiet
	[ "$(inside ss-catalog savesets --json | jq -r .backup_host | sort -u)" = secondshot ]
	run_ok stopped
}

@test "healthy and not: OK and WARNING are healthy, CRITICAL and UNKNOWN are not" {
	local code job
	printf '#!/bin/sh\necho "$*"\nexit "$(cat /metadata/code)"\n' >"$BOX/check"
	chmod +x "$BOX/check"
	mkdir -p "$BOX/plugins"
	cp "$BOX/check" "$BOX/plugins/check_secondshot"
	echo "$BOX/plugins /usr/lib/nagios/plugins ro" >>"$BOX/mounts"
	[ -d "$SS_CONTAINER/root/usr/lib/nagios/plugins" ] || sed -i '$d' "$BOX/mounts"
	started HEALTH_HOURS=9
	if [ -d "$SS_CONTAINER/root/usr/lib/nagios/plugins" ]; then
		for code in 0:0 1:0 2:1 3:1; do
			echo "${code%:*}" >"$METADATA/code"
			run_code "${code#*:}" inside healthcheck
			[ "$output" = "-i 9" ]
		done
		# The first sync may take days.
		job=$(inside sh -c 'cp /bin/sleep /tmp/ss-run; /tmp/ss-run 900 >/dev/null 2>&1 & echo $!; : >"/run/secondshot-container/jobs/$!"')
		until_true inside grep -qx ss-run "/proc/$job/comm"
		echo 2 >"$METADATA/code"
		run_ok inside healthcheck
		contains "$output" 'a run is under way'
		echo 3 >"$METADATA/code"
		run_code 1 inside healthcheck
	else
		run_code 1 inside healthcheck
		contains "$output" 'is not installed'
	fi
	run_ok stopped
}

@test "the image's own check: unhealthy before the first saveset, healthy after it, unhealthy without the catalog" {
	[ -x "$SS_CONTAINER/root/usr/lib/nagios/plugins/check_secondshot" ] || skip "the package has no check_secondshot yet"
	started
	run_code 1 inside healthcheck
	run_ok inside cron-secondshot.sh --quiet
	run_ok inside healthcheck
	mv "$METADATA/catalog.db" "$METADATA/away.db"
	run_code 1 inside healthcheck
	run_ok stopped
}
