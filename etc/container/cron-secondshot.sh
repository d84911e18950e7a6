#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# cron-secondshot.sh - one run, as cron starts it in the container: ss-run, which rotates what
# is due by itself.
#
#	cron-secondshot.sh [ss-run] [OPTION...]
#
# The options are ss-run's; its name, in cron's table, is for "ss-run --check", which looks
# who starts it.
# An executable /etc/secondshot-env may set HOSTS ("--host=alpha --host=beta") and VOLUME
# ("--volume=NAME"), as with the original.  Exit code: that of ss-run.

set -u
umask 022
STATE=/run/secondshot-container
export SECONDSHOT_CONF="${SECONDSHOT_CONF:-$STATE/secondshot.conf}"

refuse() {
	printf 'container: %s\n' "$1" >&2
	exit 2
}

[ "${1-}" != ss-run ] || shift
[ -d "$STATE/jobs" ] || refuse "the entrypoint has prepared nothing: start the container without a command of its own"
# The entrypoint's list of what it ends; exec below keeps the process.
: >"$STATE/jobs/$$"
[ ! -e "$STATE/stopping" ] || exit 0

# Logs in memory do not grow for ever.
find /run/log -type f -size +1024k -exec truncate -s 0 {} +

HOSTS='' VOLUME=''
if [ -x /etc/secondshot-env ]; then
	[ -z "$(find -L /etc/secondshot-env -maxdepth 0 \( ! -uid 0 -o -perm /022 \))" ] ||
		refuse "/etc/secondshot-env: others than root can write it, and nothing is run; chown root:root and chmod go-w it"
	. /etc/secondshot-env
fi

# Hosts that were away when the container started.
rsnapshot_conf=$(sed -n 's/^rsnapshot-conf *= *//p' "$SECONDSHOT_CONF")
host-keys "$rsnapshot_conf"

set -f
for word in $VOLUME; do
	case $word in
	--volume=?*) set -- "$@" "$word" ;;
	*) refuse "/etc/secondshot-env: VOLUME=$VOLUME: it must be --volume=NAME" ;;
	esac
done
for word in $HOSTS; do
	case $word in
	--host=?*) set -- "$@" "${word#--host=}" ;;
	*) refuse "/etc/secondshot-env: HOSTS=$HOSTS: it must be --host=NAME, with blanks between several" ;;
	esac
done
exec ss-run "$@"
