# Where values come from: claim paths, the request as the
# client sent it, variables; and where they go. End to end, on the virtual host
# of 41mapping.t.

use JwtMapTest;

# What the upstream got, and the answer. claims: JSON members, or undef for a
# request without a token.
sub through {
    my ($target, $claims, @more) = @_;
    my $mark = upstream_mark();
    my %opt = ref $more[0] ? %{ shift @more } : ();
    my $payload = '{"iss":"https://issuer.example","aud":"api://gateway",'
        . '"exp":' . (time + 300) . ',"sub":"alice"'
        . ($claims ? ",$claims" : '') . '}';
    my $token = jws('{"alg":"HS256","typ":"at+jwt","kid":"a.b"}', $payload,
                    'HS256', 'hs');
    my $res = request('mapping', target => $target, %opt, headers => [@more,
        defined $claims ? "Authorization: Bearer $token" : ()]);
    my @records = upstream_since($mark);
    return (@records > 1 ? undef : $records[0], $res);
}

# x-name => value (undef: absent), for what one request got.
sub all_are {
    my ($record, $what, %want) = @_;
    for my $name (sort keys %want) {
        my $test = "$what: $name is " . ($want{$name} // 'absent');
        defined $want{$name} ? is_sent($record, $name, $want{$name}, $test)
                             : is_absent($record, $name, $test);
    }
}

# --- claim paths --------------------------------------------------------------

my ($record, $res) = through('/paths', '"a":{"b":"nested","b.c":"in",'
    . '"constructor":null},"https://ns/role":"admin","it\'s a \\\\":"quote",'
    . '"https://ns/o":{"m":"member"},"list":["first"],"SUB":"other"');
all_are($record, 'objects', 'x-dots' => 'nested', 'x-deep' => undef,
    'x-url' => 'admin', 'x-in' => 'in', 'x-quote' => 'quote',
    'x-member' => 'member', 'x-case' => undef, 'x-string' => undef,
    'x-index' => undef, 'x-length' => undef, 'x-proto' => undef,
    'x-own' => undef, 'x-jose' => 'at+jwt', 'x-kid' => 'a.b',
    'x-text' => '<admin|nested>');
($record) = through('/paths', '"a.b":"flat","a":{"b":"nested"}');
all_are($record, 'a flat name and an object', 'x-dots' => 'flat',
    'x-url' => undef, 'x-text' => undef);
($record) = through('/paths', '"a.b":null,"a":{"b":"nested"}');
is_absent($record, 'x-dots', 'a flat null is found first, and missing');
($record) = through('/paths', '"a.b":{"c":"half"},"a":{"b":{"c":"deep"},'
    . '"b.c":"late"}');
all_are($record, 'two ways', 'x-dots' => '{"c":"half"}', 'x-in' => 'late');
($record) = through('/paths', '"a.b.c":"flat","a":{"b":{"c":"deep"}}');
is_sent($record, 'x-deep', 'flat', 'the exact flat name wins three deep');
($record) = through('/paths', '"a":{"b":{"c":"deep"}}');
is_sent($record, 'x-deep', 'deep', 'else each dot is a member');
for my $a ('"text"', '["b"]', 'null', '7', '[{"b":"x"}]') {
    ($record) = through('/paths', "\"a\":$a");
    all_are($record, "a is $a", 'x-dots' => undef, 'x-deep' => undef,
            'x-in' => undef);
}

# --- the request, as the client sent it ---------------------------------------

my $path = '/client/1%2b1%20%C3%A9/x/b%3Dc';
($record, $res) = through("$path?in=a%20b%2Bc+d&in=second&i%20n=n", '',
    'X-In: one', 'x-in: two', 'x.in~2: dotted', 'Cookie: a=1; in="q u"; in=2',
    'X-Header: spoofed', 'x_one: spoofed');
all_are($record, 'sources', 'x-header' => 'one, two', 'x-in' => 'one, two',
    'x-quoted' => 'dotted', 'x-query' => 'a b+c d', 'x-query2' => 'n',
    'x-cookie' => 'q u', 'x-one' => "1+1 \xc3\xa9",
    'x-both' => "b=c/1+1 \xc3\xa9", 'x-method' => 'GET',
    'x-host' => '127.0.0.1');
is(query_of($record), 'i%20n=n&in=a%20b%2Bc%20d&one=1%2B1%20%C3%A9',
   'a parameter that maps itself is decoded and encoded once');
($record) = through('/client/a/x/b', '');
all_are($record, 'nothing was sent', 'x-header' => undef, 'x-query' => undef,
    'x-cookie' => undef, 'x-quoted' => undef, 'x-one' => 'a');
is(query_of($record), 'one=a', 'and no parameter either');
($record) = through('/client/a/x/b', '', { method => 'POST', body => 'in=body' },
                    'X-HTTP-Method-Override: PUT');
all_are($record, 'POST', 'x-method' => 'POST', 'x-query' => undef);
($record) = through('/client/a/x/b', '', { method => 'HEAD' });
is_sent($record, 'x-method', 'HEAD', 'HEAD on a GET route is HEAD');

my @queries = (
    ['in=%zz', '%zz'], ['in=%4', '%4'], ['in=%', '%'], ['in=%2541', '%41'],
    ['in=', ''], ['in', ''], ['a=1&in=2', '2'], ['%69n=x', 'x'],
    ['in=1;in=2', '1;in=2'], ['a=1;in=2', undef], ['in=a=b', 'a=b'], ['IN=1', undef],
    ['inn=1', undef], ['in=%E2%82%AC', "\xe2\x82\xac"], ['in=%24%7Bx%7D', '${x}'],
    ['in=$request.jwt.sub', '$request.jwt.sub'], ['in=%ff', 403],
    ['in=%0d%0aX-Evil:1', 403], ['in=%00', 403], ['in=%09', 403],
    ['in=%20a', 403], ['in=a+', 403], ['in=' . 'x' x 4097, 403],
);
for my $case (@queries) {
    my ($query, $want) = @$case;
    my $shown = length $query > 50 ? substr($query, 0, 50) . '...' : $query;
    ($record, $res) = through("/client/a/x/b?$query", '');
    if (defined $want && $want eq '403') {
        is_error($res, 403, 'unmappable_value', "?$shown is 403");
        ok(!$record, "?$shown: nothing arrives");
        next;
    }
    all_are($record, "?$shown", 'x-query' => $want);
}
($record) = through('/client/a/x/b', '', 'Cookie: a=1', 'Cookie: in=2; in=3');
all_are($record, 'two Cookie lines', 'x-cookie' => '2');
my @cookies = (
    ['in=1', '1'], ['in="1"', '1'], ['in="', '"'], ['in=', ''], ['in=""', ''],
    ['in=a=b', 'a=b'], ['x=in; in=2', '2'], ['xin=1;in=2', '2'],
    ['in=1; in=2', '1'], [' in = 1 ', '1'], ['IN=1', undef], ['inn=1', undef],
    ['in', undef], ['in=%41+', '%41+'], ['in=a,b=1', 'a,b=1'], ["in=\xff", 403], ["in=a\tb", 403],
    ['in=" a"', 403],
);
for my $case (@cookies) {
    my ($cookie, $want) = @$case;
    ($record, $res) = through('/client/a/x/b', '', "Cookie: $cookie");
    (my $shown = $cookie) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    $want //= '';
    $want eq '403' ? is_error($res, 403, 'unmappable_value',
                              "Cookie: $shown is 403")
        : all_are($record, "Cookie: $shown",
                  'x-cookie' => defined $case->[1] ? $want : undef);
}
for my $case (["\xc3\xa9", "\xc3\xa9"], ["\xe9", 403], ["a\tb", 403],
              ['$config.env', '$config.env'], ['x' x 4096, 'x' x 4096],
              ['x' x 4097, 403]) {
    my ($sent, $want) = @$case;
    ($record, $res) = through('/client/a/x/b', '', "X-In: $sent");
    (my $shown = substr $sent, 0, 20) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    $shown .= ' (' . length($sent) . ')';
    $want eq '403' ? is_error($res, 403, 'unmappable_value', "X-In: $shown")
                   : all_are($record, "X-In: $shown", 'x-header' => $want);
}
for my $segment ('%20a', 'a%20', '%ff') {
    (undef, $res) = through("/client/$segment/x/b", '');
    is_error($res, 403, 'unmappable_value', "path parameter $segment is 403");
}
($record) = through('/client/%24request.jwt.sub/x/$%7Bconfig.env%7D', '');
all_are($record, 'parameters that look like expressions',
    'x-one' => '$request.jwt.sub',
    'x-both' => '${config.env}/$request.jwt.sub');

# --- variables ----------------------------------------------------------------

my $upstream = $ENV{UPSTREAM_URL} || "http://127.0.0.1:$ENV{UPSTREAM_PORT}";
($record) = through('/config', undef, 'X-Hidden: spoofed', 'x-hides: spoofed',
                    'x-nowhere: spoofed');
all_are($record, 'variables', 'x-plain' => 'from the table',
    'x-both' => 'route', 'x-hidden' => undef, 'x-only' => 'here',
    'x-hides' => undef, 'x-env' => $upstream, 'x-n' => '1' . '0' x 29,
    'x-list' => '["a",1,true]', 'x-csv' => 'a,1,true',
    'x-dollar' => '$request.jwt.sub', 'x-dots' => 'flat', 'x-deep' => '1.50',
    'x-name' => 'q', 'x-t' => 'true', 'x-obj' => '{"x":[1,{"y":null}]}',
    'x-text' => '<from the table>', 'x-nowhere' => undef,
    'x-literal' => 'just text', 'x-dollars' => '$request.jwt.sub $ ${x}');

# --- claims that nobody verified ----------------------------------------------

for my $claims (undef, '') {
    my $what = defined $claims ? 'auth: false with a good token'
                               : 'auth: false without a token';
    ($record, $res) = through('/public?v=spoofed', $claims, 'X-V: spoofed',
                              'x-default: spoofed');
    all_are($record, $what, 'x-v' => undef, 'x-default' => 'nobody');
    is(query_of($record), undef, "$what: no parameter");
    is(scalar(() = seen($record, 'authorization')), defined $claims ? 1 : 0,
       "$what: Authorization is not touched");
    (undef, $res) = through('/public/reject', $claims);
    is_error($res, 403, 'unmappable_value', "$what: reject is 403");
}
($record) = through('/optional', undef, 'X-V: spoofed');
is_absent($record, 'x-v', 'optional without a token: missing');
($record) = through('/optional', '', 'X-V: spoofed');
is_sent($record, 'x-v', 'alice', 'optional with a token: its claim');

# --- names --------------------------------------------------------------------

($record) = through('/names?a%20b%26c%3Dd=spoofed&a+b%26c%3dd=x&%c3%a9=y&x_y=z&k=1',
                    '"v":"1&2"');
is(query_of($record), 'k=1&a%20b%26c%3Dd=1%262&%C3%A9=1%262&x.y=1',
   'names of parameters are encoded, and stripped in every spelling');
($record) = through('/replace', '"v":"x"', 'Accept: a/b', 'User-Agent: mine');
all_are($record, 'fields that every client sends', accept => undef,
        authorization => 'Basic x', 'user-agent' => 'x');
($record) = through('/replace', '', 'Accept: a/b', 'User-Agent: mine');
all_are($record, 'the same, missing', accept => undef,
        authorization => undef, 'user-agent' => undef);
($record) = through('/text', '', 'Accept: a/b', 'User-Agent: mine');
all_are($record, 'on other routes', accept => 'a/b', 'user-agent' => 'mine');

# --- towards the client -------------------------------------------------------

($record, $res) = through('/response', '"v":"mapped"', 'X-Reply-X-V: theirs',
                          'X-Reply-X-Omitted: theirs', 'X-Reply-X-Other: kept');
is_deeply([fields($res, 'X-V')], ['mapped'], 'a response header is replaced');
is_deeply([fields($res, 'X-Omitted')], [], 'a missing one is removed');
is_deeply([fields($res, 'X-Literal')], ['yes'], 'a literal one is set');
is_deeply([fields($res, 'X-Other')], ['kept'], 'others stay');
is_absent($record, 'x-v', 'nothing of it goes upstream');
(undef, $res) = through('/response', '"v":"a\r\nSet-Cookie: x=1"');
is_error($res, 403, 'unmappable_value', 'a claim does not split an answer');

done_testing();
