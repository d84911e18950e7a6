# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Trees.pm - what a tree is, as find, stat and sha256 see it.

package Trees;

use strict;
use warnings;
use Digest::SHA;

# manifest(DIR): each path below it, "" for itself, and what is to be the same in a copy.
# A file is read once for each \%sums (by inode), which is the caller's.
sub manifest {
	my ($dir, $sums) = @_;
	my (%tree, %first);
	open(my $find, '-|', 'find', $dir, '-printf', '%P\0%y\0%m\0%U\0%G\0%T@\0%s\0%n\0%i\0%l\0')
		or die "find: $!\n";
	local $/ = "\0";
	my @all = <$find>;
	close $find or die "find $dir: failed\n";
	chomp @all;
	my @entries;
	while (my @e = splice @all, 0, 10) { push @entries, \@e }
	for (sort { $a->[0] cmp $b->[0] } @entries) {
		my ($path, $type, $mode, $uid, $gid, $mtime, $size, $links, $ino, $target) = @$_;
		my $what = '';
		if ($type eq 'f') {
			$what = $size . ' ' . ($sums->{$ino} //= sum("$dir/$path"));
		} elsif ($type eq 'l') {
			$what = $target;
		} elsif ($type eq 'b' || $type eq 'c') {
			my $dev = (lstat "$dir/$path")[6];
			$what = (($dev >> 8) & 0xfff) . ':' . (($dev & 0xff) | (($dev >> 12) & 0xfff00));
		}
		my $group = $type ne 'd' && $links > 1 ? ($first{$ino} //= $path) : undef;
		$tree{$path} = { type => $type, mode => $mode, owner => "$uid:$gid", mtime => $mtime,
			what => $what, group => $group };
	}
	# A link that only leads out of the tree is none.
	my %n;
	$n{$_->{group}}++ for grep { defined $_->{group} } values %tree;
	$_->{group} = defined $_->{group} && $n{$_->{group}} > 1 ? $_->{group} : '' for values %tree;
	return \%tree;
}

sub sum {
	my ($file) = @_;
	my $sha = Digest::SHA->new(256);
	open(my $in, '<:raw', $file) or die "$file: $!\n";
	$sha->addfile($in);
	return $sha->hexdigest;
}

# differ(WANTED, FOUND): lines that say where two manifests differ; () if they do not.
sub differ {
	my ($wanted, $found) = @_;
	my @out;
	for my $path (sort keys %$wanted) {
		my ($w, $f) = ($wanted->{$path}, $found->{$path});
		if (!$f) { push @out, named($path) . ': missing'; next }
		for (qw(type mode owner mtime what group)) {
			push @out, named($path) . ": $_ is " . named($f->{$_}) . ', not ' . named($w->{$_})
				if $w->{$_} ne $f->{$_};
		}
	}
	push @out, named($_) . ': not of this generation' for grep { !$wanted->{$_} } sort keys %$found;
	return @out;
}

# named(BYTES): for a terminal.
sub named {
	my ($s) = @_;
	$s =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return length $s > 200 ? substr($s, 0, 200) . '...' : "'$s'";
}

1;
