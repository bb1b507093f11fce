/*
 * A whole request against one table. Input: a line of options (see
 * read_options), then the octets that a client sends. `{{…}}` in a field
 * stands for a token with that payload, signed with the key of the table: all
 * other tokens are not.
 *
 * Whatever the client sends: a name of the table is upstream with the value
 * of the decision or not at all, a claim is one that was signed, and a
 * protected path is passed with a token only, however it is spelt.
 */
#include "httpd.h"

#include "jm_cache.h"
#include "jm_compile.h"
#include "jm_json.h"
#include "jm_mint.h"

#define NOW 1700000000
#define SECRET "hush-hush-0123456789abcdef0123456"
#define TOKENS_MAX 4

static const char text[] =
    "{\"authorizer\":{\"type\":\"jwt\",\"secret\":\"" SECRET "\","
    "\"issuer\":\"joe\",\"audience\":\"a\"},\"authorizers\":{"
    "\"jim\":{\"type\":\"jwt\",\"secret\":\"" SECRET "\",\"issuer\":\"jim\","
    "\"audience\":\"a\",\"from_cookies\":[\"t\"],\"from_headers\":["
    "{\"name\":\"x-token\",\"value_prefix\":\"\"}]}},"
    "\"unmatched\":\"pass\",\"cors\":{\"allow_origins\":"
    "[\"https://*.example\"]},\"paths\":["
    "{\"method\":[\"GET\",\"POST\"],\"path\":\"/admin/{.+}\",\"auth\":true,"
    "\"mapping\":{\"headers\":{\"x-user-id\":\"$request.jwt.sub\","
    "\"accept-language\":\"$request.jwt.lang\",\"x-roles\":"
    "{\"from\":\"$request.jwt.roles\",\"format\":\"csv\"}},"
    "\"query\":{\"actor\":\"$request.jwt.sub\","
    "\"user.id\":\"$request.jwt.uid\"}}},"
    "{\"method\":\"ANY\",\"path\":\"/opt/{id}\",\"auth\":\"optional\","
    "\"mapping\":{\"headers\":{\"x-id\":\"${request.path.id}-${request.method}"
    "\",\"x-claim\":\"$request.jwt.sub\"},\"query\":{\"id\":"
    "\"$request.path.id\"}}},"
    "{\"method\":\"ANY\",\"path\":\"/pub/{.+}\",\"auth\":false,"
    "\"pass\":[\"actor\"],\"mapping\":{\"headers\":{\"x-c\":"
    "\"$request.cookie.c\"},\"query\":{\"q\":\"$request.query.p\"}}},"
    "{\"method\":\"GET\",\"path\":\"/jim/{a}/{b}\",\"auth\":\"jim\","
    "\"mapping\":{\"headers\":{\"x-user-id\":\"$request.jwt.sub\",\"x-h\":"
    "\"$request.header.x-user-id\"},\"response_headers\":{\"x-back\":"
    "\"$request.jwt.sub\"}}},"
    "{\"method\":\"GET\",\"path\":\"/both\",\"auth\":[\"default\",\"jim\"],"
    "\"require\":{\"role\":\"r\"},\"forward_token\":true,\"mapping\":"
    "{\"headers\":{\"x-user-id\":\"$request.jwt.sub\"}}},"
    "{\"method\":\"GET\",\"path\":\"/static\",\"auth\":true,"
    "\"response\":{\"a\":1}},"
    "{\"method\":\"ANY\",\"path\":\"/raw/{.+}\",\"auth\":false,"
    "\"strict_path\":false,\"mapping\":{\"headers\":{\"x-id\":\"lit\"}}}]}";

/* What the table reserves: its mapped names, the fields of every client
 * apart. */
static const char *const reserved[] = {
    "x-user-id", "x-roles", "x-id", "x-claim", "x-c", "x-h", NULL
};
static const char *const query_names[] = {
    "actor", "user.id", "id", "q", NULL
};

/* Of those, and others, the names that show nothing but a claim. */
static const char *const claim_of[][2] = {
    { "x-user-id", "sub" }, { "accept-language", "lang" },
    { "x-roles", "roles" }, { "x-claim", "sub" }, { "x-back", "sub" },
    { "actor", "sub" }, { "user.id", "uid" }, { NULL, NULL }
};

/* The tokens that were signed for this input. */
static jm_str_t tokens[TOKENS_MAX];
static jm_str_t payloads[TOKENS_MAX];
static unsigned token_count;

static const jm_table_t *get_table(void)
{
    static const jm_table_t *table;
    jm_diags_t diags;
    apr_pool_t *p = fuzz_root();

    must(table || jm_compile_text(&table, &diags, p, p, "t", jm_str(text),
                                  NULL) == APR_SUCCESS);
    return table;
}

/* A value, with a token in the place of `{{…}}`. */
static const char *with_token(apr_pool_t *p, jm_str_t value)
{
    static jm_mint_t *key;
    const char *whole = apr_pstrmemdup(p, value.ptr, value.len);
    const char *start = strstr(whole, "{{");
    const char *end = start ? strstr(start, "}}") : NULL;
    const char *next;
    jm_str_t token;

    if (!end || token_count == TOKENS_MAX) {
        return whole;
    }
    while ((next = strstr(end + 1, "}}")) != NULL) {
        end = next;
    }
    if (!key) {
        must(jm_mint_load_secret(&key, fuzz_root(), jm_str(SECRET))
             == APR_SUCCESS);
    }
    payloads[token_count] = jm_strn(start + 2, (apr_size_t)(end - start - 2));
    must(jm_mint_sign(&token, p, key, jm_alg_find(jm_str("HS256")),
                      jm_str("{\"alg\":\"HS256\"}"), payloads[token_count])
         == APR_SUCCESS);
    tokens[token_count++] = token;
    return apr_psprintf(p, "%.*s%.*s%s", (int)(start - whole), whole,
                        (int)token.len, token.ptr, end + 2);
}

/* r: ReportOnly; n: nocanon; s, d: AllowEncodedSlashes NoDecode, On; m: no
 * MergeSlashes; p: the client poses in more spellings. */
static int has_option(jm_str_t options, char c)
{
    return options.len && memchr(options.ptr, c, options.len);
}

static int read_request(jm_request_t *request, apr_pool_t *p,
                        jm_str_t options, jm_str_t rest)
{
    httpd_t httpd = {
        !has_option(options, 'm'), has_option(options, 's'),
        has_option(options, 'd'), has_option(options, 'n')
    };
    apr_table_t *headers;

    token_count = 0;
    memset(request, 0, sizeof(*request));
    request->now = NOW;
    request->report_only = has_option(options, 'r');
    if (!httpd_target(request, p, &httpd, httpd_line(&rest))) {
        return 0;
    }
    headers = httpd_headers(p, rest, with_token);
    if (headers && has_option(options, 'p')) {
        apr_table_addn(headers, "X_User_Id", "posed");
        apr_table_addn(headers, "x.user-id", "posed");
        apr_table_addn(headers, "X-CLAIM", "posed");
        apr_table_addn(headers, "X_Roles", "posed");
        apr_table_addn(headers, "x_id", "posed");
        apr_table_mergen(headers, "Connection", "close, X-User_Id;x-claim");
    }
    request->headers = headers;
    return headers != NULL;
}

/* --- what is upstream ------------------------------------------------------ */

static const jm_field_t *find_field(const jm_field_t *fields, unsigned count,
                                    const char *name)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (!strcasecmp(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* A field is there in any spelling as often as it was decided, and with that
 * value. */
static void check_field(const apr_table_t *fields, const char *name,
                        const char *value)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    int found = 0, i;

    for (i = 0; i < array->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(array, i, apr_table_entry_t);

        if (reader_same_field(entry->key, name)) {
            found++;
            must(value && !strcmp(entry->val, value));
        }
    }
    must(found == (value != NULL));
}

/* No member of Connection, wherever a server ends it, is name. */
static void check_not_nominated(apr_pool_t *p, const apr_table_t *fields,
                                const char *name)
{
    const char *value = apr_table_getm(p, fields, "Connection");
    const char *at = value ? value : "";

    while (*at) {
        apr_size_t len = strcspn(at, ", \t;\"");

        must(!len || !reader_same_field(apr_pstrmemdup(p, at, len), name));
        at += len + (at[len] != '\0');
    }
}

static void check_env(apr_pool_t *p, const jm_table_t *table,
                      const jm_request_t *request, const jm_decision_t *d)
{
    const apr_array_header_t *array = apr_table_elts(request->headers);
    apr_table_t *env = apr_table_make(p, 8);
    unsigned k;
    int i;

    for (i = 0; i < array->nelts; i++) {
        const char *name = APR_ARRAY_IDX(array, i, apr_table_entry_t).key;

        apr_table_addn(env, apr_pstrcat(p, i % 2 ? "REDIRECT_HTTP_" : "HTTP_",
                                        name, NULL), "posed");
    }
    jm_headers_strip_env(env, table, d->fields, d->field_count);
    array = apr_table_elts(env);
    for (i = 0; i < array->nelts; i++) {
        const char *name = strstr(APR_ARRAY_IDX(array, i, apr_table_entry_t)
                                      .key, "HTTP_") + 5;

        for (k = 0; reserved[k]; k++) {
            must(!reader_same_field(name, reserved[k]));
        }
        for (k = 0; k < d->field_count; k++) {
            must(!reader_same_field(name, d->fields[k].name));
        }
    }
}

static void check_headers(apr_pool_t *p, const jm_table_t *table,
                          const jm_request_t *request,
                          const jm_decision_t *d)
{
    apr_table_t *fields = apr_table_copy(p, request->headers);
    apr_table_t *trailers = apr_table_copy(p, request->headers);
    unsigned i;

    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    jm_headers_strip_trailers(trailers, p, table, d->fields, d->field_count);
    for (i = 0; reserved[i]; i++) {
        const jm_field_t *set = find_field(d->fields, d->field_count,
                                           reserved[i]);

        check_field(fields, reserved[i], set ? set->value : NULL);
        check_field(trailers, reserved[i], NULL);
        check_not_nominated(p, fields, reserved[i]);
        must(jm_header_reserved(table, reserved[i]));
    }
    for (i = 0; i < d->field_count; i++) {
        const char *value = apr_table_get(fields, d->fields[i].name);

        must(value == d->fields[i].value);
        must(!apr_table_get(trailers, d->fields[i].name));
        check_not_nominated(p, fields, d->fields[i].name);
        if (value && strcmp(d->fields[i].name, "Cookie")) {
            must(jm_value_mappable(jm_str(value), JM_TARGET_HEADER));
        }
    }
    check_env(p, table, request, d);
}

static void check_query(apr_pool_t *p, const jm_request_t *request,
                        const jm_decision_t *d)
{
    reader_names_t names = { .count = 0 }, keep = { .count = 0 };
    unsigned i, k;

    if (!d->route && d->verdict == JM_OK) {
        must(jm_str_eq(d->args, request->args));
        must(d->args.ptr == request->args.ptr && !d->param_count);
        return;
    }
    for (i = 0; query_names[i]; i++) {
        reader_add(&names, p, jm_str(query_names[i]));
    }
    if (d->route && d->route->pass) {
        reader_add(&keep, p, names.name[0]);
    }
    must(jm_str_eq(d->args, reader_edited(p, request->args, &names,
                                          &keep, d->params, d->param_count)));
    for (i = 0; i < names.count; i++) {
        unsigned ours = 0;

        for (k = 0; k < d->param_count; k++) {
            ours += jm_str_eq(d->params[k].name, names.name[i]) ? 1 : 0;
        }
        must(ours <= 1);
        must((i < keep.count && !ours)
             || reader_count(p, d->args, names.name[i]) == ours);
    }
}

/* --- what was verified ----------------------------------------------------- */

static int says(const jm_json_t *claims, const char *name, const char *value)
{
    const jm_json_t *claim = jm_json_get(claims, jm_str(name));
    unsigned i;

    for (i = 0; claim && claim->type == JM_JSON_ARRAY && i < claim->count;
         i++) {
        if (claim->items[i].type == JM_JSON_STRING
            && jm_str_is(claim->items[i].text, value)) {
            return !strcmp(name, "aud");
        }
    }
    return claim && claim->type == JM_JSON_STRING
           && jm_str_is(claim->text, value);
}

/* The claims of a decision are those of a token that was signed here and
 * that the client sent, and they hold. */
static void check_token(apr_pool_t *p, const jm_decision_t *d)
{
    const jm_json_t *claims, *exp;
    apr_int64_t until;
    unsigned i = 0;

    while (i < token_count
           && !jm_str_eq(tokens[i], d->token->credential.token)) {
        i++;
    }
    must(i < token_count);
    must(jm_json_parse(&claims, NULL, p, payloads[i]) == APR_SUCCESS);
    must(jm_str_eq(jm_json_compact(p, claims),
                   jm_json_compact(p, d->token->claims)));
    must(says(claims, "aud", "a"));
    must(says(claims, "iss", strcmp(d->token->authorizer->name, "jim")
                             ? "joe" : "jim"));
    exp = jm_json_get(claims, jm_str("exp"));
    must(exp && jm_json_seconds(&until, exp) == APR_SUCCESS);
    must(NOW < until + JM_LEEWAY_DEFAULT);
    must(!d->user || says(claims, "sub", d->user));
}

/* What shows nothing but a claim is that claim, or is not there. */
static void check_claim(apr_pool_t *p, const jm_decision_t *d,
                        const char *name, jm_str_t value)
{
    const jm_json_t *claim;
    unsigned i;

    for (i = 0; claim_of[i][0]; i++) {
        if (strcmp(claim_of[i][0], name) || !value.ptr) {
            continue;
        }
        must(d->token);
        claim = jm_json_get(d->token->claims, jm_str(claim_of[i][1]));
        must(claim && claim->type != JM_JSON_NULL);
        must(!strcmp(name, "x-roles")
             || jm_str_eq(value, jm_value_text(p, claim)));
    }
}

static void check_claims(apr_pool_t *p, const jm_decision_t *d)
{
    unsigned i;

    must(d->token || !d->user);
    for (i = 0; i < d->field_count; i++) {
        check_claim(p, d, d->fields[i].name, jm_str(d->fields[i].value));
    }
    for (i = 0; i < d->param_count; i++) {
        check_claim(p, d, d->params[i].name.ptr, d->params[i].value);
    }
    for (i = 0; i < d->response_count; i++) {
        check_claim(p, d, d->response_fields[i].name,
                    jm_str(d->response_fields[i].value));
    }
}

/* The credential that was verified stays here. */
static void check_credential(apr_pool_t *p, const jm_table_t *table,
                             const jm_request_t *request,
                             const jm_decision_t *d)
{
    apr_table_t *fields = apr_table_copy(p, request->headers);
    const char *rest;

    if (!d->token || d->route->forward_token || request->report_only) {
        return;
    }
    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    if (!d->token->credential.cookie) {
        must(!apr_table_get(fields, d->token->credential.header));
        return;
    }
    rest = apr_table_getm(p, fields, "Cookie");
    while (rest && *rest) {
        jm_str_t pair = jm_strn(rest, strcspn(rest, ";,"));

        rest += pair.len + (rest[pair.len] != '\0');
        must(!pair.len || !memchr(pair.ptr, '=', pair.len)
             || !jm_str_is(httpd_trim(fuzz_cut(&pair, '=')), "t"));
    }
}

/* --- where it went --------------------------------------------------------- */

static int is_admin(jm_str_t path)
{
    return path.len >= 6 && !memcmp(path.ptr, "/admin", 6)
           && (path.len == 6 || path.ptr[6] == '/');
}

/* Who sends a bearer token where one is looked at is not taken for nobody. */
static void check_offered(const jm_request_t *request, const jm_decision_t *d)
{
    const char *value = apr_table_get(request->headers, "Authorization");

    must(!value || strncasecmp(value, "Bearer ", 7)
         || d->token_verdict != JM_NO_TOKEN || d->inherited || !d->route
         || strncmp(d->route->path, "/opt/", 5));
}

/* MergeSlashes Off: `//` is not `/`, and a way that does nothing else to the
 * path is none. */
static int is_way(apr_pool_t *p, const jm_request_t *request, unsigned way)
{
    jm_str_t path = request->uri.path;

    return request->merge_slashes || !(way & 16)
           || !jm_str_eq(path, httpd_read(p, path, way & 15));
}

/* No server may find the protected path in what passed without a token. */
static void check_path(apr_pool_t *p, const jm_request_t *request,
                       const jm_decision_t *d)
{
    unsigned way;

    if (d->token || request->report_only
        || (d->route && !d->route->strict_path)) {
        return;
    }
    must(!d->route || d->route->auth != JM_AUTH_REQUIRED);
    for (way = 0; way < 32; way++) {
        must(!is_admin(httpd_read(p, request->uri.path, way))
             || !is_way(p, request, way));
        if (request->uri.raw.len) {
            must(!is_admin(httpd_read(p, request->uri.raw, way)));
        }
    }
}

static void check_passed(apr_pool_t *p, const jm_table_t *table,
                         const jm_request_t *request, const jm_decision_t *d)
{
    check_headers(p, table, request, d);
    check_query(p, request, d);
    check_credential(p, table, request, d);
    check_claims(p, d);
    if (!d->inherited) {
        check_path(p, request, d);
        check_offered(request, d);
    }
}

static const jm_decision_t *decide(apr_pool_t *p, const jm_table_t *table,
                                   const jm_request_t *request)
{
    const jm_decision_t *d = jm_decide(table, request, p);

    must(d->verdict != JM_INTERNAL);
    must(d->action != JM_ACTION_REFUSE || d->verdict != JM_OK);
    must(d->verdict == JM_OK || d->action == JM_ACTION_REFUSE
         || request->report_only);
    must(d->action != JM_ACTION_PREFLIGHT
         || (!strcmp(request->method, "OPTIONS") && !d->token
             && !d->field_count && !d->param_count));
    must(!d->token == (d->token_verdict != JM_OK));
    must(d->action != JM_ACTION_PASS || request->report_only || d->token
         || d->token_verdict == JM_NO_TOKEN);
    if (d->token) {
        check_token(p, d);
    }
    if (d->action == JM_ACTION_PASS) {
        check_passed(p, table, request, d);
    }
    must(d->action != JM_ACTION_RESPONSE || d->token || request->report_only);
    return d;
}

static void same_decision(const jm_decision_t *a, const jm_decision_t *b)
{
    unsigned i;

    must(a->action == b->action && a->verdict == b->verdict
         && a->token_verdict == b->token_verdict && a->route == b->route
         && a->field_count == b->field_count && jm_str_eq(a->args, b->args));
    for (i = 0; i < a->field_count; i++) {
        must(!strcmp(a->fields[i].name, b->fields[i].name)
             && jm_str_eq(jm_str(a->fields[i].value),
                          jm_str(b->fields[i].value)));
    }
}

/* The later passes of a request that passed. */
static void check_later(apr_pool_t *p, const jm_table_t *table,
                        const jm_request_t *first, const jm_decision_t *d)
{
    jm_request_t later = *first;

    later.origin = d;
    later.shared = d->token;
    later.args = d->args;
    later.uri.raw = jm_strn(NULL, 0);
    later.uri.path = jm_str("/front.php");
    must(decide(p, table, &later)->inherited);
    later.uri.path = jm_str("/admin/front.php");
    must(!decide(p, table, &later)->inherited);
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_table_t *table = get_table();
    jm_str_t rest = input;
    jm_str_t options = fuzz_cut(&rest, '\n');
    const jm_decision_t *d;
    jm_request_t request;

    if (!read_request(&request, p, options, rest)) {
        return;
    }
    d = decide(p, table, &request);
    if (d->action == JM_ACTION_PASS) {
        check_later(p, table, &request, d);
    }
    if (token_count) {
        request.cache = jm_cache_make(p, 8);
        same_decision(d, decide(p, table, &request));
        same_decision(d, decide(p, table, &request));
    }
}
