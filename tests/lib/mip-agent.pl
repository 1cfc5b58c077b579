#!/usr/bin/perl
# An agent by the letter of docs/spec/mip.md, of version 1 or 2, for one session:
#   mip-agent.pl VERSION PROXY-PORT PEM-FILE MACHINE VNC-PORT
# Says "registered"; after the session shows its ticket again, in a new line, and says what came of it:
# "replayed: closed" or "replayed: open".
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Open2;

my ($version, $port, $pem, $machine, $vnc_port) = @ARGV;
my $ticket_bytes = $version == 1 ? 4 : 16;
$SIG{PIPE} = 'IGNORE';
$| = 1;

# A TLS line: what to read from, what to write to.
sub call
{
	my $pid = open2(my $from, my $to, qw(openssl s_client -quiet -nocommands -alpn), "mip/$version", '-connect',
		"127.0.0.1:$port", '-cert', $pem, '-key', $pem);
	return ($from, $to);
}

sub take
{
	my ($from, $bytes) = @_;
	my $got = '';
	while (length $got < $bytes) {
		sysread($from, $got, $bytes - length $got, length $got) or die "the proxy left\n";
	}
	return $got;
}

sub take_text { return take($_[0], unpack('N', take($_[0], 4))); }

# Types 3 (a heartbeat) come in between, in version 2.
sub await_request
{
	my ($from, $to) = @_;
	while ((my $type = unpack('C', take($from, 1))) != 1) {
		die "a message of type $type\n" if $type != 3;
		syswrite($to, "\3");
	}
	my $ticket = take($from, $ticket_bytes);
	if ($version == 1) {
		take_text($from);
		take($from, 4);
	}
	my ($host, $endpoint_port) = (take_text($from), unpack('N', take($from, 4)));
	die "asked for '$host' port $endpoint_port\n" if $host ne '' || $endpoint_port != 0;
	return $ticket;
}

sub relay
{
	my ($from, $to, $vnc) = @_;
	my $select = IO::Select->new($from, $vnc);
	while (1) {
		for my $ready ($select->can_read) {
			sysread($ready, my $data, 65536) or return;
			syswrite($ready == $vnc ? $to : $vnc, $data);
		}
	}
}

my ($from, $to) = call();
syswrite($to, pack('CCN/a*', 0, 1, $machine));
print "registered\n";
my $ticket = await_request($from, $to);
my $vnc = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $vnc_port) or die "no VNC server: $!\n";
my $response = "\2" . $ticket . "\0";
my ($data_from, $data_to) = call();
syswrite($data_to, $response);
relay($data_from, $data_to, $vnc);
my ($again_from, $again_to) = call();
syswrite($again_to, $response);
my $open = !IO::Select->new($again_from)->can_read(5) || sysread($again_from, my $data, 1);
print 'replayed: ', $open ? 'open' : 'closed', "\n";
