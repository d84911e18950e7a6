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
. "${0%/*}/common.sh"
export SECONDSHOT_CONF="${SECONDSHOT_CONF:-$STATE/secondshot.conf}"

[ "${1-}" != ss-run ] || shift
[ -d "$STATE/jobs" ] || refuse "the entrypoint has prepared nothing: start the container without a command of its own"
# The entrypoint's list of what it ends; exec below keeps the process.
: >"$STATE/jobs/$$"
[ ! -e "$STATE/stopping" ] || exit 0

# Logs in memory do not grow for ever.  On a volume they are its owner's.
mountpoint -q /run/log || find /run/log -xdev -type f -size +1024k -exec truncate -s 0 {} +

own_env
# Hosts that were away when the container started.
host-keys "$(setting rsnapshot-conf "$SECONDSHOT_CONF")"

set -f
[ -z "$VOLUME" ] || set -- "$@" "$VOLUME"
[ -z "$HOSTS" ] || set -- "$@" --
for word in $HOSTS; do
	set -- "$@" "${word#--host=}"
done
exec ss-run "$@"
