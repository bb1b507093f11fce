# conf/routes.schema.json and the compiler agree on every case of t/routes:
# what the one refuses the other refuses, at the same place. Where a schema
# cannot know what the compiler knows, t/routes/beyond-schema says so.

use JSON::PP qw(decode_json);
use Test::More;
use strict;
use warnings;

# Not a plan to skip: then nobody would notice.
system('/usr/bin/python3', '-c', 'import jsonschema') == 0
    or die "no JSON Schema validator; on Debian: "
    . "apt-get install python3-jsonschema\n";

my $schema = 'conf/routes.schema.json';
my $ctl = $ENV{JWTMAPCTL} or die "env JWTMAPCTL names no binary\n";

sub slurp {
    open my $fh, '<:raw', $_[0] or return '';
    local $/;
    return scalar(<$fh>) // '';
}

sub output_of {
    open my $fh, '-|', @_ or die "$_[0]: $!";
    local $/;
    return scalar(<$fh>) // '';
}

# Pointers of the errors that the compiler has of a case.
sub compiler_errors {
    my ($dir) = @_;
    my @args = map { ('-D', $_) } split /\n/, slurp("$dir/env");
    push @args, '--secrets-dir', "$dir/secrets" if -d "$dir/secrets";
    push @args, '--placeholders' if -e "$dir/placeholders";
    my $list = decode_json(output_of($ctl, 'check', '--json', @args,
            "$dir/table.json"));
    my %pointers = map { $_->{pointer} => $_->{message} }
        grep { $_->{severity} eq 'error' } @$list;
    return \%pointers;
}

# A missing or unknown member is said of its object by the one and of the
# member by the other.
sub is_near {
    my ($object, $place) = @_;
    return $object eq $place || $object eq ($place =~ s{/[^/]*\z}{}r);
}

# Lines "CASE POINTER REASON".
my %beyond;
for (grep { !/^(#|$)/ } split /\n/, slurp('t/routes/beyond-schema')) {
    my ($case, $pointer, $reason) = /^(\S+)\t(\S*)\t(\S.*)$/
        or die "t/routes/beyond-schema: $_\n";
    $beyond{$case}{$pointer} = $reason;
}

my @cases = glob 't/routes/{valid,invalid,lint}/*';
cmp_ok(scalar @cases, '>=', 120, 'there are cases');
my $said = decode_json(output_of('/usr/bin/python3', 't/lib/validate.py',
        $schema, map { "$_/table.json" } @cases));

for my $case (@cases) {
    my $name = $case =~ s{^t/routes/}{}r;
    my $refused = compiler_errors($case);
    my $errors = $said->{"$case/table.json"};
    if (!$errors) {
        ok(%$refused, "$name: no JSON for either");
        next;
    }
    my $beyond = delete $beyond{$name} // {};
    my @strict = grep {
        my $object = $_->[0];
        !grep { is_near($object, $_) } keys %$refused
    } @$errors;
    ok(!@strict, "$name: the schema refuses nothing that the compiler takes")
        or diag(map { "$_->[0]: $_->[1]\n" } @strict);
    my @lax = grep {
        my $place = $_;
        !exists $beyond->{$place}
            && !grep { is_near($_->[0], $place) } @$errors
    } sort keys %$refused;
    ok(!@lax, "$name: what the compiler refuses the schema refuses, too")
        or diag(map { "$name\t$_\t$refused->{$_}\n" } @lax);
    my @stale = grep {
        my $place = $_;
        !exists $refused->{$place} || grep { $_->[0] eq $place } @$errors
    } keys %$beyond;
    ok(!@stale, "$name: what is beyond the schema is")
        or diag(map { "$_\n" } @stale);
}
is(join(' ', keys %beyond), '', 'every case that is beyond the schema is there');

done_testing();
