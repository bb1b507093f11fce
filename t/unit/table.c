/*
 * table.c: what a compiled route table holds.
 */
#include "jm_expr.h"
#include "jm_header.h"
#include "jm_json.h"
#include "routes.h"

/* The first header of the first route, with claims {"sub":"client"}. */
static jm_str_t first_header(const jm_table_t *table)
{
    jm_inputs_t inputs = { "GET", apr_table_make(tap_pool, 1), { NULL, 0 },
                           NULL, NULL, NULL };
    jm_str_t text = { NULL, 0 };

    jm_json_parse(&inputs.claims, NULL, tap_pool,
                  jm_str("{\"sub\":\"client\"}"));
    jm_value_eval(&text, tap_pool, table->routes[0]->headers[0].value,
                  &inputs);
    return text;
}

static void test_substitution(void)
{
    jm_compile_env_t env = { (void *)"$request.jwt.sub", set_x, NULL, NULL,
                             0, 0 };
    const char *json = "{'variables':{'v':'$env.X'}," AUTHORIZER ","
        "'paths':[{'method':'GET','path':'/','auth':true,"
        "'mapping':{'headers':{'x-a':'%s'}}}]}";

    is_str(first_header(compile_env(apr_psprintf(tap_pool, json,
                                                 "$config.v"), &env)),
           "$request.jwt.sub", "a substituted text that looks like an "
           "expression stays text");
    is_str(first_header(compile_env(apr_psprintf(tap_pool, json,
                                                 "$request.jwt.sub"), &env)),
           "client", "the same text in a mapping is an expression");
    env.baton = (void *)"$env.X";
    is_str(first_header(compile_env(apr_psprintf(tap_pool, json,
                                                 "$config.v"), &env)),
           "$env.X", "a substituted text is not substituted again");
    ok(!compile_env(apr_psprintf(tap_pool, json, "$env.X"), &env),
       "$env in a mapping is an error");
}

static void test_responses(void)
{
    jm_compile_env_t env = { (void *)"a\"b", set_x, NULL, NULL, 0, 0 };
    const jm_table_t *table = compile_env(
        "{'paths':["
        "{'method':'GET','path':'/a','response':{ 'n': 1.50, 's': 'x/y',"
        " 'e': ['$env.X', 'no $env.X'] }},"
        "{'method':'GET','path':'/b','response':null},"
        "{'method':'GET','path':'/c'}]}", &env);

    is_str(table->routes[0]->response,
           "{\"n\":1.50,\"s\":\"x/y\",\"e\":[\"a\\\"b\",\"no $env.X\"]}",
           "a response is compact JSON with $env replaced");
    is_str(table->routes[1]->response, "null", "null is a response");
    ok(!table->routes[2]->response.ptr, "no response is none");
}

static void test_defaults(void)
{
    const jm_table_t *table = compile(
        "{" AUTHORIZER ",'paths':["
        "{'method':'GET','path':'/a','auth':true},"
        "{'method':['GET','POST'],'path':'/b','auth':false,"
        " 'forward_token':true,'strict_path':false},"
        "{'method':'*','path':'/c/{id}/{.+}','auth':'optional'},"
        "{'method':'GET','path':'/d'}]}");
    const jm_route_t *a = table->routes[0];
    const jm_route_t *b = table->routes[1];
    const jm_route_t *c = table->routes[2];
    const jm_authorizer_t *standard = table->authorizers[0];

    ok(table->route_count == 4 && !table->unmatched_pass && !table->cors
       && table->server_count == 0, "a small table has the defaults");
    ok(a->auth == JM_AUTH_REQUIRED && a->authorizer_count == 1
       && a->authorizers[0] == standard && a->strict_path
       && !a->forward_token, "auth true is the default authorizer");
    ok(b->auth == JM_AUTH_NONE && b->authorizer_count == 0
       && !b->strict_path && b->forward_token && b->method_count == 2
       && !b->any_method, "auth false has no authorizer");
    ok(c->auth == JM_AUTH_OPTIONAL && c->authorizer_count == 1
       && c->any_method && c->tail && c->param_count == 1,
       "auth optional is the default authorizer, too");
    ok(table->routes[3]->auth == JM_AUTH_REQUIRED,
       "auth omitted needs a token where there is an authorizer");
    is_str(jm_str(b->id), "GET,POST /b", "the id of a route has its methods");
    is_str(jm_str(c->id), "ANY /c/{id}/{.+}", "and ANY for all");
    ok(standard->policy.leeway == 10 && standard->policy.require_expiration
       && standard->policy.max_lifetime == 0 && !standard->policy.allow_bound
       && standard->policy.typ.len == 0
       && standard->header_count == 1 && standard->headers[0].bearer
       && standard->cookie_count == 0
       && !strcmp(standard->user_name, "sub")
       && standard->user_claim.count == 1,
       "an authorizer has the defaults");
    ok(standard->algs == jm_alg_find(jm_str("HS256"))->bit,
       "a secret of 32 octets serves HS256 alone");
}

static void test_authorizers(void)
{
    const jm_table_t *table = compile(
        "{'authorizers':{"
        "'a':{'type':'jwt','issuer':'https://a','audience':['x','y'],"
        "'secret':'" SECRET SECRET "','algorithms':['HS512','HS256'],"
        "'leeway':0,'max_lifetime':60,'require_expiration':false,"
        "'typ':'at+jwt','bound_tokens':'ignore','user_claim':'act.sub',"
        "'from_headers':[{'name':'AUTHORIZATION','value_prefix':'bearer'},"
        "{'name':'X-Token','value_prefix':'Bearer '}],"
        "'from_cookies':['session']},"
        "'b':{'type':'jwt','issuer':'https://b','audience':'a',"
        "'secret':'" SECRET "','from_cookies':['c']}},"
        "'paths':[{'method':'GET','path':'/','auth':['b','a']}]}");
    const jm_authorizer_t *a = table->authorizers[0];
    const jm_authorizer_t *b = table->authorizers[1];

    ok(a->policy.leeway == 0 && a->policy.max_lifetime == 60
       && !a->policy.require_expiration && a->policy.allow_bound
       && jm_str_is(a->policy.typ, "at+jwt") && a->policy.issuer_count == 1
       && a->policy.audience_count == 2 && a->user_claim.count == 2,
       "the members of an authorizer are what is written");
    ok(a->algs == (jm_alg_find(jm_str("HS512"))->bit
                   | jm_alg_find(jm_str("HS256"))->bit),
       "the allow-list is what is written");
    ok(a->header_count == 2 && a->headers[0].bearer && !a->headers[1].bearer
       && jm_str_is(a->headers[1].prefix, "Bearer ")
       && a->cookie_count == 1,
       "Bearer is a scheme in Authorization and a prefix elsewhere");
    ok(b->header_count == 0 && b->cookie_count == 1,
       "who names a cookie has no Authorization");
    ok(table->routes[0]->authorizer_count == 2
       && table->routes[0]->authorizers[0] == b
       && table->routes[0]->authorizers[1] == a,
       "an array of names keeps its order");
}

static void test_kinds(void)
{
    const jm_table_t *table = compile(
        "{'authorizer':{'type':'auth0','domain':'t.auth0.com',"
        "'client_id':'cid','secret':'" SECRET "'},"
        "'authorizers':{'s':{'type':'supabase','audience':'x',"
        "'jwt_secret':'" SECRET SECRET "'}},'paths':[]}");
    const jm_policy_t *auth0 = &table->authorizers[0]->policy;

    ok(auth0->issuer_count == 1
       && jm_str_is(auth0->issuers[0], "https://t.auth0.com/"),
       "auth0 makes the issuer from the domain");
    ok(auth0->audience_count == 1
       && jm_str_is(auth0->audiences[0], "cid"),
       "auth0 takes the client for the audience");
    ok(table->authorizers[1]->algs == jm_alg_find(jm_str("HS256"))->bit,
       "supabase is HS256, however long the secret");
    table = compile("{'authorizer':{'type':'auth0','domain':'t.auth0.com',"
                    "'client_id':'cid','audience':'api',"
                    "'issuer':'https://login.example/','secret':'" SECRET
                    "'},'paths':[]}");
    auth0 = &table->authorizers[0]->policy;
    ok(auth0->audience_count == 1 && jm_str_is(auth0->audiences[0], "api")
       && auth0->issuer_count == 1
       && jm_str_is(auth0->issuers[0], "https://login.example/"),
       "what is written wins over what is derived");
}

static void test_servers(void)
{
    static const char *const urls[][3] = {
        { "http://h", "http://h", "http" },
        { "http://h/", "http://h/", "http" },
        { "http://h//", "http://h/", "http" },
        { "HTTPS://h/a/", "HTTPS://h/a", "https" },
        { "h2c://h:1/a/b///", "h2c://h:1/a/b", "h2c" },
        { "unix:/s|http://h/", "unix:/s|http://h/", "http" },
        { "unix:/s/|http://h/a/", "unix:/s/|http://h/a", "http" },
        { "balancer://b/a/", "balancer://b/a", "balancer" },
        { "wss://[::1]:9/", "wss://[::1]:9/", "wss" }
    };
    unsigned i;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const jm_table_t *table = compile(apr_psprintf(tap_pool,
            "{'servers':[{'alias':'s','url':'%s'},"
            "{'alias':'unused','url':'http://u'}],'paths':["
            "{'method':'GET','path':'/','integration':"
            "{'type':'http','server':'s'}}]}", urls[i][0]));

        is_str(jm_str(table->servers[0]->url), urls[i][1],
               apr_psprintf(tap_pool, "%s is kept as %s", urls[i][0],
                            urls[i][1]));
        ok(table->server_count == 1
           && table->routes[0]->server == table->servers[0]
           && !strcmp(table->servers[0]->scheme, urls[i][2]),
           "%s has the scheme %s, and servers without a route are left out",
           urls[i][0], urls[i][2]);
    }
}

static void test_prefix(void)
{
    const jm_table_t *table = compile(
        "{'servers':[{'alias':'s','url':'http://h'}],'paths':["
        "{'method':'GET','path':'/p/{.+}',"
        " 'integration':{'type':'http','server':'s'}},"
        "{'method':'GET','path':'/{.+}',"
        " 'integration':{'type':'http','server':'s'}},"
        "{'method':'GET','path':'/p/{id}/{.+}',"
        " 'integration':{'type':'http','server':'s'}},"
        "{'method':'GET','path':'/p',"
        " 'integration':{'type':'http','server':'s'}},"
        "{'method':'GET','path':'/q/{.+}'},"
        "{'method':'GET','path':'/r/{.+}','pre_process':{},"
        " 'integration':{'type':'http','server':'s'}}]}");
    const jm_route_t *const *r = table->routes;

    ok(r[0]->prefix && !strcmp(r[0]->prefix, "/p"),
       "a literal path drops its prefix");
    ok(r[1]->prefix && !strcmp(r[1]->prefix, ""),
       "of /{.+} the prefix is empty");
    ok(!r[2]->prefix, "a path with a {name} goes up whole");
    ok(!r[3]->prefix, "so does one without {.+}");
    ok(!r[4]->prefix && !r[4]->server, "a route of others has no prefix");
    ok(!r[5]->prefix && !r[5]->server && r[5]->not_implemented,
       "a route that is not served has no server");
}

static void test_reserved(void)
{
    const jm_table_t *table = compile(
        "{" AUTHORIZER ",'paths':["
        "{'method':'GET','path':'/a','auth':true,'mapping':{"
        " 'headers':{'X-User_Id':'$request.jwt.sub',"
        "            'Authorization':'$request.jwt.sub',"
        "            'x-b':'$request.jwt.a.b'},"
        " 'query':{'user.id':'x'},"
        " 'response_headers':{'X-Only-Response':'${request.jwt.sub}'}}},"
        "{'method':'GET','path':'/b','auth':false,'pass':['user_id'],"
        " 'mapping':{'headers':{'x-user.id':'x'}}}]}");
    const jm_route_t *a = table->routes[0];
    const jm_route_t *b = table->routes[1];

    ok(jm_header_reserved(table, "x.user-id")
       && jm_header_reserved(table, "X-B"),
       "a mapped header is reserved in every spelling");
    ok(!jm_header_reserved(table, "authorization"),
       "a header of every client is not reserved");
    ok(!jm_header_reserved(table, "x-only-response"),
       "a response header is not reserved");
    ok(apr_hash_count(table->reserved_headers.names) == 2,
       "each name is reserved once");
    ok(jm_query_names_has(table->reserved_query, jm_str("user id"))
       && !jm_query_names_has(table->reserved_query, jm_str("user")),
       "a mapped query name is reserved in every spelling");
    ok(jm_query_names_has(b->pass, jm_str("user.id")) && !a->pass,
       "a route that passes a name keeps every spelling of it");
    ok(a->note_count == 2 && !strcmp(a->note_names[0], "sub")
       && !strcmp(a->note_names[1], "a.b") && a->note_paths[1].count == 2
       && b->note_count == 0,
       "each claim that a route maps is a note once");
}

static void test_require(void)
{
    const jm_table_t *table = compile(
        "{" AUTHORIZER ",'paths':["
        "{'method':'GET','path':'/a','auth':true,'require':{"
        "'role':['a','b'],'https://ns/level':7}}]}");
    const jm_require_t *require = table->routes[0]->require;
    const jm_json_t *claims;
    const char *name;

    jm_json_parse(&claims, NULL, tap_pool,
                  jm_str("{\"role\":\"b\",\"https://ns/level\":7.0}"));
    ok(table->routes[0]->require_count == 2 && require[0].count == 2
       && require[1].path.count == 1, "require has its names and values");
    ok(jm_require_check(&name, require, 2, claims) == JM_OK,
       "claims that meet it hold");
    jm_json_parse(&claims, NULL, tap_pool,
                  jm_str("{\"role\":\"b\",\"https://ns/level\":\"7\"}"));
    ok(jm_require_check(&name, require, 2, claims) == JM_REQUIRE,
       "a claim of another type does not");
}

static void test_cors(void)
{
    const jm_cors_t *cors;

    cors = compile("{'cors':{'allow_origins':['https://*.example'],"
                   "'allow_methods':['GET','PUT'],"
                   "'allow_headers':['X-A','*'],'allow_credentials':true,"
                   "'expose_headers':['X-B','*'],'max_age':0},"
                   "'paths':[]}")->cors;
    ok(cors->origin_count == 1 && !cors->any_origin && cors->credentials
       && !strcmp(cors->methods, "GET, PUT") && cors->max_age == 0,
       "cors has what is written");
    ok(cors->echo_headers && !cors->headers && !strcmp(cors->expose, "X-B"),
       "with credentials `*` is an echo in allow_headers and left out of "
       "expose_headers");
    cors = compile("{'cors':{'allow_origins':['*'],"
                   "'allow_methods':['GET','*'],'allow_headers':['*'],"
                   "'expose_headers':['*']},'paths':[]}")->cors;
    ok(cors->any_origin && !cors->credentials && !cors->methods
       && !cors->echo_headers && !strcmp(cors->headers, "*")
       && !strcmp(cors->expose, "*") && cors->max_age == -1,
       "without credentials `*` stays, and methods are those of the path");
}

static void test_public_options(void)
{
    const jm_table_t *table = compile(
        "{" AUTHORIZER ",'cors':{'allow_origins':['https://a.example']},"
        "'paths':[{'method':'OPTIONS','path':'/a'},"
        "{'method':['GET','OPTIONS'],'path':'/b'},"
        "{'method':'ANY','path':'/c'}]}");

    ok(table->routes[0]->auth == JM_AUTH_NONE,
       "under cors an OPTIONS route without auth is public");
    ok(table->routes[1]->auth == JM_AUTH_REQUIRED,
       "one that has other methods as well is not");
    ok(table->routes[2]->auth == JM_AUTH_REQUIRED, "nor is ANY");
    table = compile("{" AUTHORIZER ",'paths':["
                    "{'method':'OPTIONS','path':'/a'}]}");
    ok(table->routes[0]->auth == JM_AUTH_REQUIRED,
       "nor is an OPTIONS route without cors");
}

int main(void)
{
    tap_start();
    test_substitution();
    test_responses();
    test_defaults();
    test_authorizers();
    test_kinds();
    test_servers();
    test_prefix();
    test_reserved();
    test_require();
    test_cors();
    test_public_options();
    return tap_done();
}
