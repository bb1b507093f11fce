# revoked_file: listed tokens are refused within one interval, also those that
# are in the cache; nothing else is.

use JwtMapTest;
use JwtMapServer;

my $dir = stage('t/conf/revoked');
mkdir $dir;

sub list {
    my ($text) = @_;
    spew("$dir/list.new", $text);
    rename "$dir/list.new", "$dir/list" or die "rename: $!\n";
}

sub table {
    my ($name, %authorizer) = @_;
    spew("$dir/$name.json", json({
        authorizer => { type => 'jwt', audience => 'a', jwks_file => 'jwks.json',
                        %authorizer },
        paths => [{ method => 'GET', path => '/{.+}', auth => \1,
                    response => 'in' },
                  { method => 'GET', path => '/free', auth => 'optional',
                    response => 'in' }],
    }));
}

spew("$dir/jwks.json", json({ keys => [jwk('rsa')] }));
list("# nobody yet\n");
table('table', revoked_file => 'list');
table('other');

my $server = JwtMapServer->start('revoked', <<'CONF');
    JwtMapReload 1
    JwtMapConfig conf/revoked/table.json
    <Location /other>
        JwtMapConfig conf/revoked/other.json
    </Location>
    LogFormat "%{jwtmap.verdict}n %U" verdict
    CustomLog logs/revoked/verdicts.log verdict
CONF
ok($server->runs, 'httpd starts with a revocation list');

my $now = time;
my %who = (
    jti => token(aud => 'a', jti => 'id-1', iat => $now - 60),
    sub => token(aud => 'a', sub => 'al ice', iat => $now - 60),
    sid => token(aud => 'a', sid => 's:1', iat => $now - 60),
    old => token(aud => 'a', sub => 'old', iat => $now - 1000),
    new => token(aud => 'a', sub => 'new', jti => 'id-2', iat => $now - 10),
    undated => token(aud => 'a', sub => 'undated', iat => undef),
);

sub ask {
    my ($who, $path) = @_;
    return get($server->port, $path || "/$who", "Authorization: Bearer $who{$who}");
}

sub all_are {
    my ($status, @who) = @_;
    return !grep { my $who = $_; grep { ask($who)->{status} != $status } 1 .. 4 } @who;
}

# Each child looks at its own time: they may differ until an interval is over,
# and four requests need not meet all of them.
sub become {
    my @args = @_;
    my $met = wait_for(6, sub { all_are(@args) });
    sleep($ENV{JWTMAP_MEMCHECK} ? 3 : 1);
    return $met && all_are(@args);
}

ok(all_are(200, sort keys %who), 'an empty list refuses nobody');

list("jti:id-1\n");
ok(become(401, 'jti'), 'a jti that is listed is refused, though it was cached');
is_error(ask('jti'), 401, 'invalid_token', 'as an invalid token');
like(field(ask('jti'), 'WWW-Authenticate'), qr/error="invalid_token"/,
    'with its challenge');
unlike(ask('jti')->{body}, qr/revoked|id-1/, 'which does not say why');
ok(all_are(200, qw(sub sid old new undated)), 'the others are not');
is_status(ask('jti', '/free'), 401, 'a listed token is refused where none is needed');
is_status(ask('jti', '/other'), 200, 'a table without a list does not know it');

list("# more\n\nsub:al ice\nsid:s:1\n");
ok(become(401, qw(sub sid)), 'sub and sid are refused');
ok(become(200, 'jti'), 'who is off the list passes again');

list('iat<' . ($now - 500) . "\n");
ok(become(401, qw(old undated)),
    'who was issued before, or does not say when, is refused');
ok(all_are(200, qw(jti sub sid new)), 'who was issued later is not');

list("jti:id-1\njti: id-2\n");
ok(wait_for(5, sub { $server->error_log =~ /revoked_file \S+ is not taken over.*: list: line 2: a blank/ }),
    'a broken list is refused with its line');
ok(all_are(401, 'old') && all_are(200, qw(jti new)), 'the last good one goes on');
unlink "$dir/list";
ok(wait_for(5, sub { $server->error_log =~ /revoked_file \S+ is not taken over.*: cannot read "list"/ }),
    'so it does when the list is gone');
ok(all_are(401, 'old') && all_are(200, 'new'), 'an absent list is no empty one');

list("jti:forged\n");
ok(become(200, 'old'), 'a new list is used');
my $forged = token(aud => 'a', jti => 'forged', -key => 'rsa2', -header => { kid => 'rsa' });
is_status(get($server->port, '/forged', "Authorization: Bearer $forged"), 401,
    'a forged token with a listed jti is refused');
my $verdicts = slurp(stage('t/logs/revoked/verdicts.log'));
like($verdicts, qr{^revoked /jti$}m, 'the verdict of a listed one is "revoked"');
ok(wait_for(5, sub { slurp(stage('t/logs/revoked/verdicts.log')) =~ m{^signature /forged$}m }),
    'that of the forged one is not: the list comes after the signature');
unlike($server->error_log, qr/id-1|al ice/, 'the log shows no entry');
ok($server->stop, 'httpd stops');

my ($status, $output) = httpd_t('JwtMapConfig conf/revoked/table.json');
is($status, 0, 'a good list passes the configuration test');
list("jti:a\nnonsense\n");
($status, $output) = httpd_t('JwtMapConfig conf/revoked/table.json');
ok($status != 0, 'a broken one does not');
like($output, qr{table\.json:\d+:\d+: /authorizer/revoked_file: list: line 2: write jti:VALUE},
    'and the error says where');

done_testing();
