# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Log.pm - what a run wrote into its log, taken apart as secondshot(7) says.

package Log;

use strict;
use warnings;

# events(LINES): of each line of ss-run that tells of one, its pairs.
sub events {
	my @events;
	for (@_) {
		next unless / ss-run\[\d+\]: (level=.* event=.*)/;
		my ($pairs, %event) = ($1);
		$event{$1} = defined $2 ? $2 : $3 while $pairs =~ /([a-z0-9_]+)=(?:"([^"]*)"|([^ "]*))/g;
		push @events, \%event;
	}
	return @events;
}

# judge(LINES, RESULT, NEW, LOST): what the log says otherwise; LINES are of one run,
# NEW is of {HOST} what it took, LOST the hosts that it could not take.
sub judge {
	my ($lines, $result, $new, $lost) = @_;
	my @events = events(@$lines);
	my ($run, @more) = grep { $_->{event} eq 'run' } @events;
	return 'it has not one line of the run' if !$run || @more;
	my (%status, @wrong);
	$status{$_->{host}} = $_ for grep { $_->{event} eq 'host' } @events;
	for (keys %$new) {
		push @wrong, "$_ is " . ($status{$_}{status} // 'not there')
			if ($status{$_}{status} // '') ne 'complete' || $status{$_}{saveset} !~ /^$_-backup-/;
	}
	for (@$lost) {
		push @wrong, "$_ is " . ($status{$_}{status} // 'not there')
			if ($status{$_}{status} // '') !~ /^(failed|stale)$/ || !length($status{$_}{reason} // '');
	}
	my @turns = grep { $_->{event} eq 'rotation' } @events;
	push @wrong, 'rotations: ' . join ' ', map { $_->{interval} } @turns
		if %$new ? !@turns || $turns[-1]{interval} ne 'hourly' || $turns[-1]{moved} != keys %$new
			|| $turns[-1]{stayed} != @$lost : @turns;
	my %said = (result => $result, good => scalar keys %$new, failed => scalar @$lost,
		rotations => scalar @turns);
	push @wrong, map { "$_ is $run->{$_}, not $said{$_}" } grep { $run->{$_} ne $said{$_} } sort keys %said;
	return @wrong;
}

1;
