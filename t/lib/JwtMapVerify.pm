package JwtMapVerify;

# JwtMapVerify: tokens against the authorizers of a table, by the command
# line: authorizers(name => {...}, ...) writes one, verdict_is(...) asks for the
# verdict of a token; check_table(table) is what `check` says.

use strict;
use warnings;

use Exporter 'import';
use IPC::Open3 qw(open3);
use JSON::PP ();
use Symbol qw(gensym);
use Test::More;

use JwtMapKeys;

our @EXPORT = qw(authorizers check_table ctl verdict verdict_is $NOW);

# The clock of the tests.
our $NOW = 1_700_000_000;

my $file;

# (exit status, standard output, standard error) of jwtmapctl.
sub ctl {
    my ($in, @args) = @_;
    my $err = gensym;
    my $pid = open3(my $to, my $from, $err,
                    "$ENV{JWTMAP_STAGE}/bin/jwtmapctl", @args);
    local $SIG{PIPE} = 'IGNORE';
    binmode $to;
    print $to $in;
    close $to;
    local $/;
    my $out = <$from>;
    my $said = <$err>;
    waitpid $pid, 0;
    return ($? & 127 ? "signal $?" : $? >> 8, $out, $said);
}

sub folder {
    return "$ENV{JWTMAP_STAGE}/t/conf";
}

# Writes a table whose `authorizers` are these, in which each has audience
# and issuer unless the caller says so (undef: without), and takes it for what
# verdict_is asks. Key files are relative to t/conf/keys.
sub authorizers {
    my ($name, %authorizers) = @_;
    for my $authorizer (values %authorizers) {
        %$authorizer = (type => 'jwt', issuer => 'https://issuer.example',
                        audience => 'api://gateway', %$authorizer);
        delete @$authorizer{ grep { !defined $authorizer->{$_} }
                             keys %$authorizer };
    }
    $file = folder() . "/keys/$name-$$.json";
    JwtMapKeys::write_file($file, json({ authorizers => \%authorizers,
                                         paths => [] }));
    return $file;
}

# What `verify` says of a token: the name of the verdict, "ok" only with exit
# status 0; what is not one of both is told as it is.
sub verdict {
    my ($authorizer, $token, @options) = @_;
    @options = ('--now', $NOW) unless @options;
    my ($status, $out, $err) = ctl($token, 'verify', $file, '--json',
        defined $authorizer ? ('--authorizer', $authorizer) : (),
        '--token', '-', @options);
    my $json = eval { JSON::PP->new->utf8->decode($out) };
    return "exit status $status: $out$err" if !$json || $status > 1
        || ($status == 0) != ($json->{verdict} eq 'ok')
        || ($status == 0) != !!$json->{ok};
    return $json->{verdict};
}

sub verdict_is {
    my ($authorizer, $token, $want, $test, @options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(verdict($authorizer, $token, @options), $want, $test);
}

# (exit status, what it says) of `check` for a table as text or data.
sub check_table {
    my ($table, @options) = @_;
    my $at = folder() . "/keys/check-$$.json";
    JwtMapKeys::write_file($at, json($table));
    my ($status, $out, $err) = ctl('', 'check', $at, @options);
    unlink $at;
    return ($status, "$out$err");
}

1;
