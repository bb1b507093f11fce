/*
 * decide_input.h: what fuzz_decide puts together from an input: one table, what
 * it maps, and a request, with the tokens in it that were signed.
 */
#ifndef DECIDE_INPUT_H
#define DECIDE_INPUT_H

#include "httpd.h"

#include "jm_compile.h"
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

#endif
