# mod_cache, told to store whatever it may: nobody gets the answer of another
# user, and nobody without a token gets any.

use JwtMapTest;
use JwtMapServer;

my %root = map { $_ => stage("t/logs/cache-$_") } qw(On Off);
mkdir $_ for values %root;
my %port = map { $_ => JwtMapServer::free_port() } qw(On Off);

my $mapping = { headers => { 'x-user-id' => '$request.jwt.sub' } };
my $table = JwtMapServer->table('cache',
    authorizer => { from_headers => [{ name => 'Authorization',
                                       value_prefix => 'Bearer ' },
                                     { name => 'X-Token' }],
                    from_cookies => ['session'] },
    unmatched => 'pass',
    paths => [
        map { { method => 'GET', path => "/$_->[0]/{.+}", auth => $_->[1],
                mapping => $mapping } }
            ['user', \1], ['query', \1], ['report', \1],
            ['optional', 'optional'], ['public', \0], ['cgi', \1],
    ]);

sub vhost {
    my ($quick) = @_;
    my $cgi = stage('t/apps/echo.cgi');
    return <<"CONF";
Listen 127.0.0.1:$port{$quick}
<VirtualHost *:$port{$quick}>
JwtMapConfig $table
CacheQuickHandler $quick
CacheRoot $root{$quick}
CacheEnable disk /
CacheStorePrivate On
CacheIgnoreNoLastMod On
CacheDefaultExpire 600
<Location /report/>
JwtMapEngine ReportOnly
</Location>
ScriptAlias /cgi/ $cgi/
ProxyPass /cgi/ !
ProxyPass / \${UPSTREAM_URL}/
</VirtualHost>
CONF
}

my $server = JwtMapServer->start('cache', vhost('On') . vhost('Off'));
ok($server->listens, 'the server starts') or diag($server->console);

sub header { return 'Authorization: Bearer ' . token(sub => $_[0]) }
sub other { return 'X-Token: ' . token(sub => $_[0]) }
sub cookie { return 'Cookie: a=b; session=' . token(sub => $_[0]) }

# Where Authorization is in the request, the quick handler keeps away by itself.
my %by = (Authorization => \&header, 'X-Token' => \&other,
          cookie => \&cookie);
my %elsewhere = (Authorization => 'cookie', 'X-Token' => 'cookie',
                 cookie => 'X-Token');
my %reply = (
    'public'   => ['X-Reply-Cache-Control: public, max-age=600'],
    'max-age'  => ['X-Reply-Cache-Control: max-age=600'],
    's-maxage' => ['X-Reply-Cache-Control: s-maxage=600'],
    'Vary'     => ['X-Reply-Cache-Control: public, max-age=600',
                   'X-Reply-Vary: Accept-Language'],
    'Expires'  => ['X-Reply-Expires: Fri, 01 Jan 2100 00:00:00 GMT'],
    'nothing'  => [],
);

my $number = 0;

# A new path each time: nothing is in the cache for it.
sub fresh { return "/$_[0]/" . ++$number }

sub user_of {
    my ($res) = @_;
    my ($user) = $res->{body} =~ /^(?:HTTP_)?x[-_]user[-_]id: (.*)$/mi;
    return "$res->{status} " . (defined $user ? $user : '-');
}

sub asks {
    my ($port, $path, $want, $test, @headers) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $res = get($port, $path, @headers);
    return is(user_of($res), $want, $test) || diag($res->{head});
}

for my $quick ('On', 'Off') {
    my $port = $port{$quick};
    for my $by (sort keys %by) {
        for my $reply (sort keys %reply) {
            my $path = fresh('user');
            my @reply = @{ $reply{$reply} };
            my $test = "quick handler $quick, token in $by, $reply";
            asks($port, $path, '200 alice', "$test: the first user",
                 $by{$by}->('alice'), @reply);
            asks($port, $path, '200 bob', "$test: another user",
                 $by{$by}->('bob'), @reply);
            asks($port, $path, '401 -', "$test: nobody", @reply);
            asks($port, $path, '200 carol',
                 "$test: a third, with the token elsewhere",
                 $by{ $elsewhere{$by} }->('carol'), @reply);
        }
    }
    my @public = @{ $reply{public} };

    # It is a cache: what is public, it serves.
    my $path = fresh('public');
    asks($port, $path, '200 -', "quick handler $quick: a public answer",
         @public);
    my $mark = upstream_mark();
    asks($port, $path, '200 -', "quick handler $quick: comes again", @public);
    nothing_upstream($mark, "quick handler $quick: from the cache");

    $path = fresh('optional');
    asks($port, $path, '200 -', "quick handler $quick, optional: nobody",
         @public);
    asks($port, $path, '200 alice', "quick handler $quick, optional: a user",
         cookie('alice'), @public);
    asks($port, $path, '200 -', "quick handler $quick, optional: nobody again",
         @public);

    $path = fresh('cgi');
    asks($port, $path, '200 alice', "quick handler $quick, CGI: a user",
         cookie('alice'));
    asks($port, $path, '200 bob', "quick handler $quick, CGI: another",
         cookie('bob'));
    asks($port, $path, '401 -', "quick handler $quick, CGI: nobody");

    # What ReportOnly let through is not there for nobody once it is over.
    $path = fresh('report');
    asks($port, $path, '200 -', "quick handler $quick, ReportOnly: nobody",
         @public);
    $mark = upstream_mark();
    asks($port, $path, '200 -', "quick handler $quick, ReportOnly: again",
         @public);
    is(scalar upstream_since($mark), 1,
        "quick handler $quick, ReportOnly: was not stored");

    # Also where the answer is one of httpd's own making.
    $path = fresh('user');
    my $res = get($port, $path, cookie('alice'), 'X-Reply-Status: 301',
                  'X-Reply-Location: /alice', @public);
    is_status($res, 301, "quick handler $quick: a redirect of one user");
    asks($port, $path, '401 -', "quick handler $quick: nobody is redirected",
         @public);
}

done_testing();
