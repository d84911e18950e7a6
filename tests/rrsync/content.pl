#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# content.pl FILE - size and digest of a file of any size, without reading its holes:
# the digest is over the blocks that are not zero, each after its offset.
use strict;
use warnings;
use Digest::SHA;
use Fcntl;
use constant { BLOCK => 4096, SEEK_DATA => 3, SEEK_HOLE => 4 };

sysopen my $in, $ARGV[0], O_RDONLY or die "$ARGV[0]: $!\n";
my $sha = Digest::SHA->new(256);
my $end = 0;
while (defined(my $start = sysseek $in, $end, SEEK_DATA)) {
	$end = sysseek $in, $start, SEEK_HOLE;
	$start -= $start % BLOCK;
	sysseek $in, $start, 0;
	for (my $at = $start; $at < $end; $at += BLOCK) {
		my $got = sysread $in, my $block, BLOCK;
		defined $got or die "$ARGV[0]: $!\n";
		$sha->add("$at ", $block) if $block =~ /[^\0]/;
	}
}
printf "%d %s\n", -s $in, $sha->hexdigest;
