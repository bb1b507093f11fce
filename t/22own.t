# Own routes: the path of the server, pooled workers, bodies, Location.

use JwtMapTest;

my $bearer = 'Authorization: Bearer ' . token(sub => 'alice');

sub through {
    my ($target, @headers) = @_;
    my $mark = upstream_mark();
    my $res = get('own', $target, $bearer, @headers);
    my ($record) = upstream_since($mark);
    return ($record, $res);
}

# What goes up, or the status of a refusal.
sub sent {
    my ($record, $res) = through(@_);
    return $record ? target_of($record) : $res->{status};
}

# --- the path ----------------------------------------------------------------

my $ours = 'actor=alice';
for my $case (
    ['/base' => "/base/?$ours"],
    ['/base/' => "/base/?$ours"],
    ['/base/x' => "/base/x?$ours"],
    ['/base/x/' => "/base/x/?$ours"],
    ['/base/x/y?a=1&actor=root' => "/base/x/y?a=1&$ours"],
    ['/base?' => "/base/?$ours"],
    ['/slash' => "/slash/?$ours"],
    ['/slash/' => "/slash/?$ours"],
    ['/slash/x' => "/slash/x?$ours"],
    ['/root' => "/?$ours"],
    ['/root/' => "/?$ours"],
    ['/root/x/y' => "/x/y?$ours"],
    ['/bare' => "/?$ours"],
    ['/bare/x' => "/x?$ours"],
    ['/encoded/x' => "/a%20b%c3%a4+c/x?$ours"],
    ['/unix/x' => "/sock/x?$ours"],
    ['/balancer/x' => "/x?$ours"],
    ['/balancer' => "/?$ours"],
    ['/balanced/x' => "/members/x?$ours"],
    ['/balanced' => "/members/?$ours"],
    ['/ws/x' => "/ws/x?$ours"],
    ['/two/parts/x' => "/base/x?$ours"],
    ['/two/parts' => "/base/?$ours"],
    ['/whole/7/x/y' => "/slash/whole/7/x/y?$ours"],
    ['/whole/7' => "/slash/whole/7?$ours"],
    ['/whole/7/' => "/slash/whole/7/?$ours"],
    ['/plain' => "/base/plain?$ours"],
    ['/plain/deep' => "/plain/deep?$ours"],
    ['/pt/x?a=1' => "/base/x?a=1&$ours"],
    # decoded exactly once, and encoded again
    ['/base/a%20b' => "/base/a%20b?$ours"],
    ['/base/%c3%a4%C3%84' => "/base/%c3%a4%c3%84?$ours"],
    ['/base/a%3Fb=c' => "/base/a%3fb=c?$ours"],
    ['/base/a%23b' => "/base/a%23b?$ours"],
    ['/base/%61%62' => "/base/ab?$ours"],
    ['/base/a+b@c:d!$&\'()*,=~' => "/base/a+b\@c:d!\$&'()*,=~?$ours"],
    ['/base/a%22%3C%3E%7B%7D' => "/base/a%22%3c%3e%7b%7d?$ours"],
    ['/base/%7Bx%7D/http://h/' => "/base/%7bx%7d/http:/h/?$ours"],
    ['/base/x/../y' => "/base/y?$ours"],
    ['/base/x/./y//z' => "/base/x/y/z?$ours"],
    ['/whole/a%20b/%c3%a4' => "/slash/whole/a%20b/%c3%a4?$ours"],
    ['/base/a%2fb' => 400],
    ['/base/a%252fb' => 400],
    ['/base/a%5cb' => 400],
    ['/base/a%0ab' => 400],
    ['/base/../secret' => 404],
    ['/loose/a%2Fb' => "/base/a%2Fb?$ours"],
    ['/loose/a;v=1/b' => "/base/a;v=1/b?$ours"],
    ['/basement' => 404],
    ['/claimed/x?a=1' => "/base/x?a=1&$ours"],
    ['/claimed-p/a%20b?a=1' => "/base/a%20b?a=1&$ours"],
    ['/claimed-ne/a%20b?a=1' => "/base/a%20b?a=1&$ours"],
    ['/claimed-nocanon/a%20b?a=1' => "/base/a%20b?a=1&$ours"],
    ['/claimed-encoded/a%20b?a=1' => "/base/a%20b?a=1&$ours"],
    ['/claimed-servlet/a%20b?a=1' => "/base/a%20b?a=1&$ours"],
    ['/claimed-whole/a%20b?a=1' => "/base/claimed-whole/a%20b?a=1&$ours"],
    ['/claimed-whole/a%2fb' => 400],
    ['/claimed-encoded/a%252fb' => 400],
) {
    my ($target, $wanted) = @$case;
    is(lc sent($target), lc $wanted, "$target goes up as $wanted");
}

# --- nobody poses here either ------------------------------------------------

for my $path (qw(/base/x /unix/x /balancer/x /ws/x /claimed/x /claimed-ne/x
    /claimed-encoded/x /claimed-servlet/x /claimed-whole/x)) {
    my ($record) = through("$path?%61ctor=root&b=2", 'X-User-Id: root',
        'x.user_id: root', 'Connection: close, x-user-id');
    is_sent($record, 'x-user-id', 'alice', "$path: the claim arrives once");
    is(query_of($record), "b=2&$ours", "$path: in the query, too");
    is_absent($record, 'authorization', "$path: the token stays here");
}

if ($ENV{JWTMAP_MPM} ne 'prefork') {
    my $record = curl_upstream('own', '/base/x?%61ctor=root&b=2', '-H', $bearer,
        '--http2-prior-knowledge', '-H', 'X_User.Id: root');
    is_sent($record, 'x-user-id', 'alice', 'from HTTP/2: the claim, once');
    is(target_of($record), "/base/x?b=2&$ours", 'from HTTP/2: path and query');
}

my $upgrade = join "\r\n", 'GET /ws/x?actor=root HTTP/1.1', 'Host: x',
    'Upgrade: websocket', 'Connection: Upgrade, x-user-id',
    'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eDp5', 'X-User-Id: root';
my $mark = upstream_mark();
is_error(raw('own', "$upgrade\r\n\r\n"), 401, 'missing_token',
    'an upgrade needs the token');
nothing_upstream($mark, 'nothing is tunnelled without it');
is_status(raw('own', "$upgrade\r\n$bearer\r\n\r\n"), 101,
    'with it, it is let through');
my ($record) = upstream_since($mark);
is_sent($record, 'x-user-id', 'alice', 'upgrade: the claim arrives once');
is(target_of($record), "/ws/x?$ours", 'upgrade: path and query');

# --- workers -----------------------------------------------------------------

sub connections {
    my ($path) = @_;
    my $mark = upstream_mark();
    my $socket = connect_to('own');
    for (1 .. 8) {
        print $socket "GET $path HTTP/1.1\r\nHost: x\r\n$bearer\r\n\r\n";
        read_response($socket);
    }
    my %seen = map { $_->{connection} => 1 } upstream_since($mark);
    return scalar keys %seen;
}

for my $path (qw(/base/x /slash/x /unix/x /balancer/x /bare/x /ws/x
    /encoded/x)) {
    is(connections($path), 1, "$path: eight requests use one connection");
}
is(connections('/single/x'), 8, 'a <Proxy URL> block: its disablereuse holds');

# httpd finds a worker by the URL behind the socket: two sockets behind one
# URL would be one, and one application would get the other's requests.
sub servers {
    my ($first, $second, @lines) = @_;
    my @paths = map { { method => 'GET', path => "/$_/{.+}", integration =>
        { type => 'http', server => $_ }, auth => JSON::PP::false } } qw(a b);
    spew(stage('t/conf/own-try.json'), json({
        servers => [{ alias => 'a', url => $first },
                    { alias => 'b', url => $second }], paths => \@paths }));
    return httpd_t(join "\n", @lines, 'JwtMapConfig conf/own-try.json');
}

my @unix = ('unix:/run/a.sock|http://localhost', 'unix:/run/b.sock|http://b.x');
for my $case (
    [@unix, 0], [$unix[0], $unix[0], 0], [$unix[0], "$unix[0]/base", 0],
    [$unix[0], "$unix[1]:8080", 0], ['http://localhost:8000', $unix[0], 0],
    [$unix[0], 'unix:/run/b.sock|http://localhost', 1],
    [$unix[0], 'unix:/run/b.sock|http://LOCALHOST:80/', 1],
    [$unix[0], 'http://localhost:80/', 1], ['http://localhost', $unix[0], 1],
    [$unix[0], 'unix:/run/b.sock|http://localhost/b', 0],
) {
    my ($first, $second, $wrong) = @$case;
    my ($status, $output) = servers($first, $second);
    is($status != 0, $wrong != 0, "$first and $second: "
        . ($wrong ? 'an error' : 'fine')) or diag $output;
    like($output, qr/mod_proxy takes it for .*host name of its own/,
        'that says what to do') if $wrong;
}

# --- bodies ------------------------------------------------------------------

for my $path (qw(/base/x /unix/x /balancer/x)) {
    for my $case (
        ['POST', 'body', body => 'x' x 100_000, size => 100_000],
        ['PUT', 'chunked body', chunked => 'y' x 70_000, size => 70_000],
        ['DELETE', 'empty body', body => '', size => 0],
    ) {
        my ($method, $what, %opt) = @$case;
        my $mark = upstream_mark();
        my $chunked = $opt{chunked};
        my $res = request('own', method => $method, target => $path,
            headers => [$bearer, $chunked ? 'Transfer-Encoding: chunked' : ()],
            body => $chunked ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $chunked,
                                       $chunked) : $opt{body});
        my ($record) = upstream_since($mark);
        is_status($res, 200, "$path: $method with a $what is let through");
        is(length $record->{body}, $opt{size}, "$path: the $what arrives");
        is_sent($record, 'x-user-id', 'alice', "$path: with the claim");
    }
}
$mark = upstream_mark();
my $res = request('own', method => 'HEAD', target => '/base/x',
    headers => [$bearer]);
is_status($res, 200, 'HEAD is let through');
like((upstream_since($mark))[0]{head}[0], qr{^HEAD /base/x\?}, 'as HEAD');
ok(field($res, 'Content-Length') > 0 && $res->{body} eq '',
    'and answered without a body');

$mark = upstream_mark();
my $socket = connect_to('own');
print $socket "POST /base/x HTTP/1.1\r\nHost: x\r\n$bearer\r\n"
    . "Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
sysread $socket, my $interim, 4096;
like($interim, qr{^HTTP/1\.1 100 }, 'Expect: 100-continue is answered');
print $socket 'body';
is_status(read_response($socket), 200, 'then the request is let through');
is((upstream_since($mark))[0]{body}, 'body', 'with its body');

$mark = upstream_mark();
$res = raw('own', "POST /base/x HTTP/1.1\r\nHost: x\r\n"
    . "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n", timeout => 5);
is_error($res, 401, 'missing_token', 'without a token no body is asked for');
nothing_upstream($mark, 'and nothing goes up');

# --- Location ----------------------------------------------------------------

my $front = 'http://127.0.0.1:' . port('own');
my $back = 'http://127.0.0.1:' . $ENV{UPSTREAM_PORT};
for my $case (
    ['/base/x', "$back/base/y?a=1#f" => "$front/base/y?a=1#f"],
    ['/base/x', "$back/base" => "$front/base"],
    ['/base/x', "$back/basement" => "$back/basement"],
    ['/base/x', "$back/other" => "$back/other"],
    ['/base/x', 'https://elsewhere.example/base/y' =>
        'https://elsewhere.example/base/y'],
    ['/base/x', "$back/base/y?a=1&actor=alice" => "$front/base/y?a=1"],
    ['/slash/x', "$back/slash/y" => "$front/slash/y"],
    ['/two/parts/x', "$back/base/y" => "$front/two/parts/y"],
    ['/whole/7/x', "$back/slash/whole/7/y" => "$front/whole/7/y"],
    ['/plain', "$back/base/y" => "$front/y"],
    ['/root/x', "$back/y" => "$front/root/y"],
    ['/bare/x', "$back/y" => "$front/bare/y"],
    ['/bare/x', $back => "$front/bare"],
    ['/unix/x', 'http://own.socket/sock/y' => "$front/unix/y"],
    ['/ws/x', "$back/ws/y" => "$front/ws/y"],
    ['/balancer/x', "$back/y" => "$front/balancer/y"],
    ['/balanced/x', "$back/members/y" => "$front/balanced/y"],
    ['/balanced/x', "$back/other/y" => "$back/other/y"],
) {
    my ($path, $location, $wanted) = @$case;
    for my $name ('Location', 'Content-Location') {
        (undef, $res) = through($path, 'X-Reply-Status: 302',
            "X-Reply-$name: $location", "Host: 127.0.0.1:" . port('own'));
        is(field($res, $name), $wanted, "$path: $name: $location");
    }
}

# --- what is logged ----------------------------------------------------------

my $log = stage('t/logs/own_log');
my $size = -s $log;
through('/base/a%20b?%61ctor=root&log=1');
my $line = wait_for(5, sub {
    join '', grep { /log=1/ } substr(slurp($log), $size) =~ /.*\n/g;
});
is($line, "GET /base/a%20b?%61ctor=root&log=1 HTTP/1.1|"
    . "?%61ctor=root&log=1|/base/a b\n", 'the access log shows what the client sent');

done_testing();
