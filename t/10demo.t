# The table of scripts/demo and of the specification, end to end: a verified
# claim arrives, and nothing that a client sends can pose as one.

use JwtMapTest;

my $token = token(sub => 'alice');
my @bearer = ("Authorization: Bearer $token");

# What the upstream got of one request; is_status is the caller's.
sub through {
    my ($target, @headers) = @_;
    my $mark = upstream_mark();
    my $res = get('demo', $target, @headers);
    my @records = upstream_since($mark);
    return ($res, $records[0], scalar @records);
}

my ($res, $record, $count) = through('/proxy/hello?q=1', @bearer);
is_status($res, 200, 'a good token is let through');
is($count, 1, 'as one request');
is($record->{head}[0], 'GET /base/hello?q=1&actor=alice HTTP/1.1',
    'to the path of the server, with the mapped query parameter last');
is_sent($record, 'x-user-id', 'alice', 'the claim arrives as a header');
is_sent($record, 'x-region', 'eu-west-1', 'the variable arrives as a header');
is_absent($record, 'authorization', 'the verified token stays here');

my @spoofs = (
    ['the same name', 'X-User-Id: root'],
    ['the name twice', 'x-user-id: root', 'X-USER-ID: toor'],
    ['an underscore', 'x_user_id: root'],
    ['a dot', 'x.user.id: root'],
    ['a nomination in Connection', 'Connection: close, x-user-id'],
    ['a nomination and the name', 'Connection: x-user-id, close',
     'X-User-Id: root'],
);
for my $spoof (@spoofs) {
    my ($what, @headers) = @$spoof;
    ($res, $record) = through('/proxy/hello', @bearer, @headers);
    is_status($res, 200, "$what: the request is let through");
    is_sent($record, 'x-user-id', 'alice', "$what: does not replace the claim");
}
($res, $record) = through('/proxy/hello', @bearer, 'x_region: nowhere');
is_sent($record, 'x-region', 'eu-west-1',
    'a mapped variable cannot be posed as either');

for my $query ('actor=root', '%61ctor=root', 'actor[]=root', 'a=1;actor=root',
    'actor=root&actor=toor') {
    ($res, $record) = through("/proxy/hello?$query", @bearer);
    is_status($res, 200, "?$query is let through");
    my $sent = $record ? query_of($record) : '';
    unlike($sent, qr/root/, "?$query does not arrive");
    like($sent, qr/(?:^|&)actor=alice$/, "?$query becomes the claim");
}

my @refused = (
    ['no token', 'missing_token'],
    ['an expired token', 'token_expired', exp => time - 60],
    ['a token of another issuer', 'invalid_token', iss => 'https://other'],
    ['a token for another audience', 'invalid_token', aud => 'api://other'],
    ['a token of another key under a known kid', 'invalid_token',
     -key => 'rsa2', -header => { kid => 'rsa' }],
    ['a token of an algorithm that is not allowed', 'invalid_token',
     -alg => 'PS256'],
);
for my $case (@refused) {
    my ($what, $code, @claims) = @$case;
    my $mark = upstream_mark();
    $res = get('demo', '/proxy/hello', @claims
        ? 'Authorization: Bearer ' . token(@claims) : ());
    is_error($res, 401, $code, "$what is 401 $code");
    like(field($res, 'WWW-Authenticate') || '', qr/^Bearer realm="/,
        "$what is challenged");
    nothing_upstream($mark, "$what reaches no upstream");
}

my $mark = upstream_mark();
$res = get('demo', '/other', @bearer);
is_error($res, 404, 'not_found', 'a path without a route is 404');
$res = request('demo', method => 'POST', target => '/proxy/hello',
    headers => [@bearer]);
is_error($res, 405, 'method_not_allowed', 'a method without a route is 405');
my @allowed = grep { $_ ne 'TRACE' } sort split /, */, field($res, 'Allow') || '';
is("@allowed", 'GET HEAD', 'which says what is allowed (httpd adds its TRACE)');
nothing_upstream($mark, 'neither reaches the upstream');

done_testing();
