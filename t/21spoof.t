# Attempt by attempt: what a client can write under a mapped name
# never arrives, what is not a mapped name always does.

use JwtMapTest;

my $token = token(sub => 'alice');
my $bearer = "Authorization: Bearer $token";

# mod_http2 wants another MPM than prefork.
sub http2 { return $ENV{JWTMAP_MPM} ne 'prefork' }

sub through {
    my ($target, @headers) = @_;
    my $mark = upstream_mark();
    my $res = get('spoof', $target, @headers);
    my ($record) = upstream_since($mark);
    return ($record, $res);
}

# --- header names ------------------------------------------------------------

my @names = qw(x-user-id X-USER-ID x_user_id X_User.Id x.user.id x-user_id
               X.User-Id);
for my $line (map({ ("$_: root", "$_:", "$_:   \t", "$_:root  ") } @names),
    map({ "$_: root\r\n$_: toor" } @names), "X-User-Id: root\r\n folded",
    "X-User-Id: root\r\nx_user_id: root\r\nX.USER.ID: root") {
    my ($record) = through('/api/x', $bearer, $line);
    (my $shown = $line) =~ s/([\r\n\t])/sprintf '\\x%02x', ord $1/ge;
    is_sent($record, 'x-user-id', 'alice', "\"$shown\" does not arrive");
}
for my $name (@names) {
    (my $role = $name) =~ s/id$/role/i;
    my ($record) = through('/fold/x', $bearer, "$name: root", "$role: root");
    is_absent($record, 'x-user-id', "$name: reserved by other routes");
    is_sent($record, 'x_user.role', 'alice',
        "$name: a name that is mapped with _ and . has the same aliases");
}
for my $name ('x-user', 'x-user-id2', 'xuserid', 'x--user-id', '-x-user-id',
    'x-user-id-', 'x~user~id', 'http-x-user-id') {
    my ($record) = through('/api/x', $bearer, "$name: own");
    is_deeply([seen($record, $name)], ['own'], "$name: another name arrives");
}
is_status((through('/api/x', $bearer, 'X-User-Id : root'))[1], 400,
    'a blank before the colon is no request');

# --- Connection --------------------------------------------------------------

for my $lines (['close, x-user-id'], ['X-USER-ID,close'],
    ['close', 'x-user-id'], ['x-user-id', 'X-User-Id', 'close'],
    [" ,\t, x-user-id\t ,, close ,"], ['close, X_User.Id, x_user_id'],
    ['close,x-user-id;q=1'], ['close, "x-user-id"'], ["close,x-user-id\t"],
    ['keep-alive, x-user-id', 'close'], ['close, authorization, x-user-id']) {
    my ($record) = through('/api/x', $bearer, 'X-User-Id: root',
        map { "Connection: $_" } @$lines);
    (my $shown = join ' | ', @$lines) =~ s/\t/\\t/g;
    is_sent($record, 'x-user-id', 'alice', "Connection: $shown");
}
my ($record) = through('/api/x', $bearer, 'Connection: close, x-hop',
    'X-Hop: 1', 'X-Stay: 1');
is_absent($record, 'x-hop', 'Connection still nominates other names');
is_sent($record, 'x-stay', '1', 'and only those');
if (http2()) {
    ($record) = through('/h2/x', $bearer, 'X-User-Id: root', 'Upgrade: other',
        'Connection: upgrade, x_user_id');
    is_sent($record, 'x-user-id', 'alice', 'Upgrade to nothing known, over h2');
    is_absent($record, 'authorization', 'the token stays here then, too');
}

# --- trailers ----------------------------------------------------------------

for my $style ('api', http2() ? 'h2' : ()) {
    my $mark = upstream_mark();
    my $res = request('spoof', method => 'POST', target => "/$style/x",
        headers => [$bearer, 'Transfer-Encoding: chunked',
            'Trailer: X-User-Id, X-Checksum'],
        body => "3\r\nabc\r\n0\r\nX-User-Id: root\r\nx_user_id: root\r\n"
            . "x.user.id: root\r\nX-Checksum: 1\r\n\r\n");
    is_status($res, 200, "$style: a body with trailers is let through");
    ($record) = upstream_since($mark);
    is_sent($record, 'x-user-id', 'alice', "$style: trailers pose as nobody");
    is($record->{body}, 'abc', "$style: the body arrives");
}

# --- query names -------------------------------------------------------------

# what the client sends => what is left of it
my @queries = (
    (map { [$_ => ''] } qw(actor actor= actor=root %61ctor=root +actor=root
        %61%63%74%6f%72=root %61%63%74%6F%72=root %20%20actor=root
        +%20+actor=root actor[]=root actor[x]=root actor[x][y]=root
        actor%5B%5D=root actor%5b=root actor[=root actor%00=root
        actor%00%00x=root actor%00[x]=root actor=root&actor=toor
        actor=a;actor=b), 'actor=root;'),
    ['' => ''],
    ['a=1&actor=root' => 'a=1'],
    ['actor=root&a=1' => 'a=1'],
    ['a=1&actor=root&b=2' => 'a=1&b=2'],
    ['a=1;actor=root;b=2' => 'a=1;b=2'],
    ['a=1&actor=root;b=2' => 'a=1&b=2'],
    ['a=1;actor=root&b=2' => 'a=1;b=2'],
    ['a=1&actor=root&' => 'a=1&'],
    ['&actor=root' => undef],
    ['&&actor=root&&' => '&&&'],
    ['a=1&actor&actor=2&actor=3' => 'a=1'],
    (map { [$_ => $_] } qw(Actor=1 ACTOR=1 actors=1 xactor=1 act%00or=1 .actor=1
        actor.=1 actor+=1 actor%20=1 %2561ctor=1 %6=1&%=2&%zz=3 x=actor=1
        x[actor]=1 a=%41%2b+%2B&a=;b&&c=%00 %09actor=1 actor%01=1 a?actor=1
        /actor=1 actor%3D=1 actor%26=1 actor%3B=1)),
);
for my $case (@queries) {
    my ($sent, $left) = @$case;
    $left = '' if !defined $left;    # the separator before it goes, too
    ($record) = through("/api/x?$sent", $bearer);
    is(query_of($record), join('&', length $left ? $left : (), 'actor=alice'),
        "?$sent");
}
($record) = through('/api/x', $bearer);
is(query_of($record), 'actor=alice', 'no query at all');

# a name with _: PHP reads dots, blanks and a lone [ as one
for my $name (qw(user_id user.id user+id user%20id user%2eid user[id user%5Bid
    user.id[] user_id[x] %75ser.id +user.id user.id%00x)) {
    ($record) = through("/fold/x?a=1&$name=root", $bearer);
    is(query_of($record), 'a=1&user_id=alice', "?$name");
    ($record) = through("/none/x?a=1&$name=root&actor=root", $bearer);
    is(query_of($record), 'a=1', "?$name on a route that maps nothing");
}
for my $name (qw(user-id userid user[id] User_id user__id user_id_ _user_id)) {
    ($record) = through("/fold/x?$name=1", $bearer);
    is(query_of($record), "$name=1&user_id=alice", "?$name is another name");
}
for my $case (['' => ''], ['?' => '?'], ['?actor' => ''],
    ['?a=1&' => '?a=1&']) {
    ($record) = through("/none/x$case->[0]", $bearer);
    is(target_of($record), "/none/x$case->[1]", "/none/x$case->[0]");
}

# --- random queries, against the rule written down a second time -------------

sub poses {
    my ($name) = @_;
    $name =~ s/=.*//s;
    $name =~ tr/+/ /;
    $name =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
    $name =~ s/\0.*//s;
    $name =~ s/^ +//;
    (my $base = $name) =~ s/\[.*//s;
    tr/. [/_/ for $base, $name;
    return grep { $base eq $_ || $name eq $_ } qw(actor user_id);
}

sub rule {
    my ($query) = @_;
    my $left = '';
    while ($query =~ /\G([^&;]*)([&;]|\z)/g) {
        my ($param, $separator) = ($1, $2);
        if (!poses($param)) { $left .= $param . $separator }
        elsif (!length $separator) { chop $left }
        last if pos($query) == length $query;
    }
    return join '&', length $left ? $left : (), 'actor=alice';
}

my $random = 20250101;
sub pick { $random = ($random * 1103515245 + 12345) % 2**31;
           return $_[($random >> 8) % @_] }

sub encoded {
    return join '', map { pick(0 .. 3) ? $_
        : sprintf pick('%%%02x', '%%%02X'), ord } split //, $_[0];
}

sub parameter {
    return join '', map { pick(split //, q(acto_.+%20056=/?:@!$'*,~-)) }
        1 .. pick(0 .. 8) if pick(0 .. 2) == 0;
    return pick('', '', '', '+', '%20', '+%20', 'x', '.')
        . encoded(pick('actor', 'actor', 'user_id', 'user.id', 'user id',
                       'user[id', 'Actor', 'a', 'user'))
        . pick('', '', '[]', '[x]', '%5B', '%5b%5D', '%00', '%00x', '.', 's')
        . pick('', '=', '=1', '=%zz', '=actor', '==');
}

my @sent = map {
    my $query = join '', map { parameter() . pick('&', '&', ';') }
        1 .. pick(1 .. 6);
    chop $query if pick(0, 1);
    $query =~ s/ /%20/g;
    $query;
} 1 .. 400;
my $mark = upstream_mark();
my $socket = connect_to('spoof');
for my $query (@sent) {
    print $socket "GET /api/x?$query HTTP/1.1\r\nHost: x\r\n$bearer\r\n\r\n";
    my $res = read_response($socket);
    $res->{status} == 200 or is_status($res, 200, "?$query is let through");
}
my @got = map { query_of($_) } upstream_since($mark);
is(scalar @got, scalar @sent, 'all random queries arrive, on one connection');
is_deeply(\@got, [map { rule($_) } @sent], 'each as the rule says');

# --- routes that set nothing -------------------------------------------------

my @posing = ('X-User-Id: root', 'x_user_id: root',
              'Connection: close, x-user-id');
my $posing = 'a=1&actor=root&b=2';
my $forged = 'Authorization: Bearer ' . token(sub => 'root', -key => 'rsa2',
                                              -header => { kid => 'rsa' });
# route, header lines, what is left of the query, Authorization as it arrives
for my $case (
    ['a public route', '/public/x', [], 'a=1&b=2', undef],
    ['a public route with a token', '/public/x', [$bearer], 'a=1&b=2', $bearer],
    ['a public route, a forgery', '/public/x', [$forged], 'a=1&b=2', $forged],
    ['a public route, with Basic', '/public/x', ['Authorization: Basic eDp5'],
        'a=1&b=2', 'Authorization: Basic eDp5'],
    ['an optional route without a token', '/optional/x', [], 'a=1&b=2', undef],
    ['an unmatched path', '/elsewhere/x', [$bearer], $posing, $bearer],
    ['ReportOnly without a token', '/report/x', [], 'a=1&b=2', undef],
    ['ReportOnly with a forgery', '/report/x', [$forged], 'a=1&b=2', $forged],
    ['a route that passes the name', '/own/x', [], $posing, undef],
) {
    my ($what, $path, $lines, $query, $authorization) = @$case;
    my ($record) = through("$path?$posing", @$lines, @posing);
    is_absent($record, 'x-user-id', "$what: the client's header is gone");
    is(query_of($record), $query, "$what: the query");
    is_deeply([map { "Authorization: $_" } seen($record, 'authorization')],
        [defined $authorization ? $authorization : ()],
        "$what: Authorization is the client's");
}
($record) = through("/off/x?$posing", $bearer, @posing[0, 1]);
is_deeply([sort(spellings($record, 'x-user-id'))], [sort @posing[0, 1]],
    'JwtMapEngine Off: out of scope, nothing is stripped');
is(query_of($record), $posing, 'nor from the query');

# --- routes that set, and the credential -------------------------------------

for my $case (['optional', '/optional/x', 'actor=alice', undef],
    ['ReportOnly', '/report/x', 'actor=alice', $bearer],
    ['forward_token', '/forward/x', undef, $bearer]) {
    my ($what, $path, $query, $authorization) = @$case;
    my ($record) = through("$path?actor=root", $bearer, @posing);
    is_sent($record, 'x-user-id', 'alice', "$what with a token: the claim");
    is(query_of($record), $query, "$what with a token: the query");
    is_deeply([map { "Authorization: $_" } seen($record, 'authorization')],
        [defined $authorization ? $authorization : ()],
        "$what with a token: where it goes");
}

# fields that every client sends: replaced on the route that maps them only
my @client = ('Accept-Language: de', 'accept_language: fr',
              'Referer: http://x/');
($record) = through('/field/x', $bearer, @client,
    'Connection: close, authorization, referer');
is_deeply([seen($record, 'authorization')], ['Basic aW50ZXJuYWw='],
    'a mapped Authorization takes the place of the token');
is_deeply([seen($record, 'referer')], ['alice'], 'a mapped Referer replaces');
is_deeply([seen($record, 'accept-language')], [],
    'a mapped Accept-Language without a value is removed');
is_deeply([seen($record, 'accept_language')], ['fr'], 'they have no aliases');
($record) = through('/api/x', $bearer, @client);
is_deeply([map { seen($record, $_) } qw(referer accept-language)],
    ['http://x/', 'de'], 'on other routes they are the client\'s');

# --- upgrades ----------------------------------------------------------------

for my $path ('/ws/x', '/upgrade/x') {
    my $upgrade = join "\r\n", "GET $path?actor=root HTTP/1.1", 'Host: x',
        'Upgrade: websocket', 'Connection: Upgrade, x-user-id',
        'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eDp5', @posing[0, 1];
    $mark = upstream_mark();
    is_error(raw('spoof', "$upgrade\r\n\r\n"), 401, 'missing_token',
        "$path: an upgrade needs the token");
    nothing_upstream($mark, "$path: nothing is tunnelled without it");
    is_status(raw('spoof', "$upgrade\r\n$bearer\r\n\r\n"), 101,
        "$path: with it, the upgrade is let through");
    ($record) = upstream_since($mark);
    is_sent($record, 'x-user-id', 'alice', "$path: the claim arrives once");
    is(query_of($record), 'actor=alice', "$path: in the query, too");
}

# a connection that becomes HTTP/2 with its first request
if (http2()) {
    ($record) = curl_upstream('spoof', '/api/x?actor=root', '--http2',
        map { ('-H', $_) } $bearer, 'X_User.Id: root', 'X-User-Id: root');
    is_sent($record, 'x-user-id', 'alice', 'Upgrade: h2c, the claim, once');
    is(query_of($record), 'actor=alice', 'Upgrade: h2c, in the query, too');
}

# --- what is logged ----------------------------------------------------------

my $log = stage('t/logs/spoof_log');
my $size = -s $log;
through('/api/x?%61ctor=root&log=1', $bearer);
if (http2()) {
    through('/h2/x?%61ctor=root&log=1', $bearer);
    curl_upstream('spoof', '/api/x?%61ctor=root&log=1', '-H', $bearer,
        '--http2-prior-knowledge');
}
my @lines = map { "GET $_->[0]?%61ctor=root&log=1 HTTP/$_->[1]|"
                  . "?%61ctor=root&log=1|$_->[0]" }
    ['/api/x', '1.1'], http2() ? (['/h2/x', '1.1'], ['/api/x', '2.0']) : ();
my @logged;
wait_for(5, sub {
    @logged = grep { /log=1/ } split /\n/, substr slurp($log), $size;
    @logged == @lines;
});
is(join("\n", @logged), join("\n", @lines),
    'the access log shows what the clients sent');

done_testing();
