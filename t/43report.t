# JwtMapEngine ReportOnly: it decides and says what it would refuse, but
# refuses nothing and removes no credential; mapped names are stripped all the
# same. Each case runs on a virtual host that is On, too.

use JwtMapTest;

my $good = token(-alg => 'HS256');
my $expired = token(-alg => 'HS256', exp => time - 60);
my $forged = $good =~ s/\.[^.]*$/.AAAA/r;
my @spoof = ('X-Sub: spoofed', 'x_sub: spoofed', 'x-lit: spoofed', 'X.V: spoofed');

# (what the upstream got, the answer, the log lines of ours).
sub through {
    my ($host, $target, @more) = @_;
    my %opt = ref $more[0] ? %{ shift @more } : ();
    my $mark = upstream_mark();
    my $log = error_log_mark();
    my $res = request($host, target => $target, %opt,
                      headers => [@spoof, @more]);
    my @records = upstream_since($mark);
    my @lines = grep { /would refuse|refused:/ } split /\n/,
        error_log_since($log);
    return (@records > 1 ? undef : $records[0], $res, @lines);
}

# --- what On refuses, ReportOnly forwards as it came --------------------------

my @tokens = (
    ['no token', 401, 'none'],
    ['a scheme that is not Bearer', 401, 'none', 'Authorization: Basic YTpi'],
    ['an expired token', 401, 'expired', "Authorization: Bearer $expired"],
    ['a forged token', 401, 'signature', "Authorization: Bearer $forged"],
    ['a token that is none', 401, 'malformed', 'Authorization: Bearer abc'],
    ['a token of alg none', 401, 'algorithm', 'Authorization: Bearer '
     . b64url('{"alg":"none"}') . '.' . b64url('{}') . '.AAAA'],
    ['a token for another', 401, 'audience', 'Authorization: Bearer '
     . token(-alg => 'HS256', aud => 'x')],
    ['two tokens', 400, 'credentials', 'Authorization: Bearer a',
     "Authorization: Bearer $good"],
    ['Bearer without a token', 400, 'credentials', 'Authorization: Bearer'],
);
for my $case (@tokens) {
    my ($what, $status, $verdict, @credential) = @$case;
    my ($sent) = join ', ', map { /^Authorization: (.*)/ ? $1 : () } @credential;
    for my $path ('/plain/x', '/own/x') {
        my $name = "$path, $what";
        my ($record, $res, @lines) = through('reporton', "$path?a=1&sub=s",
                                             @credential);
        is_status($res, $status, "$name: On says $status");
        ok(!$record, "$name: On lets nothing through");
        like("@lines", qr/refused: \w+/, "$name: On says why");
        my $access = access_log_mark();
        ($record, $res, @lines) = through('report', "$path?a=1&sub=s",
                                          @credential);
        is_status($res, 200, "$name: ReportOnly lets it through");
        is_absent($record, 'x-sub', "$name: without what was posed as a claim");
        is_absent($record, 'x-lit', "$name: nor as a literal");
        is(query_of($record), 'a=1', "$name: nor in the query");
        @credential ? is_sent($record, 'authorization', $sent,
                              "$name: Authorization as it came")
                    : is_absent($record, 'authorization', "$name: none is made");
        is(scalar(@lines), 1, "$name: is said once");
        like("@lines", qr/would refuse: /, "$name: as a would-be refusal");
        like("@lines", qr/route GET \Q$path\E?/, "$name: with the route")
            if $path eq '/plain/{.+}';
        like(access_log_since($access, "$path?a=1&sub=s"), qr/verdict=(?!ok)\S/,
               "$name: and the verdict is not ok");
        is(field($res, 'WWW-Authenticate'), undef, "$name: no challenge");
    }
}

# --- a good token -------------------------------------------------------------

my @bearer = ("Authorization: Bearer $good");
for my $path ('/plain/x', '/own/x') {
    my ($record, $res, @lines) = through('report', "$path?sub=s&a=1", @bearer);
    is_status($res, 200, "$path, a good token");
    is_sent($record, 'x-sub', 'alice', "$path: its claim arrives");
    is_sent($record, 'authorization', "Bearer $good",
            "$path: and no credential is removed");
    is("@lines", '', "$path: there is nothing to say");
    ($record) = through('reporton', $path, @bearer);
    is_absent($record, 'authorization', "$path: On removes it");
}
my ($record, $res) = through('report', '/plain/x?sub=s', @bearer);
is(query_of($record), 'sub=alice', 'the query is mapped');
is(field($res, 'x-back'), 'alice', 'the response is');
my $cookie = 'a=b; session=' . $good;
($record) = through('report', '/cookie', "Cookie: $cookie");
is_sent($record, 'cookie', $cookie, 'nor is a cookie removed');
is_sent($record, 'x-sub', 'alice', 'though its claim is mapped');

# --- require, and values ------------------------------------------------------

my @values = (
    ['/role', {}, 403, 'forbidden', 'require that is not met'],
    ['/reject', {}, 403, 'unmappable_value', 'a missing value'],
    ['/plain/x', { v => "a\r\nX-Evil: 1" }, 403, 'unmappable_value',
     'a value that cannot be mapped'],
);
for my $case (@values) {
    my ($path, $claims, $status, $code, $what) = @$case;
    my $token = 'Authorization: Bearer ' . token(-alg => 'HS256', %$claims);
    ($record, $res) = through('reporton', $path, $token);
    is_error($res, $status, $code, "$path, $what: On says $status");
    ok(!$record, "$path, $what: On lets nothing through");
    ($record, $res, my @lines) = through('report', $path, $token);
    is_status($res, 200, "$path, $what: ReportOnly lets it through");
    is_sent($record, 'x-sub', 'alice', "$path, $what: what can be set is set");
    is_absent($record, 'x-v', "$path, $what: what cannot is absent");
    is_absent($record, 'x-evil', "$path, $what: nothing is split");
    like("@lines", qr/would refuse/, "$path, $what: is said");
}

# --- paths --------------------------------------------------------------------

my @paths = (
    ['/nowhere', 'GET', 404], ['/plain/x', 'DELETE', 405],
    ['/plain/a%2fb', 'GET', 400], ['/plain/a%5cb', 'GET', 400],
    ['/plain/a%252fb', 'GET', undef], ['/role;x/..;/plain', 'GET', 404],
    ['/plain;x/a', 'GET', 400],
);
for my $case (@paths) {
    my ($target, $method, $status) = @$case;
    next unless $status;
    my %opt = (method => $method);
    ($record, $res) = through('reporton', $target, \%opt, @bearer);
    ok($res->{status} == $status || $res->{status} == 400,
       "$method $target: On says $status") || diag($res->{status});
    ok(!$record, "$method $target: On lets nothing through");
    ($record, $res, my @lines) = through('report', "$target?sub=s&a=1", \%opt,
                                         @bearer);
    is_status($res, 200, "$method $target: ReportOnly lets it through");
    is_absent($record, 'x-sub', "$method $target: stripped all the same");
    is($record && query_of($record), 'a=1', "$method $target: so is the query");
    is_sent($record, 'authorization', "Bearer $good",
            "$method $target: the credential stays");
    like("@lines", qr/would refuse/, "$method $target: is said");
}
# Own routes, where no httpd would know where else to send the request.
for my $target ('/own/a%2fb', '/own/a%5cb') {
    ($record, $res) = through('report', $target, @bearer);
    is_status($res, 200, "$target: ReportOnly refuses nothing of an own route");
    is_absent($record, 'x-sub', "$target: which is stripped");
}
($record, $res, my @said) = through('report', '/ownany/x?a=1&sub=s',
                                    { method => 'TRACE' }, @bearer);
is_status($res, 200, 'TRACE: ReportOnly refuses nothing of an own route');
is_absent($record, 'x-sub', 'TRACE: with nothing mapped that would come back');
is(query_of($record), 'a=1', 'TRACE: nor in the query');
like("@said", qr/would refuse: method/, 'TRACE: is said');
($record, $res) = through('report', '/own/x', { method => 'DELETE' });
is(body_json($res), undef,
   'a method that no own route has is not ours to answer');

# --- what is answered here ----------------------------------------------------

($record, $res) = through('report', '/static');
is_status($res, 200, 'a response answers as if the token had verified');
is($res->{body}, '{"static":true}', 'with its JSON');
($record, $res) = through('reporton', '/static');
is_error($res, 401, 'missing_token', 'which On does not');
for my $host (qw(report reporton)) {
    for my $credential ([], \@bearer) {
        (undef, $res) = through($host, '/service', @$credential);
        my $status = $host eq 'report' || @$credential ? 501 : 401;
        is_status($res, $status, "$host: 501 stays, with "
                  . (@$credential ? 'a' : 'no') . ' token');
    }
    (undef, $res) = through($host, '/plain/x', { method => 'OPTIONS' },
        'Origin: https://app.example', 'Access-Control-Request-Method: GET');
    is_status($res, 204, "$host: a preflight is answered");
    is(field($res, 'Access-Control-Allow-Origin'), 'https://app.example',
       "$host: with its fields");
}
($record, $res) = through('report', '/public?sub=s', @bearer);
is_sent($record, 'authorization', "Bearer $good", 'a public route');
is_absent($record, 'x-sub', 'is stripped');
($record, $res) = through('report', '/optional', "Authorization: Bearer $forged");
is_status($res, 200, 'optional and a bad token is let through');
is_absent($record, 'x-sub', 'without a claim');

# --- start-up -----------------------------------------------------------------

like(slurp(stage('t/logs/error_log')),
     qr{jwtmap:warn.*conf/report\.json.*ReportOnly.*`integration`}i,
     'start-up warns that own routes are proxied unauthenticated');

done_testing();
