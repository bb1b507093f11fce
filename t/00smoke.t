# The harness itself, and the module where it has nothing to do.

use JwtMapTest;

my $mark = upstream_mark();
my $res = get('plain', '/a?b=%41', 'X-One: 1', 'x_two: 2');
my ($record, @more) = upstream_since($mark);

is_status($res, 200, 'the upstream answers through httpd');
is(scalar @more, 0, 'the upstream saw one request');
is($record->{head}[0], 'GET /a?b=%41 HTTP/1.1',
    'the upstream got the request line as it was');
is_sent($record, 'x-one', '1', 'a field arrives once');
is_sent($record, 'x-two', '2', 'another spelling of a name is found');
is_absent($record, 'x-three', 'a field that nobody sent is absent');
like($res->{body}, qr{\AGET /a\?b=%41 HTTP/1\.1\n}, 'the answer is the echo');

SKIP: {
    skip 'no HTTP/2 on this MPM', 1 unless have_h2();
    $record = curl_upstream('plain', '/h2', '--http2-prior-knowledge');
    is($record->{head}[0], 'GET /h2 HTTP/1.1', 'an HTTP/2 client is served');
}

$mark = upstream_mark();
$res = request('plain', method => 'POST', target => '/', body => "3\r\nabc\r\n0\r\n"
    . "X-Late: 1\r\n\r\n", headers => ['Transfer-Encoding: chunked']);
($record) = upstream_since($mark);
is($record->{body}, 'abc', 'a chunked body arrives');

$res = get('plain', '/', 'X-Reply-Status: 302',
    'X-Reply-Location: /there', 'X-Reply-Set-Cookie: a=b');
is_status($res, 302, 'a test shapes the answer');
is(field($res, 'Set-Cookie'), 'a=b', 'and its fields');

for my $scheme ('unix', have_h2() ? 'h2c' : ()) {
    $mark = upstream_mark();
    $res = get('plain', "/$scheme/a?b=c", 'X-One: 1');
    ($record) = upstream_since($mark);
    is_status($res, 200, "a $scheme upstream answers");
    is(target_of($record), '/a?b=c', "and gets the target over $scheme");
    is_sent($record, 'x-one', '1', "and the field over $scheme");
}
for my $scheme ('fcgi', 'scgi', 'uwsgi') {
    $mark = upstream_mark();
    $res = request('plain', method => 'POST', target => "/$scheme/a?b=c",
        body => 'd=e', headers => ['X-One: 1', 'X-Reply-Status: 201']);
    ($record) = upstream_since($mark);
    is_status($res, 201, "a $scheme upstream answers");
    is((seen($record, 'QUERY_STRING'))[0], 'b=c', "and gets the query over $scheme");
    is_sent($record, 'x-one', '1', "and the field over $scheme");
    is($record->{body}, 'd=e', "and the body over $scheme");
}

my $socket = connect_to('plain');
print $socket "GET /ws/chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
    . "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    . "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
$res = read_response($socket);
is_status($res, 101, 'a WebSocket is opened');
$socket->close;

my ($status, $output) = httpd_t('ServerAdmin nobody@example');
is($status, 0, 'a good configuration passes the configuration test')
    or diag($output);
($status, $output) = httpd_t('NoSuchDirective on');
isnt($status, 0, 'a bad configuration does not');

done_testing();
