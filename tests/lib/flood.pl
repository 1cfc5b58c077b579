#!/usr/bin/perl
# Guess codes as fast as possible:   flood.pl FROM-ADDRESS PORT
# Connects from that address to 127.0.0.1, says all that a viewer says with a wrong response, waits for no
# answer, and begins anew. Prints how many it were when it is ended by TERM.
use strict;
use warnings;
use IO::Socket::INET;

my ($from, $port) = @ARGV;
my ($count, $over) = (0, 0);
$SIG{TERM} = sub { $over = 1 };
$SIG{PIPE} = 'IGNORE';
my @open;
until ($over) {
	my $line = IO::Socket::INET->new(LocalAddr => $from, PeerAddr => '127.0.0.1', PeerPort => $port) or next;
	syswrite($line, "RFB 003.008\n\2" . ('x' x 16));
	$count++;
	# Some stay open, as those of a patient attacker do.
	push @open, $line;
	shift @open if @open > 200;
}
print "$count\n";
