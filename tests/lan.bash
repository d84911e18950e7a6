# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# lan.bash - for tests of backups over ssh: hosts of tests/lan in a bats file.
#
#	load helpers
#	load lan
#	setup_file() { unmet lan_needs || lan_start alpha beta; }
#	teardown_file() { lan_stop; }
#	setup() { met; lan_conf alpha beta; }

LAN=$TESTS/lan
RRSYNC=${SS_RRSYNC:-$SS_BIN/rrsync}
[[ ${SS_INSTALLED:-0} != 1 ]] || RRSYNC=/usr/lib/secondshot/rrsync

# lan_needs: what tests/lan does; see unmet.
lan_needs() {
	once "ssh does not know which catalog there is"
	requires root rsnapshot rsync unshare nsenter ip ssh ssh-keygen /usr/sbin/sshd
	unshare -n -m -p --fork true 2>/dev/null || skip "needs network, mount and process namespaces"
	unshare -n ip link add name here type veth peer name there 2>/dev/null || skip "needs pairs of network interfaces"
}

lan_start() {
	LAN_DIR=$BATS_FILE_TMPDIR/lan
	export LAN_DIR
	"$LAN" start "$LAN_DIR" "$@"
}

lan_stop() {
	[[ -z ${LAN_DIR:-} ]] || "$LAN" stop "$LAN_DIR"
}

# lan_conf HOST...: conf, with these hosts behind ssh; the key is good for what rrsync
# lets it do, and for reading $SRC/HOST alone.
lan_conf() {
	local host
	HOSTS=$*
	conf
	sed -i '/^backup\t/d' "$RSNAPSHOT_CONF"
	{
		printf 'cmd_ssh\t/usr/bin/ssh\nssh_args\t%s' "-F none -i $LAN_DIR/ssh/key"
		printf ' -o %s' "UserKnownHostsFile=$LAN_DIR/ssh/known_hosts" BatchMode=yes \
			ConnectTimeout=2 ServerAliveInterval=1 ServerAliveCountMax=2
		printf '\n'
		for host; do
			printf 'backup\troot@%s:/\t%s/\n' "$host" "$host"
			printf 'restrict,command="%s -ro %s" %s\n' "$RRSYNC" "$SRC/$host" \
				"$(<"$LAN_DIR/ssh/key.pub")" >"$LAN_DIR/$host/.ssh/authorized_keys"
		done
	} >>"$RSNAPSHOT_CONF"
	ss-catalog init
}

# keeper COMMAND...: on the backup host, with all that this shell exports.
keeper() {
	"$LAN" run "$LAN_DIR" "$@"
}

# away HOST HOW, back HOST: see tests/lan.
away() {
	"$LAN" away "$LAN_DIR" "$@"
}

back() {
	"$LAN" back "$LAN_DIR" "$@"
}
