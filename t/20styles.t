# Every way of proxying over HTTP/1, each with every spoofing attempt at once:
# each mapped name arrives exactly once and with our value, names without a
# value not at all, and all other octets of the query as the client sent them.

use JwtMapTest;

my $token = token(sub => 'alice', role => 'a b');
my @bearer = ("Authorization: Bearer $token");

# What else the path or the query of a style is. Default: /b/x, and the
# query of the client.
my @styles = (
    { style => 'pass' },
    { style => 'location' },
    { style => 'match' },
    { style => 'match-whole', path => '/match-whole/x' },
    { style => 'location-match' },
    { style => 'nocanon' },
    { style => 'location-nocanon' },
    { style => 'match-nocanon' },
    { style => 'noquery' },
    { style => 'interpolate' },
    { style => 'encoded' },
    { style => 'encoded-nocanon' },
    { style => 'servlet' },
    { style => 'balancer' },
    { style => 'balancer-nocanon' },
    { style => 'unix' },
    { style => 'unix-nocanon' },
    { style => 'upgrade', path => '/u/x' },
    { style => 'handler', path => qr{/handler$} },
    { style => 'handler-unix', path => qr{/handler-unix$} },
    { style => 'handler-balancer', path => qr{/handler-balancer$} },
    { style => 'rewrite' },
    { style => 'rewrite-ne' },
    { style => 'rewrite-qsa', before => 'own=1&' },
    { style => 'rewrite-ne-qsa', before => 'own=1&' },
    { style => 'rewrite-own', query => 'own=1&' },
    { style => 'rewrite-drop', query => '' },
    { style => 'rewrite-copy' },
    { style => 'rewrite-balancer' },
    { style => 'rewrite-balancer-ne' },
    { style => 'rewrite-unix' },
    { style => 'rewrite-handler', path => qr{/x$} },
    { style => 'rewrite-pt', before => 'pt=1&' },
    { style => 'dir' },
    { style => 'dir-ne' },
    { style => 'dir-qsa', before => 'own=1&' },
    { style => 'dir-ne-qsa', before => 'own=1&' },
    { style => 'dir-balancer' },
    { style => 'dir-internal', before => 'in=1&' },
    { style => 'location-rewrite' },
);

my @spoofs = map { "$_: root" } qw(
    X-User-Id x-user-id X_USER_ID x.user.id X-User_Id x_user.id
    x.role_name X-Role-Name x_role_name X.ROLE.NAME X-Absent x_absent x.absent
);
my @nominated = ('Connection: close, X-User-Id', 'Connection: x.role_name',
                 'Connection: x_user_id ,X-ABSENT,, x-role-name');
my @posed = qw(
    actor=root %61ctor=root %61%63%74%6f%72=root +actor=root %20actor=root
    actor[]=root actor[x]=root actor%5B%5d=root actor%5Bx=root actor%00=root
    actor%00x=root actor actor= user_id=root user.id=root user+id=root
    user%20id=root user[id=root user%5bid=root user%2eid[]=root absent=root
);
my @kept = ('q=%41+b%2b%ZZ', 'Actor=1', 'actors=2', '', 'x=actor=3', '%', 'q');

# client: posed and kept in turn; the rest of it: kept alone
sub mixed {
    my @all = @kept;
    splice @all, 1 + $_ % @kept, 0, $posed[$_] for 0 .. $#posed;
    return (join('&', @all), join '&', @kept);
}

sub check {
    my ($s, $record, $kept, $how) = @_;
    my $query = exists $s->{query} ? $s->{query} : ($s->{before} || '') . $kept;
    my $path = $s->{path} || '/b/x';
    $query .= '&' if length $query && $query ne 'own=1&';
    my ($got_path, $got_query) = $record
        ? split(/\?/, target_of($record), 2) : ('', '');
    is_sent($record, 'x-user-id', 'alice', "$how: the claim arrives once");
    is_sent($record, 'x.role_name', 'a b', "$how: so does the other");
    is_absent($record, 'x-absent', "$how: a name without a value is absent");
    is_absent($record, 'authorization', "$how: the token stays here");
    ref $path ? like($got_path, $path, "$how: the path is that of the style")
        : is($got_path, $path, "$how: the path is that of the style");
    is($got_query, "${query}actor=alice&user_id=a%20b",
        "$how: the query is the client's, then ours");
}

my ($client, $kept) = mixed();
for my $s (@styles) {
    my $mark = upstream_mark();
    my $res = get('styles', "/$s->{style}/x?$client", @bearer, @spoofs,
                  @nominated);
    my @records = upstream_since($mark);
    is_status($res, 200, "$s->{style}: the request is let through");
    is(scalar @records, 1, "$s->{style}: as one request");
    check($s, $records[0], $kept, $s->{style});

    # mod_http2 wants another MPM than prefork.
    check($s, curl_upstream('styles', "/$s->{style}/x?$client", '-g',
        '--http2-prior-knowledge', map { ('-H', $_) } @bearer, @spoofs), $kept,
        "$s->{style} from HTTP/2") if $ENV{JWTMAP_MPM} ne 'prefork';

    $mark = upstream_mark();
    is_error(get('styles', "/$s->{style}/x?$client", @spoofs), 401,
        'missing_token', "$s->{style}: without a token it is refused");
    nothing_upstream($mark, "$s->{style}: then nothing is sent");
}

done_testing();
