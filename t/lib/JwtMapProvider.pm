package JwtMapProvider;

# JwtMapProvider: a provider of key sets on loopback, as good or as bad as a
# test wants it, with TLS of its own authority or in the clear:
#
#   my $provider = JwtMapProvider->start('keys', tls => 1);
#   $provider->serve('/jwks', body => jwks('rsa'));    # from now on
#   $provider->url('/jwks');  $provider->ca;  $provider->requests('/jwks');
#   $provider->stop;  $provider->resume;               # same port
#
# What serve takes: status, reason, headers => ['Name: value'], body, and
#   delay => seconds before the answer     chunk => octets a time, every 0.1 s
#   endless => 'head' | 'body'             hang => 1: no answer at all
#   raw => octets instead of an answer
# The certificate, for all that follows: $provider->certificate('good'),
# 'expired', 'foreign' (of another authority), 'name' (of another host),
# 'future'; $provider->protocol('TLSv1_1').

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
use JSON::PP ();
use POSIX ();
use Storable qw(nstore retrieve);
use Time::HiRes qw(sleep time);

use JwtMapKeys;
use JwtMapTest qw(slurp spew stage wait_for);

our @EXPORT = qw(jwks);

# A JWK Set of keys by name, or of JWKs.
sub jwks {
    return json({ keys => [map { ref $_ ? $_ : jwk($_) } @_] });
}

sub start {
    my ($class, $name, %opt) = @_;
    my $self = bless { dir => stage("t/logs/provider-$name"), owner => $$,
                       tls => $opt{tls}, state => {} }, $class;
    mkdir $self->{dir};
    spew("$self->{dir}/requests", '');
    $self->make_certificates if $self->{tls};
    $self->{port} = free_port();
    $self->certificate('good');
    $self->resume;
    return $self;
}

sub url {
    my ($self, $path) = @_;
    return ($self->{tls} ? 'https' : 'http') . "://127.0.0.1:$self->{port}$path";
}

sub port { return $_[0]{port} }
sub ca { return "$_[0]{dir}/ca.pem" }

sub serve {
    my ($self, $path, %answer) = @_;
    $self->publish(answer_file($path), \%answer);
}

sub answer_file {
    my ($path) = @_;
    return 'answer' . $path =~ tr{/}{_}r;
}

sub certificate {
    my ($self, $name) = @_;
    $self->{state}{certificate} = $name;
    $self->publish('state', $self->{state});
}

sub protocol {
    my ($self, $version) = @_;
    $self->{state}{protocol} = $version;
    $self->publish('state', $self->{state});
}

# In one step: a request sees the old state or the new one.
sub publish {
    my ($self, $name, $data) = @_;
    my $file = "$self->{dir}/$name";
    nstore($data, "$file.new");
    rename "$file.new", $file or die "$file: $!\n";
}

# Requests so far, to one path or to all, each as
# { time, path, head => the whole head }.
sub requests {
    my ($self, $path) = @_;
    my @all = map { JSON::PP->new->latin1->decode($_) }
        split /\n/, slurp("$self->{dir}/requests");
    return grep { !defined $path || $_->{path} eq $path } @all;
}

# --- certificates ----------------------------------------------------------------

sub make_certificates {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $key = KEY_create_rsa(2048);
    my @ca = CERT_create(CA => 1, subject => { commonName => 'test authority' });
    my @other = CERT_create(CA => 1, subject => { commonName => 'test authority' });
    my $day = 86400;
    my %good = (subject => { commonName => '127.0.0.1' }, key => $key,
                issuer => \@ca, purpose => 'server',
                not_before => time - $day, not_after => time + $day,
                subjectAltNames => [[IP => '127.0.0.1'], [DNS => 'localhost']]);
    my %kinds = (
        good    => {},
        expired => { not_before => time - 2 * $day, not_after => time - $day },
        future  => { not_before => time + $day, not_after => time + 2 * $day },
        foreign => { issuer => \@other },
        name    => { subjectAltNames => [[IP => '127.0.0.2'],
                                         [DNS => 'other.example']] },
    );
    PEM_cert2file($ca[0], "$dir/ca.pem");
    PEM_key2file($key, "$dir/key.pem");
    for my $kind (keys %kinds) {
        my ($cert) = CERT_create(%good, %{ $kinds{$kind} });
        PEM_cert2file($cert, "$dir/$kind.pem");
    }
}

# --- the process -------------------------------------------------------------------

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

sub resume {
    my ($self) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}, Listen => 128, ReuseAddr => 1)
        or die "port $self->{port}: $!\n";
    my $parent = $$;
    my $pid = fork;
    defined $pid or die "fork: $!\n";
    if ($pid) {
        $self->{pid} = $pid;
        return;
    }
    # Own session, so that stop ends all that answer at the moment.
    POSIX::setsid();
    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';
    while (getppid() == $parent) {
        my $ready = '';
        vec($ready, fileno $listener, 1) = 1;
        next unless select $ready, undef, undef, 1;
        my $client = $listener->accept or next;
        next if fork;
        close $listener;
        eval { $self->handle($client) };
        POSIX::_exit(0);
    }
    POSIX::_exit(0);
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', -$pid;
    waitpid $pid, 0;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop if $self->{owner} == $$;
}

# --- one connection ------------------------------------------------------------------

sub handle {
    my ($self, $client) = @_;
    my $state = retrieve("$self->{dir}/state");
    alarm 30;
    if ($self->{tls}) {
        my $version = $state->{protocol};
        IO::Socket::SSL->start_SSL($client, SSL_server => 1,
            SSL_cert_file => "$self->{dir}/$state->{certificate}.pem",
            SSL_key_file => "$self->{dir}/key.pem",
            # any, or it reads all authorities of the system each time; not the
            # one of the certificate, which would be sent with it
            SSL_ca_file => "$self->{dir}/good.pem",
            $version ? (SSL_version => $version,
                        SSL_cipher_list => 'ALL:@SECLEVEL=0') : ())
            or return;
    }
    my $head = '';
    until ($head =~ /\r\n\r\n/) {
        sysread $client, $head, 4096, length $head or return;
    }
    my ($path) = $head =~ m{^GET (\S+) };
    $self->record({ time => time, path => $path, head => $head });
    my $answer = "$self->{dir}/" . answer_file($path =~ s/\?.*//r);
    send_answer($client, -f $answer ? retrieve($answer)
        : { status => 404, body => 'nothing here' });
    $client->close;
}

sub record {
    my ($self, $request) = @_;
    open my $log, '>>', "$self->{dir}/requests" or return;
    syswrite $log, JSON::PP->new->latin1->encode($request) . "\n";
}

sub send_answer {
    my ($client, $answer) = @_;
    sleep $answer->{delay} if $answer->{delay};
    sleep 30 if $answer->{hang};
    my $body = defined $answer->{body} ? $answer->{body} : '';
    my $status = $answer->{status} || 200;
    my $endless = $answer->{endless} || '';
    return send_all($client, $answer->{raw}) if defined $answer->{raw};
    my $head = join "\r\n", "HTTP/1.1 $status Status", 'Connection: close',
        ($endless ? () : 'Content-Length: ' . length $body),
        @{ $answer->{headers} || [] }, '';
    send_all($client, $head);
    send_forever($client, 'X-More: ' . 'x' x 1000 . "\r\n")
        if $endless eq 'head';
    send_all($client, "\r\n");
    send_forever($client, ' ' x 4096) if $endless eq 'body';
    my $chunk = $answer->{chunk} || length $body || 1;
    for (my $at = 0; $at < length $body; $at += $chunk) {
        send_all($client, substr $body, $at, $chunk) or return;
        sleep 0.1 if $answer->{chunk};
    }
}

sub send_all {
    my ($client, $octets) = @_;
    my $at = 0;
    while ($at < length $octets) {
        # One TLS record at a time.
        my $sent = syswrite $client, $octets, 16000, $at;
        return 0 unless $sent;
        $at += $sent;
    }
    return 1;
}

sub send_forever {
    my ($client, $octets) = @_;
    1 while send_all($client, $octets);
}

1;
