#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# listing.pl DIR - all of a tree that a copy is to have, a line for each thing in it: path,
# type and mode, owner, time (not DIR's own), size, links, the first name of the same file, device, where a
# link leads, content, extended attributes (ACLs are some).
use strict;
use warnings;
use Digest::SHA;
use File::Find;

my ($list, $get);
if (eval { require 'syscall.ph'; 1 }) {
	($list, $get) = (SYS_llistxattr(), SYS_lgetxattr());
} else {
	($list, $get) = (195, 192);	# x86_64
}

sub hex_or_text {
	return $_[0] =~ /[^!-~]|\\/ ? '\\' . unpack 'H*', $_[0] : $_[0];
}

sub attributes {
	my ($path) = @_;
	my ($names, $value) = ("\0" x 4096, "\0" x 65536);
	my $n = syscall $list, $path, $names, length $names;
	die "$path: $!\n" if $n < 0;
	return join ' ', map {
		my $len = syscall $get, $path, my $name = $_, $value, length $value;
		die "$path: $_: $!\n" if $len < 0;
		"$_=" . hex_or_text(substr $value, 0, $len);
	} sort split /\0/, substr $names, 0, $n;
}

my ($top) = @ARGV;
my (%time, %first, @path);
open my $times, '-|', 'find', $top, '-printf', '%T@\0%p\0' or die;
{
	local $/ = "\0";
	while (my $when = <$times>) {
		my $path = <$times>;
		chomp($when, $path);
		$time{$path} = $when;
		push @path, $path;
	}
}
close $times or die "find failed\n";
for my $path (sort @path) {
	my ($dev, $ino, $mode, $links, $uid, $gid, $rdev, $size) = lstat $path or die "$path: $!\n";
	my $type = -l _ ? 'l' : -f _ ? 'f' : -d _ ? 'd' : -p _ ? 'p' : -S _ ? 's' : -b _ ? 'b' : 'c';
	my $name = $path eq $top ? '.' : substr $path, length "$top/";
	my @what = (hex_or_text($name), sprintf("$type%04o", $mode & 07777), "$uid:$gid", $path eq $top ? '-' : $time{$path});

	push @what, $size, $links, hex_or_text($first{"$dev:$ino"} //= $name) if $type ne 'd';
	push @what, $rdev if $type =~ /[bc]/;
	push @what, hex_or_text(readlink $path) if $type eq 'l';
	push @what, Digest::SHA->new(256)->addfile($path, 'b')->hexdigest if $type eq 'f';
	print join(' ', @what, attributes($path)), "\n";
}
