# Nothing is buffered: bodies of 1 GiB pass in both directions with flat
# memory, an answer and an upload go on as they come, a WebSocket stays open
# after its upgrade was verified.

use JwtMapTest;
use JwtMapBackend;
use JwtMapH2;
use JwtMapServer;
use IO::Select;
use Time::HiRes qw(sleep time);

use constant MIB => 1 << 20;
use constant GIB => 1 << 30;

my %node = start_node();
my $mapping = {
    headers => { 'x-user-id' => '$request.jwt.sub' },
    query   => { actor => '$request.jwt.sub' },
    response_headers => { 'x-user' => '$request.jwt.sub' },
};
my $table = JwtMapServer->table('stream',
    servers => [{ alias => 'wss', url => "wss://127.0.0.1:$node{https}" }],
    paths => [
        { method => 'ANY', path => '/own/{.+}', auth => \1, mapping => $mapping,
          integration => { type => 'http_proxy', server => 'wss' } },
        { method => 'ANY', path => '/{.+}', auth => \1, mapping => $mapping },
    ]);
# An upstream that is the test itself.
my $upstream = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    or die "no upstream: $!\n";
my $raw = $upstream->sockport;
# One child: it is the one to be measured.
my $server = JwtMapServer->start('stream', <<"CONF");
ServerLimit 1
StartServers 1
<IfModule !prefork.c>
ThreadsPerChild 16
MinSpareThreads 1
MaxSpareThreads 16
</IfModule>
MaxRequestWorkers 16
Protocols h2c http/1.1
H2WebSockets On
JwtMapConfig $table
SSLProxyEngine On
SSLProxyVerify none
SSLProxyCheckPeerName off
ProxyPass /h2c/ h2c://127.0.0.1:$node{h2c}/
ProxyPass /ws/ ws://127.0.0.1:$node{http}/
ProxyPass /raw/ http://127.0.0.1:$raw/
ProxyPass / http://127.0.0.1:$node{http}/
CONF
ok($server->listens, 'the server starts') or diag($server->console);

my $bearer = 'Authorization: Bearer ' . token(sub => 'alice');

# --- bodies --------------------------------------------------------------------------

sub rss {
    my ($most) = sort { $b <=> $a } map { rss_of($_) }
        children_of($server->{pid});
    return $most;
}

# Octets of an answer's body, and the most that the child had meanwhile.
sub receive {
    my ($socket) = @_;
    my ($size, $most, $buf, $next) = (0, 0, '', 0);
    while (sysread $socket, $buf, 1 << 18) {
        $size += length $buf;
        if ($size >= $next) {
            $next += 64 * MIB;
            $most = rss() if rss() > $most;
        }
    }
    return ($size, $most);
}

sub head_of {
    my ($socket) = @_;
    my $head = '';
    while ($head !~ /\r\n\r\n\z/) {
        sysread $socket, $head, 1, length $head or last;
    }
    return $head;
}

sub download {
    my ($target, $size) = @_;
    my $socket = connect_to($server->port);
    print $socket "GET $target/source/$size HTTP/1.0\r\nHost: a\r\n$bearer\r\n\r\n";
    my $head = head_of($socket);
    return (receive($socket), $head);
}

sub upload {
    my ($target, $size) = @_;
    my $socket = connect_to($server->port);
    my $block = 'x' x (1 << 18);
    my $most = 0;
    print $socket "POST $target/sink HTTP/1.1\r\nHost: a\r\n$bearer\r\n"
        . "Connection: close\r\nContent-Length: $size\r\n\r\n";
    for (my $sent = 0; $sent < $size; $sent += length $block) {
        if ($sent % (64 * MIB) == 0) {
            $most = rss() if rss() > $most;
        }
        print $socket $block or last;
    }
    return (read_response($socket, timeout => 60), $most);
}

for my $target ('/http', '/h2c') {
    my $size = $target eq '/http' ? GIB : GIB / 4;
    download($target, 32 * MIB);
    upload($target, 32 * MIB);
    my $before = rss();
    my ($got, $most, $head) = download($target, $size);
    is($got, $size, "$target: all of a large answer arrives");
    like($head, qr/^x-user: alice\r$/mi, "$target: with our field");
    cmp_ok($most - $before, '<', 16 * MIB, "$target: down with flat memory");
    (my $res, $most) = upload($target, $size);
    is($res->{body}, "$size\n", "$target: all of a large body arrives");
    cmp_ok($most - $before, '<', 16 * MIB, "$target: up with flat memory");
    diag(sprintf '%s: %d MiB, %.1f MiB before, %.1f MiB at most', $target,
         $size / MIB, $before / MIB, $most / MIB);
}

for my $target ('/http', '/h2c', '/own') {
    my $socket = connect_to($server->port);
    print $socket "GET $target/ticks HTTP/1.0\r\nHost: a\r\n$bearer\r\n\r\n";
    head_of($socket);
    sysread $socket, my $first, 100;
    my $began = time;
    my $rest = do { local $/; <$socket> };
    cmp_ok(time - $began, '>', 0.5, "$target: an answer goes out as it comes");
    is($first . $rest, "tick\n" x 4, "$target: and all of it");
}

# A body of known length is under way while the client still sends it: the
# upstream has the head before the client sends the last half.
{
    my $half = 'x' x 150_000;
    my $client = connect_to($server->port);
    print $client "POST /raw/upload HTTP/1.1\r\nHost: a\r\n$bearer\r\n"
        . 'Content-Length: ' . 2 * length($half) . "\r\nConnection: close\r\n"
        . "X-User-Id: mallory\r\n\r\n$half";
    my $began = IO::Select->new($upstream)->can_read(10);
    ok($began, 'a body of known length goes on as it comes');
    print $client $half;
    my $peer = $upstream->accept;
    my $head = head_of($peer);
    like($head, qr{^POST /upload\?actor=alice HTTP/1\.1\r$}m,
         'to the mapped target');
    is_deeply([$head =~ /^x-user-id: *(.*?)\r$/gim], ['alice'],
              'with the mapped header and not the one of the client');
    read $peer, my $body, 2 * length $half;
    is($body, $half x 2, 'and all of it');
    print $peer "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    is_status(read_response($client), 204, 'and is answered');
}

# --- WebSockets -----------------------------------------------------------------------

my @handshake = ('Upgrade: websocket', 'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');    # that of RFC 6455 1.3
my $accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

# A masked text frame, RFC 6455 5.2.
sub masked {
    my ($text) = @_;
    my $mask = "\x11\x22\x33\x44";
    return pack('CC', 0x81, 0x80 | length $text) . $mask
        . ($text ^ substr $mask x 32, 0, length $text);
}

sub frame_from {
    my ($socket) = @_;
    my $frame = '';
    while (length $frame < 2 || length $frame < 2 + unpack 'xC', $frame) {
        sysread $socket, $frame, 1, length $frame or return undef;
    }
    return substr $frame, 2;
}

sub upgrade {
    my ($target, @headers) = @_;
    my $socket = connect_to($server->port);
    print $socket join "\r\n", "GET $target HTTP/1.1", 'Host: a', @handshake,
        @headers, '', '';
    return $socket;
}

# How many of count messages come back.
sub exchange {
    my ($socket, $count) = @_;
    my $good = 0;
    for my $i (1 .. $count) {
        print $socket masked("message $i");
        my $back = frame_from($socket);
        last if !defined $back;
        $good += $back eq "message $i";
    }
    return $good;
}

for my $target ('/ws/chat', '/own/chat') {
    for my $bad ([], ['Authorization: Bearer '
                      . token(exp => time - 60)],
                 ['Authorization: Bearer ' . token(-key => 'rsa2',
                      -header => { kid => 'rsa' })]) {
        my $mark = upstream_mark();
        is_status(read_response(upgrade($target, @$bad)), 401,
                  "$target: no upgrade without a good token");
        nothing_upstream($mark, "$target: nor does the upstream hear of it");
    }
    # The token is gone while the socket is open.
    my $mark = upstream_mark();
    my $socket = upgrade($target, 'X-User-Id: mallory',
        'Authorization: Bearer ' . token(sub => 'alice', exp => int(time) - 7));
    my $head = head_of($socket);
    like($head, qr{^HTTP/1\.1 101 }, "$target: an upgrade that was verified");
    like($head, qr/^Sec-WebSocket-Accept: \Q$accept\E\r$/mi,
        "$target: is that of the upstream");
    my ($record) = upstream_since($mark);
    is_sent($record, 'x-user-id', 'alice', "$target: for the user of the token");
    is_absent($record, 'authorization', "$target: who keeps it here");
    is(query_of($record), 'actor=alice', "$target: also in the query");
    is(exchange($socket, 200), 200, "$target: messages go to and fro");
    sleep 4;
    is(exchange($socket, 200), 200,
        "$target: also when the token has expired");
    is_status(read_response(upgrade($target, 'Authorization: Bearer '
        . token(sub => 'alice', exp => int(time) - 11))), 401,
        "$target: with which nothing is opened any more");
    $socket->close;
}

# RFC 8441: a WebSocket in an HTTP/2 stream.
my $h2 = JwtMapH2->new($server->port);
my $stream = $h2->open_stream(method => 'CONNECT', target => '/ws/chat',
    open => 1, pseudo => [':protocol: websocket'],
    headers => ['sec-websocket-version: 13', $bearer]);
my $res = $h2->answer($stream, sub { $_[0]{status} });
is($res->{status}, 200, 'a WebSocket over HTTP/2');
$h2->send_data($stream, masked('hello'));
$res = $h2->answer($stream, sub { length $_[0]{body} >= 7 });
is(substr($res->{body}, 2), 'hello', 'exchanges messages');
$h2->send_data($stream, '', 1);
$stream = $h2->open_stream(method => 'CONNECT', target => '/ws/chat',
    open => 1, pseudo => [':protocol: websocket'],
    headers => ['sec-websocket-version: 13']);
is($h2->answer($stream, sub { $_[0]{status} })->{status}, 401,
    'not without a token');

done_testing();
