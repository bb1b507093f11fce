# Two users in turn on the same connections, towards httpd and towards the
# upstream, over HTTP/1 and HTTP/2: neither ever gets the other's claim. The
# upstream compares. JWTMAP_SHARED is the number of requests of each run, 25000
# if it is not set.

use JwtMapTest;
use JwtMapBackend;
use JwtMapH2;
use JwtMapServer;

my $count = $ENV{JWTMAP_SHARED} || 25_000;
my %node = start_node();
my $mapping = { headers => { 'x-user-id' => '$request.jwt.sub' },
                query => { actor => '$request.jwt.sub' } };
my $table = JwtMapServer->table('shared',
    servers => [{ alias => 'own', url => "http://127.0.0.1:$node{http}" }],
    paths => [
        { method => 'GET', path => '/own/{.+}', auth => \1,
          mapping => $mapping,
          integration => { type => 'http_proxy', server => 'own' } },
        { method => 'GET', path => '/{.+}', auth => \1, mapping => $mapping },
    ]);
my $server = JwtMapServer->start('shared', <<"CONF");
LogLevel warn jwtmap:warn
Protocols h2c http/1.1
MaxKeepAliveRequests 0
KeepAliveTimeout 60
JwtMapConfig $table
<Proxy http://127.0.0.1:$node{http}>
ProxySet max=4
</Proxy>
<Proxy h2c://127.0.0.1:$node{h2c}>
ProxySet max=4
</Proxy>
ProxyPass /http/ http://127.0.0.1:$node{http}/
ProxyPass /h2c/ h2c://127.0.0.1:$node{h2c}/
CONF
ok($server->listens, 'the server starts') or diag($server->console);
my $url = 'http://127.0.0.1:' . $server->port;
my %token = map { $_ => token(sub => $_, exp => time + 3600) } qw(alice bob);

# What the upstream counted since the last time: right, wrong, connections.
sub counted {
    my $res = get($node{http}, '/expected');
    return split ' ', $res->{body};
}

sub is_right {
    my ($test, $least, $right, $wrong, $connections) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($wrong, 0, "$test: nobody gets another's claim");
    cmp_ok($right, '>=', $least, "$test: $right requests");
    cmp_ok($connections, '<', $right / 10,
        "$test: on $connections connections of the upstream");
}

# --- in turn on one connection --------------------------------------------------------

counted();
for my $target ('/http/expect', '/h2c/expect', '/own/expect') {
    my $socket = connect_to($server->port);
    my $h2 = JwtMapH2->new($server->port);
    my %answers;
    for my $i (1 .. 100) {
        my $user = (qw(alice bob))[$i % 2];
        my @headers = ("X-Expect: $user", "Authorization: Bearer $token{$user}");
        print $socket join "\r\n", "GET $target HTTP/1.1", 'Host: a', @headers,
            '', '';
        my $res = read_response($socket);
        $answers{"HTTP/1 $user $res->{status} $res->{body}"}++;
        $res = $h2->request(target => $target, headers => \@headers);
        $answers{"HTTP/2 $user $res->{status} $res->{body}"}++;
    }
    is(join('', map { "$answers{$_} $_" } sort keys %answers), join('',
        map { "50 $_\n" } 'HTTP/1 alice 200 alice', 'HTTP/1 bob 200 bob',
        'HTTP/2 alice 200 alice', 'HTTP/2 bob 200 bob'),
        "$target: in turn on one connection");
    is_right("$target, in turn", 200, counted());
}

# --- many at once -------------------------------------------------------------------------

# Every answer of wrk and h2load was a 200.
sub is_good {
    my ($said, $test) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    unlike($said, qr/Non-2xx|Socket errors|[1-9]\d* (?:failed|errored|timeout)/,
        "$test: every answer is good");
}

sub run_wrk {
    my ($target) = @_;
    local @ENV{qw(ALICE BOB)} = @token{qw(alice bob)};
    open my $out, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', 'wrk', '-t', 1,
        '-c', 16, '-d', 2, '-s', stage('t/apps/alternate.lua'), $url . $target
        or die "wrk: $!\n";
    my $said = do { local $/; <$out> };
    close $out;
    return $said;
}

# One h2load for each user at the same time.
sub run_h2load {
    my ($target) = @_;
    my @runs;
    for my $user (sort keys %token) {
        open my $out, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', 'h2load',
            '-n', $count / 2, '-c', 4, '-m', 8, '-T', 300, '-N', 20,
            '-H', "authorization: Bearer $token{$user}", '-H', "x-expect: $user",
            '-H', 'x-user-id: mallory', $url . $target or die "h2load: $!\n";
        push @runs, $out;
    }
    return join '', map { my $out = $_; local $/; my $said = <$out>; close $out;
                          $said } @runs;
}

for my $target ('/http/expect', '/h2c/expect', '/own/expect') {
    next if $target eq '/own/expect' && !$ENV{JWTMAP_SHARED};
    for my $run (['HTTP/1', \&run_wrk], ['HTTP/2', \&run_h2load]) {
        my ($client, $code) = @$run;
        my ($said, @sum) = ('', 0, 0, 0);
        # wrk knows seconds, not a number of requests.
        for (my $round = 0; $sum[0] < $count && $round < 60; $round++) {
            $said .= $code->($target);
            my @more = counted();
            $sum[$_] += $more[$_] for 0 .. 2;
        }
        is_good($said, "$target, $client");
        is_right("$target, $client", $count, @sum);
    }
}

done_testing();
