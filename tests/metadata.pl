#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# metadata.pl DIR [SUMS] - the metadata digest of a tree (with SUMS, the output of
# find -type f -print0 | sha256sum -z, its full digest), computed from lstat alone
# by another hand than the suite's: see lib/catalog/summary.h.
use strict;
use warnings;
use Digest::SHA;
use Encode;
use File::Find;
use Time::HiRes;

my ($top, $sums) = @ARGV;
my (%digest, %first, @path);

sub name {
	my ($bytes) = @_;
	my $text = '';
	return $bytes =~ s/\\/\\\\/gr unless $bytes =~ /[^ -~]/;
	while (length $bytes) {
		my $char = Encode::decode('UTF-8', $bytes, Encode::FB_QUIET);
		for (split //, $char) {
			my $code = ord;
			my $raw = Encode::encode('UTF-8', $_);
			my %short = ("\\" => '\\\\', "\t" => '\\t', "\n" => '\\n', "\r" => '\\r');
			if ($short{$_}) {
				$text .= $short{$_};
			} elsif ($code < 32 || ($code >= 127 && $code < 160) || /[\x{061c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}\x{feff}]/) {
				$text .= sprintf '\\x%02x', ord for split //, $raw;
			} else {
				$text .= $raw;
			}
		}
		$text .= sprintf '\\x%02x', ord substr($bytes, 0, 1, '') if length $bytes;
	}
	return $text;
}

if ($sums) {
	local $/ = "\0";
	open my $in, '<', $sums or die "$sums: $!";
	while (<$in>) {
		chomp;
		my ($hex, $path) = /^([0-9a-f]+)  (.*)$/s or die "bad line";
		$digest{$path} = $hex;
	}
}
find({ no_chdir => 1, wanted => sub { push @path, $File::Find::name } }, $top);
open my $times, '-|', 'find', $top, '-printf', '%T@\0%p\0' or die;
my %mtime;
{
	local $/ = "\0";
	while (my $when = <$times>) {
		my $path = <$times>;
		chomp($when, $path);
		$mtime{$path} = $when =~ s/(\.\d{9})\d*$/$1/r;
	}
}
my $sha = Digest::SHA->new(256);
my $line = 0;
for my $full (sort @path) {
	my (undef, $ino, $mode, undef, $uid, $gid, $rdev, $size) = lstat $full or die "$full: $!";
	my $path = $full eq $top ? '' : substr $full, length("$top/");
	my $type = -l _ ? 'l' : -f _ ? 'f' : -d _ ? 'd' : -p _ ? 'p' : -S _ ? 's' : -b _ ? 'b' : 'c';
	my $linked = 0;
	my $data = $type eq 'l' ? readlink $full : '';
	my ($algo, $hex) = ('-', '-');

	$line++;
	$data = join ':', split ' ', `stat -c '%Hr %Lr' '$full'` if $type =~ /[bc]/;
	if ($type eq 'f') {
		$linked = $first{$ino} // 0;
		$first{$ino} //= $line;
		($algo, $hex) = ('sha256', $digest{$full} // die "no sum of $full") if $sums;
	} else {
		$size = 0;
	}
	my $when = $path eq '' ? '0.000000000' : $mtime{$full};
	$sha->add(join("\t", $type, sprintf('%04o', $mode & 07777), $uid, $gid, $size, $when, $linked,
		$algo, $hex, name($data), name($path)), "\n");
}
print $sha->hexdigest, "\n";
