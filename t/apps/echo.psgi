# For a real uwsgi server: answers with the environment.

use strict;
use warnings;

use lib "$ENV{JWTMAP_STAGE}/t/apps";
use JwtMapApp;

sub {
    my ($env) = @_;
    my %text = map { $_ => $env->{$_} } grep { !ref $env->{$_} } keys %$env;
    $env->{'psgi.input'}->read(my $body, $env->{CONTENT_LENGTH} || 0);
    my $answer = JwtMapApp::record('uwsgi', \%text,
                                   defined $body ? $body : '');
    return [200, ['Content-Type' => 'text/plain'], [$answer]];
};
