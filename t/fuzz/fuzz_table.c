/*
 * A route table. Input: its text, and perhaps a last line that begins with a
 * slash: a path to look up.
 *
 * It compiles, or there is no table and each error says where it is; twice
 * the same. A table needs nothing of what it was compiled from, and finds the
 * routes that a look at one after the other finds (naive.h).
 */
#include "naive.h"

#include "jm_compile.h"
#include "jm_decide.h"
#include "jm_lint.h"

#define ROUTES_MAX 12            /* of a table, whose paths are looked up */

static const char *get_env(void *baton, apr_pool_t *p, const char *name)
{
    (void)baton;
    (void)p;
    return !strcmp(name, "URL") ? "http://127.0.0.1:1/base"
           : !strcmp(name, "TEXT") ? "$request.jwt.sub" : NULL;
}

/* --- diagnostics ----------------------------------------------------------- */

static void check_diag(apr_pool_t *p, const jm_diags_t *diags,
                       const jm_diag_t *diag)
{
    const char *line = jm_diag_line(p, diags, diag);
    jm_str_t rest = diags->source, text = { NULL, 0 };
    unsigned n;

    must(diag->line >= 1 && diag->col >= 1);
    must(diag->pointer && (!*diag->pointer || *diag->pointer == '/'));
    must(diag->message && *diag->message);
    for (n = 0; n < diag->line; n++) {
        must(n == 0 || rest.ptr > diags->source.ptr);
        text = fuzz_cut(&rest, '\n');
    }
    must(diag->col <= text.len + 1);
    for (; *line; line++) {
        must((unsigned char)*line >= 0x20 && *line != 0x7f);
    }
}

static const jm_table_t *compile(apr_pool_t *p, apr_pool_t *ptemp,
                                 jm_diags_t *diags, jm_str_t text)
{
    jm_compile_env_t env = { 0 };
    const jm_table_t *table;
    apr_status_t rv;
    unsigned errors = 0;
    int i;

    env.env = get_env;
    env.base_dir = "/nonexistent";
    rv = jm_compile_text(&table, diags, p, ptemp, "table.json", text, &env);
    must(rv == APR_SUCCESS || rv == APR_EINVAL);
    must(!table == (rv != APR_SUCCESS) && !table == (diags->errors > 0));
    if (table) {
        must(table->router);
        must(jm_lint(diags, table, ptemp) == APR_SUCCESS);
    }
    for (i = 0; i < diags->list->nelts; i++) {
        const jm_diag_t *diag = &APR_ARRAY_IDX(diags->list, i, jm_diag_t);

        check_diag(ptemp, diags, diag);
        errors += diag->severity == JM_ERROR;
    }
    must(errors == diags->errors);
    return table;
}

static void same_diags(const jm_diags_t *a, const jm_diags_t *b)
{
    int i;

    must(a->list->nelts == b->list->nelts);
    for (i = 0; i < a->list->nelts; i++) {
        const jm_diag_t *x = &APR_ARRAY_IDX(a->list, i, jm_diag_t);
        const jm_diag_t *y = &APR_ARRAY_IDX(b->list, i, jm_diag_t);

        must(x->severity == y->severity && x->line == y->line
             && x->col == y->col && !strcmp(x->pointer, y->pointer)
             && !strcmp(x->message, y->message));
    }
}

/* --- look-ups -------------------------------------------------------------- */

static int has_method(const char *const *list, const char *method)
{
    for (; list && *list; list++) {
        if (!strcmp(*list, method)) {
            return 1;
        }
    }
    return 0;
}

static unsigned count_methods(const char *const *list)
{
    unsigned count = 0;

    while (list && list[count]) {
        count++;
    }
    return count;
}

static void check_match(apr_pool_t *p, const jm_table_t *table,
                        const jm_table_t *other, jm_str_t path,
                        const char *method)
{
    naive_t naive;
    jm_match_t match, again;
    unsigned i;

    naive_match(&naive, p, table, path, method);
    must(jm_router_match(&match, p, table->router, path, method)
         == APR_SUCCESS);
    must(jm_router_match(&again, p, other->router, path, method)
         == APR_SUCCESS);
    must(match.route == naive.route && match.shapes == naive.shapes);
    must(!match.route == !again.route);
    must(!match.route || match.route->index == again.route->index);
    if (!match.route) {
        must(count_methods(match.allow) == count_methods(naive.allow));
        for (i = 0; i < count_methods(naive.allow); i++) {
            must(has_method(match.allow, naive.allow[i]));
        }
        return;
    }
    for (i = 0; i < match.route->param_count; i++) {
        must(jm_str_eq(match.params[i], naive.params[i]));
    }
    must(!match.route->tail || jm_str_eq(match.rest, naive.rest));
}

/* Without a token, protected routes are closed; with every name of the table
 * posed, none is upstream but ours. */
static void check_decision(apr_pool_t *p, const jm_table_t *table,
                           jm_str_t path, const char *method)
{
    jm_request_t request = { 0 };
    const jm_decision_t *d;
    apr_table_t *fields;
    unsigned i, k;

    request.method = method;
    request.uri.path = path;
    request.merge_slashes = 1;
    request.headers = fields = apr_table_make(p, 4);
    for (i = 0; i < table->route_count; i++) {
        for (k = 0; k < table->routes[i]->header_count; k++) {
            apr_table_addn(fields, table->routes[i]->headers[k].name, "posed");
        }
    }
    d = jm_decide(table, &request, p);
    must(d->verdict != JM_INTERNAL && !d->token && !d->user);
    must(d->action == JM_ACTION_REFUSE || d->action == JM_ACTION_PREFLIGHT
         || !d->route || d->route->auth != JM_AUTH_REQUIRED);
    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    for (i = 0; d->action == JM_ACTION_PASS && i < table->route_count; i++) {
        for (k = 0; k < table->routes[i]->header_count; k++) {
            const char *name = table->routes[i]->headers[k].name;
            const char *value = apr_table_get(fields, name);
            const char *ours = NULL;
            unsigned n;

            for (n = 0; n < d->field_count; n++) {
                if (!strcasecmp(d->fields[n].name, name)) {
                    ours = d->fields[n].value;
                }
            }
            must(value == ours || jm_header_kind(jm_str(name))
                                  == JM_HEADER_CLIENT);
        }
    }
}

static void check_path(apr_pool_t *p, const jm_table_t *table,
                       const jm_table_t *other, jm_str_t path,
                       const char *extra)
{
    const char *methods[] = { "GET", "HEAD", "POST", "OPTIONS", "X", extra };
    unsigned i;

    for (i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        check_match(p, table, other, path, methods[i]);
    }
    check_decision(p, table, path, "GET");
    check_decision(p, table, path, extra);
}

static void check_mapped(const jm_table_t *table, const jm_route_t *route)
{
    unsigned i;

    for (i = 0; i < route->header_count; i++) {
        const char *name = route->headers[i].name;

        must(jm_header_reserved(table, name)
             == (jm_header_kind(jm_str(name)) == JM_HEADER_OK));
    }
    for (i = 0; i < route->query_count; i++) {
        must(jm_query_names_has(table->reserved_query,
                                jm_str(route->query[i].name)));
    }
    must(route->auth != JM_AUTH_REQUIRED || route->authorizer_count);
    must(route->auth != JM_AUTH_NONE || !route->require_count);
}

static void check_table(apr_pool_t *p, const jm_table_t *table,
                        const jm_table_t *other, jm_str_t path)
{
    unsigned i, way;

    for (i = 0; i < table->route_count; i++) {
        check_mapped(table, table->routes[i]);
        must(table->routes[i]->index == i);
    }
    for (i = 0; i < table->route_count && i < ROUTES_MAX; i++) {
        const jm_route_t *route = table->routes[i];

        for (way = 0; way < NAIVE_WAYS; way++) {
            check_path(p, table, other, naive_path(p, table, route, way),
                       route->any_method ? "PUT" : route->methods[0]);
        }
    }
    if (path.len) {
        check_path(p, table, other, path, "PUT");
    }
    check_path(p, table, other, jm_str("/"), "PUT");
    check_path(p, table, other, jm_str(""), "PUT");
}

/* The last line, if it is a path, is cut off text. */
static jm_str_t cut_path(jm_str_t *text)
{
    apr_size_t at = text->len;
    jm_str_t path;

    while (at && text->ptr[at - 1] != '\n') {
        at--;
    }
    if (!at || at == text->len || text->ptr[at] != '/') {
        return jm_str("");
    }
    path = jm_strn(text->ptr + at, text->len - at);
    text->len = at;
    return path;
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    jm_str_t text = input;
    jm_str_t path = cut_path(&text);
    const jm_table_t *table, *again;
    jm_diags_t diags, diags_again;
    apr_pool_t *ptemp;

    apr_pool_create(&ptemp, p);
    table = compile(p, ptemp, &diags, text);
    again = compile(p, ptemp, &diags_again, text);
    same_diags(&diags, &diags_again);
    apr_pool_destroy(ptemp);
    if (table) {
        check_table(p, table, again, path);
    }
}
