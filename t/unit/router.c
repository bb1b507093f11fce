/* router.c: which route a request gets, and what it gets without one. */
#include "router_set.h"

/* --- what matches --- */

static void test_exact(void)
{
    set_t *set = make_set();

    add(set, "GET", "/", JM_AUTH_NONE);
    add(set, "GET", "/a", JM_AUTH_NONE);
    add(set, "GET", "/b/", JM_AUTH_NONE);
    add(set, "GET", "/c/{id}", JM_AUTH_NONE);
    add(set, "GET", "/d//e", JM_AUTH_NONE);
    is_answer(set, "GET", "/", "GET /", "the root matches the root");
    is_answer(set, "GET", "//", "404", "two slashes are not the root");
    is_answer(set, "GET", "", "404", "an empty path matches nothing");
    is_answer(set, "GET", "*", "404", "the asterisk form matches nothing");
    is_answer(set, "GET", "a", "404", "a path needs its first slash");
    is_answer(set, "GET", "/a", "GET /a", "a literal matches itself");
    is_answer(set, "GET", "/a/", "404", "/a does not match /a/");
    is_answer(set, "GET", "/A", "404", "literals are case-sensitive");
    is_answer(set, "GET", "/aa", "404", "a literal is a whole segment");
    is_answer(set, "GET", "/b/", "GET /b/", "/b/ matches itself");
    is_answer(set, "GET", "/b", "404", "/b/ does not match /b");
    is_answer(set, "GET", "/b//", "404", "/b/ does not match /b//");
    is_answer(set, "GET", "/c/1", "GET /c/{id}", "a name is one segment");
    is_answer(set, "GET", "/c/{id}", "GET /c/{id}",
              "a request may hold braces");
    is_answer(set, "GET", "/c/", "404", "a name is no empty segment");
    is_answer(set, "GET", "/c", "404", "a name is not absent");
    is_answer(set, "GET", "/c/1/2", "404", "a name is not two segments");
    is_answer(set, "GET", "/d//e", "GET /d//e",
              "an empty segment inside is a literal");
    is_answer(set, "GET", "/d/e", "404", "an empty segment is not absent");
    ok(!find(set, "GET", "/a").rest.len, "an exact route has no rest");
}

static void test_octets(void)
{
    set_t *set = make_set();
    jm_match_t match;

    add(set, "GET", "/a", JM_AUTH_NONE);
    add(set, "GET", "/n/{id}", JM_AUTH_NONE);
    jm_router_match(&match, scratch, set->router, jm_strn("/a\0b", 4), "GET");
    ok(!match.shapes, "a NUL does not end a literal");
    jm_router_match(&match, scratch, set->router, jm_strn("/a\0", 3), "GET");
    ok(!match.shapes, "a NUL behind a literal counts");
    jm_router_match(&match, scratch, set->router, jm_strn("/n/x\0y", 6),
                    "GET");
    ok(match.route && match.params[0].len == 3
           && !memcmp(match.params[0].ptr, "x\0y", 3),
       "a value keeps its NUL");
    jm_router_match(&match, scratch, set->router, jm_strn("/abc", 2), "GET");
    ok(match.route != NULL, "the length of a path ends it");
    jm_router_match(&match, scratch, set->router, jm_strn(NULL, 0), "GET");
    ok(!match.shapes, "an absent path matches nothing");
}

static void is_rest(const set_t *set, const char *path, const char *id,
                    const char *rest)
{
    jm_match_t match = find(set, "GET", path);

    is_answer(set, "GET", path, id, "the rest matches");
    is_str(match.rest, rest, "and is what follows the prefix");
}

static void test_tail(void)
{
    set_t *set = make_set();
    jm_match_t match;

    add(set, "GET", "/a/{.+}", JM_AUTH_NONE);
    add(set, "GET", "/b/{x}/c/{y}/{.+}", JM_AUTH_NONE);
    is_rest(set, "/a", "GET /a/{.+}", "");
    is_rest(set, "/a/", "GET /a/{.+}", "/");
    is_rest(set, "/a//", "GET /a/{.+}", "//");
    is_rest(set, "/a/b/c", "GET /a/{.+}", "/b/c");
    is_answer(set, "GET", "/", "404", "the prefix must be there");
    is_answer(set, "GET", "/ab", "404", "the prefix ends at a slash");
    is_answer(set, "GET", "//a/b", "404", "the prefix is at the start");
    is_rest(set, "/b/1/c/2", "GET /b/{x}/c/{y}/{.+}", "");
    is_rest(set, "/b/1/c/2/3%2f/", "GET /b/{x}/c/{y}/{.+}", "/3%2f/");
    match = find(set, "GET", "/b/1/c/2/3");
    ok(jm_str_is(match.params[0], "1") && jm_str_is(match.params[1], "2"),
       "the names before {.+} have their values");
    is_answer(set, "GET", "/b/1/c/", "404",
              "a name before {.+} is no empty segment");
    add(set, "GET", "/{.+}", JM_AUTH_NONE);
    is_rest(set, "/", "GET /{.+}", "/");
    is_rest(set, "/x/y", "GET /{.+}", "/x/y");
    is_rest(set, "/b/1/c/", "GET /{.+}", "/b/1/c/");
    is_rest(set, apr_pstrcat(scratch, long_path(500), "/z", NULL),
            "GET /a/{.+}",
            apr_pstrcat(scratch, long_path(499), "/z", NULL));
    is_answer(set, "GET", "*", "404",
              "/{.+} does not match the asterisk form");
    is_answer(set, "GET", "", "404", "/{.+} does not match an empty path");
}

static void test_longest(void)
{
    set_t *set = make_set();
    const char *most = long_path(JM_ROUTE_SEGMENTS_MAX);
    const char *less = long_path(JM_ROUTE_SEGMENTS_MAX - 1);

    add(set, "GET", most, JM_AUTH_NONE);
    add(set, "GET", apr_pstrcat(scratch, less, "/{.+}", NULL), JM_AUTH_NONE);
    is_answer(set, "GET", most, apr_pstrcat(scratch, "GET ", most, NULL),
              "63 segments match");
    is_answer(set, "GET", less,
              apr_pstrcat(scratch, "GET ", less, "/{.+}", NULL),
              "62 segments and {.+} match an empty rest");
    is_rest(set, apr_pstrcat(scratch, most, "/a", NULL),
            apr_pstrcat(scratch, "GET ", less, "/{.+}", NULL), "/a/a");
    is_answer(set, "GET", long_path(JM_ROUTE_SEGMENTS_MAX - 2), "404",
              "61 segments do not match");
}

/* --- which wins --- */

static const char *const order[][3] = {
    /* better, worse, a path that both match */
    { "/a/b", "/a/{.+}", "/a/b" },
    { "/{x}/{y}", "/a/b/{.+}", "/a/b" },
    { "/{x}", "/a/{.+}", "/a" },
    { "/a/", "/a/{.+}", "/a/" },
    { "/a", "/{x}", "/a" },
    { "/a/{y}", "/{x}/b", "/a/b" },
    { "/{x}/b", "/{x}/{y}", "/a/b" },
    { "/a/{.+}", "/{.+}", "/a" },
    { "/{x}/b/{.+}", "/a/{.+}", "/a/b/c" },
    { "/{x}/{y}/{.+}", "/a/{.+}", "/a/b" },
    { "/a/{y}/{.+}", "/{x}/b/{.+}", "/a/b/c" },
    { "/a//{.+}", "/a/{.+}", "/a//b" },
    { "/a/{.+}", "/{x}/{.+}", "/a/b" },
};

static void test_pairs(void)
{
    unsigned i;

    for (i = 0; i < sizeof(order) / sizeof(order[0]) * 2; i++) {
        const char *const *row = order[i / 2];
        set_t *set = make_set();

        add(set, "GET", row[i % 2], JM_AUTH_NONE);
        add(set, "GET", row[1 - i % 2], JM_AUTH_NONE);
        is_answer(set, "GET", row[2],
                  apr_pstrcat(scratch, "GET ", row[0], NULL),
                  apr_pstrcat(scratch, row[0], " wins over ", row[1],
                              i % 2 ? " added before" : " added behind",
                              NULL));
    }
}

/* The fixed table of the permutation test: every rule has a part in it. */
static const struct {
    const char *methods;
    const char *path;
    jm_auth_e auth;
} table[] = {
    { "GET", "/a/b", JM_AUTH_REQUIRED }, { "*", "/a/b", JM_AUTH_NONE },
    { "POST", "/a/{y}", JM_AUTH_NONE },  { "GET", "/{x}/b", JM_AUTH_REQUIRED },
    { "DELETE HEAD", "/a/{.+}", JM_AUTH_REQUIRED },
    { "*", "/{.+}", JM_AUTH_OPTIONAL },
};
#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

static const char *const probes[][2] = {
    { "GET", "/a/b" },    { "POST", "/a/b" },   { "HEAD", "/a/b" },
    { "POST", "/a/c" },   { "GET", "/a/c" },    { "DELETE", "/a/c" },
    { "GET", "/c/b" },    { "HEAD", "/c/b" },   { "POST", "/c/b" },
    { "GET", "/a/" },     { "HEAD", "/a" },     { "GET", "/" },
    { "DELETE", "/a/b/c" },
};
#define PROBE_COUNT (sizeof(probes) / sizeof(probes[0]))

/* The n-th permutation of 0 … count - 1. */
static void permute(unsigned *out, unsigned count, unsigned n)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        unsigned j = n % (i + 1);

        n /= i + 1;
        out[i] = out[j];
        out[j] = i;
    }
}

static const char *probe_all(unsigned n)
{
    unsigned at[TABLE_COUNT] = { 0 };
    set_t *set = make_set();
    const char *text = "";
    unsigned i;

    permute(at, TABLE_COUNT, n);
    for (i = 0; i < TABLE_COUNT; i++) {
        add(set, table[at[i]].methods, table[at[i]].path, table[at[i]].auth);
    }
    for (i = 0; i < PROBE_COUNT; i++) {
        text = apr_pstrcat(scratch, text, answer(set, probes[i][0],
                                                 probes[i][1]), "\n", NULL);
    }
    return text;
}

static void test_permutations(void)
{
    static const char want[] =
        "GET /a/b\n* /a/b\nGET /a/b\n"
        "POST /a/{y}\n405 POST DELETE HEAD\nDELETE HEAD /a/{.+}\n"
        "GET /{x}/b\nGET /{x}/b\n405 GET HEAD\n"
        "405 DELETE HEAD\nDELETE HEAD /a/{.+}\n* /{.+}\n"
        "DELETE HEAD /a/{.+}\n";
    unsigned different = 0;
    unsigned n;

    for (n = 0; n < 720; n++) {
        const char *got = probe_all(n);

        if (strcmp(got, want) && !different++) {
            printf("# permutation %u:\n# %s", n, got);
        }
    }
    ok(!different, "in all 720 orders of six routes the answers are the same");
}

static void test_methods(void)
{
    set_t *set = make_set();

    add(set, "*", "/a", JM_AUTH_NONE);
    add(set, "GET", "/a", JM_AUTH_NONE);
    add(set, "POST PUT", "/b", JM_AUTH_NONE);
    add(set, "HEAD", "/c", JM_AUTH_NONE);
    add(set, "GET", "/c", JM_AUTH_NONE);
    add(set, "GET", "/d", JM_AUTH_NONE);
    is_answer(set, "GET", "/a", "GET /a", "an exact method wins over ANY");
    is_answer(set, "HEAD", "/a", "GET /a", "GET for HEAD wins over ANY");
    is_answer(set, "POST", "/a", "* /a", "ANY serves the rest");
    is_answer(set, "PURGE", "/a", "* /a", "ANY serves unknown methods");
    is_answer(set, "get", "/a", "* /a", "methods are case-sensitive");
    is_answer(set, "POST", "/b", "POST PUT /b", "a list serves its first");
    is_answer(set, "PUT", "/b", "POST PUT /b", "a list serves its last");
    is_answer(set, "GET", "/b", "405 POST PUT", "a list serves no other");
    is_answer(set, "HEAD", "/b", "405 POST PUT", "HEAD needs GET");
    is_answer(set, "HEAD", "/c", "HEAD /c", "HEAD wins over GET for HEAD");
    is_answer(set, "GET", "/c", "GET /c", "HEAD does not serve GET");
    is_answer(set, "HEAD", "/d", "GET /d", "GET serves HEAD");
    is_answer(set, "POST", "/d", "405 GET HEAD", "HEAD stands beside GET");
    is_answer(set, "POST", "/c", "405 HEAD GET",
              "a HEAD of its own stands there once");
    is_answer(set, "GE", "/d", "405 GET HEAD", "a part of a name is none");
    is_answer(set, "GETX", "/d", "405 GET HEAD", "nor is a longer one");
    is_answer(set, "", "/d", "405 GET HEAD", "nor is an empty one");
}

static void test_collisions(void)
{
    set_t *set = make_set();
    const jm_route_t *first;

    ok(!add(set, "GET POST", "/a/{x}", JM_AUTH_NONE), "a first route is fine");
    first = &set->routes[0];
    ok(add(set, "POST", "/a/{x}", JM_AUTH_NONE) == first,
       "the same path and one same method collide");
    ok(add(set, "PUT GET", "/a/{y}", JM_AUTH_NONE) == first,
       "other names are the same shape");
    ok(!add(set, "PUT", "/a/{y}", JM_AUTH_NONE), "another method is fine");
    ok(!add(set, "*", "/a/{z}", JM_AUTH_NONE), "ANY beside them is fine");
    ok(add(set, "*", "/a/{x}", JM_AUTH_NONE) != NULL, "ANY twice collides");
    ok(!add(set, "GET", "/a/{x}/", JM_AUTH_NONE), "a slash more is fine");
    ok(!add(set, "GET", "/a/x", JM_AUTH_NONE), "a literal is fine");
    ok(!add(set, "GET", "/a/{x}/{.+}", JM_AUTH_NONE), "{.+} more is fine");
    ok(add(set, "GET", "/a/{y}/{.+}", JM_AUTH_NONE) != NULL,
       "{.+} twice collides");
    ok(!add(set, "HEAD", "/a/{x}", JM_AUTH_NONE), "HEAD beside GET is fine");
    is_answer(set, "PUT", "/a/1", "PUT /a/{y}",
              "a route that collided is not there");
    is_answer(set, "PATCH", "/a/1", "* /a/{z}", "nor is it there as ANY");
}

static void test_names_per_route(void)
{
    set_t *set = make_set();
    jm_match_t match;

    add(set, "GET", "/{a}/{b}", JM_AUTH_NONE);
    add(set, "POST", "/{b}/{c}", JM_AUTH_NONE);
    match = find(set, "POST", "/1/2");
    ok(match.route == &set->routes[1] && match.route->param_count == 2
           && jm_str_is(match.route->params[0], "b")
           && jm_str_is(match.params[0], "1")
           && jm_str_is(match.params[1], "2"),
       "the names of a shape belong to each route");
    add(set, "GET", "/x/{d}", JM_AUTH_NONE);
    match = find(set, "POST", "/x/2");
    ok(match.route == &set->routes[1] && jm_str_is(match.params[0], "x")
           && jm_str_is(match.params[1], "2"),
       "a shape that was passed over leaves no value behind");
    match = find(set, "GET", "/x/2");
    ok(match.route == &set->routes[2] && jm_str_is(match.params[0], "2"),
       "a literal is no value");
}

/* --- never for less protection --- */

static void test_protection(void)
{
    set_t *set = make_set();

    add(set, "POST", "/p/a", JM_AUTH_REQUIRED);
    add(set, "GET", "/p/{x}", JM_AUTH_NONE);
    add(set, "GET", "/p/{.+}", JM_AUTH_REQUIRED);
    add(set, "PUT", "/p/{.+}", JM_AUTH_OPTIONAL);
    add(set, "*", "/{.+}", JM_AUTH_NONE);
    is_answer(set, "POST", "/p/a", "POST /p/a", "the first shape answers");
    is_answer(set, "GET", "/p/a", "GET /p/{.+}",
              "behind a protected shape only a protected route answers");
    is_answer(set, "HEAD", "/p/a", "GET /p/{.+}", "also for HEAD");
    is_answer(set, "PUT", "/p/a", "405 POST GET HEAD",
              "an optional one is less protection");
    is_answer(set, "DELETE", "/p/a", "405 POST GET HEAD",
              "a public ANY is, too, and Allow does not count it");
    is_answer(set, "GET", "/p/b", "GET /p/{x}",
              "a path without the protected shape is public");
    is_answer(set, "PUT", "/p/b", "PUT /p/{.+}",
              "behind a public shape any route answers");
    is_answer(set, "DELETE", "/p/b", "405 GET HEAD PUT",
              "but not behind the protected one that comes then");
    is_answer(set, "DELETE", "/q", "* /{.+}", "ANY never gives 405");
}

static void test_protection_within(void)
{
    set_t *set = make_set();

    add(set, "POST", "/a", JM_AUTH_REQUIRED);
    add(set, "GET", "/a", JM_AUTH_NONE);
    add(set, "PUT", "/b", JM_AUTH_NONE);
    add(set, "POST", "/c", JM_AUTH_OPTIONAL);
    add(set, "GET", "/{x}", JM_AUTH_NONE);
    add(set, "*", "/{x}", JM_AUTH_REQUIRED);
    add(set, "DELETE", "/{.+}", JM_AUTH_NONE);
    is_answer(set, "GET", "/a", "GET /a",
              "a public route of the chosen shape answers");
    is_answer(set, "DELETE", "/a", "* /{x}",
              "a protected ANY answers behind a protected shape");
    is_answer(set, "GET", "/b", "GET /{x}", "exact wins over ANY");
    is_answer(set, "GET", "/c", "GET /{x}",
              "an optional shape that was passed over protects nothing");
    is_answer(set, "PUT", "/c", "* /{x}", "nor does it hide ANY");
    add(set, "PUT", "/p/{id}", JM_AUTH_REQUIRED);
    add(set, "GET", "/p/{.+}", JM_AUTH_NONE);
    add(set, "*", "/p/{.+}", JM_AUTH_REQUIRED);
    is_answer(set, "GET", "/p/1", "* /p/{.+}",
              "a public route that may not answer counts as absent");
    is_answer(set, "GET", "/p/1/2", "GET /p/{.+}",
              "where it may, it wins over ANY");
}

static void test_options(void)
{
    set_t *set = make_set();

    add(set, "OPTIONS GET", "/a", JM_AUTH_NONE);
    add(set, "*", "/b", JM_AUTH_NONE);
    add(set, "GET", "/c", JM_AUTH_REQUIRED);
    add(set, "GET", "/d", JM_AUTH_NONE);
    add(set, "OPTIONS", "/{.+}", JM_AUTH_NONE);
    ok(find(set, "OPTIONS", "/a").options_route == 1,
       "an OPTIONS route is its own");
    ok(find(set, "GET", "/a").options_route == 0,
       "only the method OPTIONS asks for it");
    ok(find(set, "OPTIONS", "/b").options_route == 0, "ANY does not count");
    ok(find(set, "OPTIONS", "/c").options_route == 0,
       "one that may not answer does not count");
    ok(find(set, "OPTIONS", "/d").options_route == 1,
       "one that another shape leaves room for counts");
}

static void test_all(void)
{
    set_t *set = make_set();
    const jm_route_t *const *all;

    add(set, "*", "/{.+}", JM_AUTH_NONE);
    add(set, "GET", "/a/{.+}", JM_AUTH_REQUIRED);
    add(set, "GET", "/{x}", JM_AUTH_NONE);
    add(set, "POST", "/a", JM_AUTH_REQUIRED);
    all = jm_router_all(scratch, set->router, jm_str("/a"));
    ok(all[0] == &set->routes[3] && all[1] == &set->routes[2]
           && all[2] == &set->routes[1] && all[3] == &set->routes[0]
           && !all[4],
       "all routes of a path come best shape first");
    all = jm_router_all(scratch, set->router, jm_str("*"));
    ok(!all[0], "no route is an empty list");
}

/* --- many routes --- */

static jm_router_t *make_large(jm_route_t *routes, unsigned count)
{
    jm_router_t *router = jm_router_make(tap_pool);
    const jm_route_t *other;
    unsigned i;

    for (i = 0; i < count; i++) {
        const char *path = apr_psprintf(tap_pool, "/s%u/r%u/{id}%s", i % 97,
                                        i, i % 2 ? "/{.+}" : "");

        fill(tap_pool, &routes[i], "GET", path, JM_AUTH_REQUIRED);
        jm_router_add(router, &routes[i], &other);
    }
    return router;
}

static void test_many(unsigned count)
{
    jm_route_t *routes = apr_pcalloc(tap_pool, count * sizeof(*routes));
    jm_router_t *router = make_large(routes, count);
    unsigned wrong = 0;
    unsigned i;

    make_set();
    for (i = 0; i < count; i++) {
        char path[64];
        jm_match_t match;

        apr_snprintf(path, sizeof(path), "/s%u/r%u/%u", i % 97, i, i);
        jm_router_match(&match, scratch, router, jm_str(path), "GET");
        wrong += match.route != &routes[i];
        apr_snprintf(path, sizeof(path), "/s%u/r%u/%u/", i % 97, i, i);
        jm_router_match(&match, scratch, router, jm_str(path), "GET");
        wrong += match.route != (i % 2 ? &routes[i] : NULL);
    }
    ok(!wrong, "each of %u routes is found, and only where it is", count);
}

/* 2^12 literal-or-name paths that all end badly but one: a request that
 * every one of them looks like until its last segment. */
static void test_dead_ends(void)
{
    jm_router_t *router = jm_router_make(tap_pool);
    jm_route_t *routes = apr_pcalloc(tap_pool, 4096 * sizeof(*routes));
    const jm_route_t *other;
    jm_match_t match;
    unsigned i;

    for (i = 0; i < 4096; i++) {
        const char *path = "";
        unsigned k;

        for (k = 0; k < 12; k++) {
            path = i >> k & 1 ? apr_psprintf(tap_pool, "%s/a", path)
                              : apr_psprintf(tap_pool, "%s/{n%u}", path, k);
        }
        path = apr_pstrcat(tap_pool, path, i ? "/end" : "/{.+}", NULL);
        fill(tap_pool, &routes[i], "GET", path, JM_AUTH_NONE);
        jm_router_add(router, &routes[i], &other);
    }
    jm_router_match(&match, tap_pool, router,
                    jm_str("/a/a/a/a/a/a/a/a/a/a/a/a/no"), "GET");
    ok(match.route == &routes[0] && jm_str_is(match.rest, "/no"),
       "behind 4095 dead ends the last shape is found");
    jm_router_match(&match, tap_pool, router,
                    jm_str("/a/a/a/a/a/a/a/a/a/a/a/b/end"), "GET");
    ok(match.route == &routes[2047], "the left-most literals win among 4096");
}

int main(void)
{
    tap_start();
    test_exact();
    test_octets();
    test_tail();
    test_longest();
    test_pairs();
    test_permutations();
    test_methods();
    test_collisions();
    test_names_per_route();
    test_protection();
    test_protection_within();
    test_options();
    test_all();
    test_many(10000);
    test_many(100000);
    test_dead_ends();
    return tap_done();
}
