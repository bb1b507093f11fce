# Each verdict of src/jm_error.c, one by one: its status, and its reason in the
# answer, in the log, in the note, in the metrics and in `jwtmapctl explain`.
# A verdict without a case here fails.

use JwtMapTest;
use JwtMapServer;
use JwtMapVerify;

# verdict -> { status, code }, from the source.
my %row;
my $source = slurp(stage('src/jm_error.c')) =~ s/INVALID_TOKEN(?=,)/"invalid_token", ""/gr
    =~ s/MISSING_TOKEN(?=,)/"missing_token", ""/gr =~ s/UNMAPPABLE(?=,)/"unmappable_value", ""/gr;
$row{$1} = { status => $2, code => $3 }
    while $source =~ /^    \[JM_\w+\] = \{ "(\w+)",\s*"(?:[^"]|"\s*")*",\s*(\d+),\s*"(\w*)"/mg;
my $entries = () = $source =~ /^    \[JM_\w+\] = /mg;
is(scalar keys %row, $entries, 'the table of verdicts is read as a whole');
delete $row{ok};

my $dir = stage('t/conf/verdicts');
mkdir $dir;
spew("$dir/revoked", "jti:gone\n");
my %check = (type => 'jwt', issuer => 'https://issuer.example', audience => 'api://gateway');
my $table = {
    servers => [{ alias => 'up', url => $ENV{UPSTREAM_URL} }],
    authorizer => { %check, algorithms => ['RS256'], jwks_file => '../keys/jwks.json',
                    max_lifetime => 7200, revoked_file => 'revoked' },
    authorizers => { far => { %check, jwks_uri => 'http://127.0.0.1:1/jwks' } },
    paths => [
        route('GET', '/token', auth => \1),
        route('GET', '/far', auth => 'far'),
        route('GET', '/require', auth => \1, require => { role => 'admin' }),
        route('GET', '/scope', auth => \1, require => { scope => 'write' }),
        route('GET', '/reject', auth => \1, mapping => { headers => {
            'x-mail' => { from => '$request.jwt.email', on_missing => 'reject' } } }),
        { method => 'GET', path => '/foreign', auth => \0, integration => { type => 'service' } },
        { method => 'GET', path => '/inner/x', auth => \0,
          integration => { type => 'http', server => 'up' } },
    ],
};
spew("$dir/table.json", json($table));
spew("$dir/inner.json", json({ paths => [{ method => 'GET', path => '/inner/x' }] }));

sub route {
    my ($method, $path, %more) = @_;
    return { method => $method, path => $path, response => 1, %more };
}

# The LogFormat recipes of the README, as they stand there.
my ($recipes) = grep { /^LogFormat/m } slurp(stage('README.md')) =~ /^```apache\n(.*?)^```$/msg;
my $conf = "Define APACHE_LOG_DIR logs/verdicts\n$recipes" . <<'CONF';
    JwtMapConfig conf/verdicts/table.json
    RewriteEngine On
    RewriteRule ^/pt/(.*) /inner/$1 [PT]
    <Location /inner>
        JwtMapConfig conf/verdicts/inner.json
    </Location>
    LogFormat "%>s %{jwtmap.verdict}n" verdict
    CustomLog logs/verdicts/access_log verdict
    <Location /jwtmap-status>
        SetHandler jwtmap-status
        JwtMapEngine Off
    </Location>
CONF
my $server = JwtMapServer->start('verdicts', $conf);
my $port = $server->port;

# verdict -> [method, target, claims and header of a token, or lines as they are]
my $rs = sub { return ['Authorization: Bearer ' . token(@_)] };
my %case = (
    none => ['GET', '/token', []],
    credentials => ['GET', '/token', ['Authorization: Bearer a', 'Authorization: Bearer b']],
    malformed => ['GET', '/token', ['Authorization: Bearer a.b']],
    header => ['GET', '/token', $rs->(-header => { crit => ['exp'] })],
    algorithm => ['GET', '/token', $rs->(-alg => 'RS512')],
    key => ['GET', '/token', $rs->(-header => { kid => 'stray' })],
    signature => ['GET', '/token', $rs->(-key => 'rsa2', -header => { kid => 'rsa' })],
    typ => ['GET', '/token', $rs->(-header => { typ => 'dpop+jwt' })],
    claim => ['GET', '/token', $rs->(exp => undef)],
    issuer => ['GET', '/token', $rs->(iss => 'https://other')],
    audience => ['GET', '/token', $rs->(aud => 'other')],
    not_yet => ['GET', '/token', $rs->(nbf => time + 600)],
    lifetime => ['GET', '/token', $rs->(exp => time + 86400)],
    bound => ['GET', '/token', $rs->(cnf => { jkt => 'x' })],
    revoked => ['GET', '/token', $rs->(jti => 'gone')],
    expired => ['GET', '/token', $rs->(exp => time - 60)],
    keys_unavailable => ['GET', '/far', $rs->()],
    require => ['GET', '/require', $rs->()],
    scope => ['GET', '/scope', $rs->(scope => 'read')],
    unmappable => ['GET', '/reject', $rs->(email => "a\nb")],
    missing => ['GET', '/reject', $rs->()],
    not_found => ['GET', '/nowhere', []],
    method => ['POST', '/token', []],
    path => ['GET', '/token%255c', []],
    not_implemented => ['GET', '/foreign', []],
    internal => ['GET', '/pt/x', []],
);

# What httpd does to a request between two tables is nothing that the command
# line could see: it decides about one table.
my %not_explained = (internal => 1);

is_deeply([sort keys %case], [sort keys %row], 'each verdict has a case');

sub metric {
    my ($verdict) = @_;
    my $all = body_json(get($port, '/jwtmap-status?format=json'));
    my ($text) = map { $_->{body} } get($port, '/jwtmap-status?format=prometheus');
    my $sum = 0;
    $sum += $1 while $text =~ /^jwtmap_refusals_total\{[^}]*verdict="$verdict"\} (\d+)$/mg;
    return (($all->{refused_by}{$verdict} // 0), $sum);
}

for my $verdict (sort keys %case) {
    my ($method, $target, $lines) = @{ $case{$verdict} };
    my $want = $row{$verdict} or next;
    my $errors = length $server->error_log;
    my $notes = length slurp(stage('t/logs/verdicts/access_log'));
    my @before = metric($verdict);
    my $res = request($port, method => $method, target => $target, headers => $lines);
    is_error($res, $want->{status}, $want->{code}, "$verdict: the answer is $want->{status}");
    my $log;
    wait_for(5, sub { ($log = substr $server->error_log, $errors) =~ /refused: / });
    my @said = $log =~ /\brefused: (\w+) \(/g;
    is("@said", $verdict, "$verdict: one line in the log");
    my $note;
    wait_for(5, sub {
        $note = substr slurp(stage('t/logs/verdicts/access_log')), $notes;
        $note =~ /^$want->{status} /m;
    });
    like($note, qr/^$want->{status} \Q$verdict\E$/m, "$verdict: the note says so");
    my @after = metric($verdict);
    is_deeply(\@after, [map { $_ + 1 } @before], "$verdict: the metrics have one more");
    next if $not_explained{$verdict};
    my ($rv, $out) = ctl('', 'explain', '--json', "$dir/table.json", $method,
                         $target, map { ('-H', $_) } @$lines);
    my $got = eval { body_json({ body => $out }) } || {};
    is($rv, 1, "$verdict: explain refuses");
    is($got->{verdict}, $verdict, "$verdict: and says so");
    is($got->{status}, $want->{status}, "$verdict: with the status");
}

ok($server->stop, 'it stops');

# --- the recipes -----------------------------------------------------------------------

my @lines = split /\n/, slurp(stage('t/logs/verdicts/refused.log'));
is(scalar @lines, scalar keys %case, 'the log of refusals has all of them');
like(join("\n", @lines), qr/" $row{$_}{status} $_ "/, "and its reason: $_") for sort keys %case;
my $all = slurp(stage('t/logs/verdicts/claims.log'));
like($all, qr{^127\.0\.0\.1 - "GET /token HTTP/1\.1" 401 expired "GET /token" default -$}m,
     'a line says who, what, why, on which route and by whose token');
like($all, qr{"GET /reject HTTP/1\.1" 403 missing "GET /reject" default alice$}m,
     'whose is said of a token that verifies alone');
like($all, qr{"GET /jwtmap-status\?format=json HTTP/1\.1" 200 - "-" - -$}m,
     'what is out of scope has a line without');
done_testing();
