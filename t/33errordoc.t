# An ErrorDocument wins, with the fields of the refusal, and is
# served without claims, without what a client posed, and without waiting.

use JwtMapTest;
use JwtMapPhases;

my @bearer = ('Authorization: Bearer ' . token(sub => 'alice'));
my $log = stage('t/logs/phases_log');
my ($res, @records);

my @wrong = ('Authorization: Bearer ' . token(sub => 'alice', exp => time - 99));
my $challenge = qr/^Bearer realm="127\.0\.0\.1"/;
sub refused {
    my ($what, $method, $target, $headers, $status, $body, $wanted) = @_;
    my @records;
    ($res, @records) = through('phaseserr', $method, $target, @$headers);
    is_status($res, $status, "$what: $status");
    like($res->{body}, $body, "$what: the administrator's page is shown");
    is(field($res, 'Cache-Control'), 'no-store', '... and is not stored');
    is_deeply(routes(@records), $wanted || {}, "$what: what goes up")
        or diag explain routes(@records);
    unlike($res->{body}, qr/=root|eyJ/, '... nothing of the request')
        unless $body =~ /GET/;
}
my $echo = qr{^GET /unnamed/401};
my %plain = ('/unnamed/401' => '- - -');
refused('a page behind ProxyPass', 'GET', '/api/x?actor=root', [], 401, $echo, \%plain);
like(field($res, 'WWW-Authenticate'), $challenge, '... with the challenge');
refused('... after a bad token', 'GET', '/api/x', \@wrong, 401, $echo, \%plain);
like(field($res, 'WWW-Authenticate'), qr/token", error_desc.*expired/, '... with its error');
refused('a file', 'GET', '/api/file', [], 401, qr/page of the administrator/);
refused('a page that a route names', 'GET', '/api/own', [], 401,
    qr{^GET /own/x}, { '/own/x' => '- - -' });
refused('a text', 'POST', '/api/x', \@bearer, 405, qr/^no such method$/);
like(field($res, 'Allow'), qr/^(?:GET,HEAD|HEAD,GET)\b/, '... with what is allowed');
refused('no route', 'GET', '/nowhere', \@bearer, 404, qr{^GET /unnamed/404},
    { '/unnamed/404' => '- - -' });
refused('a script after a bad path', 'GET', '/api/x%0a?actor=root', \@bearer, 400, qr/^REDIRECT_STATUS=400$/m);
refused('a script after a scope is missed', 'GET', '/api/scope?actor=root',
    \@bearer, 403, qr/^REDIRECT_STATUS=403$/m);
like(field($res, 'WWW-Authenticate'), qr/error="insufficient_scope"/, '... with its challenge');
unlike($res->{body}, qr/alice/, '... shows nothing of the token');
unlike($res->{body}, qr/^HTTP_X_(?!FOR)|^REMOTE_USER/m, '... and no mapped value');
refused('a page behind ProxyPass after a scope is missed', 'GET', '/api/away',
    \@bearer, 403, qr{^GET /unnamed/403}, { '/unnamed/403' => '- - -' });
unlike($res->{body}, qr/Authorization/, '... does not get the verified token');
refused('a script after the refusal of an index', 'GET', '/disec/scoped/?actor=root',
    \@bearer, 403, qr/^REDIRECT_STATUS=403$/m);
like(field($res, 'WWW-Authenticate'), qr/error="insufficient_scope"/, '... with its challenge');
unlike($res->{body}, qr/alice|^HTTP_X_(?!FOR)/m, '... shows nothing of the token');
refused('a page with parts', 'GET', '/api/ssi', [], 401, qr{GET /open/in},
    { '/open/in' => 'open - GET', '/unnamed/in' => '- - -' });

# What httpd refuses before us, and what an upstream does not have.
($res, @records) = through('phaseserr', 'GET', '/api/denied');
is_status($res, 403, 'Require all denied, before us');
like($res->{body}, qr/^REDIRECT_STATUS=403$/m, '... shows the page');
($res, @records) = through('phaseserr', 'GET', '/api/%2f');
is_status($res, 404, 'an encoded slash, before us');
like($res->{body}, qr{^GET /unnamed/404}, '... shows the page');
for my $case ([404, 'GET', '/unnamed/404?actor=alice', 'api alice GET'],
              [409, 'GET', '/open/409', 'open - GET'],
              [410, 'GET', '/api/410?actor=alice', 'api alice GET']) {
    my ($status, $method, $up, $route) = @$case;
    ($res, @records) = through('phaseserr', $method, '/api/gone',
        "X-Reply-Status: $status", @bearer);
    is_status($res, $status, "$status of the upstream");
    is(routes($records[1])->{$up}, $route, '... the page passes as what it came from, or its route');
}
($res, @records) = through('phaseserr', 'POST', '/open/x', 'X-Reply-Status: 409');
is(routes($records[1])->{'/open/409'}, 'open - POST',
    '$request.method is that of the client on a page that httpd makes a GET');
($res, @records) = through('phaseserr', 'GET', '/open/x', 'X-Reply-Status: 410');
is_status($res, 410, 'a page that needs a token is not shown without one');
is(scalar @records, 1, '... nor asked for');

# A client that waits with its body for the answer.
for my $expect ([], ['Expect: 100-continue']) {
    my $start = time;
    $res = raw('phaseserr', join("\r\n", 'PUT /api/x HTTP/1.1', 'Host: x',
        'Content-Length: 1048576', @$expect, '', ''), timeout => 5);
    is_status($res, 405, "a text for a refused upload (@$expect)");
    $res = raw('phaseserr', join("\r\n", 'GET /api/x HTTP/1.1', 'Host: x',
        'Content-Length: 1048576', @$expect, '', ''), timeout => 5);
    is_status($res, 401, "a page behind ProxyPass for one (@$expect)");
    cmp_ok(time - $start, '<', 3, '... at once');
    is(field($res, 'Connection'), 'close', '... and the connection closes');
    unlike($res->{body}, qr/Expect/, '... and the page is asked for without it');
}
for my $case (['/api/file', '401|-|-|expired', @wrong],
              ['/api/scope', '403|alice|-|scope', @bearer]) {
    my ($to, $shown, @headers) = @$case;
    my $line = '';
    through('phaseserr', 'GET', "$to?log&actor=root", @headers);
    wait_for(5, sub { ($line) = slurp($log) =~ /^(GET $to\?log.*)/m });
    like($line, qr/\|\?log&actor=root\|\Q$shown\E\|GET \/api/,
        "$to: the access log shows why a page was shown");
}

done_testing();
