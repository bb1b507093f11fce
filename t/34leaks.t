# What a route maps is for its upstream alone: a claim, or a key of the
# gateway, goes neither to the target of an internal redirect, nor to an error
# page, nor back to the client.

use JwtMapTest;

my @bearer = ('Authorization: Bearer ' . token(sub => 'alice'));
my @names = ('x-user-id', 'x-api-key');
my $mapped = qr/actor|alice|hush-hush|key=/;

# What the upstream got of one request to the virtual host.
sub through {
    my (%opt) = @_;
    my $mark = upstream_mark();
    my $res = request('leaks', %opt);
    return ($res, upstream_since($mark));
}

# The requests below /in/ that mod_status shows.
sub shown {
    return grep { m{/in/} } split /\n/, get('leaks', '/status')->{body};
}

my ($res, $record) = through(target => '/in/x?a=1', headers => [@bearer]);
is_status($res, 200, 'a mapped request is let through');
is_sent($record, $_->[0], $_->[1], "with its $_->[0]")
    for ['x-user-id', 'alice'], ['x-api-key', 'hush-hush-upstream-key'],
        ['authorization', 'hush-hush-upstream-key'];
is(query_of($record), 'a=1&actor=alice&key=hush-hush-upstream-key',
    'and its query');

for my $case (['/in/redirected?a=1', '/off/target', 'where the engine is off'],
              ['/in/keeps?a=1', '/keeps/target', 'that keeps the parameter']) {
    my ($target, $path, $what) = @$case;
    ($res, $record) = through(target => $target, headers => [
        @bearer, 'X-User-Id: root']);
    is_status($res, 200, "an internal redirect to a path $what is served");
    like(target_of($record), qr/^\Q$path\E/, 'as its target');
    is_absent($record, $_, "without $_") for @names;
    is_sent($record, 'authorization', $bearer[0] =~ s/^Authorization: //r,
        'with the Authorization of the client, not of the first route');
    unlike(query_of($record) // '', $mapped, 'and without the mapped query');
}

my @records;
($res, @records) = through(target => '/in/x', headers => [
    @bearer, 'X-Reply-Status: 503']);
cmp_ok(scalar @records, '>=', 2, 'an error page of an upstream is fetched');
like(target_of($records[1]), qr{^/off/page}, 'from where the engine is off');
is_absent($records[1], $_, "without $_") for @names;
unlike(target_of($records[1]), $mapped, 'and without the mapped query');

($res) = through(target => '/in/moved?a=1', headers => [@bearer]);
is_status($res, 302, 'a Redirect on a proxied path is answered');
like(field($res, 'Location'), qr{^https://other\.example/there},
    'to where it says');
unlike($res->{head} . $res->{body}, $mapped,
    'and shows nothing mapped, neither in its fields nor in its page');

for my $max ([], ['Max-Forwards: 0']) {
    my $mark = upstream_mark();
    $res = request('leaks', method => 'TRACE', target => '/in/x',
        headers => [@bearer, @$max]);
    is_error($res, 405, 'method_not_allowed',
        "TRACE on a route that maps is 405 (@$max)");
    unlike($res->{head} . $res->{body}, $mapped, 'and echoes nothing mapped');
    nothing_upstream($mark, 'nor does the upstream');
}

($res, $record) = through(target => '/.well-known/acme-challenge/a-B_9',
    headers => ['X-User-Id: root']);
is_status($res, 200, 'the shipped Off block lets a certificate be renewed');
is($record && (seen($record, 'x-user-id'))[0], 'root', 'out of scope');
for my $path ('/.well-known/acme-challenge/..;/..;/in/x',
              '/server-status/..;/in/x') {
    my $mark = upstream_mark();
    $res = get('leaks', $path, 'X-User-Id: root');
    is_error($res, 400, 'bad_path', "$path is no way past the table");
    nothing_upstream($mark, 'and goes nowhere');
}

my $slow = connect_to('leaks');
print $slow "GET /in/slow?a=1 HTTP/1.1\r\nHost: a\r\n$bearer[0]\r\n"
    . "X-Reply-Delay: 1\r\nConnection: close\r\n\r\n";
$slow->flush;
wait_for(3, sub { get('leaks', '/status')->{body} =~ m{/in/slow} });
my @lines = shown();
ok((grep { m{GET /in/slow\?a=1} } @lines), 'mod_status shows the request');
unlike("@lines", $mapped, 'as the client sent it');
read_response($slow);
# The place of a request that is done may have another one by now.
for (1 .. 20) {
    get('leaks', '/in/done?a=1', @bearer);
    @lines = shown();
    last if grep { m{/in/done} } @lines;
}
ok((grep { m{GET /in/done\?a=1} } @lines), 'also when it is done');
unlike("@lines", $mapped, 'as the client sent it, still');

done_testing();
