package JwtMapApp;

# JwtMapApp: what the applications of this directory have in common: the
# request, as environment, becomes a line of logs/upstream.log and the answer.
# The applications of other languages here do the same.

use strict;
use warnings;

use Cwd ();
use Fcntl qw(O_APPEND O_CREAT O_WRONLY);
use File::Basename ();
use JSON::PP ();

my $log = Cwd::realpath(File::Basename::dirname(__FILE__) . '/../logs')
    . '/upstream.log';

# Text of the answer to a request with this environment and body.
sub record {
    my ($scheme, $env, $body) = @_;
    my @head = map { "$_: $env->{$_}" } grep { /^[A-Z]/ } sort keys %$env;
    my $line = JSON::PP->new->latin1->canonical->encode({
        scheme => $scheme, head => \@head, body => $body, trailers => [],
        connection => $$,
    });
    sysopen my $out, $log, O_WRONLY | O_APPEND | O_CREAT or die "$log: $!\n";
    syswrite $out, "$line\n";
    return join '', map { "$_\n" } @head;
}

1;
