# /etc/cron.d/secondshot - the nightly job of secondshot.
# Nothing runs before the line below is switched on by taking its "#" away.  First:
# two lines in /etc/secondshot/rsnapshot.conf, "ss-catalog init", "ss-run --dry-run".
# /usr/share/doc/secondshot/examples/crontab has a complete set.  With systemd,
# secondshot.timer does the same: one of the two will do.
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# cron mails what is printed: problems.  Without the package it does nothing.
#30 0,8,16 * * *	root	[ ! -x /usr/bin/ss-run ] || ss-run --quiet
