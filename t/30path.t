# The path that is decided on is the path that goes upstream, in every
# spelling that a client can find. No request here has a token unless it says
# so: what needs one must not arrive.

use JwtMapTest;

my @bearer = ('Authorization: Bearer ' . token(sub => 'alice'));

# One request with these octets as its target; (answer, record or undef).
sub through {
    my ($host, $target, @headers) = @_;
    my $mark = upstream_mark();
    my $res = raw($host, join("\r\n", "GET $target HTTP/1.1",
        'Host: 127.0.0.1', 'Connection: close', 'X-Route: root',
        'X-User: root', @headers, '', ''));
    my @records = upstream_since($mark);
    return ($res, $records[0]);
}

# [target, status, target upstream, x-route]; without the last two nothing may
# arrive. A status of ours is 400 bad_path unless the code is said: [400, '']
# is httpd's own.
sub check {
    my ($host, @cases) = @_;
    for my $case (@cases) {
        my ($target, $status, $up, $route) = @$case;
        my ($res, $record) = through($host, $target);
        my $name = "$host: $target is "
            . (ref $status ? join ' ', @$status : $status);
        if (ref $status) {
            my ($number, $code) = @$status;
            $code ? is_error($res, $number, $code, $name)
                  : is_status($res, $number, "$name, of httpd itself");
        }
        else {
            is_status($res, $status, $name);
        }
        if (defined $up) {
            is($record && target_of($record), $up,
                "$host: $target goes up as $up");
            defined $route
                ? is_sent($record, 'x-route', $route, "... as of route $route")
                : is_absent($record, 'x-route', '... as of no route');
            is_absent($record, 'x-user', '... as nobody');
        }
        else {
            is($record && target_of($record), undef, '... and goes nowhere');
        }
    }
}

my $bad = [400, 'bad_path'];
my $none = [404, 'not_found'];
my $token = [401, 'missing_token'];
my $httpd404 = [404, ''];
my $httpd400 = [400, ''];

# --- what every setting of httpd makes the same of ---------------------------------

for my $host (qw(pathoff pathon pathnd pathslash)) {
    check($host,
        ['/pub/x?a=%2f..;%5c', 200, '/pub/x?a=%2f..;%5c', 'pub'],
        ['/pub', 200, '/pub', 'pub'],
        ['/pub/', 200, '/pub/', 'pub'],
        ['/admin', $token],
        ['/admin/', $token],
        ['/admin/x/y', $token],
        ['/ADMIN/x', $none],
        ['/Pub/x', $none],
        ['/pub/../admin/x', $token],
        ['/admin/../pub/x', 200, '/pub/x', 'pub'],
        ['/pub/./../admin', $token],
        ['/pub/..', $none],
        ['/pub/%2e%2e/admin/x', $token],
        ['/pub/.%2E/admin/x', $token],
        ['/%70ub/%78', 200, '/pub/x', 'pub'],
        ['/%61dmin/x', $token],
        ['/%2561dmin/x', $none],
        ['/pub/%252e%252e/admin/x', $bad],
        ['/pub/%2525', $bad],
        ['/pub/%2500', $bad],
        ['/pub/x%0a', $bad],
        ['/pub/x%0d%0aX-User:%20root', $bad],
        ['/pub/x%7f', $bad],
        ['/pub/x%09', $bad],
        ['/pub/%ff', 200, '/pub/%FF', 'pub'],
        ['/pub/x%3Factor=1', 200, '/pub/x%3Factor=1', 'pub'],
        ['/pub/x%23y', 200, '/pub/x%23y', 'pub'],
        ['/pub/a%20b', 200, '/pub/a%20b', 'pub'],
        ['/pub\\x', $httpd400],
        ['/pub/..\\admin/x', $httpd400],
        ["/pub/\xc3\xa9", 200, '/pub/%C3%A9', 'pub'],
        ["/caf\xc3\xa9/x", $token],
        ["/pub/\x01", $httpd400],
        ['/pub/%c3%a9', 200, '/pub/%C3%A9', 'pub'],
        ['/caf%c3%a9/x', $token],
        ['/caf%C3%A9/x', $token],
        ['/cafe%cc%81/x', $none],
        ['/pub/%zz', $httpd400],
        ['/pub/x;a=1', 200, '/pub/x;a=1', 'pub'],
        ['/pub/x;', 200, '/pub/x;', 'pub'],
        ['/pub/x;/y;z/..;a/w', 200, '/pub/x;/y;z/..;a/w', 'pub'],
        ['/pub;x/y', $bad],
        ['/pub;', $bad],
        ['/pub/..;/admin/x', $bad],
        ['/pub/..;', $bad],
        ['/pub/;/../../admin', $token],
        ['/admin;/x', $bad],
        ['/admin;', $bad],
        ['/;/admin/x', $bad],
        ['/ad;min/x', $none],
        ['/pub/.;/x', 200, '/pub/.;/x', 'pub'],
        ['/pub/only/x;/..;/admin', $bad],
        ['/pub/only/admin;x', $bad],
        ['/pub/only/admin', $token],
        ['/pub/only/x;y', 200, '/pub/only/x;y', 'name'],
        ['/none;x', $none],
        ['/lax/..;/admin', 200, '/lax/..;/admin', 'lax'],
        ['/lax;x', $bad],
        ['/lax/x%2500', $bad],
        ['/own/pub/x%3fy;z', 200, '/x%3Fy;z', 'pub'],
        ['/own/pub/a%20b', 200, '/a%20b', 'pub'],
        ['/own/pub/..;/admin/x', $bad],
        ['/own/pub/../admin/x', $token],
        ['/own/admin', $token],
        ['http://127.0.0.1/pub/x?y', 200, '/pub/x?y', 'pub'],
        ['http://elsewhere/pub/../admin/x', $token],
        ['HTTP://127.0.0.1/admin/x', $token],
        ['//elsewhere/admin/x', $none],
        ['*', $httpd400],
        ['pub/x', $httpd400],
        ['/pub' . '/a' x 2000, 200, '/pub' . '/a' x 2000, 'pub'],
        ['/admin' . '/a' x 2000, $token],
        ['/pub' . '/a/..' x 1200 . '/../admin', $token],
        ['/pub/' . 'a' x 9000, [414, '']],
    );
}

# --- encoded slashes ----------------------------------------------------------------

my $kept = '/pub/a%2fb';
check('pathoff',
    ['/pub/%25', 200, '/pub/%25', 'pub'],
    [$kept, $httpd404],
    ['/pub/%00', $httpd404],
    ['/lax/a%2fb', $httpd404],
    ['/pub/a%5cb', $bad],
    ['/lax/a%5cb', $bad],
    ['/pub/a%252fb', $bad],
    ['/lax/a%252fb', 200, '/lax/a%252fb', 'lax'],
    ['/pub/a%255cb', $bad],
    ['/pub//x', 200, '/pub/x', 'pub'],
    ['//admin/x', $token],
    ['/pub/..//admin', $token],
);
check('pathon',
    [$kept, 200, '/pub/a/b', 'pub'],
    ['/pub%2fx', 200, '/pub/x', 'pub'],
    ['/pub/..%2fadmin/x', $token],
    ['/pub/%2e%2e%2fadmin', $token],
    ['/admin%2f..%2fpub/x', 200, '/pub/x', 'pub'],
    ['/%2fadmin', $token],
    ['/pub%2f..;/admin', $bad],
    ['/pub/a%5cb', $bad],
    ['/pub/..%5cadmin', $bad],
    ['/pub/a%252fb', $bad],
    ['/pub/..%252fadmin', $bad],
    ['/lax/a%252fb', 200, '/lax/a%252fb', 'lax'],
);
check('pathnd',
    [$kept, $bad],
    ['/pub/a%2Fb', $bad],
    ['/pub%2fx', $bad],
    ['/admin%2fx', $bad],
    ['/pub/..%2fadmin', $bad],
    ['/pub/a%5cb', $bad],
    ['/pub/a%255cb', $bad],
    ['/pub/a%252fb', $bad],
    ['/pub/%2541', 200, '/pub/%2541', 'pub'],
    ['/lax/a%2fb', 200, '/lax/a%2fb', 'lax'],
    ['/lax/a%2Fb;c', 200, '/lax/a%2Fb;c', 'lax'],
    ['/lax%2fa', $bad],
    ['/lax/../pub%2fx', $bad],
    ['/lax/..%2fadmin', 200, '/lax/..%2fadmin', 'lax'],
    ['/lax/a%255cb', 200, '/lax/a%255cb', 'lax'],
    ['/lax/a%5cb', $bad],
    ['/lax/a%252e', $bad],
    ['/laxname/a%2fb', 200, '/laxname/a%2fb', 'laxname'],
    ['/laxname/a/b', $none],
    ['/own/pub/a%2fb', $bad],
    ['/own/lax/a%2fb', 200, '/a%2fb', 'lax'],
);
check('pathslash',
    ['/pub//x', 200, '/pub//x', 'pub'],
    ['/pub//..//admin', 200, '/pub//admin', 'pub'],
    ['/pub//../../admin', $token],
    ['//admin/x', $token],
    ['/pub/..//admin/x', $none],
    ['/admin//x', $token],
    ['/own/pub//x', 200, '//x', 'pub'],
    ['/pub/;/x', 200, '/pub/;/x', 'pub'],
    ['/;/admin', $bad],
);
my ($res, $record) = through('pathnd', '/laxname/a%2fb%3f');
is_sent($record, 'x-name', 'a/b?', 'a path parameter is decoded once');
($res, $record) = through('pathoff', '/admin/x;y', @bearer);
is_sent($record, 'x-route', 'admin', 'with a token a protected path is reached');
is_sent($record, 'x-user', 'alice', '... as its user');

# --- where mod_proxy forwards what the client wrote ---------------------------------------

for my $host (qw(pathoff pathnd)) {
    check($host,
        map { my $p = $_;
            (["/$p/pub/x?%2f", 200, "/$p/pub/x?%2f", 'pub'],
             ["/$p/pub", 200, "/$p/pub", 'pub'],
             ["/$p/pub/a%20b%3f", 200, "/$p/pub/a%20b%3f", 'pub'],
             ["/$p/pub/x;y", 200, "/$p/pub/x;y", 'pub'],
             ["/$p/admin/x", $token],
             ["/$p/admin", $token],
             ["/$p/admin/../pub", $bad],
             ["/$p/pub/../admin", $bad],
             ["/$p/pub/./x", $bad],
             ["/$p/pub/%61", $bad],
             ["/$p/%61dmin/x", $bad],
             ["/$p/pub/%2e%2e/pub/x", $bad],
             ["/$p/admin/%2e%2e/pub/x", $bad],
             ["/$p/pub//x", $bad],
             ["/$p/admin//../pub", $bad],
             ["/$p/pub/%25", $bad],
             ["/$p/pub/%2541", $bad],
             ["/$p/pub/%5c", $bad],
             ["/$p/pub/..;/admin", $bad],
             ["/$p/pub;x", $bad],
             ["/$p/pub/x%0a", $bad],
             ["/$p/lax/%2561", $bad],
             ["http://127.0.0.1/$p/admin/x", $token],
            ) } qw(nc ncmatch));
}
check('pathnd',
    ['/nc/pub/a%2fb', $bad],
    ['/nc/admin%2f..%2fpub', $bad],
    ['/nc/lax/a%2fb', $bad],
);
check('pathslash', ['/nc/pub//x', 200, '/nc/pub//x', 'pub']);
# An absolute target: mod_proxy forgets nocanon for a prefix, not for a pattern.
check('pathoff',
    ['http://127.0.0.1/nc/admin/../pub/x', 200, '/nc/pub/x', 'pub'],
    ['http://127.0.0.1/ncmatch/pub/x', 200, '/ncmatch/pub/x', 'pub'],
    ['http://127.0.0.1/ncmatch/admin/../pub/x', $bad],
    ['http://127.0.0.1/ncmatch/pub/%2541', $bad],
    ['http://ncmatch/admin/x', $token],
    ['http://127.0.0.1/pub/ncmatch/../../ncmatch/pub/x', $bad],
);

# mapping=encoded and mapping=servlet leave r->uri encoded.
for my $p (qw(enc sv)) {
    check('pathoff',
        ["/$p/pub/x?%2f", 200, "/$p/pub/x?%2f", 'pub'],
        ["/$p/pub/%61", 200, "/$p/pub/a", 'pub'],
        ["/$p/pub/a%20b", 200, "/$p/pub/a%20b", 'pub'],
        ["/$p/%61dmin/x", $token],
        ["/$p/adm%69n", $token],
        ["/$p/pub/../admin", $token],
        ["/$p/admin/%2e./pub/x", 200, "/$p/pub/x", 'pub'],
        ["/$p/pub/a%2fb", $bad],
        ["/$p/pub/..%2fadmin", $bad],
        ["/$p/admin%2fx", $bad],
        ["/$p/pub/a%5cb", $bad],
        ["/$p/pub/%25", 200, "/$p/pub/%25", 'pub'],
        ["/$p/pub/%252f", $bad],
        ["/$p/pub/%2500", $bad],
        ["/$p/pub/%00", $bad],
        ["/$p/pub/%0a", $bad],
        ["/$p/pub/%3bx", 200, "/$p/pub/%3bx", 'pub'],
        ["/$p/lax/a%2fb", 200, "/$p/lax/a%2fb", 'lax'],
        ["/$p/lax/a%5cb", $bad],
        ["/$p/pub/x;y=%31", 200, "/$p/pub/x;y=1", 'pub'],
        ["/$p/pub;x/y", $bad],
        ["/$p/admin;x/y", $bad],
        ["/$p/pub/..;/admin", $bad],
        ["/$p/x/pub/a", 200, "/$p/x/pub/a", 'pub'],
        ["/$p/pub/a/..;/admin", 200, "/$p/pub/a/..;/admin", 'pub'],
        ["/$p/x/admin/..;x/pub", $bad],
    );
}

# --- unmatched: pass ------------------------------------------------------------------------

check('pathpass',
    ['/free?x', 200, '/free?x', undef],
    ['/free/a;b', 200, '/free/a;b', undef],
    ['/free/a%2fb', 200, '/free/a%2fb', undef],
    ['/free/%252e', 200, '/free/%252e', undef],
    ['/ADMIN', 200, '/ADMIN', undef],
    ['/administrator', 200, '/administrator', undef],
    ['/free/a%5cb', 200, '/free/a%5Cb', undef],
    ['/free/..%2fadmin/x', $bad],
    ['/admin', $token],
    ['/admin/', $token],
    ['/admin/x', $token],
    ['/%61dmin', $token],
    ['/%2561dmin', $bad],
    ['/admin%2fx', $bad],
    ['/admin%5cx', $bad],
    ['/admin%255cx', $bad],
    ['/free/..%5cadmin', $bad],
    ['/admin;', $bad],
    ['/admin;/x', $bad],
    ['/free/..;/admin', $bad],
    ['/free/..%3b/admin', $bad],
    ['/free/..%253b/admin', $bad],
    ['/;/admin', $bad],
    ['/%2fadmin', $bad],
    ['/free/%252e%252e/admin', $bad],
    ['/admin%2500', 200, '/admin%2500', undef],
    ['/a/b/secret', $token],
    ['/a;x/b/secret', $bad],
    ['/a/b/secret;', $bad],
    ['/a%2fb/secret', $bad],
    ['/a/b/secret/', 200, '/a/b/secret/', undef],
    ['/nc/free/x', 200, '/nc/free/x', undef],
    ['/nc/free/%61', 200, '/nc/free/%61', undef],
    ['/nc/admin/x', $token],
    ['/nc/admin/../free', $bad],
    ['/nc/free/../admin', $bad],
    ['/nc/free/..%2fadmin', $bad],
    ['/nc/%61dmin/../free', $bad],
);

# --- OPTIONS * and other methods --------------------------------------------------------------

my $mark = upstream_mark();
for my $target ('*', 'http://127.0.0.1') {
    $res = request('pathoff', method => 'OPTIONS', target => $target);
    is_status($res, 200, "OPTIONS $target is answered by httpd");
}
$res = request('pathoff', method => 'CONNECT', target => '127.0.0.1:80',
    headers => ['X-Route: root']);
cmp_ok($res->{status}, '>=', 400, 'CONNECT is refused where there is no proxy');
nothing_upstream($mark, 'neither reaches the upstream');

done_testing();
