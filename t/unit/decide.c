/*
 * decide.c: jm_decide: one table, many requests, the order of the checks. The
 * parts have tests of their own; here is what only their sum can do.
 */
#include <openssl/crypto.h>

#include "tap.h"

#include "jm_compile.h"
#include "jm_decide.h"
#include "jm_mint.h"

#define NOW 1700000000
#define SECRET "hush-hush-xxxxxxxxxxxxxxxxxxxxxx"

static const char table_text[] =
    "{\"authorizer\":{\"type\":\"jwt\",\"issuer\":\"joe\",\"audience\":\"me\","
    "  \"secret\":\"" SECRET "\"},"
    " \"authorizers\":{"
    "  \"jim\":{\"type\":\"jwt\",\"issuer\":\"jim\",\"audience\":\"me\","
    "   \"secret\":\"" SECRET "\",\"from_cookies\":[\"t\"]}},"
    " \"servers\":[{\"alias\":\"u\",\"url\":\"http://127.0.0.1:1\"}],"
    " \"cors\":{\"allow_origins\":[\"https://app\"]},"
    " \"paths\":["
    "  {\"method\":\"GET\",\"path\":\"/map\",\"auth\":true,\"mapping\":{"
    "   \"headers\":{\"x-sub\":\"$request.jwt.sub\","
    "    \"x-none\":\"$request.jwt.none\",\"x-in\":\"$request.header.x-sub\"},"
    "   \"query\":{\"sub\":\"$request.jwt.sub\"},"
    "   \"response_headers\":{\"x-back\":\"$request.jwt.sub\"}}},"
    "  {\"method\":\"GET\",\"path\":\"/keep\",\"auth\":true,"
    "   \"forward_token\":true},"
    "  {\"method\":\"GET\",\"path\":\"/jim\",\"auth\":\"jim\"},"
    "  {\"method\":\"GET\",\"path\":\"/both\",\"auth\":[\"default\",\"jim\"]},"
    "  {\"method\":\"GET\",\"path\":\"/role\",\"auth\":true,"
    "   \"require\":{\"role\":\"admin\"},"
    "   \"mapping\":{\"headers\":{\"x-sub\":\"$request.jwt.sub\"}}},"
    "  {\"method\":\"GET\",\"path\":\"/scope\",\"auth\":true,"
    "   \"require\":{\"scope\":\"a\"}},"
    "  {\"method\":\"GET\",\"path\":\"/maybe\",\"auth\":\"optional\"},"
    "  {\"method\":\"GET\",\"path\":\"/maybe/role\",\"auth\":\"optional\","
    "   \"require\":{\"role\":\"admin\"}},"
    "  {\"method\":\"GET\",\"path\":\"/public\",\"auth\":false,"
    "   \"mapping\":{\"headers\":{\"x-sub\":\"$request.jwt.sub\"}}},"
    "  {\"method\":\"GET\",\"path\":\"/static\",\"auth\":true,"
    "   \"response\":{\"a\":1}},"
    "  {\"method\":\"GET\",\"path\":\"/later\",\"auth\":true,"
    "   \"integration\":{\"type\":\"service\"}},"
    "  {\"method\":\"GET\",\"path\":\"/reject\",\"auth\":true,\"mapping\":{"
    "   \"headers\":{\"x-sub\":\"$request.jwt.sub\",\"x-need\":"
    "    {\"from\":\"$request.jwt.none\",\"on_missing\":\"reject\"}}}},"
    "  {\"method\":\"ANY\",\"path\":\"/any/map\",\"auth\":false,"
    "   \"mapping\":{\"query\":{\"q\":\"secret\"}}},"
    "  {\"method\":\"ANY\",\"path\":\"/any/plain\",\"auth\":false},"
    "  {\"method\":[\"TRACE\",\"GET\"],\"path\":\"/any/trace\","
    "   \"auth\":false,\"mapping\":{\"headers\":{\"x-a\":\"secret\"}}},"
    "  {\"method\":\"GET\",\"path\":\"/tail/{.+}\",\"auth\":false}]}";

static const jm_table_t *table;

static const jm_table_t *compile(void)
{
    jm_compile_env_t env = { 0 };
    const jm_table_t *made;
    jm_diags_t diags;

    if (jm_compile_text(&made, &diags, tap_pool, tap_pool, "table.json",
                        jm_str(table_text), &env) != APR_SUCCESS) {
        printf("Bail out! %s\n",
               jm_diag_line(tap_pool, &diags,
                            &APR_ARRAY_IDX(diags.list, 0, jm_diag_t)));
        exit(2);
    }
    return made;
}

/* "Bearer " and a token with these claims beside aud and exp. */
static const char *bearer(const char *claims)
{
    const jm_alg_t *alg = jm_alg_find(jm_str("HS256"));
    const char *payload = apr_psprintf(tap_pool, "{\"aud\":\"me\",\"exp\":%d,"
                                       "%s}", NOW + 300, claims);
    jm_mint_t *key;
    jm_str_t token;

    if (jm_mint_load_secret(&key, tap_pool, jm_str(SECRET)) != APR_SUCCESS
        || jm_mint_sign(&token, tap_pool, key, alg,
                        jm_str("{\"alg\":\"HS256\",\"kid\":\"k\"}"),
                        jm_str(payload)) != APR_SUCCESS) {
        printf("Bail out! cannot mint\n");
        exit(2);
    }
    return apr_pstrcat(tap_pool, "Bearer ", token.ptr, NULL);
}

/* A request for path as the only thing that the client sends, but for one
 * field (name NULL: none). */
static jm_request_t request(const char *path, const char *name,
                            const char *value)
{
    apr_table_t *headers = apr_table_make(tap_pool, 4);
    jm_request_t r;

    memset(&r, 0, sizeof(r));
    if (name) {
        apr_table_setn(headers, name, value);
    }
    r.method = "GET";
    r.uri.path = jm_str(path);
    r.merge_slashes = 1;
    r.headers = headers;
    r.now = NOW;
    return r;
}

static const jm_decision_t *ask(const char *path, const char *authorization)
{
    jm_request_t r = request(path, authorization ? "Authorization" : NULL,
                             authorization);

    return jm_decide(table, &r, tap_pool);
}

/* The value decided for a field: NULL if it is removed, "?" if it is not
 * spoken of. */
static const char *field(const jm_decision_t *d, const char *name)
{
    unsigned i;

    for (i = 0; i < d->field_count; i++) {
        if (!strcasecmp(d->fields[i].name, name)) {
            return d->fields[i].value;
        }
    }
    return "?";
}

static int same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

#define JOE "\"iss\":\"joe\",\"sub\":\"alice\""
#define JIM "\"iss\":\"jim\",\"sub\":\"alice\""

/* --- one request each: action and verdict, under On and ReportOnly -------- */

static const struct {
    const char *path;
    const char *claims;        /* of the token; NULL: none; "": garbage */
    jm_action_e action;
    jm_verdict_e verdict;
    jm_action_e report_only;
} cases[] = {
    { "/map", NULL, JM_ACTION_REFUSE, JM_NO_TOKEN, JM_ACTION_PASS },
    { "/map", "", JM_ACTION_REFUSE, JM_MALFORMED, JM_ACTION_PASS },
    { "/map", JOE, JM_ACTION_PASS, JM_OK, JM_ACTION_PASS },
    { "/map", JIM, JM_ACTION_REFUSE, JM_ISSUER, JM_ACTION_PASS },
    { "/map", JOE ",\"nbf\":1700000011", JM_ACTION_REFUSE, JM_NOT_YET,
      JM_ACTION_PASS },
    { "/map", JOE ",\"cnf\":{}", JM_ACTION_REFUSE, JM_BOUND,
      JM_ACTION_PASS },
    { "/map", "\"iss\":\"joe\",\"sub\":\"a\\nb\"", JM_ACTION_REFUSE,
      JM_UNMAPPABLE, JM_ACTION_PASS },
    { "/role", JOE ",\"role\":\"admin\"", JM_ACTION_PASS, JM_OK,
      JM_ACTION_PASS },
    { "/role", JOE, JM_ACTION_REFUSE, JM_REQUIRE, JM_ACTION_PASS },
    { "/scope", JOE, JM_ACTION_REFUSE, JM_SCOPE, JM_ACTION_PASS },
    { "/maybe", NULL, JM_ACTION_PASS, JM_OK, JM_ACTION_PASS },
    { "/maybe", "", JM_ACTION_REFUSE, JM_MALFORMED, JM_ACTION_PASS },
    { "/maybe/role", NULL, JM_ACTION_REFUSE, JM_NO_TOKEN, JM_ACTION_PASS },
    { "/maybe/role", JOE, JM_ACTION_REFUSE, JM_REQUIRE, JM_ACTION_PASS },
    { "/public", NULL, JM_ACTION_PASS, JM_OK, JM_ACTION_PASS },
    { "/public", "", JM_ACTION_PASS, JM_OK, JM_ACTION_PASS },
    { "/static", NULL, JM_ACTION_REFUSE, JM_NO_TOKEN, JM_ACTION_RESPONSE },
    { "/static", JOE, JM_ACTION_RESPONSE, JM_OK, JM_ACTION_RESPONSE },
    { "/later", JOE, JM_ACTION_REFUSE, JM_NOT_IMPLEMENTED,
      JM_ACTION_REFUSE },
    { "/reject", JOE, JM_ACTION_REFUSE, JM_MISSING, JM_ACTION_PASS },
    { "/none", JOE, JM_ACTION_REFUSE, JM_NOT_FOUND, JM_ACTION_PASS },
    { "/tail/a\\b", NULL, JM_ACTION_REFUSE, JM_PATH, JM_ACTION_PASS },
    { "/tail/a%2fb", NULL, JM_ACTION_REFUSE, JM_PATH, JM_ACTION_PASS },
    { "/tail/a", NULL, JM_ACTION_PASS, JM_OK, JM_ACTION_PASS },
};

static void test_cases(void)
{
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *claims = cases[i].claims;
        const char *field_value = !claims ? NULL : *claims ? bearer(claims)
                                                           : "Bearer abc";
        jm_request_t r = request(cases[i].path, claims ? "Authorization"
                                                       : NULL, field_value);
        const jm_decision_t *d = jm_decide(table, &r, tap_pool);

        ok(d->action == cases[i].action && d->verdict == cases[i].verdict,
           "%s with %s is %s", cases[i].path, claims ? claims : "no token",
           jm_error(cases[i].verdict)->name);
        r.report_only = 1;
        d = jm_decide(table, &r, tap_pool);
        ok(d->action == cases[i].report_only
           && (d->verdict == cases[i].verdict
               || d->verdict == JM_NOT_IMPLEMENTED),
           "the same under ReportOnly");
    }
}

/* --- what is handed on ---------------------------------------------------- */

static void test_fields(void)
{
    const jm_decision_t *d = ask("/map", bearer(JOE));

    ok(same(field(d, "x-sub"), "alice"), "a claim becomes a field");
    ok(!field(d, "x-none"), "a missing one removes it");
    ok(!field(d, "authorization"), "the verified credential goes");
    ok(d->user && same(d->user, "alice"), "sub is the user");
    ok(d->response_count == 1 && same(d->response_fields[0].value, "alice"),
       "the response field is ready");
    is_str(d->args, "sub=alice", "the parameter is appended");
    is_str(d->kid, "k", "the kid is told");
    d = ask("/keep", bearer(JOE));
    ok(same(field(d, "authorization"), "?"), "forward_token leaves it");
    d = ask("/public", bearer(JOE));
    ok(!field(d, "x-sub") && !d->token && !d->user,
       "a public route looks at no token");
    ok(same(field(d, "authorization"), "?"), "and leaves the credential");
    d = ask("/role", bearer(JOE));
    ok(d->action == JM_ACTION_REFUSE && d->token && d->verdict == JM_REQUIRE,
       "a refusal by require knows the token");
}

static void test_client_input(void)
{
    jm_request_t r = request("/map", "Authorization", bearer(JOE));
    const jm_decision_t *d;

    r.headers = apr_table_copy(tap_pool, r.headers);
    apr_table_setn((apr_table_t *)r.headers, "X-Sub", "root");
    r.args = r.client_args = jm_str("a=1&sub=root&%73ub[]=x&b");
    d = jm_decide(table, &r, tap_pool);
    ok(same(field(d, "x-sub"), "alice"), "the client's field is not ours");
    ok(same(field(d, "x-in"), "root"),
       "an expression reads what the client sent, and mappings do not chain");
    is_str(d->args, "a=1&b&sub=alice", "the rest of the query stays");
    r.uri.path = jm_str("/tail/x");
    d = jm_decide(table, &r, tap_pool);
    is_str(d->args, "a=1&b", "a name of one route is removed on all");
}

/* --- the token ------------------------------------------------------------ */

static void test_authorizers(void)
{
    const char *jim = bearer(JIM);
    jm_request_t r = request("/jim", "Cookie",
                             apr_pstrcat(tap_pool, "a=b; t=", jim + 7, NULL));
    const jm_decision_t *d = jm_decide(table, &r, tap_pool);

    ok(d->action == JM_ACTION_PASS && same(field(d, "cookie"), "a=b"),
       "a token in a cookie: the other cookies stay");
    ok(ask("/jim", jim)->verdict == JM_NO_TOKEN,
       "its Authorization is no source");
    r.uri.path = jm_str("/both");
    d = jm_decide(table, &r, tap_pool);
    ok(d->action == JM_ACTION_PASS && same(d->authorizer->name, "jim"),
       "iss selects among several");
    ok(ask("/both", jim)->verdict == JM_ISSUER,
       "but not for a credential that is not of its sources");
    ok(ask("/both", bearer(JOE))->action == JM_ACTION_PASS, "the other one");
    ok(ask("/both", bearer("\"iss\":\"jane\""))->verdict == JM_ISSUER,
       "an issuer that nobody has");
    apr_table_setn((apr_table_t *)r.headers, "Authorization", bearer(JOE));
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_CREDENTIALS,
       "two credentials are refused, though both hold");
}

static void test_shared(void)
{
    jm_request_t r = request("/map", "Authorization", bearer(JOE));
    const jm_decision_t *first = jm_decide(table, &r, tap_pool);
    const jm_decision_t *d;

    r.shared = first->token;
    d = jm_decide(table, &r, tap_pool);
    ok(d->token == first->token, "a later pass shares the verified token");
    r.uri.path = jm_str("/role");
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_REQUIRE,
       "but never a decision");
    r.uri.path = jm_str("/jim");
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_NO_TOKEN,
       "nor for an authorizer that did not verify it");
    apr_table_setn((apr_table_t *)r.headers, "Authorization", "Bearer abc");
    r.uri.path = jm_str("/map");
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_MALFORMED,
       "nor for another credential");
}

static void test_origin(void)
{
    jm_request_t r = request("/map", "Authorization", bearer(JOE));
    const jm_decision_t *d;

    r.origin = jm_decide(table, &r, tap_pool);
    r.uri.path = jm_str("/index.php");
    r.args = jm_str("sub=root&c=1");
    d = jm_decide(table, &r, tap_pool);
    ok(d->inherited && d->action == JM_ACTION_PASS
       && same(field(d, "x-sub"), "alice"),
       "a target that no route names inherits");
    is_str(d->args, "c=1&sub=alice", "on its own query");
    r.uri.path = jm_str("/role");
    d = jm_decide(table, &r, tap_pool);
    ok(!d->inherited && d->verdict == JM_REQUIRE,
       "one that a route names must pass that route");
    r.uri.path = jm_str("/index.php\\x");
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_PATH,
       "a bad path inherits nothing");
}

/* --- methods -------------------------------------------------------------- */

static void test_methods(void)
{
    jm_request_t r = request("/map", NULL, NULL);
    const jm_decision_t *d;

    r.method = "HEAD";
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_NO_TOKEN,
       "HEAD is served by GET, with its auth");
    r.method = "DELETE";
    d = jm_decide(table, &r, tap_pool);
    ok(d->verdict == JM_METHOD && d->allow && same(d->allow[0], "GET"),
       "another method is told what there is");
    r.method = "get";
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_METHOD,
       "methods are case-sensitive");
    r.method = "OPTIONS";
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_METHOD,
       "OPTIONS without Origin is no preflight");
    apr_table_setn((apr_table_t *)r.headers, "Origin", "https://app");
    apr_table_setn((apr_table_t *)r.headers, "Access-Control-Request-Method",
                   "GET");
    d = jm_decide(table, &r, tap_pool);
    ok(d->action == JM_ACTION_PREFLIGHT && !d->token,
       "a preflight is answered before auth");
    r.uri.path = jm_str("/none");
    ok(jm_decide(table, &r, tap_pool)->verdict == JM_NOT_FOUND,
       "but not where no route is");
}

static const apr_array_header_t *list_of(const char *const *names)
{
    apr_array_header_t *list = apr_array_make(tap_pool, 8, sizeof(char *));

    for (; *names; names++) {
        APR_ARRAY_PUSH(list, const char *) = *names;
    }
    return list;
}

/* What TRACE echoes is what the upstream was sent. */
static void test_trace(void)
{
    static const struct {
        const char *path;
        const char *method;
        jm_verdict_e verdict;
    } rows[] = {
        { "/any/map", "TRACE", JM_METHOD }, { "/any/map", "PUT", JM_OK },
        { "/any/plain", "TRACE", JM_OK }, { "/any/trace", "TRACE", JM_METHOD },
        { "/any/trace", "GET", JM_OK }
    };
    apr_size_t i;
    unsigned j;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        jm_request_t r = request(rows[i].path, NULL, NULL);
        const jm_decision_t *d;
        int told = 0;

        r.method = rows[i].method;
        d = jm_decide(table, &r, tap_pool);
        ok(d->verdict == rows[i].verdict, "%s %s is %s", rows[i].method,
           rows[i].path, jm_error(rows[i].verdict)->name);
        for (j = 0; d->allow && d->allow[j]; j++) {
            told |= !strcmp(d->allow[j], "TRACE");
        }
        ok(!told && (rows[i].verdict == JM_OK || !d->param_count),
           "and neither allowed nor mapped where it would echo");
        r.report_only = 1;
        d = jm_decide(table, &r, tap_pool);
        ok(rows[i].verdict == JM_OK || (!d->field_count && !d->param_count),
           "nor under ReportOnly");
    }
}

/* What is allowed comes from the table, and never from the request. */
static void test_trace_allow(void)
{
    jm_request_t r = request("/any/map", "Access-Control-Request-Method",
                             "EVIL");
    const jm_decision_t *d;

    r.method = "TRACE";
    d = jm_decide(table, &r, tap_pool);
    is_str(jm_str(apr_array_pstrcat(tap_pool, list_of(d->allow), ' ')),
           "GET HEAD POST OPTIONS",
           "a TRACE that is refused is told the methods of the table");
}

int main(void)
{
    OPENSSL_init_crypto(0, NULL);
    tap_start();
    table = compile();
    test_cases();
    test_fields();
    test_client_input();
    test_authorizers();
    test_shared();
    test_origin();
    test_methods();
    test_trace();
    test_trace_allow();
    return tap_done();
}
