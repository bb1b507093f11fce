# The documentation and the code say the same: what docs/reference.md lists is
# what the code knows, in both directions; README.md has what it must; every
# example of a table compiles, every example of httpd.conf is accepted, and
# every link leads somewhere.

use JSON::PP qw(decode_json);

use JwtMapTest;

# All of them; names are relative to the top.
my @pages = (qw(README.md CONTRIBUTING.md SECURITY.md),
    map { s{^.*/docs/}{docs/}r } glob(stage('docs/*.md')));
my %text = map { $_ => text_of(stage($_)) } @pages;
my $reference = $text{'docs/reference.md'} // '';
my %source = map { $_ => text_of($_) }
    stage('mod_jwtmap.c'), glob(stage('src/*.c')), glob(stage('src/httpd/*.c'));

sub text_of {
    my ($file) = @_;
    open my $fh, '<:encoding(UTF-8)', $file or die "$file: $!\n";
    local $/;
    return scalar <$fh>;
}

# --- what the code knows -----------------------------------------------------

# Strings of the C text between two patterns.
sub strings { return $_[0] =~ /"((?:[^"\\]|\\.)*)"/g }

sub all_source { return join "\n", map { $source{$_} } sort keys %source }

# Names in a list of members, with the macros that stand in it.
sub members_of {
    my ($name) = @_;
    my $all = all_source();
    my ($list) = $all =~ /\*const \Q$name\E\[\] = \{(.*?)\};/s
        or die "no list $name\n";
    my %macro = $all =~ /^#define (\w+_MEMBERS) \\\n((?:.*\\\n)*.*)$/mg;
    $list =~ s/\b(\w+_MEMBERS)\b/$macro{$1}/g;
    return grep { !is_comment($_) } strings($list);
}

sub is_comment { return $_[0] =~ /^(description|summary|tags|x-.*)$/ }

sub uniq { my %seen; return grep { !$seen{$_}++ } @_ }

my %keys_of = (
    'Top level' => [members_of('top_members')],
    'Servers' => [members_of('server_members')],
    'A route' => [members_of('route_members')],
    'Integration' => [members_of('integration_members')],
    'Authorizers' => [uniq(map { members_of("${_}_members") }
            qw(jwt auth0 supabase)), members_of('source_members')],
    'Mapping' => [members_of('mapping_members')],
    'Values' => [strings(all_source() =~ /\} members\[\] = \{(.*?)^\};/ms)],
    'CORS' => [members_of('cors_members')],
);

my @verdicts = all_source() =~ /^    \[JM_\w+\] = \{ "(\w+)",/mg;
my %status_of;    # "verdict" -> "status code"
{
    my ($table) = all_source() =~ /jm_error_t table\[.*?\{(.*?)^\};/ms;
    my %macro = all_source() =~ /^#define (\w+) "(\w+)", "/mg;
    while ($table =~ /\[JM_\w+\] = \{(.*?)\}/gs) {
        my $row = $1 =~ s/"\s*\n\s*"//gr;
        my ($name) = strings($row);
        $row =~ /(\d+),\s*(?:"(\w*)"|(\w+))/ or die "row of $name\n";
        $status_of{$name} = $1 ? "$1 " . ($2 // $macro{$3}) : ' ';
    }
}
my @directives = uniq(all_source() =~ /AP_INIT_\w+\(\s*"(\w+)"/g);
my @notes = uniq(all_source() =~ /(?<!\w)"(jwtmap\.\w+)"/g);
my @providers = all_source() =~ /AUTHZ_PROVIDER_GROUP, "([\w-]+)"/g;
my ($source_table) = all_source() =~ /source_t sources\[\] = \{(.*?)^\};/ms;
my @request = map { "\$request.$_" } $source_table =~ /\{ "(\w+)", "/g;

# --- what the reference says ---------------------------------------------------

sub section {
    my ($page, $heading) = @_;
    my ($level, $body) = $page =~ /^(#+) \Q$heading\E\n(.*?)(?=^#|\z)/ms;
    return $body // die "no section $heading\n";
}

# The words of a column (from 0) of the tables in a section: `word`.
sub column {
    my ($text, $column) = @_;
    my @words;
    while ($text =~ /^\|(.*)\|$/mg) {
        my @cells = split /(?<!\\)\|/, $1;
        push @words, $cells[$column] =~ /`([^`]+)`/g if defined $cells[$column];
    }
    return @words;
}

sub same {
    my ($what, $got, $want) = @_;
    die "$what: the code has none\n" if !@$want;
    is(join("\n", sort(uniq(@$got))), join("\n", sort(uniq(@$want))), $what);
    return;
}

same('the directives', [map { s/ .*//sr }
        column(section($reference, 'Directives'), 0)], \@directives);
for my $heading (sort keys %keys_of) {
    same("the keys of $heading",
        [grep { !/^\$(?:request|config)/ && !is_comment($_) }
            column(section($reference, $heading), 0)], $keys_of{$heading});
}
same('the sources of expressions', [map { s/\.[A-Z]+$//r } grep { /^\$request/ }
        column(section($reference, 'Values'), 0)], \@request);
same('the verdicts', [column(section($reference, 'Answers'), 2)], \@verdicts);
for my $row (section($reference, 'Answers') =~ /^\|(.*`\w+`.*)\|$/mg) {
    my ($status, $code, $verdict) = map { s/[ `]//gr } split /\|/, $row;
    is("$status $code", $status_of{$verdict}, "the status and code of $verdict");
}
same('the notes',
    [grep { /^jwtmap/ } column(section($reference, 'Notes'), 0)], \@notes);
same('the Require lines', [map { /Require (jwtmap-\w+)/ ? $1 : () }
        column(section($reference, 'Require lines'), 0)], \@providers);

# Words of lists that the reference has in its text.
my %words_of = (
    'a format' =>
        [strings(all_source() =~ /format_names\[[^\]]*\] = \{(.*?)\}/s)],
    'an answer to a missing value' =>
        [strings(all_source() =~ /missing_names\[\] = \{(.*?)\}/s)],
    'a type of authorizer' =>
        [strings(all_source() =~ /kind_names\[\] = \{(.*?)\}/s)],
    'an algorithm' =>
        [strings(all_source() =~ /\[\] = \{\s*("HS256", .*?)\}/s)],
);
for my $what (sort keys %words_of) {
    my @words = @{ $words_of{$what} };
    cmp_ok(scalar @words, '>', 2, "there is more than one of $what");
    for my $word (@words) {
        like($reference, qr/`"?\Q$word\E"?`/, "$what: $word");
    }
}

# The schema has the same keys as the compiler.
{
    my $schema = decode_json(slurp(stage('conf/routes.schema.json')));
    my $defs = $schema->{'$defs'};
    my %object_of = (
        'Top level' => [$schema], 'Servers' => [$defs->{server}],
        'A route' => [$defs->{route}], 'Mapping' => [$defs->{mapping}],
        'Integration' => [$defs->{route}{properties}{integration},
            $defs->{route}{properties}{integration}{allOf}[0]{then}],
        'Authorizers' => [$defs->{authorizer}, $defs->{source}],
        'Values' => [$defs->{value}], 'CORS' => [$defs->{cors}],
    );
    for my $heading (sort keys %keys_of) {
        same("the schema: the keys of $heading", [grep { !is_comment($_) }
                map { keys %{ $_->{properties} } } @{ $object_of{$heading} }],
            $keys_of{$heading});
    }
}

# --- the other pages ------------------------------------------------------------

for my $name (@directives) {
    like($text{'README.md'}, qr/`$name\b/, "README.md: $name");
}
for my $code (uniq(map { s/.* //r } grep { /\S/ } values %status_of)) {
    like($text{'README.md'}, qr/`$code`/, "README.md: $code");
}
for my $name (sort keys %text) {
    my @unknown = grep { my $word = $_; !grep { $word eq $_ } @directives }
        $text{$name} =~ /\b(JwtMap[A-Z]\w+)/g;
    is("@unknown", '', "$name: no directive that is not there");
    @unknown = grep { my $word = $_; !grep { $word eq $_ } @notes }
        $text{$name} =~ /\b(jwtmap\.[a-z]+)(?!\w*\.|[\w(]|-)\}?n?/g;
    @unknown = grep { !/^jwtmap\.(conf|load|so)$/ } @unknown;
    is("@unknown", '', "$name: no note that is not there");
}
{
    my $man = text_of(stage('docs/jwtmapctl.1')) =~ s/\\-/-/gr;
    for my $verb (qw(check verify token explain)) {
        my @missing = grep { index($man, $_) < 0 }
            map { /^  .. (--[a-z-]+)/ } `$ENV{JWTMAPCTL} $verb --help`;
        is("@missing", '', "jwtmapctl.1 has the options of $verb");
    }
    my ($version) = text_of(stage('src/jm.h')) =~ /JM_VERSION "(.*)"/;
    like($man, qr/"mod_jwtmap \Q$version\E"/, 'jwtmapctl.1 is of this version');
    like(text_of(stage('debian/changelog')), qr/^mod-jwtmap \(\Q$version\E\)/,
        'debian/changelog is of this version');
    like(text_of(stage('packaging/mod_jwtmap.spec')), qr/^Version: +\Q$version\E$/m,
        'mod_jwtmap.spec is of this version');
    like(text_of(stage('CHANGES')), qr/^mod_jwtmap \Q$version\E\b/,
        'CHANGES begins with this version');
}

# Where a heading is in a page, as the usual renderers name it.
sub anchors {
    my ($page) = @_;
    return map { s/[^\w -]//gr =~ s/ /-/gr } map { lc } $page =~ /^#+ (.*)$/mg;
}

for my $name (sort keys %text) {
    my @broken;
    for my $link ($text{$name} =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ /^https?:/;
        my ($file, $anchor) = $link =~ /^([^#]*)#?(.*)$/;
        my $folder = $name =~ m{^(.*/)} ? $1 : '';
        my $path = $file eq '' ? $name : "$folder$file";
        1 while $path =~ s{[^/]+/\.\./}{};
        push @broken, $link if !-e stage($path)
            || ($anchor ne ''
            && !grep { $_ eq $anchor } anchors($text{$path} // ''));
    }
    is("@broken", '', "$name: every link leads somewhere");
}

# --- examples ---------------------------------------------------------------------

my $dir = stage('t');    # ServerRoot, which tables and keys are relative to
for my $pair (['ec256.pub.pem', 'issuer.pem'], ['jwks.json', 'jwks.json']) {
    spew("$dir/$pair->[1]", slurp("$dir/conf/keys/$pair->[0]"));
}
mkdir "$dir/jwtmap-secrets";
my @examples;
for my $name (sort keys %text) {
    my $n = 0;
    while ($text{$name}
        =~ /(?:^<!-- ([^\n]*) -->\n)?^```(json|apache)\n(.*?)^```/msg) {
        push @examples, [$name, ++$n, $1 // '', $2, $3];
    }
}
cmp_ok(scalar(grep { $_->[3] eq 'json' } @examples), '>=', 9, 'there are tables');
cmp_ok(scalar(grep { $_->[3] eq 'apache' } @examples), '>=', 8, 'and httpd.conf');
for my $example (@examples) {
    my ($name, $n, $about, $kind, $code) = @$example;
    next if $about eq 'not ours';
    utf8::encode($code);
    if ($kind eq 'json') {
        my ($warnings) = $about =~ /^warnings: (\d+)$/;
        spew("$dir/example.json", $code);
        my $said = `$ENV{JWTMAPCTL} check --placeholders $dir/example.json 2>&1`;
        like($said, qr/: ok, \d+ routes?, ${\($warnings || 0)} warnings?$/m,
            "$name: table $n") or diag($said);
        next;
    }
    spew("$dir/routes.json", first_table());
    # As Debian's envvars has it.
    my ($status, $output) = httpd_t("Define APACHE_LOG_DIR logs\n$code");
    is($status, 0, "$name: httpd.conf $n") or diag($output);
}

sub first_table {
    my ($table) = grep { $_->[0] eq 'README.md' && $_->[3] eq 'json' } @examples;
    return $table->[4];
}

done_testing();
