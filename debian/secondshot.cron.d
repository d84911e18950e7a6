# The nightly job of secondshot. Nothing runs until a line is switched on:
# first set up /etc/secondshot/rsnapshot.conf, prepare the disk with
# "ss-catalog init" and try "ss-run --dry-run".
# /usr/share/doc/secondshot/examples/crontab has a complete set.
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin

#30 0,8,16 * * *	root	ss-run --quiet
