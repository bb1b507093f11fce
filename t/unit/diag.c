/*
 * diag.c: diagnostics say where and what, each once, and guess what was
 * meant; and the table of verdicts keeps its promises to the client.
 */
#include "tap.h"

#include "jm_diag.h"
#include "jm_error.h"

/* The line of the diagnostic at an index. */
static jm_str_t line_of(const jm_diags_t *d, int index)
{
    if (index >= d->list->nelts) {
        return jm_str("");
    }
    return jm_str(jm_diag_line(tap_pool, d, &APR_ARRAY_IDX(d->list, index,
                                                           jm_diag_t)));
}

static jm_diags_t *make(const char *source)
{
    jm_diags_t *d = apr_palloc(tap_pool, sizeof(*d));

    jm_diag_init(d, tap_pool, "conf/routes.json", jm_str(source));
    return d;
}

typedef struct place_t {
    apr_size_t offset;
    unsigned line;
    unsigned col;
} place_t;

static void test_places(void)
{
    static const place_t places[] = {
        { 0, 1, 1 }, { 1, 1, 2 }, { 2, 1, 3 }, { 3, 2, 1 }, { 4, 3, 1 },
        { 6, 3, 3 }, { 7, 3, 4 }, { 8, 4, 1 }, { 9, 4, 2 }, { 10, 4, 2 },
        { (apr_size_t)-1, 4, 2 }
    };
    jm_diags_t *d = make("ab\n\nc\xC3\xA9\nd");
    apr_size_t i;

    for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const place_t *v = &places[i];
        const jm_diag_t *got;

        jm_diag_add(d, JM_ERROR, v->offset, "", "%d", (int)i);
        got = &APR_ARRAY_IDX(d->list, (int)i, jm_diag_t);
        ok(got->line == v->line && got->col == v->col,
           "octet %" APR_UINT64_T_FMT " is line %u, column %u",
           (apr_uint64_t)v->offset, v->line, v->col);
    }
}

static void test_empty_source(void)
{
    jm_diags_t d;

    jm_diag_init(&d, tap_pool, "f", jm_strn(NULL, 0));
    jm_diag_add(&d, JM_ERROR, 5, NULL, "empty");
    is_str(line_of(&d, 0), "f:1:1: /: empty", "an empty file has line 1");
}

static void test_lines(void)
{
    jm_diags_t *d = make("x\ny");

    jm_diag_add(d, JM_ERROR, 2, "/paths/0", "unknown key \"%s\"", "pathh");
    jm_diag_add(d, JM_WARNING, 0, "", "no audience");
    jm_diag_file(d, "cannot be read: %s", "no such file");
    is_str(line_of(d, 0), "conf/routes.json:2:1: /paths/0: unknown key "
           "\"pathh\"", "an error names file, line, column, pointer");
    is_str(line_of(d, 1), "conf/routes.json:1:1: /: warning: no audience",
           "a warning says so; the whole document is /");
    is_str(line_of(d, 2), "conf/routes.json: cannot be read: no such file",
           "an error of the file has no place");
    ok(d->errors == 2 && d->list->nelts == 3, "errors are counted, warnings "
       "are not");
}

static void test_once(void)
{
    jm_diags_t *d = make("x\ny");

    jm_diag_add(d, JM_ERROR, 0, "/a", "same");
    jm_diag_add(d, JM_ERROR, 0, "/a", "sa%s", "me");
    jm_diag_add(d, JM_ERROR, 0, "/b", "same");
    ok(d->errors == 1 && d->list->nelts == 1,
       "the same message at the same place is added once");
    jm_diag_add(d, JM_ERROR, 1, "/a", "same");
    jm_diag_add(d, JM_ERROR, 0, "/a", "other");
    jm_diag_add(d, JM_WARNING, 0, "/a", "same");
    ok(d->errors == 3 && d->list->nelts == 4,
       "another place, message or severity is another one");
    jm_diag_file(d, "same");
    jm_diag_file(d, "same");
    ok(d->errors == 4 && d->list->nelts == 5,
       "an error of the file is added once, too");
}

static void test_many(void)
{
    char *source = apr_palloc(tap_pool, 200001);
    jm_diags_t *d;
    int i;

    for (i = 0; i < 200000; i++) {
        source[i] = i % 2 ? '\n' : 'x';
    }
    source[200000] = '\0';
    d = make(source);
    for (i = 0; i < 100000; i++) {
        jm_diag_add(d, JM_ERROR, (apr_size_t)i * 2, "/x", "bad");
    }
    is_str(line_of(d, 99999), "conf/routes.json:100000:1: /x: bad",
           "a hundred thousand errors are found and placed");
    ok(d->errors == 100000, "and none is lost");
}

static void test_controls(void)
{
    jm_diags_t *d = make("x");

    jm_diag_add(d, JM_ERROR, 0, "/a\nb\x1B[31m",
                "a\tb\x7F \xC2\x9B" "31m \xC3\xA9 \xC2\xA0 \\ \xC2");
    is_str(line_of(d, 0), "conf/routes.json:1:1: /a\\x0ab\\x1b[31m: a\\x09b"
           "\\x7f \\xc2\\x9b31m \xC3\xA9 \xC2\xA0 \\ \xC2",
           "controls are escaped, also C1, and no other octet");
    d->file = "a\rb";
    jm_diag_file(d, "gone");
    is_str(line_of(d, 1), "a\\x0db: gone", "also in the name of the file");
}

typedef struct guess_t {
    const char *word;
    const char *nearest;
} guess_t;

static void test_nearest(void)
{
    static const char *const words[] = { "path", "paths", "method", "mapping",
        "query", "jwks_uri", "jwks", "headers", "on_missing", "id",
        "response_headers", NULL };
    static const guess_t guesses[] = {
        { "pathh", "path" }, { "paht", "path" }, { "Paths", "paths" },
        { "METHOD", "method" }, { "methd", "method" }, { "metod", "method" },
        { "jwks-uri", "jwks_uri" }, { "jwksuri", "jwks_uri" },
        { "JwksUri", "jwks_uri" }, { "jkws", "jwks" },
        { "header", "headers" }, { "haeder", "headers" },
        { "on-missing", "on_missing" }, { "onMissing", "on_missing" },
        { "responseHeaders", "response_headers" }, { "ids", "id" },
        { "di", "id" }, { "i", "id" }, { "xy", NULL }, { "x", NULL },
        { "", NULL }, { "qy", NULL }, { "quy", NULL },
        { "integration", NULL }, { "mapped", NULL },
        { "paaatth", NULL },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(guesses) / sizeof(*guesses); i++) {
        const guess_t *v = &guesses[i];
        const char *got = jm_diag_nearest(v->word, words);

        ok(got == v->nearest || (got && v->nearest
                                 && !strcmp(got, v->nearest)),
           "\"%s\" was meant to be %s, not %s", v->word,
           v->nearest ? v->nearest : "none of them", got ? got : "(none)");
    }
}

static void test_hint(void)
{
    static const char *const words[] = { "paths", "cors", NULL };
    static const char *const none[] = { NULL };
    char longest[66];
    const char *list[] = { longest, NULL };

    is_str(jm_str(jm_diag_hint(tap_pool, "path", words)),
           " (did you mean \"paths\"?)", "a near word is a hint");
    is_str(jm_str(jm_diag_hint(tap_pool, "servers", words)), "",
           "no near word is no hint");
    is_str(jm_str(jm_diag_hint(tap_pool, "path", none)), "",
           "no words are no hint");
    memset(longest, 'a', 65);
    longest[64] = longest[65] = '\0';
    ok(jm_diag_nearest(longest, list) == longest,
       "a word of 64 octets is compared");
    longest[64] = 'a';
    ok(!jm_diag_nearest(longest, list), "one of 65 is not");
}

static void test_every_verdict(void)
{
    int v;

    for (v = 0; v < JM_VERDICT_COUNT; v++) {
        const jm_error_t *e = jm_error((jm_verdict_e)v);
        int refusal = v != JM_OK;
        int w;

        ok(e->name && *e->name && e->log && *e->log && e->code && e->text,
           "verdict %d has its row", v);
        ok(refusal ? e->status >= 400 && *e->code && *e->text
                   : e->status == 0, "%s is %d", e->name, e->status);
        ok(!strpbrk(e->text, "\"\\\n") && !strpbrk(e->code, "\"\\\n"),
           "%s needs no escape in the body", e->name);
        for (w = 0; w < v; w++) {
            if (!strcmp(e->name, jm_error((jm_verdict_e)w)->name)) {
                break;
            }
        }
        ok(w == v, "no other verdict is called %s", e->name);
    }
}

/* What the client sees of a verdict is what it sees of another. */
static int looks_alike(jm_verdict_e a, jm_verdict_e b)
{
    const jm_error_t *x = jm_error(a);
    const jm_error_t *y = jm_error(b);
    int challenges = x->challenge && y->challenge
                     ? !strcmp(x->challenge, y->challenge)
                     : x->challenge == y->challenge;

    return x->status == y->status && challenges && !strcmp(x->code, y->code)
           && !strcmp(x->text, y->text);
}

static void test_oracle(void)
{
    const jm_error_t *expired = jm_error(JM_EXPIRED);
    int v;

    for (v = JM_MALFORMED; v <= JM_REVOKED; v++) {
        ok(looks_alike((jm_verdict_e)v, JM_SIGNATURE),
           "%s looks to the client like any other bad token",
           jm_error((jm_verdict_e)v)->name);
    }
    ok(!looks_alike(JM_EXPIRED, JM_SIGNATURE), "expired says so");
    ok(expired->status == 401 && !strcmp(expired->code, "token_expired")
       && !strcmp(expired->challenge, "invalid_token"),
       "expired is 401 token_expired, challenge invalid_token");
    ok(looks_alike(JM_MISSING, JM_UNMAPPABLE),
       "a missing value looks like an unmappable one");
}

typedef struct row_t {
    jm_verdict_e verdict;
    const char *name;
    int status;
    const char *code;
    const char *challenge;
} row_t;

static void test_rows(void)
{
    static const row_t rows[] = {
        { JM_INTERNAL, "internal", 500, "internal_error", NULL },
        { JM_OK, "ok", 0, "", NULL },
        { JM_NO_TOKEN, "none", 401, "missing_token", NULL },
        { JM_CREDENTIALS, "credentials", 400, "invalid_request",
          "invalid_request" },
        { JM_SIGNATURE, "signature", 401, "invalid_token", "invalid_token" },
        { JM_NO_KEYS, "keys_unavailable", 503, "keys_unavailable", NULL },
        { JM_REQUIRE, "require", 403, "forbidden", NULL },
        { JM_SCOPE, "scope", 403, "insufficient_scope",
          "insufficient_scope" },
        { JM_UNMAPPABLE, "unmappable", 403, "unmappable_value", NULL },
        { JM_NOT_FOUND, "not_found", 404, "not_found", NULL },
        { JM_METHOD, "method", 405, "method_not_allowed", NULL },
        { JM_PATH, "path", 400, "bad_path", NULL },
        { JM_NOT_IMPLEMENTED, "not_implemented", 501, "not_implemented",
          NULL },
        { JM_VERDICT_COUNT, "internal", 500, "internal_error", NULL },
        { (jm_verdict_e)-1, "internal", 500, "internal_error", NULL },
        { (jm_verdict_e)12345, "internal", 500, "internal_error", NULL },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const row_t *v = &rows[i];
        const jm_error_t *e = jm_error(v->verdict);
        int challenge = e->challenge && v->challenge
                        ? !strcmp(e->challenge, v->challenge)
                        : e->challenge == v->challenge;

        ok(!strcmp(e->name, v->name) && e->status == v->status
           && !strcmp(e->code, v->code) && challenge,
           "verdict %d is %s: %d %s", (int)v->verdict, v->name, v->status,
           v->code);
    }
}

int main(void)
{
    tap_start();
    test_places();
    test_empty_source();
    test_lines();
    test_once();
    test_many();
    test_controls();
    test_nearest();
    test_hint();
    test_every_verdict();
    test_oracle();
    test_rows();
    return tap_done();
}
