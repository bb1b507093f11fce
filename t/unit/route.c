/*
 * route.c: paths of routes, and which route wins. A naive matcher, written
 * here from the words of jm_route.h, is compared with the trie at the end.
 */
#include "tap.h"

#include "jm_route.h"

#define ROUTES_MAX 64

/* One table of routes. */
typedef struct set_t {
    jm_route_t routes[ROUTES_MAX];
    unsigned count;
    jm_router_t *router;
} set_t;

static apr_pool_t *scratch;

static set_t *make_set(void)
{
    set_t *set;

    if (scratch) {
        apr_pool_clear(scratch);
    }
    else {
        apr_pool_create(&scratch, tap_pool);
    }
    set = apr_pcalloc(scratch, sizeof(*set));
    set->router = jm_router_make(scratch);
    return set;
}

/* methods: "GET POST", or "*". */
static void fill(apr_pool_t *p, jm_route_t *route, const char *methods,
                 const char *path, jm_auth_e auth)
{
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));
    const char *message;
    char *state;
    char *name = apr_strtok(apr_pstrdup(p, methods), " ", &state);

    memset(route, 0, sizeof(*route));
    for (; name; name = apr_strtok(NULL, " ", &state)) {
        APR_ARRAY_PUSH(names, const char *) = name;
    }
    if (jm_route_parse(route, &message, p, jm_str(path)) != APR_SUCCESS) {
        printf("Bail out! %s: %s\n", path, message);
        exit(1);
    }
    route->id = apr_pstrcat(p, methods, " ", path, NULL);
    route->any_method = !strcmp(methods, "*");
    route->methods = (const char *const *)names->elts;
    route->method_count = route->any_method ? 0 : (unsigned)names->nelts;
    route->auth = auth;
    route->strict_path = 1;
}

/* Adds a route; the one it collides with, or NULL. */
static const jm_route_t *add(set_t *set, const char *methods,
                             const char *path, jm_auth_e auth)
{
    jm_route_t *route = &set->routes[set->count++];
    const jm_route_t *other;

    fill(scratch, route, methods, path, auth);
    jm_router_add(set->router, route, &other);
    return other;
}

static jm_match_t find(const set_t *set, const char *method, const char *path)
{
    jm_match_t match;

    memset(&match, 0xAA, sizeof(match));
    if (jm_router_match(&match, scratch, set->router, jm_str(path), method)
        != APR_SUCCESS) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    return match;
}

/* "GET, HEAD", "405 GET, HEAD", "404", or the id of the route. */
static const char *answer(const set_t *set, const char *method,
                          const char *path)
{
    jm_match_t match = find(set, method, path);
    const char *text = "405";
    unsigned i;

    if (match.route) {
        return match.allow || !match.shapes ? "broken" : match.route->id;
    }
    if (!match.allow || !match.shapes) {
        return match.allow || match.shapes ? "broken" : "404";
    }
    for (i = 0; match.allow[i]; i++) {
        text = apr_pstrcat(scratch, text, " ", match.allow[i], NULL);
    }
    return text;
}

static void is_answer(const set_t *set, const char *method, const char *path,
                      const char *want, const char *what)
{
    const char *got = answer(set, method, path);

    if (!ok(!strcmp(got, want), "%s (%s %s)", what, method, path)) {
        printf("# got  %s\n# want %s\n", got, want);
    }
}

/* --- paths of routes --- */

static const char *parse_error(jm_str_t path)
{
    jm_route_t route;
    const char *message;
    apr_status_t rv;

    memset(&route, 0, sizeof(route));
    rv = jm_route_parse(&route, &message, tap_pool, path);
    if ((rv == APR_SUCCESS) != (message == NULL)
        || (rv != APR_SUCCESS && route.path)) {
        return "broken";
    }
    return message ? message : "";
}

static void is_accepted(const char *path, const char *what)
{
    const char *message = parse_error(jm_str(path));

    if (!ok(!*message, "%s (%s)", what, path)) {
        printf("# got  %s\n", message);
    }
}

static void is_refused(jm_str_t path, const char *part, const char *what)
{
    const char *message = parse_error(path);

    if (!ok(strstr(message, part) != NULL, "%s", what)) {
        printf("# got  \"%s\"\n# want \"%s\"\n", message, part);
    }
}

static const char *long_path(unsigned segments)
{
    char *path = apr_palloc(tap_pool, segments * 2 + 1);
    unsigned i;

    for (i = 0; i < segments; i++) {
        memcpy(path + i * 2, "/a", 2);
    }
    path[segments * 2] = '\0';
    return path;
}

static void test_accepted_paths(void)
{
    is_accepted("/", "the root is a path");
    is_accepted("/a", "a literal is a path");
    is_accepted("/a/", "a slash at the end is a segment of its own");
    is_accepted("/{id}", "a name in braces is a path");
    is_accepted("/{A-z_9}", "a name has letters, digits, - and _");
    is_accepted("/{.+}", "the rest alone is a path");
    is_accepted("/a/{x}/{y}/{.+}", "two names and the rest are a path");
    is_accepted("/a.b/..c/.../*:;=@", "nothing else is special");
    is_accepted("/caf\xC3\xA9 au lait", "UTF-8 and blanks are octets");
    is_accepted(long_path(JM_ROUTE_SEGMENTS_MAX),
                "63 segments are not too many");
}

static void test_refused_paths(void)
{
    is_refused(jm_str(""), "write \"/\"", "an empty path is refused");
    is_refused(jm_str("a/b"), "write \"/a/b\"",
               "a path without its first slash is refused");
    is_refused(jm_str("/{.+}/a"), "last segment",
               "{.+} before the end is refused");
    is_refused(jm_str("/{.+}/{.+}"), "last segment",
               "{.+} twice is refused");
    is_refused(jm_str("/{.+}/"), "last segment",
               "a slash behind {.+} is refused");
    is_refused(jm_str("/{id}/{id}"), "twice", "a name twice is refused");
    is_accepted("/{id}/{Id}", "names that differ in case are two names");
    is_refused(jm_str("/{}"), "no name", "an empty name is refused");
    is_refused(jm_str("/{a.b}"), "\"{a.b}\" is no path parameter",
               "a dot in a name is refused");
    is_refused(jm_str("/{proxy+}"), "{.+}",
               "another gateway's {proxy+} is refused with a hint");
    is_refused(jm_str("/{a}{b}"), "is no path parameter",
               "two names in one segment are refused");
    is_refused(jm_str("/{{a}}"), "is no path parameter",
               "braces in braces are refused");
    is_refused(jm_str("/a{b}"), "braces inside",
               "braces behind a literal are refused");
    is_refused(jm_str("/{b}a"), "braces inside",
               "braces before a literal are refused");
    is_refused(jm_str("/{"), "braces inside", "a lone { is refused");
    is_refused(jm_str("/}"), "braces inside", "a lone } is refused");
    is_refused(jm_str("/a/./b"), "resolved", "a . segment is refused");
    is_refused(jm_str("/a/.."), "resolved", "a .. segment is refused");
    is_refused(jm_str("/a?b"), "query", "a ? is refused");
    is_refused(jm_str("/a#b"), "fragment", "a # is refused");
    is_refused(jm_str("/a%20b"), "decoded", "a % is refused");
    is_refused(jm_str("/a\\b"), "write \"/\"", "a backslash is refused");
    is_refused(jm_str("/a\x1F"), "control", "octet 1F is refused");
    is_refused(jm_str("/a\x7F"), "control", "octet 7F is refused");
    is_refused(jm_strn("/a\0b", 4), "control", "a NUL is refused");
    is_refused(jm_strn("/{a\0}", 5), "control", "a NUL in a name is refused");
    is_refused(jm_str(long_path(JM_ROUTE_SEGMENTS_MAX + 1)), "at most 63",
               "64 segments are refused");
    is_refused(jm_str(long_path(1000)), "at most 63",
               "1000 segments are refused");
}

static void test_parsed_fields(void)
{
    jm_route_t route;

    fill(tap_pool, &route, "GET", "/a/{x}/b/{y}/{.+}", JM_AUTH_NONE);
    ok(route.param_count == 2 && jm_str_is(route.params[0], "x")
           && jm_str_is(route.params[1], "y"),
       "params are the names from the left");
    ok(route.tail && !route.prefix,
       "a path with names before {.+} drops no prefix");
    fill(tap_pool, &route, "GET", "/a/b/{.+}", JM_AUTH_NONE);
    ok(route.tail && !strcmp(route.prefix, "/a/b"),
       "the prefix of /a/b/{.+} is /a/b");
    fill(tap_pool, &route, "GET", "/{.+}", JM_AUTH_NONE);
    ok(route.tail && !strcmp(route.prefix, ""),
       "the prefix of /{.+} is empty");
    fill(tap_pool, &route, "GET", "/a/b", JM_AUTH_NONE);
    ok(!route.tail && !route.prefix && !strcmp(route.path, "/a/b"),
       "a path without {.+} drops no prefix");
}

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

/* --- the naive matcher --- */

static apr_uint32_t seed = 20240229;

static unsigned roll(unsigned n)
{
    seed = seed * 1664525U + 1013904223U;
    return (unsigned)((apr_uint64_t)(seed >> 8) * n >> 24);
}

typedef struct parts_t {
    char text[64];
    const char *part[16];
    unsigned count;
} parts_t;

static void cut_parts(parts_t *parts, const char *path)
{
    char *at = parts->text;

    apr_cpystrn(parts->text, path, sizeof(parts->text));
    parts->count = 0;
    while (at) {
        char *next = strchr(at + 1, '/');

        if (next) {
            *next = '\0';
        }
        parts->part[parts->count++] = at + 1;
        at = next;
    }
}

/* 1 if the shape of route matches path; its rank as text, which sorts as
 * jm_route.h says: the better the smaller. */
static int naive_rank(char *key, const jm_route_t *route, const char *path)
{
    parts_t r;
    parts_t s;
    unsigned i;
    unsigned fixed;

    cut_parts(&r, route->path);
    cut_parts(&s, path);
    fixed = r.count - (route->tail ? 1 : 0);
    if (route->tail ? s.count < fixed : s.count != fixed) {
        return 0;
    }
    *key++ = route->tail ? '1' : '0';
    *key++ = (char)('Z' - (int)fixed);
    for (i = 0; i < fixed; i++) {
        int name = r.part[i][0] == '{';

        if (name ? !*s.part[i] : strcmp(r.part[i], s.part[i])) {
            return 0;
        }
        *key++ = name ? '1' : '0';
    }
    *key = '\0';
    return 1;
}

static int naive_method(const jm_route_t *route, const char *method)
{
    unsigned i;
    int best = route->any_method;

    for (i = 0; !route->any_method && i < route->method_count; i++) {
        if (!strcmp(route->methods[i], method)) {
            return 3;
        }
        if (!strcmp(method, "HEAD") && !strcmp(route->methods[i], "GET")) {
            best = 2;
        }
    }
    return best;
}

/* Scans all routes shape by shape. */
static const jm_route_t *naive_match(const set_t *set, const char *method,
                                     const char *path)
{
    char last[32] = "";
    int guarded = 0;

    for (;;) {
        char next[32] = "~";
        const jm_route_t *best = NULL;
        int protects = 0;
        char key[32];
        unsigned i;

        for (i = 0; i < set->count; i++) {
            if (naive_rank(key, &set->routes[i], path)
                && strcmp(key, last) > 0 && strcmp(key, next) < 0) {
                strcpy(next, key);
            }
        }
        if (!strcmp(next, "~")) {
            return NULL;
        }
        for (i = 0; i < set->count; i++) {
            const jm_route_t *route = &set->routes[i];

            if (!naive_rank(key, route, path) || strcmp(key, next)) {
                continue;
            }
            protects |= route->auth == JM_AUTH_REQUIRED;
            if ((!guarded || route->auth == JM_AUTH_REQUIRED)
                && naive_method(route, method)
                       > (best ? naive_method(best, method) : 0)) {
                best = route;
            }
        }
        if (best) {
            return best;
        }
        guarded |= protects;
        strcpy(last, next);
    }
}

static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS" };
#define METHOD_COUNT 4

static const char *random_path(int of_route)
{
    static const char *const segments[] = { "a", "b", "", "{x}", "{y}" };
    const char *path = "";
    unsigned count = 1 + roll(4);
    unsigned i;

    for (i = 0; i < count; i++) {
        const char *segment = segments[roll(of_route ? 5 : 3)];

        if (strchr(path, '{') && *segment == '{') {
            segment = apr_psprintf(scratch, "{n%u}", i);
        }
        path = apr_pstrcat(scratch, path, "/", segment, NULL);
    }
    return of_route && !roll(3) ? apr_pstrcat(scratch, path, "/{.+}", NULL)
                                : path;
}

static set_t *random_set(void)
{
    static const char *const lists[] = { "GET", "POST", "HEAD", "*",
                                         "GET POST", "OPTIONS" };
    set_t *set = make_set();
    unsigned count = 1 + roll(20);
    unsigned i;

    for (i = 0; i < count; i++) {
        if (add(set, lists[roll(6)],
                roll(12) ? random_path(1) : "/{.+}", (jm_auth_e)roll(3))) {
            set->count--;
        }
    }
    return set;
}

static int in_list(const char *const *list, const char *word)
{
    unsigned found = 0;

    for (; list && *list; list++) {
        found += !strcmp(*list, word);
    }
    return (int)found;
}

/* The values must stand in the path where the names stand in the route. */
static int values_fit(const jm_match_t *match, const char *path)
{
    parts_t r;
    parts_t s;
    unsigned n = 0;
    unsigned i;

    cut_parts(&r, match->route->path);
    cut_parts(&s, path);
    for (i = 0; i + (match->route->tail ? 1 : 0) < r.count; i++) {
        if (r.part[i][0] == '{'
            && !jm_str_is(match->params[n++], s.part[i])) {
            return 0;
        }
    }
    return n == match->route->param_count;
}

/* How many of the answers for a path are not those of the naive matcher. */
static unsigned compare(const set_t *set, const char *path,
                        const jm_route_t **seen)
{
    const jm_route_t *want[METHOD_COUNT];
    unsigned wrong = 0;
    unsigned m;

    for (m = 0; m < METHOD_COUNT; m++) {
        want[m] = naive_match(set, methods[m], path);
        seen[0] = want[m] ? want[m] : seen[0];
    }
    for (m = 0; m < METHOD_COUNT; m++) {
        jm_match_t match = find(set, methods[m], path);
        unsigned k;

        wrong += match.route != want[m];
        wrong += match.route && !values_fit(&match, path);
        for (k = 0; !match.route && match.shapes && k < METHOD_COUNT; k++) {
            wrong += in_list(match.allow, methods[k]) != (want[k] != NULL);
        }
    }
    return wrong;
}

static void test_random(void)
{
    unsigned wrong = 0;
    unsigned answered = 0;
    unsigned n;

    for (n = 0; n < 3000; n++) {
        set_t *set = random_set();
        unsigned i;

        for (i = 0; i < 20; i++) {
            const char *path = random_path(0);
            const jm_route_t *seen = NULL;
            unsigned w = compare(set, path, &seen);

            if (w && !wrong) {
                printf("# table %u, path %s\n", n, path);
            }
            wrong += w;
            answered += seen != NULL;
        }
    }
    ok(!wrong, "60000 paths of 3000 random tables select what is promised, "
               "and Allow names the methods that would be answered");
    ok(answered > 10000, "many of them select a route");
}

int main(void)
{
    tap_start();
    test_accepted_paths();
    test_refused_paths();
    test_parsed_fields();
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
    test_random();
    return tap_done();
}
