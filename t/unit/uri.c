/*
 * uri.c: the text of paths, and the rule which spellings are refused.
 */
#include "tap.h"

#include "jm_uri.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* --- text --- */

static const struct {
    const char *in;
    int merge;
    int decode;
    const char *out;
} normal[] = {
    { "/", 0, 0, "/" },
    { "", 0, 0, "" },
    { "*", 1, 1, "*" },
    { "a/../b", 0, 0, "a/../b" },
    { "/a/b", 0, 0, "/a/b" },
    { "/.", 0, 0, "/" },
    { "/..", 0, 0, "/" },
    { "/a/.", 0, 0, "/a/" },
    { "/a/..", 0, 0, "/" },
    { "/a/b/..", 0, 0, "/a/" },
    { "/a/./b", 0, 0, "/a/b" },
    { "/a/../b", 0, 0, "/b" },
    { "/a/b/../../c", 0, 0, "/c" },
    { "/../../a", 0, 0, "/a" },
    { "/a/../../../b/", 0, 0, "/b/" },
    { "/a/.../b", 0, 0, "/a/.../b" },
    { "/a/..b/.c/d..", 0, 0, "/a/..b/.c/d.." },
    { "/a/b../c./d", 0, 0, "/a/b../c./d" },
    { "/a//../b", 0, 0, "/a/b" },
    { "/a//../b", 1, 0, "/b" },
    { "//a///b//", 0, 0, "//a///b//" },
    { "//a///b//", 1, 0, "/a/b/" },
    { "/a/.//b", 1, 0, "/a/b" },
    { "/a/.//b", 0, 0, "/a//b" },
    { "/a/%2e%2E/b", 0, 0, "/a/%2e%2E/b" },
    { "/a/%2e%2E/b", 0, 1, "/b" },
    { "/a/.%2e/b", 0, 1, "/b" },
    { "/%41%7a%30%2D%5f%7E", 0, 1, "/Az0-_~" },
    { "/%2f%5C%25%00%20%3b", 0, 1, "/%2f%5C%25%00%20%3b" },
    { "/%%32e%2", 0, 1, "/%2e%2" },
    { "/%", 0, 1, "/%" },
    { "/%4", 0, 1, "/%4" },
    { "/%4g%g4", 0, 1, "/%4g%g4" },
};

static void test_normalize(void)
{
    unsigned i;

    for (i = 0; i < COUNT(normal); i++) {
        is_str(jm_uri_normalize(tap_pool, jm_str(normal[i].in),
                                normal[i].merge, normal[i].decode),
               normal[i].out,
               apr_psprintf(tap_pool, "\"%s\"%s%s is normalised",
                            normal[i].in, normal[i].merge ? " merged" : "",
                            normal[i].decode ? " decoded" : ""));
    }
    ok(jm_str_eq(jm_uri_normalize(tap_pool, jm_strn("/\0/../a\0", 8), 0, 0),
                 jm_strn("/a\0", 3)),
       "a NUL is an octet like others");
    ok(jm_uri_normalize(tap_pool, jm_strn(NULL, 0), 1, 1).len == 0,
       "an absent path stays empty");
}

static void is_decoded(jm_str_t in, jm_str_t want, int want_broken,
                       const char *what)
{
    int broken = 7;
    jm_str_t got = jm_uri_decode(tap_pool, in, &broken);

    ok(jm_str_eq(got, want) && broken == want_broken, "%s", what);
}

static void test_decode(void)
{
    is_decoded(jm_str("/a%20b%2Fc"), jm_str("/a b/c"), 0,
               "%XX is decoded, upper or lower case");
    is_decoded(jm_str("/%252f"), jm_str("/%2f"), 0, "it is decoded once");
    is_decoded(jm_str("/a%00b"), jm_strn("/a\0b", 4), 0,
               "%00 becomes a NUL");
    is_decoded(jm_str("/%ff%C3"), jm_str("/\xff\xC3"), 0,
               "octets above 7F are decoded");
    is_decoded(jm_str("/a+b"), jm_str("/a+b"), 0, "a plus stays");
    is_decoded(jm_str("/%zz%41"), jm_str("/%zzA"), 1,
               "a broken one stays, and is reported");
    is_decoded(jm_str("/%4"), jm_str("/%4"), 1, "so does one cut short");
    is_decoded(jm_strn("/%41", 3), jm_str("/%4"), 1,
               "nothing behind the end is read");
    is_decoded(jm_str("/%"), jm_str("/%"), 1, "and a lone %");
    is_decoded(jm_strn(NULL, 0), jm_str(""), 0, "nothing is nothing");
}

static void test_param(void)
{
    is_str(jm_uri_param(tap_pool, jm_str("a%2Fb%2fc%5cd%5C")), "a/b/c\\d\\",
           "encoded slashes of a value are decoded");
    is_str(jm_uri_param(tap_pool, jm_str("%252f%41%2f")), "%252f%41/",
           "and nothing else");
    is_str(jm_uri_param(tap_pool, jm_str("a%2")), "a%2",
           "a broken one stays");
    is_str(jm_uri_param(tap_pool, jm_str("")), "", "an empty value stays");
    ok(jm_str_eq(jm_uri_param(tap_pool, jm_strn("\0%2f", 4)),
                 jm_strn("\0/", 2)),
       "a NUL does not end it");
}

static void is_escaped(jm_str_t in, int keep, const char *want,
                       const char *what)
{
    is_str(jm_str(jm_uri_escape(tap_pool, in, keep)), want, what);
}

static void test_escape(void)
{
    is_escaped(jm_str("/aZ0-._~!$&'()*+,;=:@"), 0,
               "/aZ0-._~!$&'()*+,;=:@", "what a path may hold stays");
    is_escaped(jm_str("/ \"#%?[]\\^`{|}<>"), 0,
               "/%20%22%23%25%3F%5B%5D%5C%5E%60%7B%7C%7D%3C%3E",
               "all else is encoded");
    is_escaped(jm_strn("\0\r\n\x7f\xff", 5), 0, "%00%0D%0A%7F%FF",
               "so are control characters and what is above 7F");
    is_escaped(jm_str("/a%2fb%5Cc%41"), 0, "/a%252fb%255Cc%2541",
               "a % is encoded");
    is_escaped(jm_str("/a%2fb%5Cc%41%2"), 1, "/a%2fb%5Cc%2541%252",
               "but that of an encoded slash where it is kept");
    is_escaped(jm_strn("/%2f", 3), 1, "/%252",
               "nothing behind the end is read");
    is_escaped(jm_strn(NULL, 0), 1, "", "nothing is nothing");
}

/* --- the rule --- */

static jm_route_t routes[] = {
    { .path = "/pub/{.+}", .auth = JM_AUTH_NONE },
    { .path = "/admin/{.+}" },
    { .path = "/loose/{.+}" },
    { .path = "/item/{id}" },
    { .path = "/only" },
    { .path = "/any" },
    { .path = "/any2" },
};

static jm_table_t *make_table(int unmatched_pass)
{
    static const char *const get[] = { "GET" };
    static const char *const post[] = { "POST" };
    jm_table_t *table = apr_pcalloc(tap_pool, sizeof(*table));
    jm_router_t *router = jm_router_make(tap_pool);
    unsigned i;

    for (i = 0; i < COUNT(routes); i++) {
        const char *message;
        const jm_route_t *other;

        jm_route_parse(&routes[i], &message, tap_pool,
                       jm_str(routes[i].path));
        routes[i].methods = i == 4 ? post : get;
        routes[i].method_count = 1;
        routes[i].strict_path = i != 2;
        jm_router_add(router, &routes[i], &other);
    }
    table->router = router;
    table->unmatched_pass = unmatched_pass;
    return table;
}

static const jm_table_t *denies;
static const jm_table_t *passes;

static jm_verdict_e check_as(const jm_table_t *table, jm_str_t path,
                             jm_str_t raw, const char *method, int merge)
{
    jm_uri_t uri = { path, raw };
    jm_match_t match;

    jm_router_match(&match, tap_pool, table->router, path, method);
    return jm_uri_check(table, &uri, &match, method, merge, tap_pool);
}

static jm_verdict_e check(const jm_table_t *table, const char *path)
{
    return check_as(table, jm_str(path), jm_str(NULL), "GET", 1);
}

static void test_plain(void)
{
    static const char *const plain[] = {
        "/", "/pub/x", "/pub/x y/\xC3\xA9", "/pub/?#", "/pub/100%",
        "/pub/%zz", "/pub/%2", "/pub/%41%3b%0a", "/nowhere", "/pub/...",
        "/pub/..x", "/only",
    };
    unsigned i;

    for (i = 0; i < COUNT(plain); i++) {
        ok(check(denies, plain[i]) == JM_OK, "\"%s\" is plain", plain[i]);
    }
}

static const char *const hard[] = {
    "\x01", "\x1F", "\x7F", "\t", "\r\n", "\\", "..\\x", "%2e", "%2E", "%25",
    "%00",
};

static void test_hard(void)
{
    unsigned i;

    for (i = 0; i < COUNT(hard); i++) {
        const char *strict = apr_pstrcat(tap_pool, "/pub/a", hard[i], NULL);
        const char *loose = apr_pstrcat(tap_pool, "/loose/", hard[i], NULL);
        const char *none = apr_pstrcat(tap_pool, "/no/", hard[i], NULL);

        ok(check(denies, strict) == JM_PATH
               && check(passes, strict) == JM_PATH,
           "octets of row %u are refused on a route", i);
        ok(check(denies, loose) == JM_PATH,
           "octets of row %u are refused also where strict_path is false", i);
        ok(check(denies, none) == JM_PATH,
           "octets of row %u are refused on a denied path", i);
        ok(check(passes, none) == JM_OK,
           "octets of row %u pass where the table does not reach", i);
    }
    ok(check_as(denies, jm_strn("/pub/\0", 6), jm_str(NULL), "GET", 1)
           == JM_PATH,
       "a NUL is refused");
    ok(check_as(denies, jm_strn("/loose/a\0b", 10), jm_str(NULL), "GET", 1)
           == JM_PATH,
       "a NUL is refused also where strict_path is false");
}

static void test_slashes(void)
{
    static const char *const slashes[] = { "%2f", "%2F", "%5c", "%5C" };
    unsigned i;

    for (i = 0; i < COUNT(slashes); i++) {
        const char *s = slashes[i];

        ok(check(denies, apr_pstrcat(tap_pool, "/pub/a", s, "b", NULL))
               == JM_PATH,
           "%s is refused", s);
        ok(check(denies, apr_pstrcat(tap_pool, "/item/a", s, NULL))
               == JM_PATH,
           "%s is refused in a value", s);
        ok(check(denies, apr_pstrcat(tap_pool, "/loose/", s, "b", NULL))
               == JM_OK,
           "%s passes where strict_path is false", s);
        ok(check(denies, apr_pstrcat(tap_pool, "/no/a", s, NULL)) == JM_PATH,
           "%s is refused on a denied path", s);
    }
}

static const struct {
    const char *path;
    jm_verdict_e want;
} cuts[] = {
    { "/pub/x;v=1", JM_OK },
    { "/pub;v=1/x", JM_PATH },
    { "/pub/;v=1/x", JM_OK },
    { "/pub/a;b/c;d;e", JM_OK },
    { "/item/5;v=1", JM_OK },
    { "/item/;v=1", JM_PATH },
    { "/item/5/;x", JM_OK },
    { "/pub/..;/admin/x", JM_PATH },
    { "/pub/..;x=1/admin/x", JM_PATH },
    { "/pub/.;/x", JM_OK },
    { "/pub/..;/pub/x", JM_OK },
    { "/pub/a/..;/x", JM_OK },
    { "/pub/..;/..;/..;/admin", JM_PATH },
    { "/pub/..;", JM_PATH },
    { "/admin;", JM_PATH },
    { "/admin;x/y", JM_PATH },
    { "/;x/admin/y", JM_PATH },
    { "/;/nowhere", JM_OK },
    { "/no;where", JM_OK },
    { "/..;/no", JM_OK },
    { "/only;x", JM_PATH },
    { "/any;x", JM_PATH },
    { "/loose/..;/admin/x", JM_OK },
    { "/loose/;;", JM_OK },
};

static void test_semicolons(void)
{
    unsigned i;

    for (i = 0; i < COUNT(cuts); i++) {
        ok(check(denies, cuts[i].path) == cuts[i].want, "\"%s\" is %s",
           cuts[i].path,
           cuts[i].want == JM_OK ? "fine, cut it selects the same route"
                                 : "refused, cut it selects another one");
    }
    ok(check_as(denies, jm_str("/pub/x;v"), jm_str(NULL), "POST", 1)
           == JM_OK,
       "a path that no route serves either way is not refused for its `;`");
    ok(check_as(denies, jm_str("/any;v"), jm_str(NULL), "POST", 1)
           == JM_PATH,
       "one that is 404 and would be 405 is");
    ok(check_as(denies, jm_str("/pub/..;/any"), jm_str(NULL), "POST", 1)
           == JM_PATH,
       "so is one that is 405 for another route");
    ok(check_as(denies, jm_str("/pub/..;/no"), jm_str(NULL), "POST", 1)
           == JM_PATH,
       "and one that is 405 and would be 404");
    ok(check_as(denies, jm_str("/;x/any"), jm_str(NULL), "GET", 0) == JM_PATH,
       "slashes that a cut brings together count as one even where httpd "
       "would not merge them");
    ok(check_as(denies, jm_str("/pub//;v/x"), jm_str(NULL), "GET", 0)
           == JM_OK,
       "and do no harm where the route is the same");
}

static void test_unmatched(void)
{
    static const char *const other[] = {
        "/admin;", "/admin;x/y", "/no/..;/admin", "/adm%69n/x", "/admin%2fx",
        "/no%2f..%2fadmin", "/no\\..\\admin\\x", "/no/..%5cadmin",
        "/no/%2e%2e/admin", "/admin%3bx", "/admin%3b%2fx",
        "/no;%2f../..;/admin", "/no/..;\\admin", "/admin;\\x", "/;/admin",
        "/%6fnly", "/a%6e%79",
    };
    static const char *const none[] = {
        "/no", "/no;x", "/no%2fx", "/no\\x", "/no/..;/nor", "/%2561dmin/x",
        "/no/%252e%252e/admin", "/Admin;x", "/no%00", "/no/\x01", "/%", "*",
    };
    unsigned i;

    for (i = 0; i < COUNT(other); i++) {
        ok(check(passes, other[i]) == JM_PATH,
           "\"%s\" is refused though it has no route: another reading has",
           other[i]);
    }
    for (i = 0; i < COUNT(none); i++) {
        ok(check(passes, none[i]) == JM_OK,
           "\"%s\" passes: no reading of it has a route", none[i]);
    }
    ok(check(passes, "/pub/..;/admin") == JM_PATH,
       "a path with a route is judged as ever");
    ok(check(passes, "/pub/a%2fb") == JM_PATH, "also for encoded slashes");
    ok(check_as(passes, jm_str("/any%2fx"), jm_str(NULL), "DELETE", 1)
           == JM_OK
           && check_as(passes, jm_str("/any;x"), jm_str(NULL), "DELETE", 1)
                  == JM_PATH,
       "the method does not matter to a path that has no route");
    ok(check_as(passes, jm_str("/any\x01"), jm_str(NULL), "DELETE", 1)
           == JM_OK
           && check_as(passes, jm_str("/pub/\x01"), jm_str(NULL), "DELETE", 1)
                  == JM_PATH,
       "a 405 is no path without a route");
}

static const struct {
    const char *raw;
    const char *path;
    jm_verdict_e want;
} raws[] = {
    { "/pub/x", "/pub/x", JM_OK },
    { "/pub/a%20b", "/pub/a b", JM_OK },
    { "/pub/%C3%A9", "/pub/\xC3\xA9", JM_OK },
    { "/pub/a%3Bb", "/pub/a;b", JM_OK },
    { "/pub/%3F%23", "/pub/?#", JM_OK },
    { "/pub/%61", "/pub/a", JM_PATH },
    { "/pub/%7e", "/pub/~", JM_PATH },
    { "/pub/./x", "/pub/x", JM_PATH },
    { "/no/../pub/x", "/pub/x", JM_PATH },
    { "/pub/x/..", "/pub/", JM_PATH },
    { "/pub/%2e%2e/pub/", "/pub/", JM_PATH },
    { "/pub/.%2E/pub/", "/pub/", JM_PATH },
    { "/pub//x", "/pub/x", JM_PATH },
    { "/pub/a%2fb", "/pub/a/b", JM_PATH },
    { "/pub/a%2Fb", "/pub/a/b", JM_PATH },
    { "/pub/a%5cb", "/pub/ab", JM_PATH },
    { "/pub/100%25", "/pub/100%", JM_PATH },
    { "/pub/%00", "/pub/", JM_PATH },
    { "/pub/\\", "/pub/", JM_PATH },
    { "/pub/\x7f", "/pub/", JM_PATH },
    { "/pub/ ", "/pub/ ", JM_PATH },
    { "/pub/x?y", "/pub/x", JM_PATH },
    { "/pub/x#y", "/pub/x", JM_PATH },
    { "/pub/%zz", "/pub/%zz", JM_PATH },
    { "pub/x", "/pub/x", JM_PATH },
    { "/pub/x;v=1", "/pub/x", JM_OK },
    { "/admin/..;/pub/x", "/pub/x", JM_PATH },
    { "/loose/..;/pub/x", "/loose/x", JM_OK },
    { "/loose/%2fx", "/loose//x", JM_PATH },
    { "/loose/../loose/x", "/loose/x", JM_PATH },
    { "/loose/x", "/loose/x", JM_OK },
    { "loose/x", "/loose/x", JM_PATH },
};

static void test_raw(void)
{
    unsigned i;

    for (i = 0; i < COUNT(raws); i++) {
        ok(check_as(denies, jm_str(raws[i].path), jm_str(raws[i].raw), "GET",
                    1) == raws[i].want,
           "\"%s\" as it is goes upstream for \"%s\": %s", raws[i].raw,
           raws[i].path, raws[i].want == JM_OK ? "fine" : "refused");
    }
    ok(check_as(denies, jm_str("/pub//x"), jm_str("/pub//x"), "GET", 0)
           == JM_OK,
       "two slashes are fine where httpd does not merge them");
    ok(check_as(denies, jm_str("/pub/x"), jm_strn("/pub/\0", 6), "GET", 1)
           == JM_PATH,
       "a NUL is refused there, too");
}

static void test_raw_unmatched(void)
{
    static const char *const fine[][2] = {
        { "/no/a%2fb", "/no/a%2fb" },
        { "/no/../nor", "/nor" },
        { "/no/%25", "/no/%" },
        { "/no//x", "/no/x" },
    };
    static const char *const bad[][2] = {
        { "/admin/../no", "/no" },
        { "/admin/..;/no", "/no" },
        { "/no%2f..%2fadmin", "/no%2f..%2fadmin" },
        { "//admin", "//admin" },
        { "/admin;/x", "/admi/x" },
    };
    unsigned i;

    for (i = 0; i < COUNT(fine); i++) {
        ok(check_as(passes, jm_str(fine[i][1]), jm_str(fine[i][0]), "GET", 1)
               == JM_OK,
           "\"%s\" as it is passes where the table does not reach",
           fine[i][0]);
    }
    for (i = 0; i < COUNT(bad); i++) {
        ok(check_as(passes, jm_str(bad[i][1]), jm_str(bad[i][0]), "GET", 1)
               == JM_PATH,
           "\"%s\" as it is does not pass: it can be read as a route's path",
           bad[i][0]);
    }
}

/* --- random paths --- */

static apr_uint32_t seed = 19700101;

static unsigned roll(unsigned n)
{
    seed = seed * 1664525U + 1013904223U;
    return (unsigned)((apr_uint64_t)(seed >> 8) * n >> 24);
}

static jm_str_t random_path(apr_pool_t *p)
{
    static const char *const pieces[] = {
        "/", "/", "..", ".", ";", "%2f", "%5c", "%2e", "%25", "%00", "%3b",
        "\\", "pub", "admin", "loose", "a", "%", "2",
    };
    const char *path = "/";
    unsigned count = roll(10);

    while (count--) {
        path = apr_pstrcat(p, path, pieces[roll(COUNT(pieces))], NULL);
    }
    return jm_str(path);
}

/* A reading that a lax upstream might have of path. */
static jm_str_t lax(apr_pool_t *p, jm_str_t path)
{
    char *out = apr_palloc(p, path.len);
    apr_size_t n = 0;
    apr_size_t i;
    int skip = 0;

    for (i = 0; i < path.len; i++) {
        skip = path.ptr[i] == ';' || (skip && path.ptr[i] != '/');
        if (!skip) {
            out[n++] = path.ptr[i];
        }
    }
    return jm_uri_normalize(p, jm_strn(out, n), 1, 0);
}

static void test_random(void)
{
    unsigned wrong = 0;
    unsigned accepted = 0;
    unsigned refused = 0;
    apr_pool_t *p;
    unsigned n;

    apr_pool_create(&p, tap_pool);
    for (n = 0; n < 100000; n++) {
        const jm_table_t *table = n % 2 ? denies : passes;
        jm_str_t path = jm_uri_normalize(p, random_path(p), 1, 0);
        jm_uri_t uri = { path, { NULL, 0 } };
        jm_match_t match;
        jm_match_t other;
        int broken;

        jm_router_match(&match, p, table->router, path, "GET");
        if (jm_uri_check(table, &uri, &match, "GET", 1, p) == JM_OK) {
            accepted++;
            if (!match.route || match.route->strict_path) {
                jm_router_match(&other, p, table->router, lax(p, path),
                                "GET");
                wrong += other.route != match.route;
            }
            if (table == passes && !match.shapes) {
                path = lax(p, jm_uri_decode(p, path, &broken));
                jm_router_match(&other, p, table->router, path, "GET");
                wrong += other.shapes != 0;
            }
        }
        else {
            refused++;
        }
        apr_pool_clear(p);
    }
    ok(!wrong, "of 100000 random paths, those that pass select the same "
               "route for an upstream that cuts at `;`, and none for one "
               "that decodes again, where they have none");
    ok(accepted > 10000 && refused > 10000, "many pass and many do not");
}

int main(void)
{
    tap_start();
    denies = make_table(0);
    passes = make_table(1);
    test_normalize();
    test_decode();
    test_param();
    test_escape();
    test_plain();
    test_hard();
    test_slashes();
    test_semicolons();
    test_unmatched();
    test_raw();
    test_raw_unmatched();
    test_random();
    return tap_done();
}
