package JwtMapH2;

# JwtMapH2: an HTTP/2 client (RFC 9113, prior knowledge) that sends the fields
# that it is given as they are: also trailers, and what a client must not send.
#
#   my $h2 = JwtMapH2->new(port('demo'));
#   my $res = $h2->request(target => '/', method => 'POST', body => 'x',
#                          headers => ['X-One: 1'], trailers => ['X-Two: 2']);
#
# $res is { status, reset, body }: status 0 and reset with the error code where
# the server did not answer but reset the stream or closed the connection.
# Names go out in lower case, unless raw => 1.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4,
               PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8 };
use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8,
               PRIORITY => 32 };
use constant { HEADER_TABLE_SIZE => 1, WINDOW => 0x7fffffff,
               INITIAL_WINDOW_SIZE => 4 };

sub new {
    my ($class, $port) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port)
        or die "port $port: $!\n";
    my $self = bless { socket => $socket, port => $port, buf => '', next => 1 },
        $class;
    $self->send_octets("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack 'nNnN', HEADER_TABLE_SIZE, 0,
                INITIAL_WINDOW_SIZE, WINDOW)
        . frame(WINDOW_UPDATE, 0, 0, pack 'N', WINDOW - 65535));
    return $self;
}

sub send_octets {
    my ($self, $octets) = @_;
    local $SIG{PIPE} = 'IGNORE';
    return $self->{socket}->syswrite($octets);
}

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return pack('CnCCN', length($payload) >> 16, length($payload) & 0xffff,
                $type, $flags, $stream) . $payload;
}

# HPACK (RFC 7541) without its tables: 6.2.2, no Huffman code.
sub hpack {
    my (@lines) = @_;
    return join '', map {
        my ($name, $value) = /^(:?[^:]*): ?(.*)$/s;
        "\0" . hpack_string($name) . hpack_string($value);
    } @lines;
}

sub hpack_string {
    my ($text) = @_;
    my $left = length($text) - 127;
    return chr(length $text) . $text if $left < 0;
    my $size = chr 127;
    while ($left >= 128) {
        $size .= chr($left % 128 + 128);
        $left >>= 7;
    }
    return $size . chr($left) . $text;
}

# Opens a stream; its number. Ended unless open => 1, body or trailers.
sub open_stream {
    my ($self, %opt) = @_;
    my $stream = $self->{next};
    $self->{next} += 2;
    my @lines = @{ $opt{headers} || [] };
    my @trailers = @{ $opt{trailers} || [] };
    if (!$opt{raw}) {
        s/^([^:]+)/lc $1/e for @lines, @trailers;
    }
    my $method = $opt{method} || 'GET';
    my $more = defined $opt{body} || @trailers || $opt{open};
    my $octets = frame(HEADERS, END_HEADERS | ($more ? 0 : END_STREAM), $stream,
        hpack(":method: $method", ':scheme: http',
              ':authority: 127.0.0.1', ":path: $opt{target}",
              @{ $opt{pseudo} || [] }, @lines));
    if (defined $opt{body}) {
        $octets .= frame(DATA, @trailers || $opt{open} ? 0 : END_STREAM,
                         $stream, $opt{body});
    }
    if (@trailers) {
        $octets .= frame(HEADERS, END_HEADERS | END_STREAM, $stream,
                         hpack(@trailers));
    }
    $self->send_octets($octets);
    return $stream;
}

sub request {
    my ($self, %opt) = @_;
    return $self->answer($self->open_stream(%opt));
}

# Reads until the stream ends, or until $enough->($res); 20 s at most.
sub answer {
    my ($self, $stream, $enough) = @_;
    my $res = { status => 0, body => '' };
    my $end = time + 20;
    until ($res->{ended} || defined $res->{reset}
           || $enough && $enough->($res)) {
        my ($type, $flags, $id, $payload) = $self->next_frame($end);
        if (!defined $type) {
            $res->{reset} = -1;
        }
        elsif ($type == SETTINGS && !($flags & ACK)) {
            $self->send_octets(frame(SETTINGS, ACK, 0, ''));
        }
        elsif ($type == PING && !($flags & ACK)) {
            $self->send_octets(frame(PING, ACK, 0, $payload));
        }
        elsif ($id == $stream) {
            take($res, $type, $flags, $payload);
        }
    }
    return $res;
}

sub take {
    my ($res, $type, $flags, $payload) = @_;
    if ($type == RST_STREAM) {
        $res->{reset} = unpack 'N', $payload if !$res->{ended};
        return;
    }
    return if $type != DATA && $type != HEADERS;
    if ($flags & PADDED) {
        my $pad = unpack 'C', substr $payload, 0, 1, '';
        substr $payload, length($payload) - $pad, $pad, '';
    }
    $res->{body} .= $payload if $type == DATA;
    if ($type == HEADERS) {
        substr $payload, 0, 5, '' if $flags & PRIORITY;
        my $status = status_of($payload);
        $res->{status} = $status if $status >= 200;
    }
    $res->{ended} = $flags & END_STREAM;
}

# :status comes first: indexed, or with an indexed name and digits that are
# Huffman-coded, five bits for 0 to 2 and six for the others.
sub status_of {
    my ($block) = @_;
    my @indexed = (200, 204, 206, 304, 400, 404, 500);
    $block =~ s/\A[\x20-\x3f]+//;    # table size updates
    my ($first, $size) = unpack 'CC', $block;
    return $indexed[$first - 0x88] || 0 if $first & 0x80;
    my $value = substr $block, 2, $size & 0x7f;
    return $value if !($size & 0x80);
    my $bits = unpack 'B*', $value;
    my $text = '';
    while ($bits =~ s/\A(?:000(..)|(011...))//) {
        $text .= defined $1 ? oct "0b$1" : oct("0b$2") - 22;
    }
    return length $text == 3 ? $text : 0;
}

sub next_frame {
    my ($self, $end) = @_;
    $self->fill($end, 9) or return;
    my ($high, $low, $type, $flags, $stream)
        = unpack 'CnCCN', substr $self->{buf}, 0, 9;
    my $size = ($high << 16) + $low;
    $self->fill($end, 9 + $size) or return;
    my $payload = substr substr($self->{buf}, 0, 9 + $size, ''), 9;
    return ($type, $flags, $stream & 0x7fffffff, $payload);
}

sub fill {
    my ($self, $end, $size) = @_;
    my $select = IO::Select->new($self->{socket});
    while (length $self->{buf} < $size) {
        my $left = $end - time;
        return 0 if $left <= 0 || !$select->can_read($left);
        sysread $self->{socket}, $self->{buf}, 65536, length $self->{buf}
            or return 0;
    }
    return 1;
}

# More of the body of an open stream.
sub send_data {
    my ($self, $stream, $octets, $last) = @_;
    return $self->send_octets(frame(DATA, $last ? END_STREAM : 0, $stream,
                                    $octets));
}

1;
