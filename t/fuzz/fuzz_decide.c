/*
 * An HTTP request against a table with protected, optional and public routes.
 * Input: "METHOD target\n" and lines "name: value". Nobody has a key here, so
 * no protected route is ever passed, no claim is ever mapped, and nothing of
 * a reserved name is left.
 */
#include "fuzz.h"

#include "jm_compile.h"
#include "jm_decide.h"

static const char text[] =
    "{\"authorizer\":{\"type\":\"jwt\","
    "\"secret\":\"0123456789abcdef0123456789abcdef\","
    "\"audience\":\"a\"},\"unmatched\":\"pass\",\"cors\":{\"allow_origins\":"
    "[\"https://*.example\"]},\"paths\":["
    "{\"method\":\"GET\",\"path\":\"/admin/{.+}\",\"auth\":true,\"mapping\":"
    "{\"headers\":{\"x-user-id\":\"$request.jwt.sub\"},\"query\":{\"actor\":"
    "\"$request.jwt.sub\"}}},"
    "{\"method\":\"ANY\",\"path\":\"/opt/{id}\",\"auth\":\"optional\","
    "\"mapping\":{\"headers\":{\"x-id\":\"${request.path.id}-${request.method}"
    "\",\"x-claim\":\"$request.jwt.sub\"}}},"
    "{\"method\":\"ANY\",\"path\":\"/pub/{.+}\",\"auth\":false,\"mapping\":"
    "{\"headers\":{\"x-c\":\"$request.cookie.c\"},\"query\":{\"q\":"
    "\"$request.query.p\"}}}]}";

static jm_str_t next_line(jm_str_t *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    jm_str_t line = *rest;

    if (end) {
        line.len = (apr_size_t)(end - rest->ptr);
        *rest = jm_strn(end + 1, rest->len - line.len - 1);
    }
    else {
        *rest = jm_strn("", 0);
    }
    return line;
}

/* httpd hands on neither NUL nor controls in a header. */
static apr_table_t *read_headers(apr_pool_t *p, jm_str_t rest)
{
    apr_table_t *headers = apr_table_make(p, 8);

    while (rest.len) {
        jm_str_t line = next_line(&rest);
        const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;

        if (colon && !memchr(line.ptr, '\0', line.len)) {
            apr_size_t len = (apr_size_t)(colon - line.ptr);

            apr_table_add(headers, apr_pstrmemdup(p, line.ptr, len),
                          apr_pstrmemdup(p, colon + 1, line.len - len - 1));
        }
    }
    return headers;
}

static void read_target(jm_request_t *request, apr_pool_t *p, jm_str_t line)
{
    const char *space = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
    apr_size_t len = space ? (apr_size_t)(space - line.ptr) : 0;
    jm_str_t target = jm_strn(line.ptr + len + (space != NULL),
                              line.len - len - (space != NULL));
    const char *mark = target.len ? memchr(target.ptr, '?', target.len)
                                  : NULL;

    request->method = apr_pstrmemdup(p, line.ptr, len);
    request->uri.path = target;
    if (mark) {
        request->uri.path.len = (apr_size_t)(mark - target.ptr);
        request->args = jm_strn(mark + 1, target.len
                                          - request->uri.path.len - 1);
    }
    request->client_args = request->args;
}

static void check_headers(apr_pool_t *p, const jm_table_t *table,
                          const jm_request_t *request,
                          const jm_decision_t *d)
{
    apr_table_t *fields = apr_table_copy(p, request->headers);
    const apr_array_header_t *array;
    int i;

    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    must(!apr_table_get(fields, "x-user-id"));
    must(!apr_table_get(fields, "x-claim"));
    array = apr_table_elts(fields);
    for (i = 0; i < array->nelts; i++) {
        const char *name = APR_ARRAY_IDX(array, i, apr_table_entry_t).key;

        must(!jm_header_reserved(table, name)
             || !strcmp(name, "x-id") || !strcmp(name, "x-c"));
    }
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_table_t *table;
    const jm_decision_t *d;
    jm_diags_t diags;
    jm_request_t request = { 0 };
    jm_str_t rest = input;

    must(jm_compile_text(&table, &diags, p, p, "t", jm_str(text), NULL)
         == APR_SUCCESS);
    read_target(&request, p, next_line(&rest));
    request.headers = read_headers(p, rest);
    d = jm_decide(table, &request, p);
    must(d->verdict != JM_INTERNAL && !d->token && !d->user);
    must(d->action != JM_ACTION_PASS || d->verdict == JM_OK);
    if (d->action == JM_ACTION_PASS) {
        must(!d->route || d->route->auth != JM_AUTH_REQUIRED);
        must(request.uri.path.len < 6
             || memcmp(request.uri.path.ptr, "/admin", 6)
             || (request.uri.path.len > 6 && request.uri.path.ptr[6] != '/'));
        check_headers(p, table, &request, d);
    }
}
