# `jwtmapctl explain` shows the request line that goes upstream: the same that
# does.

use JwtMapTest;
use JwtMapVerify;

my $url = $ENV{UPSTREAM_URL};
my ($port) = $url =~ /:(\d+)$/;
my %define = (
    UPSTREAM_URL => $url,
    OWN_BASE => "$url/base", OWN_SLASH => "$url/slash/", OWN_ROOT => "$url/",
    OWN_ENCODED => "$url/a%20b%c3%a4+c",
    OWN_UNIX => "unix:$ENV{UPSTREAM_SOCKET}|http://own.socket/sock",
    OWN_WS => "ws://127.0.0.1:$port/ws",
    OWN_SINGLE => "http://localhost:$port/single",
);

sub explained {
    my ($table, $method, $target, @options) = @_;
    my ($rv, $out, $err) = ctl('', 'explain', '--json',
        (map { ('-D', "$_=$define{$_}") } keys %define), @options,
        stage("t/conf/$table"), $method, $target, '--claims', '{"sub":"alice"}');
    is($rv, 0, "$method $target passes") or diag $err;
    return body_json({ body => $out });
}

# What came to the upstream of one request.
sub sent {
    my ($host, $method, $target) = @_;
    my $mark = upstream_mark();
    request($host, method => $method, target => $target,
            headers => ['Authorization: Bearer ' . token(sub => 'alice')]);
    my ($record) = upstream_since($mark);
    return $record ? $record->{head}[0] : 'nothing';
}

for my $case (
    ['GET', '/base', "$url/base/"],
    ['GET', '/base/x/y?a=1&actor=root&b=%41', "$url/base/x/y"],
    ['GET', '/base?', "$url/base/"],
    ['HEAD', '/slash', "$url/slash/"],
    ['POST', '/slash/x', "$url/slash/x"],
    ['GET', '/root/', "$url/"],
    ['GET', '/root/x/y', "$url/x/y"],
    ['GET', '/bare', "$url/"],
    ['GET', '/encoded/x', "$url/a%20b%C3%A4+c/x"],
    ['GET', '/unix/x', "$define{OWN_UNIX}/x"],
    ['GET', '/balancer/x', 'balancer://own/x'],
    ['GET', '/balanced', 'balancer://own/members/'],
    ['GET', '/two/parts/x', "$url/base/x"],
    ['GET', '/whole/7/x/y', "$url/slash/whole/7/x/y"],
    ['GET', '/plain', "$url/base/plain"],
    ['GET', '/base/a%20b', "$url/base/a%20b"],
    ['GET', '/base/%c3%a4%C3%84%22', "$url/base/%C3%A4%C3%84%22"],
    ['GET', '/base/a%3Fb=c', "$url/base/a%3Fb=c"],
    ['GET', '/base/%61%62/../c//d', "$url/base/c/d"],
    ['GET', q{/base/a+b@c:d!$&'()*,=~}, qq{$url/base/a+b\@c:d!\$&'()*,=~}],
    ['GET', '/loose/a%2Fb%2fc;d', "$url/base/a%2Fb%2fc;d"],
) {
    my ($method, $target, $want) = @$case;
    my $got = explained('own.json', $method, $target);
    is($got->{url} =~ s/\?.*//r, $want, "$target goes to $want");
    is($got->{request_line}, sent('own', $method, $target),
       "with the line that goes there: $got->{request_line}");
}

# Without an integration: the path and query as httpd hands them on.
my $target = '/api/a%20b?x=1&actor=root';
my $got = explained('spoof.json', 'GET', $target);
is($got->{url}, undef, 'a route without integration has no URL');
is($got->{request_line}, sent('spoof', 'GET', $target),
   "and the line that ProxyPass makes its own of: $got->{request_line}");

done_testing();
