/*
 * compile.c: the route table compiler: every case of t/routes (routes.h says
 * what a case is), files, size. The cases are found in argv[1], else
 * $JM_CASES, else $srcdir/t/routes.
 */
#include <apr_time.h>

#include <openssl/hmac.h>

#include "jm_expr.h"
#include "jm_header.h"
#include "jm_json.h"
#include "jm_remote.h"
#include "jm_route.h"
#include "jm_slot.h"
#include "routes.h"

static const char *cases_dir(apr_pool_t *p, int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");

    if (argc > 1) {
        return argv[1];
    }
    if (getenv("JM_CASES")) {
        return getenv("JM_CASES");
    }
    return apr_pstrcat(p, srcdir ? srcdir : ".", "/t/routes", NULL);
}

/* --- cases --- */

static const jm_keyset_t *keys_of(const jm_authorizer_t *a, apr_pool_t *p)
{
    return a->key_slot ? jm_slot_get(a->key_slot, p, NULL) : a->keys;
}

/* Reads all that a request could: with the pool of the JSON tree gone, a
 * sanitizer sees what points back there. Returns a number of octets. */
static apr_size_t touch_mapping(apr_pool_t *p, const jm_mapping_t *list,
                                unsigned count, const jm_inputs_t *inputs)
{
    apr_size_t sum = 0;
    jm_str_t text;
    unsigned i;

    for (i = 0; i < count; i++) {
        sum += strlen(list[i].name);
        if (jm_value_eval(&text, p, list[i].value, inputs) == JM_EVAL_OK) {
            sum += text.len;
        }
    }
    return sum;
}

static apr_size_t touch_route(apr_pool_t *p, const jm_table_t *table,
                              const jm_route_t *route)
{
    jm_str_t params[8] = { { "x", 1 }, { "x", 1 }, { "x", 1 }, { "x", 1 } };
    jm_inputs_t inputs = { "GET", apr_table_make(p, 1), { NULL, 0 }, params,
                           NULL, NULL };
    apr_size_t sum = strlen(route->id) + strlen(route->path);
    jm_match_t match;
    unsigned i;
    unsigned k;

    sum += touch_mapping(p, route->headers, route->header_count, &inputs);
    sum += touch_mapping(p, route->query, route->query_count, &inputs);
    sum += touch_mapping(p, route->response_headers, route->response_count,
                         &inputs);
    for (i = 0; i < route->require_count; i++) {
        sum += strlen(route->require[i].name);
        for (k = 0; k < route->require[i].count; k++) {
            sum += jm_json_compact(p, route->require[i].values[k]).len;
        }
    }
    for (i = 0; i < route->note_count; i++) {
        sum += strlen(route->note_names[i]) + route->note_paths[i].count;
    }
    for (i = 0; i < route->method_count; i++) {
        sum += strlen(route->methods[i]);
    }
    jm_router_match(&match, p, table->router, jm_str(route->path), "GET");
    return sum + (match.shapes ? 1 : 0)
           + (apr_size_t)jm_query_names_has(route->pass, jm_str("id"));
}

static apr_size_t touch_table(apr_pool_t *p, const jm_table_t *table)
{
    apr_size_t sum = strlen(table->file);
    unsigned i;
    unsigned k;

    for (i = 0; i < table->route_count; i++) {
        sum += touch_route(p, table, table->routes[i]);
    }
    for (i = 0; i < table->authorizer_count; i++) {
        const jm_authorizer_t *a = table->authorizers[i];
        const jm_keyset_t *keys = keys_of(a, p);

        sum += strlen(a->name) + strlen(a->user_name) + a->policy.typ.len;
        for (k = 0; k < a->policy.issuer_count; k++) {
            sum += strlen(a->policy.issuers[k].ptr);
        }
        for (k = 0; k < a->header_count; k++) {
            sum += strlen(a->headers[k].header) + a->headers[k].prefix.len;
        }
        sum += a->remote ? strlen(a->remote->id) + strlen(a->remote->url) : 0;
        for (k = 0; keys && k < keys->count; k++) {
            sum += keys->keys[k].kid.len + keys->keys[k].issuer.len;
        }
    }
    for (i = 0; i < table->server_count; i++) {
        sum += strlen(table->servers[i]->url)
               + strlen(table->servers[i]->scheme);
    }
    return sum + (apr_size_t)jm_header_reserved(table, "x_user.id")
           + (apr_size_t)jm_query_names_has(table->reserved_query,
                                            jm_str("id"));
}

static void run_case(const char *dir, const char *name, int is_valid)
{
    apr_pool_t *p = case_pool();
    apr_pool_t *ptemp = case_pool();
    const jm_table_t *table;
    const char *expect;
    const char *lines;
    const char *source;
    jm_diags_t diags;
    apr_status_t rv;
    case_t k;

    case_open(&k, p, apr_pstrcat(p, dir, "/", name, NULL));
    expect = case_file(&k, "expect");
    expect = expect ? expect : "";
    source = case_file(&k, "table.json");
    rv = jm_compile_text(&table, &diags, p, ptemp, "table.json",
                         jm_str(source), &k.env);
    lines = case_lines(p, &diags);
    apr_pool_destroy(ptemp);
    ok(source && (is_valid ? rv == APR_SUCCESS && table
                           : rv == APR_EINVAL && !table),
       "%s is %s", name, is_valid ? "a table" : "no table");
    if (!ok(!strcmp(lines, expect), "%s has exactly the expected "
            "diagnostics", name)) {
        print_lines("got", lines, p);
        print_lines("want", expect, p);
    }
    if (table) {
        ok(touch_table(p, table) > 0, "%s outlives its JSON", name);
    }
    apr_pool_destroy(p);
}

/* A build without libcurl refuses all that is fetched. */
static int is_left_out(const char *name)
{
#ifdef JM_HAVE_CURL
    (void)name;
    return 0;
#else
    return !strncmp(name, "remote-", 7);
#endif
}

static void run_cases(const char *root, const char *kind, int at_least)
{
    const char *dir = apr_pstrcat(tap_pool, root, "/", kind, NULL);
    int count;
    const char **name = case_names(tap_pool, dir, &count);

    ok(count >= at_least, "there are at least %d %s cases", at_least, kind);
    for (; *name; name++) {
        if (!is_left_out(*name)) {
            run_case(dir, *name, !strcmp(kind, "valid"));
        }
    }
}

/* --- files --- */

static const char *write_file(const char *dir, const char *name,
                              const char *text)
{
    const char *path = apr_pstrcat(tap_pool, dir, "/", name, NULL);
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE
                      | APR_FOPEN_TRUNCATE, APR_FPROT_OS_DEFAULT, tap_pool)
        == APR_SUCCESS) {
        apr_file_puts(text, file);
        apr_file_close(file);
    }
    return path;
}

static const jm_table_t *compile_path(const char *path,
                                      const jm_compile_env_t *env)
{
    const jm_table_t *table;

    jm_compile_file(&table, &diags, tap_pool, tap_pool, path, env);
    return table;
}

/* 1 if the first key of the table makes the HS256 that secret makes. */
static int has_secret(const jm_table_t *table, const char *secret)
{
    static const unsigned char text[] = "text";
    unsigned char want[EVP_MAX_MD_SIZE];
    unsigned char got[EVP_MAX_MD_SIZE];
    unsigned want_len = 0;
    size_t got_len = 0;
    const jm_keyset_t *keys;
    EVP_MAC_CTX *mac;

    if (!table) {
        return 0;
    }
    keys = keys_of(table->authorizers[0], tap_pool);
    HMAC(EVP_sha256(), secret, (int)strlen(secret), text, sizeof(text), want,
         &want_len);
    mac = EVP_MAC_CTX_dup(keys->keys[0].mac[0]);
    EVP_MAC_update(mac, text, sizeof(text));
    EVP_MAC_final(mac, got, &got_len, sizeof(got));
    EVP_MAC_CTX_free(mac);
    return got_len == want_len && !memcmp(got, want, got_len);
}

#define KEY_TABLE(key) "{\"authorizer\":{\"type\":\"jwt\"," \
    "\"audience\":\"a\"," key "},\"paths\":[]}"

static void test_files(const char *dir)
{
    jm_compile_env_t env = { NULL, NULL, dir, NULL, 0, 0 };
    const char *path;

    write_file(dir, "one", SECRET "\n");
    write_file(dir, "two", SECRET "\n\n");
    write_file(dir, "none", SECRET);
    path = write_file(dir, "t.json", KEY_TABLE("\"secret_file\":\"one\""));
    ok(has_secret(compile_path(path, NULL), SECRET),
       "a key file is relative to its table, and loses one newline");
    write_file(dir, "t.json", KEY_TABLE("\"secret_file\":\"two\""));
    ok(has_secret(compile_path(path, NULL), SECRET "\n"),
       "a second newline is part of the secret");
    write_file(dir, "t.json", KEY_TABLE("\"secret\":\"$secret.none\""));
    ok(has_secret(compile_path(path, &env), SECRET),
       "a secret without a newline is whole");
    write_file(dir, "t.json", KEY_TABLE("\"secret\":\"$secret.one\""));
    ok(has_secret(compile_path(path, &env), SECRET),
       "$secret loses one newline");
    env.base_dir = "/nonexistent";
    write_file(dir, "t.json", KEY_TABLE("\"secret_file\":\"one\""));
    ok(!compile_path(path, &env) && diags.errors == 1,
       "base_dir is where key files are looked for, if it is given");
    write_file(dir, "t.json", apr_psprintf(tap_pool,
               KEY_TABLE("\"secret_file\":\"%s/one\""), dir));
    ok(compile_path(path, &env) != NULL, "an absolute path stands alone");
}

/* No message shows what a name stands for. */
static void test_silence(const char *dir)
{
    jm_compile_env_t env = { (void *)"h://user:hunter2@x", set_x, dir, NULL,
                             0, 0 };
    const char *json =
        "{'servers':[{'alias':'a','url':'$env.X'},"
        "{'alias':'b','url':'http://u:hunter2@h'}],'unmatched':'$env.X',"
        "'authorizer':{'type':'$env.X','audience':'a'},"
        "'authorizers':{'a':{'type':'jwt','audience':'a',"
        "'secret':'$secret.short','algorithm':'$env.X',"
        "'user_claim':'$env.X','bound_tokens':'$env.X'},"
        "'b':{'type':'auth0','domain':'$env.X','jwks':'$env.X'}},"
        "'cors':{'allow_origins':['$env.X'],'allow_methods':['$env.X'],"
        "'allow_headers':['$env.X']},"
        "'paths':[{'method':'$env.X','path':'/','auth':'$env.X',"
        "'integration':{'type':'http','server':'$env.X'}},"
        "{'method':'GET','path':'/a','integration':{'type':'$env.X'}}]}";
    const char *lines;

    write_file(dir, "short", "hunter2");
    ok(!compile_env(json, &env) && diags.errors >= 14,
       "each wrong text from outside is an error");
    lines = case_lines(tap_pool, &diags);
    if (!ok(!strstr(lines, "hunter2"), "no message shows a secret")) {
        print_lines("got", lines, tap_pool);
    }
}

static void test_unreadable(const char *dir)
{
    const jm_table_t *table = compile_path("/nonexistent/t.json", NULL);

    ok(!table && diags.errors == 1, "a missing table is an error");
    is_str(jm_str(case_lines(tap_pool, &diags)),
           "/nonexistent/t.json: cannot be read: No such file or "
           "directory\n", "and says which and why");
    ok(!compile_path(dir, NULL) && diags.errors == 1,
       "a folder is no table");
    ok(!compile_path("/dev/zero", NULL) && diags.errors == 1,
       "a file without end is no table");
}

/* --- size --- */

static const char *many_routes(unsigned count)
{
    apr_array_header_t *parts = apr_array_make(tap_pool, 64,
                                               sizeof(const char *));
    unsigned i;

    APR_ARRAY_PUSH(parts, const char *) =
        "{'variables':{'v':'$env.X'}," AUTHORIZER ",'paths':[\n";
    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(tap_pool,
            "%s{'method':'GET','path':'/a%u/{id}/{.+}','mapping':{"
            "'headers':{'x-%u':'$request.jwt.sub','x-v':'$config.v'},"
            "'query':{'q%u':'$request.path.id'}},'pass':['other']}\n",
            i ? "," : "", i, i, i);
    }
    APR_ARRAY_PUSH(parts, const char *) = "]}";
    return apr_array_pstrcat(tap_pool, parts, 0);
}

static void test_size(void)
{
    jm_compile_env_t env = { (void *)"x", set_x, NULL, NULL, 0, 0 };
    const char *json = many_routes(10000);
    apr_time_t start = apr_time_now();
    const jm_table_t *table = compile_env(json, &env);
    apr_time_t took = apr_time_now() - start;

    ok(table && table->route_count == 10000
       && diags.list->nelts == 20000,
       "10,000 routes compile, with a warning for every one");
    /* Well under a second without a sanitizer. */
    ok(took < apr_time_from_sec(4 * tap_slow()), "and in time (%d ms)",
       (int)(took / 1000));
}

static char *make_folder(void)
{
    const char *temp = "/tmp";
    char *dir;

    apr_temp_dir_get(&temp, tap_pool);
    dir = apr_pstrcat(tap_pool, temp, "/jm_compile.XXXXXX", NULL);
    return mkdtemp(dir);
}

static void remove_folder(const char *dir)
{
    int count;
    const char **name = case_names(tap_pool, dir, &count);

    for (; *name; name++) {
        apr_file_remove(apr_pstrcat(tap_pool, dir, "/", *name, NULL),
                        tap_pool);
    }
    apr_dir_remove(dir, tap_pool);
}

int main(int argc, char **argv)
{
    apr_pool_t *p = tap_start();
    const char *root = cases_dir(p, argc, argv);
    const char *dir = make_folder();

    run_cases(root, "valid", 25);
    run_cases(root, "invalid", 60);
    if (ok(dir != NULL, "there is a folder for files")) {
        test_files(dir);
        test_silence(dir);
        test_unreadable(dir);
        remove_folder(dir);
    }
    test_size();
    return tap_done();
}
