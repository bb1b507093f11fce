# A provider that is down: what goes on, for how long, what a restart changes,
# and how it ends. And the directory that the keys are kept in.

use JwtMapTest;

use JwtMapProvider;
use JwtMapServer;
use Time::HiRes qw(sleep time);

my ($duration, $grace) = (2, 8);    # seconds
my $provider = JwtMapProvider->start('outage', tls => 1);
$provider->serve('/jwks', body => jwks('rsa'));

my $file = stage('t/conf/outage.json');
spew($file, json({
    authorizer => {
        type => 'jwt', issuer => 'https://issuer.example',
        audience => 'api://gateway', jwks_uri => $provider->url('/jwks'),
        tls_ca_file => $provider->ca, min_refresh => 1,
        cache_duration => $duration, stale_grace => $grace,
    },
    paths => [
        { method => 'GET', path => '/mine', auth => JSON::PP::true(),
          response => 1 },
        { method => 'GET', path => '/free', auth => JSON::PP::false(),
          response => 1 },
    ],
}));

my $token = token(exp => time + 3600);

sub start { return JwtMapServer->start('outage', "JwtMapConfig $file") }

sub ask {
    my ($server) = @_;
    return get($server->port, '/mine', "Authorization: Bearer $token");
}

# Until when the keys that the provider gave last may be used, as the snapshot
# has it.
sub usable_until {
    my ($server) = @_;
    my ($snapshot) = glob $server->dir . '/state/*.jwks';
    my ($fetched) = slurp($snapshot) =~ /^fetched (\d+)$/m;
    return $fetched + $duration + $grace;
}

# The quickest of three: one that waits for a fetch is none of them, however
# busy the machine is.
sub is_unavailable {
    my ($server, $test) = @_;
    my ($res, $took);
    for (1 .. 3) {
        my $begin = time;
        $res = ask($server);
        $took = time - $begin if !$took || time - $begin < $took;
    }
    is_error($res, 503, 'keys_unavailable', "$test: 503");
    like(field($res, 'Retry-After') || '', qr/^[1-9]\d?$/,
        "$test: with Retry-After");
    cmp_ok($took, '<', 1, "$test: at once");
    is_status(get($server->port, '/free'), 200, "$test: other routes serve");
}

# --- an outage ------------------------------------------------------------------

my $server = start();
is_status(ask($server), 200, 'a token is accepted');
# When they are kept: the provider may have answered what is not yet written.
my $first = usable_until($server);
ok(wait_for(30, sub { usable_until($server) > $first }), 'keys are fetched again in time');
$provider->stop;
my $down = time;
my $until = usable_until($server);
cmp_ok($until, '>', $down + $grace - 1, 'which is early enough for stale_grace');
my $bad = 0;
while (time < $down + 2) {
    $bad++ if ask($server)->{status} != 200;
    sleep 0.1;
}
is($bad, 0, 'requests go on while the provider is down');
ok($server->stop, 'the server stops');
my $mark = length $server->error_log;
$server = start();
is_status(ask($server), 200, 'a restart changes nothing');
is(usable_until($server), $until, 'nobody gave other keys');
# An answer counts by when it came, a request by when it went.
my ($early, $late, $last) = (0, 0, 0);
until ($last == 503 || time > $until + 30) {
    my $begin = time;
    $last = ask($server)->{status};
    $early++ if $last != 200 && time < $until;
    $late++ if $last == 200 && $begin > $until + 2;
    sleep 0.1;
}
is($early, 0, 'requests go on for stale_grace');
is($last, 503, 'and then no more');
is($late, 0, 'not even for 2 s');
ok(wait_for(10, sub { $server->error_log =~ /used no more/ }), 'the log says so');
sleep 1.2;
is(scalar(() = $server->error_log =~ /jwtmap:error\] .* used no more/g), 1, 'once');
is_unavailable($server, 'after stale_grace');
my @said = grep { /no keys from/ } split /\n/, substr $server->error_log, $mark;
is(scalar(grep { /jwtmap:warn/ } @said), 1, 'the log warns once')
    or diag(join "\n", @said);
$provider->resume;
ok(wait_for(40, sub { ask($server)->{status} == 200 }),
    'it recovers without a restart');
ok(wait_for(10, sub { $server->error_log =~ /can be fetched again/ }),
    'and says so');
ok($server->stop, 'the server stops');

# --- what is too old, or not ours -----------------------------------------------

$provider->stop;
sleep 0.1 until time > usable_until($server) + 1;
$server = start();
is_unavailable($server, 'a snapshot that is too old');
$provider->resume;
ok(wait_for(40, sub { ask($server)->{status} == 200 }),
    'until the provider is back');
ok($server->stop, 'the server stops');
$provider->stop;

my $state = $server->dir . '/state';
my ($snapshot) = glob "$state/*.jwks";
my $text = slurp($snapshot);
my $now = time;
$text =~ s/^fetched \d+\nexpires \d+\n/sprintf "fetched %d\nexpires %d\n", $now,
    $now + 60/me;
my $other = $text =~ s/"kid":"rsa"/"kid":"other"/r;
my $planted = stage('t/logs/outage-planted');
spew($planted, $text);
for my $case (
    ['one that is whole', 200, sub { spew($snapshot, $text) }],
    ['one that was cut', 503, sub { spew($snapshot, substr $text, 0, -9) }],
    ['one without its head', 503, sub { spew($snapshot, $text =~ s/^.*?\n\n//sr) }],
    ['one of another set', 503,
     sub { spew($snapshot, $text =~ s/^set \w/set -/mr) }],
    ['one of the future', 503, sub {
        spew($snapshot, $text =~ s/^(fetched|expires) (\d+)/"$1 " . ($2 + 3600)/megr) }],
    ['one that others may write', 503, sub {
        spew($snapshot, $text); chmod 0666, $snapshot }],
    ['a symbolic link', 503, sub {
        unlink $snapshot; symlink $planted, $snapshot }],
    ['a directory', 503, sub { unlink $snapshot; mkdir $snapshot }],
) {
    my ($what, $status, $make) = @$case;
    chmod 0600, $snapshot;
    $make->();
    $server = start();
    is_status(ask($server), $status, "a snapshot: $what");
    $server->stop;
}
rmdir $snapshot;

my %left = ("$state/" . 'a' x 64 . '.jwks.1' => -120,
            "$state/" . 'b' x 64 . '.jwks.1' => 0, "$state/mine" => -120);
for my $path (keys %left) {
    spew($path, 'x');
    utime time + $left{$path}, time + $left{$path}, $path;
}
$server = start();
ok(wait_for(5, sub { !-e "$state/" . 'a' x 64 . '.jwks.1' }),
    'what a write that was cut off left there is removed');
is(scalar(grep { -e } keys %left), 2, 'and nothing else is');
$server->stop;

# --- the directory --------------------------------------------------------------

sub refuses {
    my ($what, $make, $undo) = @_;
    system 'rm', '-rf', $state;
    $make->();
    unlink $server->dir . '/console.log';
    my $refused = start();
    ok(wait_for(10, sub { !$refused->runs }), "a state directory that is $what is refused");
    like($refused->console, qr/JwtMapStateDir \S+ cannot be used: /,
        "$what: and it says why");
    $refused->stop;
    my ($status, $said) = httpd_t("JwtMapStateDir $state\nJwtMapConfig $file");
    ok($status != 0 && $said =~ /JwtMapStateDir \S+ cannot be used: /,
        "$what: so does the configuration test") or diag($said);
    $undo->() if $undo;
}

refuses('open to others', sub { mkdir $state; chmod 0750, $state });
refuses('a symbolic link', sub { symlink stage('t/logs'), $state },
    sub { unlink $state });
refuses('a file', sub { spew($state, '') }, sub { unlink $state });
refuses('in a directory that others may write to',
    sub { chmod 0777, $server->dir }, sub { chmod 0755, $server->dir });

# --- a provider that hangs ------------------------------------------------------

$provider->serve('/jwks', hang => 1);
$provider->resume;
$server = start();
my $res;
my ($took, $control) = beside($server->port, '/free', sub { $res = ask($server) });
is_error($res, 503, 'keys_unavailable',
    'a provider that hangs at the first fetch: 503');
cmp_ok($took, '<', 3 + 5 * $control, 'after 2 s at most');
ok(wait_for(30, sub { $server->error_log =~ /there are none from before/ }),
    'that fetch ends');
is_unavailable($server, 'later');
$provider->serve('/jwks', body => jwks('rsa'));
ok(wait_for(40, sub { ask($server)->{status} == 200 }), 'until it answers');
ok($server->stop, 'the server stops');

done_testing();
