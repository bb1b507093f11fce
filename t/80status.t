# The status page and its numbers: exact over several children, the same in
# each format, in mod_status and in the log; nothing of a request or a key.

use JwtMapTest;
use Digest::SHA ();
use JwtMapServer;

mkdir stage('t/logs/pages');
mkdir stage('t/logs/pages/dir');
spew(stage('t/logs/pages/dir/index.html'), "<p>index</p>\n");
spew(stage("t/logs/pages/$_"), "$_\n")
    for qw(open token hmac require scope reject);

my $conf = JwtMapServer::THREE_CHILDREN . <<'CONF';
    JwtMapSecretsDir conf/secrets
    JwtMapConfig conf/status.json
    DocumentRoot logs/pages
    DirectoryIndex index.html
    LogFormat "%P %>s %{jwtmap.verdict}n %{jwtmap.authorizer}n route=%{jwtmap.route}n" verdicts
    CustomLog logs/counts/access_log verdicts
    CustomLog logs/counts/refused_log verdicts "expr=note('jwtmap.verdict') !~ /^(ok|none)?$/ || %{REQUEST_STATUS} == 401"
    <Directory logs/pages>
        Require all granted
    </Directory>
    <Location /jwtmap-status>
        SetHandler jwtmap-status
        JwtMapEngine Off
    </Location>
    <Location /server-status>
        SetHandler server-status
        JwtMapEngine Off
    </Location>
    <Location /report>
        JwtMapEngine ReportOnly
    </Location>
    ProxyPass /report ${UPSTREAM_URL}
    <Location /authz>
        AuthType Bearer
        Require jwtmap-claim role admin
    </Location>
CONF
my $server = JwtMapServer->start('counts', $conf);
my $port = $server->port;

sub status_page {
    my ($query) = @_;
    return get($port, '/jwtmap-status' . (defined $query ? "?$query" : ''));
}

sub status { return body_json(status_page('format=json')) }

# --- before the first request -----------------------------------------------------

my $zero = status();
is($zero->{requests}, 0, 'a new start counts from zero');
is_deeply($zero->{refused_by}, {}, 'without refusals');
like(status_page()->{body}, qr/Nothing was refused/, 'which the page says');

# --- a known series -------------------------------------------------------------------

my $good = token();
my @cases = (
    # requests, status, verdict, target, token
    [3, 200, 'ok', '/token', $good],
    [2, 200, 'ok', '/hmac', token(-alg => 'HS256')],
    [4, 200, 'none', '/open'],
    [2, 200, 'none', '/optional'],
    [1, 200, 'ok', '/optional', $good],
    [1, 401, 'none', '/token'],
    [2, 401, 'malformed', '/token', 'a.b'],
    [3, 401, 'header', '/token', token(-header => { crit => ['exp'] })],
    [2, 401, 'algorithm', '/token', token(-alg => 'RS512')],
    [1, 401, 'key', '/token', token(-header => { kid => 'stray-kid' })],
    [4, 401, 'signature', '/token', token(-key => 'rsa2', -header => { kid => 'rsa' })],
    [2, 401, 'typ', '/token', token(-header => { typ => 'dpop+jwt' })],
    [1, 401, 'claim', '/token', token(exp => undef)],
    [2, 401, 'issuer', '/token', token(iss => 'https://other')],
    [3, 401, 'audience', '/token', token(aud => 'other')],
    [2, 401, 'not_yet', '/token', token(nbf => time + 600)],
    [1, 401, 'lifetime', '/token', token(exp => time + 86400)],
    [2, 401, 'bound', '/token', token(cnf => { jkt => 'x' })],
    [5, 401, 'expired', '/token', token(exp => time - 60)],
    [2, 403, 'require', '/require', $good],
    [1, 403, 'scope', '/scope', $good],
    [2, 403, 'missing', '/reject', $good],
    [1, 403, 'unmappable', '/reject', token(email => "a\nb")],
    [3, 404, 'not_found', '/nowhere'],
    [2, 400, 'path', '/open%255c'],
    [1, 501, 'not_implemented', '/foreign'],
    # refused after it was let through by its route: counted once
    [2, 403, 'require', '/authz/x', $good],
    [1, 404, 'ok', '/authz/x', token(role => 'admin')],
    # a directory and its index: one request, and later passes of it
    [2, 200, 'ok', '/dir/', $good],
    # ReportOnly
    [3, 200, 'expired', '/report/x', token(exp => time - 60)],
    [2, 200, 'none', '/report/x'],
    [1, 200, 'ok', '/report/x', $good],
);

my (%refused, %would, %passed);
my ($requests, $verifications) = (0, 0);
for my $case (@cases) {
    my ($times, $status, $verdict, $target, $token) = @$case;
    my @got;
    for (1 .. $times) {
        my $res = get($port, $target, defined $token
            ? "Authorization: Bearer $token" : ());
        push @got, $res->{status};
    }
    is("@got", join(' ', ($status) x $times), "$verdict on $target: $status");
    note_case($times, $status, $verdict, $target, $token);
}

sub note_case {
    my ($times, $status, $verdict, $target, $token) = @_;
    $requests += $times;
    $verifications += $times if $token;
    my $row = $target =~ m{^/report/} ? \%would : \%refused;
    return $passed{verified} += $times if $verdict eq 'ok';
    return $passed{anonymous} += $times
        if $verdict eq 'none' && $status == 200 && $row != \%would;
    $row->{$verdict} += $times;
}

# What takes another method, or more than one field.
is_status(request($port, method => 'POST', target => '/open'), 405,
          'method on /open: 405');
is_status(get($port, '/token', 'Authorization: Bearer a',
              'Authorization: Bearer b'), 400, 'credentials on /token: 400');
is_status(request($port, method => 'OPTIONS', target => '/token', headers => [
    'Origin: https://app.example', 'Access-Control-Request-Method: GET']), 204,
    'a preflight: 204');
$refused{$_} = 1 for qw(method credentials);
$passed{preflight} = 1;
$requests += 3;
$verifications++;    # "a, Bearer b" is looked at as a token before it is blamed

# More at the same time than one child has threads.
my @sockets = map { connect_to($port) } 1 .. 5;
for my $socket (@sockets) {
    $socket->autoflush(1);
    print $socket "GET /report/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
        "X-Reply-Delay: 1\r\nAuthorization: Bearer $good\r\n\r\n";
}
is(read_response($_)->{status}, 200, 'one of several at the same time: 200')
    for @sockets;
$passed{verified} += 5;
$requests += 5;
$verifications += 5;

my %children;
wait_for(5, sub {    # two more for the page so far
    my $lines = () = slurp(stage('t/logs/counts/access_log')) =~ /\n/g;
    $lines >= $requests + 2;
});
$children{$_}++ for slurp(stage('t/logs/counts/access_log')) =~ /^(\d+) /mg;
cmp_ok(scalar keys %children, '>', 1, 'several children answered');

# --- the numbers ------------------------------------------------------------------------

my $got = status();
is($got->{requests}, $requests, 'all requests are counted');
is($got->{$_}, $passed{$_}, "$_: $passed{$_}") for sort keys %passed;
is_deeply($got->{refused_by}, \%refused, 'refusals are counted by reason');
is_deeply($got->{would_refuse_by}, \%would, 'and those of ReportOnly');
is($got->{refused}, sum(values %refused), 'and as a whole');
is($got->{would_refuse}, sum(values %would), 'those too');
cmp_ok($got->{internal}, '>=', 2, 'later passes are counted apart');

my ($table) = @{ $got->{tables} };
my %route = map { ($_->{route} // '') => $_ } @{ $table->{routes} };
is($route{'GET /hmac'}{verified}, 2, 'a route has its own numbers');
is($route{'GET /open'}{anonymous}, 4, 'also an open one');
is($route{'GET /token'}{refused_by}{expired}, 5, 'and its own reasons');
is($route{'ANY /report/{.+}'}{would_refuse_by}{expired}, 3, 'of both kinds');
is($route{''}{refused_by}{not_found}, 3, 'what has no route has a row too');
is($route{'GET /authz/{.+}'}{refused_by}{require}, 2,
   'a Require line counts for the route');
is($route{'GET /authz/{.+}'}{requests}, 3, 'once for each request');
is($route{'GET /dir/{.+}'}{requests}, 2, 'an index is the request that it was');
is(sum(map { $_->{requests} } @{ $table->{routes} }), $requests,
   'the rows add up');
is(sum(map { $_->{count} } @{ $got->{verification}{buckets} }), $verifications,
   'each token that was looked at is in one bucket');
cmp_ok($got->{verification}{seconds}, '>', 0, 'and took time');
cmp_ok($got->{verification}{seconds} / $verifications, '<', 1, 'but not long');

# --- the log and the notes agree ---------------------------------------------------------

my (%lines, %noted);
my $log = $server->error_log;
$lines{$1}{$2}++ while $log =~ /\b(refused|would refuse): (\w+) \(/g;
is_deeply($lines{refused}, \%refused, 'each refusal has its line in the log');
is_deeply($lines{'would refuse'}, \%would, 'and each of ReportOnly');
like($log, qr{refused: key \(.*\), route GET /token, authorizer default, kid stray-kid$}m,
     'a line names reason, route, authorizer and kid');

my %sum = %refused;
$sum{$_} += $would{$_} for keys %would;
my $access = slurp(stage('t/logs/counts/access_log'));
for my $verdict (sort keys %sum) {
    next if $verdict eq 'none';
    my $notes = () = $access =~ /^\d+ \d+ $verdict /mg;
    is($notes, $sum{$verdict}, "the note jwtmap.verdict says $verdict as often");
}
my $recipe = slurp(stage('t/logs/counts/refused_log'));
my $shown = () = $recipe =~ /\n/g;
is($shown, sum(values %sum) - $would{none}, 'the recipe of the README logs refusals alone');

# --- Prometheus ---------------------------------------------------------------------------

my $res = status_page('format=prometheus');
is(field($res, 'Content-Type'), 'text/plain; version=0.0.4; charset=utf-8',
   'the text format has its media type');
my %series = read_prometheus($res->{body});
my $file = stage('t/conf/status.json');
is($series{jwtmap_requests_total}{qq(outcome="verified",table="$file")},
   $passed{verified}, 'it has the numbers of the table');
is($series{jwtmap_refusals_total}{qq(table="$file",verdict="$_")}, $refused{$_},
   "and its refusals: $_") for sort keys %refused;
is($series{jwtmap_refusals_total}{qq(table="$file",verdict="revoked")}, 0,
   'also those that never happened');
is($series{jwtmap_would_refuse_total}{qq(table="$file",verdict="expired")}, 3,
   'and those of ReportOnly');
is($series{jwtmap_route_refusals_total}
   {qq(route="GET /token",table="$file",verdict="expired")}, 5,
   'and those of a route');
is($series{jwtmap_verify_seconds_count}{qq(table="$file")}, $verifications,
   'the histogram counts all');
is($series{jwtmap_verify_seconds_bucket}{qq(le="+Inf",table="$file")},
   $verifications, 'its last bucket too');
is($series{jwtmap_keys}{qq(authorizer="default",source="jwks_file",table="$file")},
   5, 'the keys of an authorizer');

# The whole body by the grammar of the format; dies where it is not.
sub read_prometheus {
    my ($text) = @_;
    my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
    my $label = qr/[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"/;
    my (%type, %series, $family, %closed);
    my @bad;
    for (split /\n/, $text, -1) {
        if (/^# HELP ($name) (?:[^\\\n]|\\[\\n])*$/) {
            $closed{$family}++ if $family;
            push @bad, "$_: apart from its family" if $closed{$1};
            $family = $1;
        }
        elsif (/^# TYPE ($name) (counter|gauge|histogram)$/) {
            push @bad, "$_: not after its HELP" if $1 ne $family || $type{$1}++;
        }
        elsif (/^($name)(?:\{($label(?:,$label)*)\})? (\d+(?:\.\d+)?)$/) {
            my ($metric, $labels, $value) = ($1, $2 // '', $3);
            push @bad, "$_: of another family"
                if $metric !~ /^\Q$family\E(?:_bucket|_sum|_count)?$/;
            my $key = join ',', sort $labels =~ /$label/g;
            push @bad, "$_: twice" if exists $series{$metric}{$key};
            $series{$metric}{$key} = $value;
        }
        elsif ($_ ne '') {
            push @bad, $_;
        }
    }
    is("@bad", '', 'each line is of the grammar');
    like($text, qr/\n\z/, 'the last one is ended');
    my @buckets = map { $series{jwtmap_verify_seconds_bucket}{$_} }
        sort { bound_of($a) <=> bound_of($b) } keys %{ $series{jwtmap_verify_seconds_bucket} };
    is("@buckets", join(' ', sort { $a <=> $b } @buckets), 'buckets add up');
    return %series;
}

sub bound_of { return $_[0] =~ /le="([\d.]+)"/ ? $1 : 9e9 }

# --- the page -----------------------------------------------------------------------------

$res = status_page();
my $page = $res->{body};
is_status($res, 200, 'the page is there');
is(field($res, 'Content-Type'), 'text/html; charset=utf-8', 'as HTML');
is(field($res, 'Cache-Control'), 'no-store', 'kept nowhere');
is(field($res, 'X-Content-Type-Options'), 'nosniff', 'taken for nothing else');
my ($style) = $page =~ m{<style>(.*?)</style>}s;
my $hash = Digest::SHA::sha256_base64($style) . '=';
my $csp = field($res, 'Content-Security-Policy');
like($csp, qr/^default-src 'none'; style-src 'sha256-\Q$hash\E';/,
     'its policy allows its own style sheet alone');
unlike($csp, qr/unsafe/, 'and nothing unsafe');
unlike($page, qr/<script|\son\w+=|\sstyle=|javascript:|<(?:img|link|iframe)\b/i,
       'there is no script, no inline style, no other file');
unlike($page =~ s{"http://www\.w3\.org/[^"]*"}{}gr, qr{(?:src|href)="(?!\?)},
       'links stay on the page');
like($page, qr{GET /odd/&lt;script&gt;alert\(1\)&lt;script&gt;/(?:&quot;|&#34;|")&amp;(?:'|&#39;)},
     'text of the table is escaped');
is(xmllint($page), '', 'it is well-formed');
like($page, qr/prefers-color-scheme:dark/, 'it has a dark side');

# What xmllint says of an XML text: nothing, where it is well-formed.
sub xmllint {
    my ($text) = @_;
    my $name = stage('t/logs/page.xml');
    spew($name, $text);
    open my $out, '-|', 'sh', '-c', 'xmllint --nonet --noout "$0" 2>&1 || echo failed',
        $name or die "sh: $!\n";
    local $/;
    return scalar <$out>;
}

for my $query (undef, 'format=json', 'format=prometheus') {
    my $what = $query // 'HTML';
    my $text = status_page($query)->{body};
    unlike($text, qr/eyJ|\Q${\ JwtMapKeys::SECRET_MARK}\E|-----BEGIN/,
           "$what shows no token, secret or key");
    unlike($text, qr/alice|dpop|stray-kid|nowhere/, "$what shows nothing of a request");
}

# --- methods and parameters ---------------------------------------------------------------

$res = request($port, method => 'HEAD', target => '/jwtmap-status');
is_status($res, 200, 'HEAD is answered');
is($res->{body}, '', 'without a body');
is(field($res, 'Content-Security-Policy'), $csp, 'with the same fields');
for my $method (qw(POST PUT DELETE OPTIONS PROPFIND BREW)) {
    $res = request($port, method => $method, target => '/jwtmap-status');
    is_status($res, 405, "$method is 405");
    like(field($res, 'Allow') // '', qr/\bGET\b/, 'which says what is allowed');
}
is_status(status_page('format=yaml'), 400, 'an unknown format is 400');
is(field(status_page('refresh=7'), 'Refresh'), '7', 'it reloads where asked to');
is(field(status_page('refresh=0;url=//x'), 'Refresh'), undef,
   'and only after seconds');
is(field(status_page('refresh=9999'), 'Refresh'), undef, 'not too many');
is(status()->{requests}, $requests, 'looking at it counts nothing');

# --- mod_status -----------------------------------------------------------------------------

my $auto = get($port, '/server-status?auto')->{body};
like($auto, qr/^JwtMapRequests: $requests$/m, 'mod_status says how many');
like($auto, qr/^JwtMapRefused: $got->{refused}$/m, 'and how many were refused');
like($auto, qr/^JwtMapWouldRefuse: $got->{would_refuse}$/m, 'and would be');
like($auto, qr/^JwtMapVerifyNanoseconds: [1-9]\d*$/m, 'and what one costs');
like(get($port, '/server-status')->{body},
     qr{<h2>mod_jwtmap</h2>\n<dl>\n<dt>Requests: $requests</dt>},
     'on its page too');

# --- a child that crashes, a graceful restart -------------------------------------------------

my ($child) = keys %children;
kill 'KILL', $child;
is_status(get($port, '/open'), 200, 'httpd answers after a child was killed');
is(status()->{requests}, $requests + 1, 'and has lost no number');
ok($server->graceful, 'a graceful restart');
is_status(get($port, '/open'), 200, 'is answered');
is(status()->{requests}, 1, 'and counts anew');
ok($server->stop, 'it stops');

# --- ten thousand routes, and none ------------------------------------------------------------

my @paths = map { qq({"method":"GET","path":"/r$_","auth":false,"response":$_}) }
    0 .. 9999;
spew(stage('t/logs/many.json'), '{"paths":[' . join(',', @paths) . ']}');
$server = JwtMapServer->start('many', <<'CONF');
    JwtMapConfig logs/many.json
    <Location /jwtmap-status>
        SetHandler jwtmap-status
        JwtMapEngine Off
    </Location>
CONF
$port = $server->port;
is(get($port, "/r$_")->{body}, $_, "a table of 10,000 routes answers: $_")
    for 0 .. 24, 9999, 9999;
$page = status_page()->{body};
is(() = $page =~ m{<code>GET /r\d+</code>}g, 10000, 'all are on the page');
my ($open) = split /<details>/, $page;
is(() = $open =~ m{<tr><th scope="row"><code>GET /r\d+</code>}g, 20,
   'twenty of them unfolded');
like($open, qr{<code>GET /r9999</code>.*?<code>GET /r0</code>}s,
     'those with the most requests first');
like($page, qr{<summary>9,981 more routes, 6 requests</summary>}, 'then the rest');
is(xmllint($page), '', 'it is well-formed');
$res = status_page('format=prometheus');
my $count = () = $res->{body} =~ /\n/g;
cmp_ok($count, '<', 140, 'the text format has the routes in use alone');
like($res->{body}, qr{^jwtmap_route_requests_total\{table="[^"]*",route="GET /r9999",outcome="anonymous"\} 2$}m,
     'with their numbers');
$server->stop;

$server = JwtMapServer->start('bare', <<'CONF');
    <Location /jwtmap-status>
        SetHandler jwtmap-status
    </Location>
CONF
$port = $server->port;
like(status_page()->{body}, qr/No route table is in force/, 'without a table the page says so');
is_deeply(status()->{tables}, [], 'and so does the JSON');
read_prometheus(status_page('format=prometheus')->{body});
$server->stop;

# --- with the tables of all other tests ---------------------------------------------------------

$res = get('status', '/jwtmap-status?format=json');
my $all = body_json($res);
cmp_ok(scalar @{ $all->{tables} }, '>', 0, 'tables of several hosts are there');
my %engine = map { $_->{engine} => 1 } @{ $all->{in_force} };
ok($engine{On}, 'with where they are in force');
is(xmllint(get('status', '/jwtmap-status')->{body}), '', 'it is well-formed');

sub sum {
    my $sum = 0;
    $sum += $_ for @_;
    return $sum;
}

done_testing();
