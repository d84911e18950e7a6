#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# More bytes than 32 bits can count; it takes half a minute to read them three times.

load helpers

setup() {
	conf
	TREE=$ROOT/.sync/alpha
	run_ok ss-catalog init
}

@test "a sparse file of 5 GiB" {
	once "reads much and stores one row"
	hostile_tree "$SRC/alpha" --big
	sync_host alpha
	pipeline alpha
	run_ok ss-verify alpha@.sync
	cd "$TREE"
	# Not sha256sum, which takes half a minute for it.
	run_ok openssl sha256 -r kinds/big
	ss-catalog files alpha@.sync --format sha256sum | grep -F "${output%% *}" | grep 'kinds/big$'
	[ "$(sql "SELECT size FROM inodes WHERE size > 4294967296")" = "$(stat -c %s kinds/big)" ]
}
