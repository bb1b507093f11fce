# Every way in which httpd passes a request on, every way to pose as a mapped
# value, every kind of route, HTTP/1 and HTTP/2 clients: the upstream gets our
# value exactly once or none, never the client's. One test is one cell.

use JwtMapTest;
use JwtMapBackend;
use JwtMapH2;
use JwtMapServer;

my %node = start_node();
my $php = start_php();
my $uwsgi = start_uwsgi();
my ($cgi, $lua, $script)
    = map { stage("t/apps/echo.$_") } qw(cgi lua php);
my $dead = JwtMapServer::free_port();

# Where httpd's own configuration sends a path that begins with the name.
my %pass = (
    http  => $ENV{UPSTREAM_URL},
    https => "https://127.0.0.1:$node{https}",
    h2    => "h2://127.0.0.1:$node{h2}",
    h2c   => "h2c://127.0.0.1:$node{h2c}",
    ajp   => "ajp://127.0.0.1:$ENV{AJP_PORT}",
    fcgi  => "fcgi://127.0.0.1:$ENV{FCGI_PORT}",
    scgi  => "scgi://127.0.0.1:$ENV{SCGI_PORT}",
    uwsgi => "uwsgi://127.0.0.1:$ENV{UWSGI_PORT}",
    unix  => "unix:$ENV{UPSTREAM_SOCKET}|http://localhost",
    php   => "unix:$php|fcgi://localhost$script",
    psgi  => "unix:$uwsgi|uwsgi://localhost",
    'bal-http' => 'balancer://http',
    'bal-h2c'  => 'balancer://h2c',
    'bal-fcgi' => 'balancer://fcgi',
    'bal-ajp'  => 'balancer://ajp',
);
# Servers of own routes.
my %own = (
    'own-http'  => $ENV{UPSTREAM_URL},
    'own-https' => "https://127.0.0.1:$node{https}",
    'own-h2'    => "h2://127.0.0.1:$node{h2}",
    'own-h2c'   => "h2c://127.0.0.1:$node{h2c}/",
    'own-unix'  => "unix:$ENV{UPSTREAM_SOCKET}|http://localhost/base",
    'own-bal'   => 'balancer://http/base',
);
my %socket = (
    ws  => "ws://127.0.0.1:$node{http}",
    wss => "wss://127.0.0.1:$node{https}",
    upgrade => "http://127.0.0.1:$node{http}/ upgrade=websocket",
);
my %own_socket = (
    'own-ws'  => "ws://127.0.0.1:$node{http}",
    'own-wss' => "wss://127.0.0.1:$node{https}",
);
my @balancers = map { [$_, $pass{$_}] } qw(http h2c fcgi ajp);

# --- the table and the servers ---------------------------------------------------

my $mapping = {
    headers => { 'x-user-id' => '$request.jwt.sub' },
    query   => { actor => '$request.jwt.sub' },
};

sub route {
    my ($path, $auth, %more) = @_;
    return { method => 'ANY', path => $path, auth => $auth, %more };
}

sub routes_of {
    my ($name, %more) = @_;
    return (
        route("/$name/mapped/{.+}", \1, mapping => $mapping, %more),
        route("/$name/report/{.+}", \1, mapping => $mapping, %more),
        route("/$name/public/{.+}", \0, mapping => $mapping, %more),
        route("/$name/optional/{.+}", 'optional', mapping => $mapping, %more),
        route("/$name/options/{.+}", \0, %more, method => 'OPTIONS'),
    );
}

my %servers = (%own, %own_socket);
JwtMapServer->table('backends',
    servers => [map { { alias => $_, url => $servers{$_} } } sort keys %servers],
    cors => { allow_origins => ['https://app.example'] },
    unmatched => 'pass',
    paths => [
        routes_of('{name}'),
        (map { routes_of($_, integration => { type => 'http_proxy',
                                              server => $_ }) }
             sort keys %servers),
        (map { route("/$_/none/{.+}", \0, pass => ['actor'],
                     integration => { type => 'http_proxy', server => $_ }) }
             sort keys %servers),
        route('/elsewhere', \1, mapping => { headers => {
            'x-other' => '$request.jwt.sub' } }),
    ]);

my $conf = join "\n",
    'JwtMapConfig conf/backends.json', 'SSLProxyEngine On',
    '<LocationMatch "^/[^/]+/report/">', 'JwtMapEngine ReportOnly',
    '</LocationMatch>',
    # What the administrator sets does not survive either.
    'RequestHeader set X-User-Id evil', 'SetEnv HTTP_X_USER_ID evil',
    (map { ("<Proxy balancer://$_->[0]>",
            "BalancerMember " . ($_->[1] =~ s/:\d+$/:$dead/r) . ' retry=0',
            "BalancerMember $_->[1]", '</Proxy>') } @balancers),
    (map { "ProxyPass /$_/ \"$pass{$_}/\"" } sort keys %pass),
    (map { "ProxyPass /$_/ " . ($socket{$_} =~ / / ? $socket{$_}
                                                  : "$socket{$_}/") }
         sort keys %socket),
    "ScriptAlias /cgi/ $cgi/", "LuaMapHandler ^/lua/ $lua handle",
    'CustomLog logs/backends/access_log sent', '';

my $merging = JwtMapServer::free_port();
my $tunnel = JwtMapServer::free_port();
my $root = JwtMapServer::free_port();
my $broken = JwtMapServer::free_port();
my $server = JwtMapServer->start('backends', <<"CONF");
Protocols h2c http/1.1
H2WebSockets On
KeepAliveTimeout 60
DocumentRoot @{[stage('t/htdocs')]}
LogFormat "%r|%U|%q" sent
SSLProxyVerify none
SSLProxyCheckPeerName off
Listen 127.0.0.1:$merging
Listen 127.0.0.1:$tunnel
Listen 127.0.0.1:$root
Listen 127.0.0.1:$broken
<VirtualHost *:\${PORT}>
$conf
</VirtualHost>
<VirtualHost *:$merging>
MergeTrailers On
$conf
</VirtualHost>
# mod_proxy_wstunnel loses what TLS 1.3 sends along with session tickets.
<VirtualHost *:$tunnel>
ProxyWebsocketFallbackToProxyHttp Off
SSLProxyProtocol TLSv1.2
$conf
</VirtualHost>
<VirtualHost *:$root>
JwtMapConfig conf/backends.json
SSLProxyEngine On
ProxyPass / \${UPSTREAM_URL}/
</VirtualHost>
# An upstream that is away, and an ErrorDocument that forgets how the body came.
<VirtualHost *:$broken>
JwtMapConfig conf/backends.json
SSLProxyEngine On
MergeTrailers On
ProxyPass /dead/ fcgi://127.0.0.1:$dead/
ProxyPass /h2c/ $pass{h2c}/
ErrorDocument 503 /h2c/optional/late?q=1
SetEnvIf Request_URI ^/dead/ proxy-sendchunks
<Location /h2c/>
RequestHeader unset Transfer-Encoding
</Location>
</VirtualHost>
CONF
ok($server->listens, 'the server starts') or diag($server->console,
                                                   $server->error_log);

# --- the attempts and the kinds ------------------------------------------------------

my @query = (
    ['an encoded name', '%61ct%6Fr=evil'],
    ['name[]', 'actor[]=evil'],
    ['name[x]', 'actor%5Bx%5D=evil'],
    ['the name behind ;', 'a;actor=evil'],
    ['the name twice', 'actor=evil&actor=evil'],
    ['a name cut at NUL', 'actor%00=evil'],
    ['a blank before the name', '+actor=evil'],
);
my @fields = (
    ['no attempt'],
    ['the same name', 'x-user-id: evil'],
    ['another case', 'X-USER-Id: evil'],
    ['an underscore', 'x_user_id: evil'],
    ['a dot', 'x.user.id: evil'],
    ['a mixture', 'X-User_Id: evil', 'x.user-id: evil'],
    ['the name twice', 'x-user-id: evil', 'X-User-Id: evil'],
    ['a name of another route', 'x_other: evil'],
);
my @nominees = (
    ['a nominee', 'Connection: keep-alive, x-user-id'],
    ['a nominee and its field', 'Connection: X-User-Id', 'X-User-Id: evil'],
    ['a nominee in another spelling', 'Connection: close, x_user.id',
     'x_user.id: evil'],
    ['a quoted nominee', 'Connection: "x-user-id", close'],
);
my @trailers = (
    ['a trailer', 'X-User-Id: evil'],
    ['a trailer in another spelling', 'x_user.id: evil', 'x-other: evil'],
);

my @bearer = ('Authorization: Bearer ' . token(sub => 'alice'));
my @bad = ('Authorization: Bearer ' . token(sub => 'alice', exp => time - 60));
my @preflight = ('Origin: https://app.example',
                 'Access-Control-Request-Method: GET');
my @kinds = (
    { name => 'mapped', path => 'mapped', headers => \@bearer, ours => 1 },
    { name => 'public', path => 'public', headers => \@bearer },
    { name => 'optional', path => 'optional', headers => [] },
    { name => 'passed', path => 'none', headers => [], passed => 1 },
    { name => 'preflight', path => 'mapped', headers => \@preflight,
      method => 'OPTIONS', answered => 204 },
    { name => 'OPTIONS route', path => 'options', headers => \@preflight,
      method => 'OPTIONS' },
    { name => 'ReportOnly', path => 'report', headers => \@bearer, ours => 1 },
    { name => 'ReportOnly with a bad token', path => 'report',
      headers => \@bad },
);

# --- one cell ---------------------------------------------------------------------------

my %h2;
my %sent;

sub note_sent {
    my ($port, $line, $target) = @_;
    my ($path, $query) = $target =~ /^([^?]*)(.*)/;
    push @{ $sent{$port} }, "$line|$path|$query";
}

sub by_http1 {
    my ($port, %opt) = @_;
    my @headers = @{ $opt{headers} };
    my $body = $opt{body};
    if ($opt{trailers}) {
        push @headers, 'Transfer-Encoding: chunked';
        $body = sprintf "%x\r\n%s\r\n0\r\n%s\r\n", length $body, $body,
            join '', map { "$_\r\n" } @{ $opt{trailers} };
    }
    note_sent($port, "$opt{method} $opt{target} HTTP/1.1", $opt{target});
    return request($port, %opt, headers => \@headers, body => $body);
}

sub by_http2 {
    my ($port, %opt) = @_;
    my $h2 = delete $h2{$port} || JwtMapH2->new($port);
    my $res = $h2->request(%opt);
    if (!defined $res->{reset}) {
        $h2{$port} = $h2;
        note_sent($port, "$opt{method} $opt{target} HTTP/2.0", $opt{target});
    }
    return $res;
}

# All queries that a record tells of: the target's, QUERY_STRING, and that of
# REQUEST_URI.
sub queries {
    my ($record) = @_;
    my @found = map { /^QUERY_STRING: (.*)/ ? $1 : () } @{ $record->{head} };
    push @found, map { /^REQUEST_URI: [^?]*\??(.*)/ ? $1 : () }
        @{ $record->{head} };
    push @found, map { m{^[A-Z]+ [^ ?]*\??(\S*) HTTP/} ? $1 : () }
        $record->{head}[0];
    return @found;
}

# '' if the record is as it has to be.
sub fault {
    my ($record, $want, $query, $evil) = @_;
    my @lines = spellings($record, 'x-user-id');
    return 'x-user-id: ' . join ' | ', @lines
        if "@lines" !~ ($want ? qr/^[^ ]+: alice$/ : qr/^$/);
    my @queries = queries($record);
    return 'no query' if !@queries;
    my @wrong = grep { $_ ne $query } @queries;
    return "wanted the query $query, got @wrong" if @wrong;
    # Any four letters may stand in a token.
    return 'evil' if !$evil && json($record) =~ s/\beyJ[\w.-]+//gr =~ /evil/;
    return '';
}

sub is_cell {
    my ($test, $answered, $want, $query, $evil, $code) = @_;
    my $mark = upstream_mark();
    my $res = $code->();
    my @records = upstream_since($mark);
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my $status = $res->{status};
    my $fault = $answered
        ? $status != $answered ? "status $status" : @records ? 'not empty' : ''
        : $status != 200 && $status != 101 ? "status $status"
        : @records != 1 ? @records . ' requests'
        : fault($records[0], $want, $query, $evil);
    ok(!$fault, $test) or diag("$fault\n", json(\@records));
}

# The query that is to arrive: that of the client where no route names the
# path, else q=1 and perhaps ours.
sub wanted_query {
    my ($kind, $query) = @_;
    return $query if $kind->{passed};
    return $query =~ /;/ ? 'q=1&a' . ($kind->{ours} ? '&actor=alice' : '')
                         : 'q=1' . ($kind->{ours} ? '&actor=alice' : '');
}

sub cell {
    my ($client, $port, $name, $kind, $attempt, %opt) = @_;
    my $query = 'q=1' . ($opt{query} ? "&$opt{query}" : '');
    my $answered = $kind->{answered} || $opt{answered};
    is_cell("$client $name, $kind->{name}: $attempt", $answered,
        $kind->{ours}, wanted_query($kind, $query),
        $kind->{passed} && $opt{query}, sub {
            my $by = $client eq 'HTTP/1' ? \&by_http1 : \&by_http2;
            return $by->($port, method => $kind->{method} || 'GET',
                target => "/$name/$kind->{path}/x?$query",
                body => $opt{trailers} ? 'abc' : undef,
                trailers => $opt{trailers}, headers =>
                    [@{ $kind->{headers} }, @{ $opt{headers} || [] },
                     @{ $opt{handshake} || [] }]);
        });
}

sub cells {
    my ($client, $port, $name, @more) = @_;
    for my $kind (@kinds) {
        for my $row (@fields, $client eq 'HTTP/1' ? @nominees : ()) {
            my ($attempt, @headers) = @$row;
            cell($client, $port, $name, $kind, $attempt, headers => \@headers,
                 @more);
        }
        for my $row (@query) {
            cell($client, $port, $name, $kind, "?$row->[1]", query => $row->[1],
                 @more);
        }
    }
}

# httpd speaks scgi and uwsgi without a length to nobody.
sub trailer_cells {
    my ($client, $port, $name) = @_;
    my $refused = $name =~ /scgi|uwsgi|psgi/ ? 411 : undef;
    for my $kind (@kinds) {
        for my $row (@trailers) {
            my ($attempt, @trailers) = @$row;
            cell($client, $port, $name, $kind, $attempt,
                 trailers => \@trailers, answered => $refused);
            cell($client, $port, $name, $kind, "$attempt, known length",
                 headers => ['Content-Length: 3'], trailers => \@trailers)
                if $client eq 'HTTP/2';
        }
    }
}

# --- the matrix ----------------------------------------------------------------------------

my @names = (sort(keys %pass), sort(keys %own), 'cgi', 'lua');
for my $client ('HTTP/1', 'HTTP/2') {
    for my $name (@names) {
        cells($client, $server->port, $name);
        trailer_cells($client, $_, $name) for $server->port, $merging;
    }
}

# WebSockets: through mod_proxy_http, and through mod_proxy_wstunnel.
my @handshake = ('Upgrade: websocket', 'Sec-WebSocket-Version: 13',
                 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==');

sub upgrade_by_http1 {
    my ($port, %opt) = @_;
    my @headers = (@{ $opt{headers} }, @handshake);
    push @headers, 'Connection: upgrade' if !grep { /^connection:/i } @headers;
    note_sent($port, "GET $opt{target} HTTP/1.1", $opt{target});
    return request($port, target => $opt{target}, headers => \@headers);
}

sub upgrade_by_http2 {
    my ($port, %opt) = @_;
    my $h2 = JwtMapH2->new($port);
    my $stream = $h2->open_stream(%opt, method => 'CONNECT', open => 1,
        pseudo => [':protocol: websocket'],
        headers => [@{ $opt{headers} }, $handshake[1]]);
    my $res = $h2->answer($stream, sub { $_[0]{status} });
    note_sent($port, "GET $opt{target} HTTP/2.0", $opt{target});
    return $res;
}

sub socket_cells {
    my ($client, $port, $name, $code) = @_;
    for my $kind (grep { !$_->{method} } @kinds) {
        my @rows = (@fields, map { [$_->[0], undef, $_->[1]] } @query);
        push @rows, map { [$_->[0], $_->[1] =~ s/^(Connection: )/$1upgrade, /r,
                           @$_[2 .. $#$_]] } @nominees if $client eq 'HTTP/1';
        for my $row (@rows) {
            my ($attempt, @headers) = @$row;
            my $query = !defined $headers[0] && @headers ? pop @headers : '';
            my $sent = 'q=1' . ($query && "&$query");
            @headers = grep { defined } @headers;
            is_cell("$client $name on $port, $kind->{name}: $attempt", 0,
                $kind->{ours}, wanted_query($kind, $sent),
                $kind->{passed} && $query, sub {
                    $code->($port, target => "/$name/$kind->{path}/x?$sent",
                            headers => [@{ $kind->{headers} }, @headers]);
                });
        }
    }
}

for my $name (sort(keys %socket), sort keys %own_socket) {
    socket_cells('HTTP/1', $_, $name, \&upgrade_by_http1)
        for $server->port, $name eq 'upgrade' ? () : $tunnel;
    socket_cells('HTTP/2', $server->port, $name, \&upgrade_by_http2);
}

# HTTP/2 has no such field: the stream does not get here.
for my $row (@nominees) {
    my ($attempt, @headers) = @$row;
    my $mark = upstream_mark();
    my $res = JwtMapH2->new($server->port)->request(
        target => '/http/mapped/x', headers => [@bearer, @headers]);
    ok(!$res->{status}, "HTTP/2: $attempt is reset");
    nothing_upstream($mark, "HTTP/2: $attempt reaches no upstream");
}

# A CONNECT that is not for a forward proxy is a request like any other.
my $mark = upstream_mark();
my $res = raw($root, "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n"
    . "X_User.Id: evil\r\nX-Other: evil\r\nConnection: close\r\n\r\n");
is_absent($_, 'x-user-id', 'CONNECT carries nothing upstream')
    for upstream_since($mark);
is(scalar upstream_since($mark), 1, 'where ProxyPass / sends it');

# What is left of a body when its first upstream is away goes to another.
$mark = upstream_mark();
is_cell('the trailers of a body that was begun before', 0, 0, 'q=1', 0, sub {
    my $socket = connect_to($broken);
    $socket->autoflush(1);
    print $socket "POST /dead/optional/x HTTP/1.1\r\nHost: a.example\r\n",
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n";
    sleep 1;
    print $socket "3\r\ndef\r\n0\r\nX-User-Id: evil\r\nX-Sum: 1\r\n\r\n";
    return read_response($socket);
});
my ($late) = upstream_since($mark);
like(json($late->{trailers}), qr/x-sum/i, '... and it gets the others');

# What the logs show is what was sent.
%h2 = ();
my %left;
$left{$_}++ for map { @$_ } values %sent;
my $logged = sub { slurp(stage('t/logs/backends/access_log')) };
my $count = map { @$_ } values %sent;
ok(wait_for(20, sub { (() = $logged->() =~ /^(?!-\|)/mg) >= $count }),
    'the access log has a line for each request');
$left{$_}-- for grep { !/^-\|/ } split /\n/, $logged->();
my @wrong = grep { $left{$_} } sort keys %left;
ok(!@wrong, 'and shows each as the client sent it')
    or diag(map { "$_: $left{$_}\n" } splice @wrong, 0, 10);

done_testing();
