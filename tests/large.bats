#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# More bytes than 32 bits can count; it takes half a minute to read them three times.

load helpers
load catalog

setup() {
	stage
}

@test "a sparse file of 5 GiB" {
	once "reads much and stores one row"
	mkdir "$TREE/kinds"
	truncate -s 5G "$TREE/kinds/big"
	printf 'begin' | dd of="$TREE/kinds/big" conv=notrunc status=none
	printf 'middle' | dd of="$TREE/kinds/big" bs=1M seek=4097 conv=notrunc status=none
	printf 'end' | dd of="$TREE/kinds/big" bs=1 seek=$((5 * 1024 * 1024 * 1024 - 3)) conv=notrunc status=none
	take
	run_ok ss-verify alpha@.sync
	cd "$TREE"
	# Not sha256sum, which takes half a minute for it.
	run_ok openssl sha256 -r kinds/big
	ss-catalog files alpha@.sync --format sha256sum | grep -F "${output%% *}" | grep 'kinds/big$'
	[ "$(sql "SELECT size FROM inodes WHERE size > 4294967296")" = "$(stat -c %s kinds/big)" ]
}
