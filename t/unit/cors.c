/*
 * cors.c: which origins are allowed, and what they are told.
 */
#include "tap.h"

#include "jm_cors.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int glob(const char *pattern, const char *origin)
{
    const char *const origins[] = { "https://first.example", pattern };
    jm_cors_t cors = { 0 };

    cors.origins = origins;
    cors.origin_count = 2;
    return jm_cors_allowed(&cors, origin);
}

static const struct {
    const char *pattern;
    const char *origin;
    int want;
} globs[] = {
    { "https://a.example", "https://a.example", 1 },
    { "https://a.example", "https://first.example", 1 },
    { "https://a.example", "https://A.example", 0 },
    { "https://a.example", "http://a.example", 0 },
    { "https://a.example", "https://a.example:8443", 0 },
    { "https://a.example", "https://a.example/", 0 },
    { "https://a.example", "https://a.example.evil", 0 },
    { "https://a.example", "xhttps://a.example", 0 },
    { "https://a.example", "https://a.exampl", 0 },
    { "https://a.example", "https://axexample", 0 },
    { "https://a.example", "", 0 },
    { "https://*.example", "https://a.example", 1 },
    { "https://*.example", "https://a.b.example", 1 },
    { "https://*.example", "https://.example", 1 },
    { "https://*.example", "https://example", 0 },
    { "https://*.example", "https://a.example.evil", 0 },
    { "https://*.example", "https://evil/.example", 0 },
    { "https://*.example", "https://evil:1.example", 0 },
    { "https://*.example", "https://a.example.example", 1 },
    { "https://*", "https://a.example", 1 },
    { "https://*", "https://a.example:1", 0 },
    { "https://*:*", "https://a.example:1", 1 },
    { "https://*:*", "https://a.example:1:2", 0 },
    { "https://*:*", "https://a.example", 0 },
    { "*://a.example", "http://a.example", 1 },
    { "*://a.example", "://a.example", 1 },
    { "*://a.example", "https://x://a.example", 0 },
    { "https://a.example:*", "https://a.example:", 1 },
    { "https://a.example:*", "https://a.example:81", 1 },
    { "https://a.example:*", "https://a.example", 0 },
    { "https://a*.b*.example", "https://a1.b2.example", 1 },
    { "https://a*.b*.example", "https://a.bb.b.b.example", 1 },
    { "https://a*.b*.example", "https://a1.c2.example", 0 },
    { "https://a*.b*.example", "https://a.b.example.net", 0 },
    { "https://**.example", "https://a.example", 1 },
    { "https://**.example", "https://a:.example", 0 },
    { "*b", "aab", 1 },
    { "*ab*ab", "aababab", 1 },
    { "*ab*ab", "abba", 0 },
    { "*", "null", 1 },
    { "*", "https://a.example", 0 },
    { "a*", "a", 1 },
    { "a?", "ab", 0 },
    { "", "a", 0 },
};

static void test_globs(void)
{
    unsigned i;

    for (i = 0; i < COUNT(globs); i++) {
        ok(glob(globs[i].pattern, globs[i].origin) == globs[i].want,
           "\"%s\" %s \"%s\"", globs[i].pattern,
           globs[i].want ? "allows" : "does not allow", globs[i].origin);
    }
}

static void test_hostile(void)
{
    char *many = apr_palloc(tap_pool, 8001);
    jm_cors_t any = { 0 };

    any.any_origin = 1;
    memset(many, 'a', 8000);
    many[8000] = '\0';
    ok(!glob("*a*a*a*a*a*a*a*a*b", many),
       "a glob with many stars answers for a long origin");
    ok(glob("*a*a*a*a*a*a*a*a*a", many), "either way");
    ok(jm_cors_allowed(&any, "https://a.example")
           && jm_cors_allowed(&any, "null"),
       "a lone * allows all origins");
    ok(!jm_cors_allowed(&any, NULL) && !jm_cors_allowed(&any, ""),
       "but no origin is none");
    ok(!jm_cors_allowed(&any, "https://a, https://b")
           && !jm_cors_allowed(&any, "https://a,https://b"),
       "several origins are none");
    ok(!jm_cors_allowed(&any, "https://a b")
           && !jm_cors_allowed(&any, "https://a\x01")
           && !jm_cors_allowed(&any, "https://a\r\nX: y")
           && !jm_cors_allowed(&any, "https://a\x7f")
           && !jm_cors_allowed(&any, "https://\xC3\xA9"),
       "blanks, control characters and what is not ASCII are refused");
    any.credentials = 1;
    ok(!jm_cors_allowed(&any, "https://a.example"),
       "with credentials a lone * allows none");
}

/* A naive matcher: tries every length of every star. */
static int naive(const char *g, const char *t)
{
    if (*g != '*') {
        return *g == *t && (!*g || naive(g + 1, t + 1));
    }
    for (;; t++) {
        if (naive(g + 1, t)) {
            return 1;
        }
        if (!*t || *t == ':' || *t == '/') {
            return 0;
        }
    }
}

static apr_uint32_t seed = 31337;

static void random_text(char *out, const char *octets, unsigned max)
{
    unsigned n;

    seed = seed * 1664525U + 1013904223U;
    for (n = (seed >> 16) % (max + 1); n > 0; n--) {
        seed = seed * 1664525U + 1013904223U;
        *out++ = octets[(seed >> 16) % strlen(octets)];
    }
    *out = '\0';
}

static void test_random(void)
{
    unsigned wrong = 0;
    unsigned matched = 0;
    unsigned n;

    for (n = 0; n < 300000; n++) {
        char pattern[16];
        char text[16];

        random_text(pattern, "a:*b*", 7);
        random_text(text, "aab:", 8);
        if (*text && strcmp(pattern, "")) {
            wrong += glob(pattern, text) != naive(pattern, text);
            matched += (unsigned)naive(pattern, text);
        }
    }
    ok(!wrong, "300000 random globs match what a naive matcher matches");
    ok(matched > 10000, "many of them match");
}

/* --- fields --- */

static apr_table_t *request(const char *origin, const char *asked)
{
    apr_table_t *headers = apr_table_make(tap_pool, 4);

    apr_table_setn(headers, "Access-Control-Request-Method", "PUT");
    if (origin) {
        apr_table_setn(headers, "oRIGIN", origin);
    }
    if (asked) {
        apr_table_setn(headers, "access-control-request-headers", asked);
    }
    return headers;
}

/* The fields as lines, without "Access-Control-". */
static const char *lines(const jm_cors_t *cors, const apr_table_t *headers,
                         int preflight)
{
    const apr_array_header_t *fields = jm_cors_fields(
        cors, tap_pool, headers, preflight, "GET, HEAD, PUT");
    const char *text = "";
    int i;

    for (i = 0; i < fields->nelts; i++) {
        const jm_field_t *f = &APR_ARRAY_IDX(fields, i, jm_field_t);

        text = apr_pstrcat(tap_pool, text,
                           f->name + strlen("Access-Control-"), ": ",
                           f->value, "\n", NULL);
    }
    return text;
}

static void is_lines(const char *got, const char *want, const char *what)
{
    is_str(jm_str(got), want, what);
}

static void test_preflight(void)
{
    apr_table_t *headers = request("https://a.example", NULL);

    ok(jm_cors_is_preflight("OPTIONS", headers),
       "OPTIONS with both fields is a preflight");
    ok(!jm_cors_is_preflight("options", headers)
           && !jm_cors_is_preflight("GET", headers)
           && !jm_cors_is_preflight("OPTIONSX", headers)
           && !jm_cors_is_preflight("", headers),
       "no other method is");
    ok(!jm_cors_is_preflight("OPTIONS", request(NULL, NULL)),
       "OPTIONS without Origin is none");
    apr_table_unset(headers, "Access-Control-Request-Method");
    ok(!jm_cors_is_preflight("OPTIONS", headers),
       "OPTIONS without Access-Control-Request-Method is none");
}

static void test_least(void)
{
    static const char *const origins[] = { "https://a.example" };
    jm_cors_t cors = { 0 };

    cors.origins = origins;
    cors.origin_count = 1;
    cors.max_age = -1;
    is_lines(lines(&cors, request("https://a.example", "x-a"), 1),
             "Allow-Origin: https://a.example\n"
             "Allow-Methods: GET, HEAD, PUT\n",
             "with allow_origins alone a preflight is told the path's "
             "methods and no headers");
    is_lines(lines(&cors, request("https://a.example", NULL), 0),
             "Allow-Origin: https://a.example\n",
             "and a response the origin");
    is_lines(lines(&cors, request("https://b.example", "x-a"), 1), "",
             "the preflight of another origin is told nothing");
    is_lines(lines(&cors, request("https://b.example", NULL), 0), "",
             "nor is its response");
    is_lines(lines(&cors, request(NULL, NULL), 0), "",
             "nor is a response without Origin");
}

static void test_most(void)
{
    jm_cors_t cors = { 0 };

    cors.any_origin = 1;
    cors.methods = "GET, POST";
    cors.headers = "*";
    cors.expose = "x-b";
    cors.max_age = 0;
    is_lines(lines(&cors, request("https://a.example", "x-a"), 1),
             "Allow-Origin: *\nAllow-Methods: GET, POST\nAllow-Headers: *\n"
             "Max-Age: 0\n",
             "a preflight is told methods, headers and a max-age of 0");
    is_lines(lines(&cors, request("https://a.example", NULL), 0),
             "Allow-Origin: *\nExpose-Headers: x-b\n",
             "a response is told what is exposed");
    cors.max_age = 600;
    ok(strstr(lines(&cors, request("null", NULL), 1), "Max-Age: 600\n"),
       "the max-age is in seconds");
}

static void test_credentials(void)
{
    static const char *const origins[] = { "https://*.example" };
    jm_cors_t cors = { 0 };

    cors.origins = origins;
    cors.origin_count = 1;
    cors.credentials = 1;
    cors.echo_headers = 1;
    cors.max_age = -1;
    is_lines(lines(&cors, request("https://a.example", "x-a, X-B\t,c"), 1),
             "Allow-Origin: https://a.example\nAllow-Credentials: true\n"
             "Allow-Methods: GET, HEAD, PUT\n"
             "Allow-Headers: x-a, X-B\t,c\n",
             "with credentials origin and headers are echoed");
    is_lines(lines(&cors, request("https://a.example", NULL), 0),
             "Allow-Origin: https://a.example\nAllow-Credentials: true\n",
             "a response has the credentials, too");
    is_lines(lines(&cors, request("https://b.net", "x-a"), 1), "",
             "another origin is told nothing");
    cors.any_origin = 1;
    is_lines(lines(&cors, request("https://a.example", "x-a"), 1), "",
             "* and credentials together allow nobody");
}

static void test_echo(void)
{
    static const char *const bad[] = {
        "", " ", ",", "x-a,", ",x-a", "x-a,,x-b", "x a", "x-a, x b",
        "x-a: 1", "x-a\r\nx: y", "x\x7f", "x\xC3\xA9", "(x)", "x;y", "\"x\"",
    };
    static const char *const origins[] = { "https://a.example" };
    jm_cors_t cors = { 0 };
    apr_table_t *headers;
    unsigned i;

    cors.origins = origins;
    cors.origin_count = 1;
    cors.credentials = 1;
    cors.echo_headers = 1;
    cors.max_age = -1;
    for (i = 0; i < COUNT(bad); i++) {
        ok(!strstr(lines(&cors, request("https://a.example", bad[i]), 1),
                   "Allow-Headers"),
           "requested headers of row %u are not echoed", i);
    }
    ok(strstr(lines(&cors, request("https://a.example", "!#$%&'*+-.^_`|~9"),
                    1),
              "Allow-Headers: !#$%&'*+-.^_`|~9\n"),
       "every octet of a token is echoed");
    headers = request("https://a.example", "x-a");
    apr_table_addn(headers, "Access-Control-Request-Headers", "x-b");
    ok(strstr(lines(&cors, headers, 1), "Allow-Headers: x-a,x-b\n"),
       "several lines of them are one list");
    apr_table_addn(headers, "Origin", "https://a.example");
    is_lines(lines(&cors, headers, 1), "",
             "two Origin lines are no origin at all");
}

int main(void)
{
    tap_start();
    test_globs();
    test_hostile();
    test_random();
    test_preflight();
    test_least();
    test_most();
    test_credentials();
    test_echo();
    return tap_done();
}
