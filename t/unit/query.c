/*
 * query.c: jm_query: what is taken out of a query string, what stays, what
 * is appended.
 */
#include "query_names.h"

#define EDIT_MAX 8

typedef struct edit_t {
    const char *args;              /* NULL: absent */
    const char *remove[EDIT_MAX];  /* names, NULL-terminated */
    const char *keep[EDIT_MAX];
    const char *append[EDIT_MAX];  /* name, value, name, value, … */
    const char *want;              /* NULL: the result is absent */
    const char *what;
} edit_t;

static unsigned params_of(jm_param_t *params, const char *const *words)
{
    unsigned count = 0;

    for (; words[0]; words += 2) {
        params[count].name = jm_str(words[0]);
        params[count++].value = jm_str(words[1]);
    }
    return count;
}

static void try_edit(const edit_t *t)
{
    jm_param_t append[EDIT_MAX];
    unsigned count = params_of(append, t->append);
    jm_str_t got = jm_query_edit(tap_pool, jm_str(t->args),
                                 names_of(t->remove), names_of(t->keep),
                                 append, count);

    if (t->want) {
        is_str(got, t->want, t->what);
        ok(got.ptr && got.ptr[got.len] == '\0', "and a NUL stands behind it");
    }
    else {
        ok(!got.ptr && !got.len, "%s", t->what);
    }
}

static const edit_t separators[] = {
    { "a=1&actor=x&b=2", { "actor" }, { 0 }, { 0 }, "a=1&b=2",
      "a parameter goes with the separator after it" },
    { "a=1;actor=x&b=2", { "actor" }, { 0 }, { 0 }, "a=1;b=2",
      "a semicolon before it stays, the & after it goes" },
    { "a=1&actor=x;b=2", { "actor" }, { 0 }, { 0 }, "a=1&b=2",
      "a semicolon after it goes" },
    { "a=1;actor=x", { "actor" }, { 0 }, { 0 }, "a=1",
      "the last one goes with the separator before it" },
    { "a=1&actor=x", { "actor" }, { 0 }, { 0 }, "a=1",
      "the last one goes with the & before it" },
    { "a=1&actor=x&", { "actor" }, { 0 }, { 0 }, "a=1&",
      "one before a final & is not the last" },
    { "a=1&actor=x&actor=y", { "actor" }, { 0 }, { 0 }, "a=1",
      "two last ones leave no separator" },
    { "a=1;actor=x&actor=y;actor", { "actor" }, { 0 }, { 0 }, "a=1",
      "three last ones leave no separator" },
    { "&&actor=1&&", { "actor" }, { 0 }, { 0 }, "&&&",
      "the separators around it stay" },
    { "&actor=1", { "actor" }, { 0 }, { 0 }, NULL,
      "nothing remains of a separator and the last parameter" },
    { "actor=x", { "actor" }, { 0 }, { 0 }, NULL,
      "a query of one parameter is absent afterwards" },
    { "actor=x&actor=y", { "actor" }, { 0 }, { 0 }, NULL,
      "a query of that name only is absent afterwards" },
    { "actor", { "actor" }, { 0 }, { 0 }, NULL,
      "a parameter without = goes" },
    { "a=1&actor&b", { "actor" }, { 0 }, { 0 }, "a=1&b",
      "a parameter without = goes from the middle" },
    { "actor=a=b&c=d=e", { "actor" }, { 0 }, { 0 }, "c=d=e",
      "the name ends at the first =" },
    { "b=actor&c=x%26actor=1", { "actor" }, { 0 }, { 0 },
      "b=actor&c=x%26actor=1", "the name as or in a value stays" },
    { "&;&", { "actor" }, { 0 }, { 0 }, "&;&", "lone separators stay" },
    { "=x&&=", { "actor" }, { 0 }, { 0 }, "=x&&=", "empty names stay" },
    { "&&=x&a", { "" }, { 0 }, { 0 }, "&&a",
      "the empty name can be removed, the gap between separators cannot" },
    { "", { "actor" }, { 0 }, { 0 }, "", "an empty query stays empty" },
    { NULL, { "actor" }, { 0 }, { 0 }, NULL, "an absent query stays absent" },
};

static const edit_t appended[] = {
    { "a=1", { "actor" }, { 0 }, { "actor", "v" }, "a=1&actor=v",
      "ours comes after one &" },
    { "a=1&", { "actor" }, { 0 }, { "actor", "v" }, "a=1&&actor=v",
      "a final & stays before our own" },
    { "a=1&actor=x&", { "actor" }, { 0 }, { "actor", "v" }, "a=1&&actor=v",
      "a final & stays where the parameter before it went" },
    { "a=1;actor=x", { "actor" }, { 0 }, { "actor", "v" }, "a=1&actor=v",
      "the last one is replaced" },
    { "actor=x", { "actor" }, { 0 }, { "actor", "v" }, "actor=v",
      "the only one is replaced" },
    { "", { "actor" }, { 0 }, { "actor", "v" }, "actor=v",
      "an empty query gets ours alone" },
    { NULL, { "actor" }, { 0 }, { "actor", "v" }, "actor=v",
      "an absent query gets ours alone" },
    { "&", { "actor" }, { 0 }, { "actor", "v" }, "&&actor=v",
      "a lone & stays before our own" },
    { "z", { 0 }, { 0 }, { "a", "1", "b", "" }, "z&a=1&b=",
      "several are appended in order, an empty value, too" },
    { "actor=x", { 0 }, { 0 }, { "b", "1" }, "actor=x&b=1",
      "nothing is removed where no name is asked for" },
    { "a", { 0 }, { 0 }, { "a b&=", "x+y;%\xC3\xA9~-._/" },
      "a&a%20b%26%3D=x%2By%3B%25%C3%A9~-._%2F",
      "all but unreserved octets are encoded, in upper case" },
};

/* Queries of one parameter: whether it counts as the name. */
static const struct {
    const char *name;
    const char *args;
    int gone;
} spellings[] = {
    { "actor", "actor=1", 1 },          { "actor", "Actor=1", 0 },
    { "actor", "actors=1", 0 },         { "actor", "acto=1", 0 },
    { "actor", "xactor=1", 0 },         { "actor", "%61ctor=1", 1 },
    { "actor", "%61%63%74%6f%72=1", 1 },{ "actor", "acto%7=1", 0 },
    { "actor", "acto%72=1", 1 },        { "actor", "%2561ctor=1", 0 },
    { "actor", "acto%7R=1", 0 },        { "actor", "%41ctor=1", 0 },
    { "actor", "+actor=1", 1 },         { "actor", "%20+actor=1", 1 },
    { "actor", "%2Bactor=1", 0 },       { "actor", "%09actor=1", 0 },
    { "actor", "actor+=1", 0 },         { "actor", "actor%20=1", 0 },
    { "actor", "actor%00=1", 1 },       { "actor", "actor%00x=1", 1 },
    { "actor", "%00actor=1", 0 },       { "actor", "+actor%00[=1", 1 },
    { "actor", "actor[]=1", 1 },        { "actor", "actor[x]=1", 1 },
    { "actor", "actor%5Bx%5D=1", 1 },   { "actor", "actor%5b=1", 1 },
    { "actor", "actor[x=1", 1 },        { "actor", "actor[x][y]=1", 1 },
    { "actor", "actor[x]y=1", 1 },      { "actor", "[actor]=1", 1 },
    { "actor", "[x]actor=1", 0 },       { "actor", "x[actor]=1", 0 },
    { "actor", "actor]=1", 1 },         { "actor", "%20actor[]", 1 },
    { "actor", "actor.x=1", 0 },        { "actor", "actor_x=1", 0 },
    { "actor", "actor%3D=1", 0 },       { "actor", "%=1", 0 },
    { "a_b", "a.b=1", 1 },              { "a_b", "a+b=1", 1 },
    { "a_b", "a%20b=1", 1 },            { "a_b", "a%2Eb=1", 1 },
    { "a_b", "a[b=1", 1 },              { "a_b", "a%5Bb=1", 1 },
    { "a_b", "a[b]=1", 0 },             { "a_b", "a-b=1", 0 },
    { "a_b", "a=1", 0 },                { "a_b", "a%2Bb=1", 0 },
    { "a_b", "a.b[c]=1", 1 },           { "a_b", "a__b=1", 0 },
    { "a_b_c", "a[b.c=1", 1 },          { "a_b_c", "a[b[c=1", 1 },
    { "a_b_c", "a.b+c=1", 1 },          { "a_b_c", "a.b=1", 0 },
    { "a.b", "a_b=1", 1 },              { "a b", "a.b=1", 1 },
    { " a", "a=1", 1 },                 { "a[]", "a[0]=1", 1 },
    { "a[]", "a=1", 1 },                { "a[]", "ab=1", 0 },
    { "a[b]", "a[b]=1", 1 },            { "a[b]", "a[b][c]=1", 1 },
    { "a[b]", "a[c]=1", 0 },            { "a[b]", "a=1", 0 },
    { "a[b]", "[a][b]=1", 1 },          { "a[b]", "a[]=1", 0 },
    { "a[b][c]", "a[b][c][]=1", 1 },    { "a[b][c]", "a[b]=1", 0 },
};

static void test_spellings(void)
{
    unsigned i;

    for (i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
        const char *remove[2] = { spellings[i].name, NULL };
        const char *inner = apr_psprintf(tap_pool, "x;%s&y",
                                         spellings[i].args);
        jm_str_t got = jm_query_edit(tap_pool, jm_str(inner),
                                     names_of(remove), NULL, NULL, 0);

        ok(jm_str_is(got, spellings[i].gone ? "x;y" : inner), "%s %s %s",
           spellings[i].args, spellings[i].gone ? "is taken for"
                                                : "is not taken for",
           spellings[i].name);
    }
}

static const edit_t kept[] = {
    { "id=1&actor=2", { "id", "actor" }, { "id" }, { 0 }, "id=1",
      "a name that the route keeps stays, its neighbour goes" },
    { "id[x]=1&i%64=2", { "id" }, { "id" }, { 0 }, "id[x]=1&i%64=2",
      "a kept name stays in all its spellings" },
    { "a[b=1", { "a", "a_b" }, { "a" }, { 0 }, NULL,
      "what may be taken for a name that is not kept goes" },
    { "a[b=1", { "a", "a_b" }, { "a_b" }, { 0 }, NULL,
      "and so the other way round" },
    { "a[b=1", { "a", "a_b" }, { "a", "a_b" }, { 0 }, "a[b=1",
      "it stays where both are kept" },
    { "id=1", { "id" }, { "other" }, { 0 }, NULL,
      "keeping another name keeps nothing" },
};

static void test_edits(const edit_t *edits, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        try_edit(&edits[i]);
    }
}

#define TEST_EDITS(table) test_edits(table, sizeof(table) / sizeof(*table))

static void test_unchanged(void)
{
    static const char *const words[] = { "actor", NULL };
    jm_str_t args = jm_str("a=1&b");
    jm_str_t got = jm_query_edit(tap_pool, args, names_of(words), NULL, NULL,
                                 0);

    ok(got.ptr == args.ptr && got.len == args.len,
       "a query that nothing is taken out of is handed back itself");
    got = jm_query_edit(tap_pool, args, NULL, NULL, NULL, 0);
    ok(got.ptr == args.ptr, "and so without a set of names");
    args = jm_strn("a\0=1&b\0c=2&actor=3", 19);
    got = jm_query_edit(tap_pool, args, names_of(words), NULL, NULL, 0);
    ok(jm_str_eq(got, jm_strn("a\0=1&b\0c=2", 10)),
       "raw NUL octets are counted, not an end");
    got = jm_query_edit(tap_pool, jm_strn("actor\0x=1", 9), names_of(words),
                        NULL, NULL, 0);
    ok(!got.ptr, "a raw NUL ends a name as an encoded one does");
}

static void test_names(void)
{
    jm_query_names_t *names = jm_query_names_make(tap_pool);

    ok(!jm_query_names_has(names, jm_str("a")), "an empty set has no name");
    ok(!jm_query_names_has(names, jm_str("")), "not even the empty one");
    ok(!jm_query_names_has(NULL, jm_str("a")), "no set has no name");
    ok(jm_query_names_count(NULL) == 0, "no set has none in it");
    ok(jm_query_names_add(names, jm_str("a.b")) == 1, "a new name is new");
    ok(jm_query_names_add(names, jm_str("a_b")) == 0,
       "one that PHP takes for it is not");
    ok(jm_query_names_add(names, jm_str("a[b")) == 0, "nor with a lone [");
    ok(jm_query_names_add(names, jm_str("a-b")) == 1, "a hyphen differs");
    ok(jm_query_names_add(names, jm_str("A.b")) == 1, "case differs");
    ok(jm_query_names_add(names, jm_str("f[x]")) == 1, "a[x] is a name");
    ok(jm_query_names_add(names, jm_str("f[y]")) == 1, "a[y] is another");
    ok(jm_query_names_add(names, jm_str("f[x][]")) == 0,
       "a[x][] is the same as a[x]");
    ok(jm_query_names_count(names) == 5, "the set counts what is new");
    ok(jm_query_names_has(names, jm_str(" a b")), "a spelling is in the set");
    ok(jm_query_names_has(names, jm_str("a.b[]")), "and so with brackets");
    ok(jm_query_names_has(names, jm_strn("a.b\0x", 5)), "and cut at NUL");
    ok(!jm_query_names_has(names, jm_str("a.b.c")), "a longer name is not");
    ok(!jm_query_names_has(names, jm_str("f[z]")), "nor another member");
    ok(!jm_query_names_has(names, jm_str("%61.b")),
       "has() does not decode: its name is decoded already");
}

static const struct {
    const char *args;
    const char *name;
    const char *want;              /* NULL: absent */
    const char *what;
} gets[] = {
    { "a=1&b=2", "b", "2", "a value is found" },
    { "a=1&a=2", "a", "1", "the first of two counts" },
    { "a", "a", "", "a parameter without = has an empty value" },
    { "a=", "a", "", "a parameter with = and nothing has an empty value" },
    { "a=&a=2", "a", "", "an empty first value counts" },
    { "a=b=c", "a", "b=c", "a value may hold =" },
    { "x=1;a=2", "a", NULL, "a semicolon does not separate" },
    { "x=1;a=2", "x", "1;a=2", "a semicolon is part of a value" },
    { "%61=%41+b%2B", "a", "A b+", "name and value are decoded" },
    { "a+b=1", "a b", "1", "a + in a name is a space" },
    { "a=%zz%4%", "a", "%zz%4%", "a broken % stays" },
    { "a=%2541", "a", "%41", "a value is decoded once" },
    { "A=1", "a", NULL, "case counts" },
    { "a[]=1", "a", NULL, "brackets are part of the name" },
    { "a.b=1", "a_b", NULL, "a dot is no underscore" },
    { " a=1", "a", NULL, "a leading space is part of the name" },
    { "ab=1&=2", "a", NULL, "a longer or empty name is another" },
    { "a=1", "ab", NULL, "a shorter name is another" },
    { "&&", "", NULL, "between two separators is no parameter" },
    { "", "a", NULL, "an empty query has none" },
    { NULL, "a", NULL, "an absent query has none" },
};

static void test_get(void)
{
    jm_str_t value = jm_str("old");
    unsigned i;

    for (i = 0; i < sizeof(gets) / sizeof(*gets); i++) {
        int found = jm_query_get(&value, tap_pool, jm_str(gets[i].args),
                                 jm_str(gets[i].name));

        if (gets[i].want) {
            ok(found && jm_str_is(value, gets[i].want)
               && value.ptr[value.len] == '\0', "%s", gets[i].what);
        }
        else {
            ok(!found && !value.ptr && !value.len, "%s", gets[i].what);
        }
    }
    ok(jm_query_get(&value, tap_pool, jm_str("a%00b=x%00y"),
                    jm_strn("a\0b", 3))
       && jm_str_eq(value, jm_strn("x\0y", 3)),
       "NUL is an octet of name and value");
    ok(!jm_query_get(&value, tap_pool, jm_str("a%00b=x"), jm_str("a")),
       "a name is not cut at NUL");
}

/* A query of one parameter, a=VALUE. */
static jm_str_t query_of(jm_str_t value)
{
    jm_param_t param = { { "a", 1 }, value };

    return jm_query_edit(tap_pool, jm_strn(NULL, 0), NULL, NULL, &param, 1);
}

static void test_escape(void)
{
    char all[256];
    jm_str_t got;
    unsigned i;

    for (i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    got = query_of(jm_strn(all, 256));
    ok(got.len == 2 + 66 + 3 * 190 && got.ptr[got.len] == '\0',
       "66 octets are unreserved");
    is_str(query_of(jm_strn("\0 /~\xFF", 5)), "a=%00%20%2F~%FF",
           "the others are %XX in upper case");
    is_str(query_of(jm_strn(NULL, 0)), "a=",
           "nothing is encoded as nothing");
}

static void test_unreflect(void)
{
    static const char *const words[] = { "actor", "a b", "x", "", NULL };
    jm_param_t ours[2];
    unsigned count = params_of(ours, words);
    jm_str_t args = jm_str("q=1&actor=other&actor%3Da%20b");

    is_str(jm_query_unreflect(tap_pool, jm_str("q=1&actor=a%20b&x=&z"), ours,
                              count), "q=1&z", "both of ours go");
    is_str(jm_query_unreflect(tap_pool, jm_str("q=1;actor=a%20b"), ours,
                              count), "q=1", "the last goes with what is "
           "before it");
    ok(!jm_query_unreflect(tap_pool, jm_str("actor=a%20b"), ours, count).ptr,
       "nothing remains where all is ours");
    ok(jm_query_unreflect(tap_pool, args, ours, count).ptr == args.ptr,
       "another value, or another name, stays");
    args = jm_str("actor=a%2Bb&actor=a%20b1&xactor=a%20b&x&x=1&actor=a%2520b"
                  "&actor&actor=&actor=a&actor=a%20&actor%00=a%20b");
    ok(jm_query_unreflect(tap_pool, args, ours, count).ptr == args.ptr,
       "neighbours of ours stay");
    ok(!jm_query_unreflect(tap_pool, jm_strn(NULL, 0), ours, count).ptr,
       "an absent query stays absent");
    is_str(jm_query_unreflect(tap_pool, jm_str("actor=a+b&a;%61ctor=a b;q=%20"
                                               "&act%6fr=%61%20%62&x="), ours,
                              count), "a;q=%20", "ours goes however the "
           "upstream encodes it");
    args = jm_str("actor=a%20b");
    ok(jm_query_unreflect(tap_pool, args, NULL, 0).ptr == args.ptr,
       "without any of ours all stays");
    ours[0].value = jm_str("a+b;c&d%");
    is_str(jm_query_unreflect(tap_pool, jm_str("p&actor=a+b;c%26d%&q"), ours,
                              count), "p&q", "also with octets that it did "
           "not encode");
    args = jm_str("actor=a+b;c&d%&actor=a b;c%26d%");
    ok(jm_query_unreflect(tap_pool, args, ours, count).ptr == args.ptr,
       "but not what reads as another value");
    args = jm_query_edit(tap_pool, jm_str("q=1"), NULL, NULL, ours, count);
    is_str(jm_query_unreflect(tap_pool, args, ours, count), "q=1",
           "what jm_query_edit appends is what goes");
}

int main(void)
{
    tap_start();
    TEST_EDITS(separators);
    TEST_EDITS(appended);
    TEST_EDITS(kept);
    test_spellings();
    test_unchanged();
    test_names();
    test_get();
    test_escape();
    test_unreflect();
    return tap_done();
}
