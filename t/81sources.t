# Where keys come from, on the status page: how old they are, when they are
# renewed, what went wrong; the same in every child, and in each format. And
# what the cache spares.

use JwtMapTest;

use JwtMapProvider;
use JwtMapServer;
use Time::HiRes qw(sleep time);

my $provider = JwtMapProvider->start('sources', tls => 1);
my $url = $provider->url('/jwks?key=hush-hush-query');
$provider->serve('/jwks', body => jwks('rsa'));

my $dir = stage('t/conf/sources');
mkdir $dir;

# As an editor does it: another file takes the name.
sub replace {
    my ($name, $text) = @_;
    spew("$dir/$name.new", $text);
    rename "$dir/$name.new", "$dir/$name" or die "rename: $!\n";
}

replace('set.json', json({ keys => [jwk('ec256')] }));
replace('revoked', "jti:x\n");
my %check = (type => 'jwt', audience => 'api://gateway');
spew("$dir/table.json", json({
    authorizers => {
        far => { %check, jwks_uri => $url,
                 tls_ca_file => $provider->ca, issuer => 'https://issuer.example',
                 min_refresh => 1, cache_duration => 3, stale_grace => 600 },
        near => { %check, jwks_file => 'set.json', revoked_file => 'revoked' },
        here => { %check, secret => '$secret.hs' },
    },
    paths => [map { { method => 'GET', path => "/$_", auth => $_, response => 1 } }
              qw(far near here)],
}));

my $conf = JwtMapServer::THREE_CHILDREN . <<'CONF';
    JwtMapReload 1
    JwtMapSecretsDir conf/secrets
    JwtMapConfig conf/sources/table.json
    LogFormat "%P" pid
    CustomLog logs/sources/pids pid
    <Location /jwtmap-status>
        SetHandler jwtmap-status
        JwtMapEngine Off
    </Location>
    <Location /server-status>
        SetHandler server-status
        JwtMapEngine Off
    </Location>
CONF
my $server = JwtMapServer->start('sources', $conf);
my $port = $server->port;

sub page {
    my ($format) = @_;
    return get($port, '/jwtmap-status' . ($format ? "?format=$format" : ''))->{body};
}

# The authorizers of the only table, by name.
sub sources {
    my ($res) = @_;
    $res ||= get($port, '/jwtmap-status?format=json');
    return { map { $_->{name} => $_ } @{ body_json($res)->{tables}[0]{authorizers} } };
}

sub ask {
    my ($name, %claims) = @_;
    return get($port, "/$name", 'Authorization: Bearer ' . token(%claims));
}

# --- a good start -----------------------------------------------------------------

my $start = time;
is_status(ask('far'), 200, 'keys are fetched');
my $far = sources()->{far};
is($far->{keys}, 1, 'the page counts them');
is($far->{source}, 'jwks_uri', 'says where they are named');
is($far->{place}, $provider->url('/jwks'), 'and where they are from, without the query');
cmp_ok(abs($far->{loaded} - $start), '<=', 5, 'when they were fetched');
cmp_ok($far->{next}, '>', $far->{loaded}, 'when they are fetched next');
cmp_ok($far->{next} - $far->{loaded}, '<=', 3, 'within their time');
is($far->{until} - $far->{loaded}, 603, 'and how long they would go on');
is($far->{$_}, undef, "nothing is wrong: $_") for qw(failed error);
ok(wait_for(8, sub { sources()->{far}{loaded} > $far->{loaded} }),
   'a renewal is shown');

my $near = sources()->{near};
is($near->{source}, 'jwks_file', 'a file has its member');
is($near->{place}, 'set.json', 'and its name');
cmp_ok(abs($near->{loaded} - $start), '<=', 5, 'was read at start');
ok(!exists $near->{next}, 'and is not fetched');
is($near->{revoked}{place}, 'revoked', 'a revocation list too');
my $here = sources()->{here};
is($here->{place}, undef, 'a secret of the table is nowhere else');
is_deeply([grep { defined $here->{$_} } qw(failed error revoked)], [], 'and has no trouble');
like(page(), qr{<dt>Key sources</dt><dd class="n">4</dd><dd class="sub">all in order<},
     'the page says that all is well');

# --- every child says the same -------------------------------------------------------

# What each of several children answers, as { pid => authorizers }.
sub views {
    my @sockets = map { connect_to($port) } 1 .. 8;
    my %seen;
    my $lines = () = slurp(stage('t/logs/sources/pids')) =~ /\n/g;
    for my $socket (@sockets) {
        $socket->autoflush(1);
        print $socket "GET /jwtmap-status?format=json HTTP/1.1\r\nHost: a\r\n\r\n";
        my $sources = sources(read_response($socket));
        $lines++;
        my @pids;
        wait_for(5, sub {
            @pids = split /\n/, slurp(stage('t/logs/sources/pids'));
            @pids >= $lines;
        });
        $seen{ $pids[$lines - 1] } = $sources;
    }
    return \%seen;
}

sub agree {
    my ($test, $holds) = @_;
    my $views;
    my $good = wait_for(15, sub {
        $views = views();
        my %different = map { json($_) => 1 } values %$views;
        keys %$views > 1 && keys %different == 1
            && $holds->((values %$views)[0]);
    });
    ok($good, $test) or diag(explain($views));
}

agree('several children show the same', sub { $_[0]{far}{loaded} });

# --- an outage -------------------------------------------------------------------------

my $noise = '<script>no</script>';
$provider->serve('/jwks', status => 500, reason => $noise);
agree('an outage is shown by all children', sub { $_[0]{far}{failed} });
my $before = sources()->{far};
like($before->{error}, qr/\b500\b/, 'with its reason');
cmp_ok(time - $before->{failed}, '<', 10, 'and when it was');
cmp_ok($before->{next}, '>=', $before->{failed}, 'and when the next try is');
cmp_ok($before->{failed}, '>', $before->{loaded}, 'the keys are those from before');
is($before->{keys}, 1, 'which go on');
is_status(ask('far'), 200, 'and are used');
my $page = page();
like($page, qr{class="problem">.*Failed \d+ s ago:</b> [^<]*500[^<]* What was fetched before goes on for \d+ min},
     'the page says all of it');
like($page, qr{<div class="tile bad"><dt>Key sources</dt><dd class="n">4</dd><dd class="sub">1 failed},
     'and has it at the top');
unlike($page, qr/<script>/, 'nothing of the provider is taken for HTML');
like(page('prometheus'), qr|^jwtmap_source_failed\{[^}]*authorizer="far",source="jwks_uri"\} 1$|m,
     'Prometheus can tell');
like(page('prometheus'), qr|^jwtmap_source_failed\{[^}]*authorizer="near",source="revoked_file"\} 0$|m,
     'of each source');
for my $name (qw(read next until)) {
    my $series = "jwtmap_source_${name}_time_seconds";
    my $member = $name eq 'read' ? 'loaded' : $name;
    my $equal = wait_for(10, sub {
        my $old = sources()->{far}{$member};
        my ($got) = page('prometheus') =~ /^$series\{[^}]*authorizer="far"[^}]*\} (\d+)$/m;
        defined $got && $got == $old;
    });
    ok($equal, "$series is what JSON says");
}
like(get($port, '/server-status?auto')->{body}, qr/^JwtMapSourcesFailed: 1$/m, 'so does mod_status');
my $log = $server->error_log;
like($log, qr/no keys from \S+: [^\n]*\b500\b/, 'and the log');

# A graceful restart is no reason to forget it.
ok($server->graceful, 'a graceful restart');
agree('changes nothing of that', sub { $_[0]{far}{failed} && $_[0]{far}{loaded} == $before->{loaded} });

$provider->serve('/jwks', body => jwks('rsa', 'rsa2'));
agree('its end is shown by all children', sub {
    !$_[0]{far}{failed} && !defined $_[0]{far}{error} && $_[0]{far}{keys} == 2
        && $_[0]{far}{loaded} > $before->{loaded};
});

# --- files -------------------------------------------------------------------------------

my $begin = sources()->{near}{loaded};
sleep 1.1;
replace('set.json', json({ keys => [jwk('ec256'), jwk('ec384')] }));
agree('a file that was read again is shown by all children', sub {
    $_[0]{near}{loaded} > $begin && $_[0]{near}{keys} == 2 && !$_[0]{near}{failed};
});
my $good = sources()->{near}{loaded};
replace('set.json', '{ "keys": [');
agree('a broken one too', sub { $_[0]{near}{failed} });
$near = sources()->{near};
is($near->{loaded}, $good, 'with the time of the good one');
is($near->{keys}, 2, 'and its keys');
my ($told) = $server->error_log =~ /near: jwks_file \S+ is not taken over, what was read before goes on: (.*)$/m;
is($near->{error}, $told, 'and the reason as in the log');
replace('revoked', "what:ever\n");
agree('a broken revocation list too', sub { $_[0]{near}{revoked}{failed} });
like(sources()->{near}{revoked}{error}, qr/line 1/, 'with its reason');
like(page(), qr{revocation list.*?class="problem">.*?line 1.*?What was read before goes on}s,
     'on the page too');
like(get($port, '/server-status?auto')->{body}, qr/^JwtMapSourcesFailed: 2$/m,
     'mod_status counts both');
replace('set.json', json({ keys => [jwk('ec256'), jwk('ec384')] }));
replace('revoked', "jti:x\n");
agree('and what is good again', sub {
    !$_[0]{near}{failed} && !$_[0]{near}{revoked}{failed};
});

for my $format ('', 'json', 'prometheus') {
    unlike(page($format), qr/hush-hush|eyJ|-----BEGIN/, "no secret is shown: $format");
}
ok($server->stop, 'it stops');

# --- the cache ------------------------------------------------------------------------------

# One child: the cache is its own. More entries than fit are as many as fit.
my $one = $conf =~ s/(StartServers|ServerLimit|MinSpareServers) 3/$1 1/gr
    =~ s/MaxRequestWorkers 12/MaxRequestWorkers 4/r =~ s/MaxRequestWorkers 3/MaxRequestWorkers 1/r
    =~ s/MaxSpareThreads 12/MaxSpareThreads 4/r;
$server = JwtMapServer->start('sources', "JwtMapCache 2000000000\n$one");
$port = $server->port;

sub json_page { return body_json(get($port, '/jwtmap-status?format=json')) }

is_deeply(json_page()->{cache}, { hits => 0, misses => 0 }, 'the cache begins with nothing');
my $token = token(-alg => 'HS256');
is_status(get($port, '/here', "Authorization: Bearer $token"), 200, 'the same token again')
    for 1 .. 5;
is_status(get($port, '/here', 'Authorization: Bearer a.b.c'), 401, 'and a bad one') for 1, 2;
is_deeply(json_page()->{cache}, { hits => 4, misses => 3 }, 'four were in the cache');
is_deeply(json_page()->{tables}[0]{cache}, { hits => 4, misses => 3 }, 'by table, too');
like(page(), qr{<dt>From the cache</dt><dd class="n">57\.1 %</dd><dd class="sub">4 of 7 tokens<},
     'the page has the rate');
like(page('prometheus'), qr{^jwtmap_cache_lookups_total\{table="[^"]*",result="hit"\} 4$}m,
     'Prometheus the hits');
like(page('prometheus'), qr{^jwtmap_cache_lookups_total\{table="[^"]*",result="miss"\} 3$}m,
     'and the misses');
like(get($port, '/server-status?auto')->{body}, qr/^JwtMapCacheHits: 4\nJwtMapCacheMisses: 3$/m,
     'mod_status both');
ok($server->stop, 'it stops');

$server = JwtMapServer->start('sources', "JwtMapCache Off\n$one");
$port = $server->port;
get($port, '/here', "Authorization: Bearer $token") for 1, 2;
is(json_page()->{cache}, undef, 'without a cache there are no numbers');
like(page(), qr{<dt>From the cache</dt><dd class="n">Off</dd>}, 'and the page says so');
unlike(page('prometheus'), qr/jwtmap_cache/, 'nor series');
ok($server->stop, 'it stops');

done_testing();
