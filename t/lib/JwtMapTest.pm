package JwtMapTest;

# JwtMapTest: what a .t file of this suite needs: raw HTTP to a virtual host,
# what the upstream saw, assertions on both. Exports Test::More and JwtMapKeys
# too. The manual is t/README.

use strict;
use warnings;

use Apache::TestConfig ();
use Exporter ();
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use JwtMapKeys;

our @EXPORT = qw(
    port get request raw connect_to read_response field fields body_json
    upstream_mark upstream_since seen spellings query_of target_of
    is_sent is_absent is_status is_error nothing_upstream
    curl curl_upstream httpd_t error_log_mark error_log_since access_log_since
    access_log_mark wait_for beside slurp spew stage have_h2
);

sub import {
    strict->import;
    warnings->import;
    my $target = caller;
    for my $module ('JwtMapKeys', 'Test::More') {
        no strict 'refs';
        *{"${target}::$_"} = \&{"${module}::$_"}
            for grep { /^\w/ } @{"${module}::EXPORT"};
    }
    no strict 'refs';
    *{"${target}::TODO"} = \${"${target}::TODO"};
    goto &Exporter::import;
}

# --- where things are ---------------------------------------------------------

sub stage {
    my ($path) = @_;
    return defined $path ? "$ENV{JWTMAP_STAGE}/$path" : $ENV{JWTMAP_STAGE};
}

# Port of <VirtualHost NAME>; without a name, of the main server.
sub port {
    my ($vhost) = @_;
    my $config = Apache::TestConfig->thaw;
    return $config->{vars}{port} unless defined $vhost;
    my $entry = $config->{vhosts}{$vhost} or die "no <VirtualHost $vhost>\n";
    return $entry->{port};
}

# This httpd speaks HTTP/2: not on prefork, see t/check.
sub have_h2 {
    return $ENV{JWTMAP_MPM} ne 'prefork';
}

sub slurp {
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

sub spew {
    my ($file, $octets) = @_;
    JwtMapKeys::write_file($file, $octets);
}

# Under valgrind all takes longer.
my $slow = $ENV{JWTMAP_MEMCHECK} ? 5 : 1;

# Calls CODE until it returns true, SECONDS at most; its last value.
sub wait_for {
    my ($seconds, $code) = @_;
    my $end = time + $seconds * $slow;
    while (1) {
        my $value = $code->();
        return $value if $value || time > $end;
        sleep 0.05;
    }
}

# Runs CODE while another process makes control requests, one after the other:
# (seconds that CODE took, the longest of those requests). What a busy machine
# does to the one it does to the other.
sub beside {
    my ($where, $target, $code) = @_;
    pipe my $in, my $out or die "pipe: $!\n";
    my $pid = fork;
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        my ($longest, $stop) = (0, 0);
        local $SIG{TERM} = sub { $stop = 1 };
        until ($stop) {
            my $begin = time;
            eval { get($where, $target) };
            $longest = time - $begin if time - $begin > $longest;
        }
        syswrite $out, $longest;
        POSIX::_exit(0);
    }
    close $out;
    my $begin = time;
    $code->();
    my $took = time - $begin;
    kill 'TERM', $pid;
    my $longest = readline $in;
    waitpid $pid, 0;
    return ($took, $longest);
}

# --- a request -------------------------------------------------------------------

sub connect_to {
    my ($where) = @_;
    my $port = $where =~ /^\d+$/ ? $where : port($where);
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
        || die "port $port ($where): $!\n";
}

# get('demo', '/proxy/x', 'Authorization: Bearer …', …): one GET.
sub get {
    my ($where, $target, @headers) = @_;
    return request($where, target => $target, headers => \@headers);
}

# request('demo', method => 'PUT', target => '/', headers => [...], body => '…').
# Host and Connection: close are added where the caller gave none.
sub request {
    my ($where, %opt) = @_;
    my $method = $opt{method} || 'GET';
    my @headers = @{ $opt{headers} || [] };
    unshift @headers, 'Host: 127.0.0.1' unless grep { /^host:/i } @headers;
    push @headers, 'Connection: close' unless grep { /^connection:/i } @headers;
    if (defined $opt{body} && !grep { /^(content-length|transfer-encoding):/i }
        @headers) {
        push @headers, 'Content-Length: ' . length $opt{body};
    }
    my $head = join "\r\n", "$method $opt{target} HTTP/1.1", @headers, '', '';
    return raw($where, $head . (defined $opt{body} ? $opt{body} : ''),
               method => $method);
}

# Sends the octets as they are and reads one answer.
sub raw {
    my ($where, $octets, %opt) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = connect_to($where);
    $socket->autoflush(1);
    print $socket $octets;
    my ($method) = $opt{method} || $octets =~ /^(\S+)/;
    return read_response($socket, method => $method, %opt);
}

# { status, reason, version, headers => [[name, value]…], body, head, ended }
# of the next answer on socket; interim answers are skipped. Status 0: none
# came within timeout (20 s). Octets behind the answer wait in *$socket.
sub read_response {
    my ($socket, %opt) = @_;
    my $rest = \${*$socket}{jwtmap_rest};
    my $in = { socket => $socket, buf => defined $$rest ? $$rest : '',
               end => time + ($opt{timeout} || 20) * $slow, ended => 0 };
    my $res;
    do {
        read_until($in, sub { $in->{buf} =~ /\r\n\r\n/ })
            or return { status => 0, headers => [], body => $in->{buf},
                        head => '', ended => $in->{ended} };
        $in->{buf} =~ s/\A(.*?\r\n)\r\n//s;
        $res = parse_head($1);
    } while ($res->{status} =~ /^1/ && $res->{status} != 101);
    $res->{body} = read_body($in, $res, $opt{method} || 'GET');
    $res->{ended} = $in->{ended};
    $$rest = $in->{buf};
    return $res;
}

sub read_until {
    my ($in, $enough) = @_;
    my $select = IO::Select->new($in->{socket});
    until ($enough->()) {
        my $left = $in->{end} - time;
        return 0 if $left <= 0 || $in->{ended} || !$select->can_read($left);
        my $n = sysread $in->{socket}, $in->{buf}, 65536, length $in->{buf};
        $in->{ended} = 1 unless $n;
    }
    return 1;
}

sub parse_head {
    my ($head) = @_;
    my ($line, @lines) = split /\r\n/, $head;
    my ($version, $status, $reason) = $line =~ m{^(HTTP/\S+) (\d{3}) ?(.*)$};
    return {
        head => $head, version => $version, status => $status || 0,
        reason => $reason,
        headers => [map { /^([^:]*):[ \t]*(.*?)[ \t]*$/s ? [$1, $2] : [$_, ''] }
                    @lines],
    };
}

sub read_body {
    my ($in, $res, $method) = @_;
    return '' if $method eq 'HEAD' || $res->{status} =~ /^(101|204|304)$/;
    if (lc(field($res, 'Transfer-Encoding') || '') eq 'chunked') {
        return read_chunks($in);
    }
    my $length = field($res, 'Content-Length');
    my $size = defined $length ? $length : 1e12;
    read_until($in, sub { length $in->{buf} >= $size });
    $size = length $in->{buf} if $size > length $in->{buf};
    return substr $in->{buf}, 0, $size, '';
}

sub read_chunks {
    my ($in) = @_;
    my $body = '';
    while (read_until($in, sub { $in->{buf} =~ /\A[^\n]*\n/ })) {
        $in->{buf} =~ s/\A([0-9a-fA-F]+)[^\n]*\n// or last;
        my $size = hex $1;
        if (!$size) {
            read_until($in, sub { $in->{buf} =~ /\A(?:[^\n]+\n)*\r\n/ });
            $in->{buf} =~ s/\A(?:[^\n]+\n)*?\r\n//;
            last;
        }
        read_until($in, sub { length $in->{buf} >= $size + 2 }) or last;
        $body .= substr $in->{buf}, 0, $size, '';
        substr $in->{buf}, 0, 2, '';
    }
    return $body;
}

# Values of a field of an answer, without regard to case; field: the first.
sub fields {
    my ($res, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $res->{headers} };
}

sub field {
    my ($res, $name) = @_;
    return (fields($res, $name))[0];
}

sub body_json {
    my ($res) = @_;
    return eval { JSON::PP->new->utf8->decode($res->{body}) };
}

# --- what the upstream saw ---------------------------------------------------------

# A place in the upstream's record; upstream_since(it): all requests after it,
# each { scheme, head => [request line, field lines…], body, trailers,
# connection }. For fcgi, scgi and uwsgi, head holds "NAME: value" lines.
sub upstream_mark {
    return -s stage('t/logs/upstream.log') || 0;
}

sub upstream_since {
    my ($mark) = @_;
    my $text = slurp(stage('t/logs/upstream.log'));
    return map { JSON::PP->new->latin1->decode($_) }
        split /\n/, substr $text, $mark;
}

# name -> what a reader may take for the same name
sub folded {
    my ($name) = @_;
    $name = lc $name;
    $name =~ tr/_./--/;
    $name =~ s/^http-//;
    return $name;
}

# Values of the field lines with this very name, without regard to case.
sub seen {
    my ($record, $name) = @_;
    return map { /^([^:]*): ?(.*)$/s && lc $1 eq lc $name ? $2 : () }
        @{ $record->{head} };
}

# Field lines, and trailers, with this name in any spelling.
sub spellings {
    my ($record, $name) = @_;
    return grep { /^([^:]*):/ && folded($1) eq folded($name) }
        @{ $record->{head} }, @{ $record->{trailers} };
}

sub target_of {
    my ($record) = @_;
    return (split / /, $record->{head}[0])[1];
}

sub query_of {
    my ($record) = @_;
    my ($query) = target_of($record) =~ /\?(.*)\z/s;
    return $query;
}

# --- assertions ----------------------------------------------------------------------

sub at_caller {
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my ($good, $name, @diag) = @_;
    return ok($good, $name) || do { diag($_) for @diag; 0 };
}

# The upstream got the name once, in one spelling, with this value.
sub is_sent {
    my ($record, $name, $value, $test) = @_;
    my @lines = $record ? spellings($record, $name) : ();
    my ($got) = @lines == 1 ? $lines[0] =~ /^[^:]*: ?(.*)$/s : ();
    return at_caller(defined $got && $got eq $value, $test,
        "wanted once: $name: $value", 'got: ' . join ' | ', @lines);
}

# The upstream got the name in no spelling.
sub is_absent {
    my ($record, $name, $test) = @_;
    my @lines = $record ? spellings($record, $name) : ('no request');
    return at_caller(!@lines, $test, 'got: ' . join ' | ', @lines);
}

sub is_status {
    my ($res, $status, $test) = @_;
    return at_caller($res->{status} == $status, $test,
        "wanted $status, got $res->{status}", $res->{head}, $res->{body});
}

# An answer of ours: status, code of the JSON body, no-store.
sub is_error {
    my ($res, $status, $code, $test) = @_;
    my $json = body_json($res);
    my $got = ref $json eq 'HASH' ? $json->{code} : undef;
    return at_caller($res->{status} == $status && defined $got && $got eq $code
        && (field($res, 'Cache-Control') || '') =~ /\bno-store\b/, $test,
        "wanted $status $code", "$res->{head}\n$res->{body}");
}

sub nothing_upstream {
    my ($mark, $test) = @_;
    my @records = upstream_since($mark);
    return at_caller(!@records, $test,
        map { "upstream got: $_->{head}[0]" } @records);
}

# --- other clients, logs, configuration ------------------------------------------------

# Output of curl; curl('-s', '--http2-prior-knowledge', "http://…").
sub curl {
    my (@args) = @_;
    open my $out, '-|', 'curl', '-sS', '--max-time', 20, '--noproxy', '*', @args
        or die "curl: $!\n";
    local $/;
    my $text = <$out>;
    close $out;
    return defined $text ? $text : '';
}

# What the upstream got of one curl request to a target of a virtual host.
sub curl_upstream {
    my ($where, $target, @args) = @_;
    my $mark = upstream_mark();
    curl(@args, '-o', '/dev/null', 'http://127.0.0.1:' . port($where) . $target);
    my @records = upstream_since($mark);
    return $records[-1];
}

sub error_log_mark { return -s stage('t/logs/error_log') || 0 }
sub access_log_mark { return -s stage('t/logs/access_log') || 0 }

sub error_log_since {
    my ($mark) = @_;
    return substr slurp(stage('t/logs/error_log')), $mark;
}

# The access log is written after the answer: waits up to 5 s for a line.
# The lines of one target: httpd writes them after the answer, so that those of
# earlier requests may come late, too.
sub access_log_since {
    my ($mark, $target) = @_;
    return wait_for(5, sub {
        join '', grep { /"\S+ \Q$target\E / }
            substr(slurp(stage('t/logs/access_log')), $mark) =~ /.*\n/g;
    });
}

# (exit status, output) of `httpd -t` on a configuration text. ServerRoot is
# t/, all modules of the suite are loaded.
sub httpd_t {
    my ($text) = @_;
    my $file = stage("t/conf/try$$.conf");
    spew($file, join "\n", 'ServerRoot "' . stage('t') . '"',
        'ServerName localhost', 'Listen 127.0.0.1:1',
        'PidFile "' . stage("t/logs/try$$.pid") . '"',
        'DefaultRuntimeDir "' . stage('t/logs') . '"',
        'ErrorLog "' . stage("t/logs/try$$.log") . '"',
        'Include conf/modules.conf', $text, '');
    open my $out, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1',
        stage('bin/httpd'), '-t', '-f', $file or die "httpd: $!\n";
    local $/;
    my $output = <$out>;
    close $out;
    my $status = $? >> 8;
    unlink $file;
    return ($status, $output);
}

1;
