#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# bats file_tags=slow
# More bytes than 32 bits can count, read twice.

load helpers
load catalog

setup() {
	stage
}

@test "a sparse file of more than 4 GiB" {
	once "reads much and stores one row"
	local big=$TREE/big
	truncate -s 4100M "$big"
	printf 'begin' | dd of="$big" conv=notrunc status=none
	printf 'middle' | dd of="$big" bs=1M seek=4097 conv=notrunc status=none
	printf 'end' | dd of="$big" bs=1 seek=$((4100 * 1024 * 1024 - 3)) conv=notrunc status=none
	take
	run_ok ss-verify alpha@.sync
	run_ok ss-catalog files alpha@.sync --format sha256sum
	# As openssl tells it, which would take as long as the rest.
	contains "$output" '^a61658a1838ed699e6796417cee24f1831b55437d2d3d5b185b183c3f85c1a29  big$'
	[ "$(sql "SELECT size FROM inodes WHERE size > 4294967296")" = "$(stat -c %s "$big")" ]
}
