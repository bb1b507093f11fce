# What httpd makes of one request in its phases: subrequests, internal
# redirects, DirectoryIndex, rewrites, ErrorDocument. No pass lets another one
# through, and no client poses as a mapped value in any of them.

use JwtMapTest;
use JwtMapPhases;

use MIME::Base64 qw(encode_base64);

my @bearer = ('Authorization: Bearer ' . token(sub => 'alice'));
my @basic = ('Authorization: Basic ' . encode_base64('bob:bob', ''));

# [what, method, target, token?, status, { path upstream => "route user method" }]
sub passes {
    my ($host, @cases) = @_;
    for my $case (@cases) {
        my ($what, $method, $target, $token, $status, $wanted) = @$case;
        my ($res, @records) = through($host, $method, $target,
            $token ? @bearer : ());
        is_status($res, $status, "$what: $status");
        is_deeply(routes(@records), $wanted || {}, "$what: what goes up");
    }
}

# What a CGI script shows.
sub environment {
    my ($res) = @_;
    return { $res->{body} =~ /^(\w+)=(.*)$/mg };
}

# --- subrequests -----------------------------------------------------------------

passes('phases',
    ['an open page with protected parts', 'GET', '/ssi/page.shtml?actor=root', 0,
     200, { '/open/in' => 'open - GET', '/unnamed/in' => 'ssi - GET' }],
    ['the same with a token', 'GET', '/ssi/page.shtml', 1, 200,
     { '/api/in?q=1&actor=alice' => 'api alice GET',
       '/open/in' => 'open - GET', '/unnamed/in' => 'ssi - GET',
       '/own/in?actor=alice' => 'own alice GET' }],
    ['a part that does not take the method of the page', 'POST',
     '/ssi/page.shtml', 1, 200,
     { '/open/in' => 'open - POST', '/unnamed/in' => 'ssi - POST' }],
    ['a protected page', 'GET', '/ssisec/page.shtml', 0, 401],
    ['a protected page with a token', 'GET', '/ssisec/page.shtml?a=1&actor=root',
     1, 200,
     { '/api/in?q=1&actor=alice' => 'api alice GET',
       '/open/in' => 'open - GET', '/unnamed/in?actor=alice' => 'ssisec alice GET',
       '/own/in?actor=alice' => 'own alice GET' }],
);

# --- internal redirects --------------------------------------------------------------

for my $to ('rw/pub/to-', 'cgi/local.cgi/') {
    my $route = $to =~ /rw/ ? 'rwpub' : 'cgi';
    passes('phases',
        ["$route to a protected route", 'GET', "/${to}api/x", 0, 401],
        ["$route to a protected route with a token", 'GET', "/${to}api/x", 1, 200,
         { '/api/x?actor=alice' => 'api alice GET' }],
        ["$route to a public route", 'GET', "/${to}open/x", 1, 200,
         { '/open/x' => 'open - GET' }],
        ["$route to a path that no route names", 'GET', "/${to}unnamed/x", 1, 200,
         { '/unnamed/x' => "$route - GET" }],
    );
}
passes('phases',
    ['a protected path to an unnamed one', 'GET', '/rw/sec/to-unnamed/x?b', 0, 401],
    ['... with a token', 'GET', '/rw/sec/to-unnamed/x?b&actor=root&c', 1, 200,
     { '/unnamed/x?b&c&actor=alice' => 'rwsec alice GET' }],
    ['a protected path to a public one', 'GET', '/rw/sec/to-open/x', 1, 200,
     { '/open/x' => 'open - GET' }],
    ['[P] of a protected path', 'GET', '/rw/sec/to-proxy/x?actor=root', 0, 401],
    ['... with a token', 'GET', '/rw/sec/to-proxy/x?actor=root', 1, 200,
     { '/rwproxy/x?actor=alice' => 'rwsec alice GET' }],
    ['POST where the target takes GET', 'POST', '/rw/pub/to-api/x', 1, 405],
    ['POST to a public target', 'POST', '/rw/pub/to-open/x', 1, 200,
     { '/open/x' => 'open - POST' }],
    ['an action of an unnamed handler', 'GET', '/sec/x.wrap', 0, 401],
    ['... with a token', 'GET', '/sec/x.wrap', 1, 200,
     { '/unnamed/wrap/sec/x.wrap?actor=alice' => 'sec alice GET' }],
    ['an action of a protected handler', 'GET', '/cgi/x.wrapapi', 0, 401],
    ['... with a token', 'GET', '/cgi/x.wrapapi', 1, 200,
     { '/api/wrap/cgi/x.wrapapi?actor=alice' => 'api alice GET' }],
);

# --- CGI ---------------------------------------------------------------------------------

my ($res, @records) = through('phases', 'GET', '/cgi/env.cgi?actor=root&a=1', @bearer);
my $seen = environment($res);
is($seen->{HTTP_X_ROUTE}, 'cgi', 'a script sees a mapped header');
is($seen->{HTTP_X_USER}, undef, '... and not what the client sent');
is($seen->{QUERY_STRING}, 'a=1', '... nor its query parameter');
is($seen->{REMOTE_USER}, undef, '... and no user where none is verified');
for my $target (qw(/sec/env.cgi /rw/sec/to-env)) {
    ($res) = through('phases', 'GET', "$target?actor=root&a=1", @bearer);
    is_status($res, 200, "$target: a script is reached with a token");
    $seen = environment($res);
    is($seen->{HTTP_X_USER}, 'alice', '... and sees the claim');
    is($seen->{QUERY_STRING}, 'a=1&actor=alice', '... in the query, too');
    is($seen->{REMOTE_USER}, 'alice', '... and the user');
    is($seen->{AUTH_TYPE}, 'Bearer', '... and how it was verified');
    unlike($res->{body}, qr/=root|eyJ/, '... and nothing of the token');
    ($res) = through('phases', 'GET', $target);
    is_error($res, 401, 'missing_token', "$target is 401 without one");
}

# --- DirectoryIndex, FallbackResource, MultiViews, listings ----------------------------------

passes('phases',
    ['a public index', 'GET', '/di/plain/', 0, 200],
    ['a protected index of a public directory', 'GET', '/di/sec/', 0, 401],
    ['... with a token', 'GET', '/di/sec/', 1, 200],
    ['an index with an upstream of its own', 'GET', '/di/own/', 0, 401],
    ['... with a token', 'GET', '/di/own/?q', 1, 200,
     { '/own/di/own/index.html?q&actor=alice' => 'diown alice GET' }],
    ['an index behind ProxyPass', 'GET', '/di/proxied/?q', 0, 200,
     { '/index?q' => 'di - GET' }],
    ['the index of a protected directory', 'GET', '/disec/', 0, 401],
    ['a front controller', 'GET', '/fb/a/b', 0, 401],
    ['a protected front controller of a public directory', 'GET',
     '/fbnamed/a/b', 0, 401],
    ['a protected page with variants', 'GET', '/mv/page', 0, 401],
    ['... with a token', 'GET', '/mv/page', 1, 200],
    ['a public page with a protected variant', 'GET', '/mv/open', 0, 401],
    ['... with a token', 'GET', '/mv/open', 1, 200],
    ['a variant that no route names', 'GET', '/mv/page.html', 1, 404],
);
for my $target (qw(/disec/ /fb/a/b /fbnamed/a/b)) {
    my $log = error_log_mark();
    ($res) = through('phases', 'GET', "$target?actor=root&a=1", @bearer);
    is_status($res, 200, "$target is reached with a token");
    $seen = environment($res);
    is($seen->{HTTP_X_USER}, 'alice', '... and sees the claim');
    is($seen->{QUERY_STRING}, 'a=1&actor=alice', '... once');
    unlike(error_log_since($log), qr/refused/, '... and nothing is refused');
}
for my $target (qw(/di/sec/ /di/own/ /mv/page /mv/open /fbnamed/c/d)) {
    my $log = error_log_mark();
    ($res) = through('phases', 'GET', $target);
    is_error($res, 401, 'missing_token', "$target: the refusal is ours");
    is(field($res, 'WWW-Authenticate'), 'Bearer realm="127.0.0.1"',
        '... with its challenge');
    my @lines = error_log_since($log) =~ /(refused: .*)/g;
    is(scalar @lines, 1, '... and one line of the log') or diag("@lines");
}
($res) = through('phases', 'GET', '/list/');
like($res->{body}, qr/other\.html/, 'a listing shows what is public');

# Neither httpd's redirects nor its log show a mapped value.
($res) = through('phases', 'GET', '/disec?a=1&actor=root', @bearer);
is_status($res, 301, 'a directory without its slash is redirected');
like(field($res, 'Location'), qr{/disec/\?a=1&actor=root$},
    '... with the query of the client');
($res) = through('phases', 'GET', '/api/redirected?a=1&actor=root', @bearer);
is_status($res, 302, 'Redirect in a <Location> works for a proxied path');
unlike(field($res, 'Location'), qr/alice/, '... and shows no mapped value');
my $log = stage('t/logs/phases_log');
for my $target (qw(/disec/ /di/sec/ /di/own/ /rw/sec/to-unnamed/x /mv/page /sec/env.cgi)) {
    my $line = '';
    through('phases', 'GET', "$target?log&actor=root", @bearer);
    wait_for(5, sub { ($line) = slurp($log) =~ /^(GET \Q$target\E\?log.*)/m });
    like($line, qr{ HTTP/1.1\|\?log&actor=root\|200\|alice\|alice\|ok\|},
        "$target: the access log shows the client's query, and the claims");
}

# --- what comes before the decision, and what changes it --------------------------------------

passes('phases',
    ['[PT] to a protected path', 'GET', '/pt/api/x', 0, 401],
    ['... with a token', 'GET', '/pt/api/x', 1, 200,
     { '/api/x?actor=alice' => 'api alice GET' }],
    ['[PT] to a public path', 'GET', '/pt/open/x?actor=root', 1, 200,
     { '/open/x' => 'open - GET' }],
    ['[PT] to an own route', 'GET', '/pt/own/x', 0, 401],
    ['... with a token', 'GET', '/pt/own/x', 1, 200,
     { '/own/x?actor=alice' => 'own alice GET' }],
    ['[PT] out of a path that is out of scope', 'GET', '/off/pt/x', 0, 401],
    ['... with a token', 'GET', '/off/pt/x', 1, 200,
     { '/own/x?actor=alice' => 'own alice GET' }],
    ['[PT] out of the scope of another table', 'GET', '/inner/pt/x', 0, 401],
    ['... with a token', 'GET', '/inner/pt/x', 1, 200,
     { '/own/x?actor=alice' => 'own alice GET' }],
    ['[PT] into the scope of another table', 'GET', '/pt/inner/x', 0, 401],
    ['[R]', 'GET', '/api/moved', 0, 302],
    ['[G]', 'GET', '/api/gone', 1, 410],
    ['[F]', 'GET', '/api/forbidden', 1, 403],
    ['Require all denied', 'GET', '/api/denied', 1, 403],
);
for my $target (qw(/pt/inner/mis/x /pt/off/own/x)) {
    ($res, @records) = through('phases', 'GET', $target, @bearer);
    is_error($res, 500, 'internal_error', "$target: [PT] away from the table that chose the upstream is 500");
    is(scalar @records, 0, '... and goes nowhere');
}
my $mark = upstream_mark();
get('phases', $_, 'X-Inner: root', 'X-User: me', @bearer)
    for qw(/inner/x /inner/own/x);
@records = upstream_since($mark);
is_sent($records[0], 'x-inner', 'alice', 'a table of a <Location> is in force there');
is_sent($records[0], 'x-user', 'me', '... and no other');
is(target_of($records[1]), '/innerown/x', '... for own routes, too');
is_sent($records[1], 'x-inner', 'alice', '... with their mapping');
$mark = upstream_mark();
get('phases', '/off/x?actor=me', 'X-User: me', @bearer);
@records = upstream_since($mark);
is_sent($records[0], 'x-user', 'me', 'nothing is stripped where the engine is off');
is(target_of($records[0]), '/off/x?actor=me', '... from the query');
is((seen($records[0], 'authorization'))[0], $bearer[0] =~ s/^Authorization: //r, '... nor the credential');

# --- other authentication ------------------------------------------------------------------------

($res) = through('phases', 'GET', '/api/basic', @bearer);
is_status($res, 401, 'AuthType Basic refuses a bearer token');
like(field($res, 'WWW-Authenticate'), qr/^Basic /, '... with its own challenge');
($res) = through('phases', 'GET', '/api/basic', @basic);
is_error($res, 401, 'missing_token', 'Basic credentials are no bearer token');
is(field($res, 'WWW-Authenticate'), 'Bearer realm="a \\"b\\""', '... AuthName is the realm');
($res) = through('phases', 'GET', '/api/basic', "$basic[0], Bearer x");
is_error($res, 400, 'invalid_request', 'both in one field are 400');
($res) = through('phases', 'GET', '/api/any');
is_error($res, 401, 'missing_token', 'Satisfy Any opens no route of ours');
($res, @records) = through('phases', 'GET', '/api/any', @bearer);
is_sent($records[0], 'x-user', 'alice', '... and a token is enough there');

# --- methods, protocols, forward proxy -----------------------------------------------------------

passes('phases',
    ['TRACE where only GET is', 'TRACE', '/api/x', 1, 405],
);
my $url = 'http://127.0.0.1:' . port('phases');
for my $version (qw(--http1.0 --http1.1 --http2 --http2-prior-knowledge)) {
    next if $version =~ /prior/ && $ENV{JWTMAP_MPM} eq 'prefork';    # has no h2
    my @opt = ($version, map { ('-H', $_) } @spoof);
    is(curl(@opt, '-o', '/dev/null', '-w', '%{http_code}', "$url/api/x"), 401,
        "curl $version without a token is 401");
    my $record = curl_upstream('phases', '/api/x?actor=root', @opt, '-H', $bearer[0]);
    is_sent($record, 'x-user', 'alice', "curl $version with one is mapped");
    is(query_of($record), 'actor=alice', '... in the query, too');
}
for my $case (['/api/x', 0], ['/open/x', 1]) {
    $mark = upstream_mark();
    my $socket = connect_to('phasesold');
    print $socket "GET $case->[0]\r\n";
    my $text = do { local $/; <$socket> };
    is(scalar(@{[upstream_since($mark)]}), $case->[1],
        "HTTP/0.9 GET $case->[0] " . ($case->[1] ? 'is served' : 'is refused'));
}
my $target = 'http://127.0.0.1:' . port('plain') . '/fwd?actor=me';
$mark = upstream_mark();
$res = get('phasesforward', $target, 'Host: 127.0.0.1:' . port('plain'),
    'X-User: me', @bearer);
@records = upstream_since($mark);
is(@records && target_of($records[0]), '/fwd?actor=me', 'a forward proxy request is left alone');
is_sent($records[0], 'x-user', 'me', '... with its fields');
ok(scalar seen($records[0], 'authorization'), '... and its credential');
my $self = '127.0.0.1:' . port('phasesforward');
($res) = through('phasesforward', 'GET', "http://$self/api/x", "Host: $self");
is_error($res, 401, 'missing_token', 'one for the server itself is not');

done_testing();
