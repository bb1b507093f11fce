/*
 * jwtmapctl_show.c: prints what `jwtmapctl explain` has found out. Touches
 * standard output only.
 */
#include "jwtmapctl_explain.h"

#include <stdio.h>

#define NOT_SHOWN "(not shown)"

/* Fields that carry credentials of the client, beside those in which the
 * table's authorizers look for one. */
static const char *const secret_fields[] = {
    "Authorization", "Proxy-Authorization", "Cookie", NULL
};

static const char *const actions[] = {
    [JM_ACTION_REFUSE] = "refuse",
    [JM_ACTION_PASS] = "pass",
    [JM_ACTION_RESPONSE] = "response",
    [JM_ACTION_PREFLIGHT] = "preflight",
};

/* 1 if a mapping sets the field. */
static int is_mapped(const jwtmapctl_explain_t *x, const char *name)
{
    const jm_decision_t *d = x->decision;
    unsigned i;

    for (i = 0; d->route && i < d->route->header_count; i++) {
        if (!strcasecmp(d->route->headers[i].name, name)) {
            return 1;
        }
    }
    return 0;
}

static int is_secret(const jwtmapctl_explain_t *x, const char *name)
{
    const char *const *secret;
    unsigned i;
    unsigned j;

    for (secret = secret_fields; *secret; secret++) {
        if (!strcasecmp(*secret, name)) {
            return 1;
        }
    }
    for (i = 0; i < x->table->authorizer_count; i++) {
        const jm_authorizer_t *authorizer = x->table->authorizers[i];

        for (j = 0; j < authorizer->header_count; j++) {
            if (!strcasecmp(authorizer->headers[j].header, name)) {
                return 1;
            }
        }
    }
    return 0;
}

static const char *shown(const jwtmapctl_explain_t *x, const char *name,
                         const char *value)
{
    if (x->token && *x->token && strstr(value, x->token)) {
        return NOT_SHOWN;
    }
    return is_secret(x, name) && !is_mapped(x, name) ? NOT_SHOWN : value;
}

static int serves(const jm_route_t *route, const char *method)
{
    return route->any_method || jm_route_names(route, jm_str(method))
           || (!strcmp(method, "HEAD")
               && jm_route_names(route, jm_str("GET")));
}

/* Why a route of the path answers, or does not; *pafter: the one that does
 * was seen. */
static const char *why(const jwtmapctl_explain_t *x, const jm_route_t *route,
                       int *pafter)
{
    if (route == x->decision->match.route) {
        *pafter = 1;
        return "answers";
    }
    if (*pafter) {
        return "less specific";
    }
    return serves(route, x->request.method)
           ? "asks for less protection than a route before it"
           : "not for this method";
}

/* 1 if a field reaches the upstream just as the client sent it. */
static int arrives(const jwtmapctl_explain_t *x,
                   const apr_table_entry_t *entry)
{
    const char *there = apr_table_get(x->upstream, entry->key);

    return there && !strcmp(there, entry->val) && !is_mapped(x, entry->key);
}

static const char *text(const jwtmapctl_explain_t *x, const char *s)
{
    return jwtmapctl_safe(x->p, jm_str(s));
}

static const char *quoted(const jwtmapctl_explain_t *x, const char *s)
{
    return s ? jwtmapctl_json_text(x->p, jm_str(s)) : "null";
}

/* --- text --- */

static void text_route(const jwtmapctl_explain_t *x)
{
    const jm_route_t *route = x->decision->match.route;
    const jm_route_t *const *shape;
    int after = 0;

    printf("route: %s\n", route ? text(x, route->id) : "none");
    for (shape = x->shapes; *shape; shape++) {
        printf("    %s: %s\n", text(x, (*shape)->id), why(x, *shape, &after));
    }
}

static void text_verdict(const jwtmapctl_explain_t *x)
{
    const jm_decision_t *d = x->decision;
    const jm_error_t *error = jm_error(d->verdict);

    printf("verdict: %s: %s", error->name, error->log);
    if (d->detail) {
        printf(" (%s)", text(x, d->detail));
    }
    printf("\ntoken: %s%s%s\n", jm_error(d->token_verdict)->name,
           d->authorizer ? ", authorizer " : "",
           d->authorizer ? text(x, d->authorizer->name) : "");
}

static void text_headers(const jwtmapctl_explain_t *x)
{
    const apr_array_header_t *fields = apr_table_elts(x->upstream);
    const apr_array_header_t *sent = apr_table_elts(x->headers);
    int i;

    puts("upstream headers:");
    for (i = 0; i < fields->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(fields, i,
                                                        apr_table_entry_t);

        printf("  %c %s: %s\n", is_mapped(x, entry->key) ? '+' : ' ',
               text(x, entry->key), text(x, shown(x, entry->key,
                                                  entry->val)));
    }
    for (i = 0; i < sent->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(sent, i,
                                                        apr_table_entry_t);

        if (!arrives(x, entry)) {
            printf("  - %s\n", text(x, entry->key));
        }
    }
}

static void text_response(const jwtmapctl_explain_t *x)
{
    const jm_decision_t *d = x->decision;
    unsigned i;

    for (i = 0; i < d->response_count; i++) {
        const jm_field_t *field = &d->response_fields[i];

        printf("response header: %c %s%s%s\n", field->value ? '+' : '-',
               text(x, field->name), field->value ? ": " : "",
               field->value ? text(x, field->value) : "");
    }
}

static void text_pass(const jwtmapctl_explain_t *x)
{
    const jm_decision_t *d = x->decision;

    if (d->route && d->route->server) {
        printf("server: %s (%s)\n", text(x, d->route->server->alias),
               text(x, d->route->server->url));
    }
    printf("upstream request: %s\nupstream URL: %s\n", text(x, x->line),
           x->url ? text(x, x->url)
                  : "where httpd sends it (ProxyPass, a handler, a file)");
    text_headers(x);
    printf("upstream query: %s\n",
           d->args.ptr ? jwtmapctl_safe(x->p, d->args) : "none");
    text_response(x);
}

static void text_allow(const jwtmapctl_explain_t *x)
{
    const char *const *method = x->decision->allow;

    for (; method && *method; method++) {
        printf("%s%s", method == x->decision->allow ? "allow: " : ", ",
               text(x, *method));
    }
    fputs(x->decision->allow ? "\n" : "", stdout);
}

void jwtmapctl_explain_text(const jwtmapctl_explain_t *x)
{
    const jm_decision_t *d = x->decision;

    text_route(x);
    text_verdict(x);
    printf("action: %s", actions[d->action]);
    if (d->action == JM_ACTION_REFUSE) {
        printf(", status %d", jm_error(d->verdict)->status);
    }
    putchar('\n');
    text_allow(x);
    if (d->action == JM_ACTION_PASS) {
        text_pass(x);
    }
}

/* --- JSON --- */

static void json_routes(const jwtmapctl_explain_t *x)
{
    const jm_route_t *route = x->decision->match.route;
    const jm_route_t *const *shape;
    int after = 0;

    printf("{\"route\":%s,\"candidates\":[", quoted(x, route ? route->id
                                                             : NULL));
    for (shape = x->shapes; *shape; shape++) {
        printf("%s{\"route\":%s,\"why\":\"%s\"}",
               shape == x->shapes ? "" : ",", quoted(x, (*shape)->id),
               why(x, *shape, &after));
    }
    putchar(']');
}

static void json_verdict(const jwtmapctl_explain_t *x)
{
    const jm_decision_t *d = x->decision;
    const jm_error_t *error = jm_error(d->verdict);

    printf(",\"action\":\"%s\",\"status\":%d,\"verdict\":\"%s\","
           "\"message\":\"%s\",\"detail\":%s,\"token\":\"%s\","
           "\"authorizer\":%s",
           actions[d->action],
           d->action == JM_ACTION_REFUSE ? error->status : 0, error->name,
           error->log, quoted(x, d->detail), jm_error(d->token_verdict)->name,
           quoted(x, d->authorizer ? d->authorizer->name : NULL));
}

static void json_headers(const jwtmapctl_explain_t *x)
{
    const apr_array_header_t *fields = apr_table_elts(x->upstream);
    const apr_array_header_t *sent = apr_table_elts(x->headers);
    const char *comma = "";
    int i;

    fputs(",\"headers\":[", stdout);
    for (i = 0; i < fields->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(fields, i,
                                                        apr_table_entry_t);

        printf("%s{\"name\":%s,\"value\":%s,\"mapped\":%s}", i ? "," : "",
               quoted(x, entry->key),
               quoted(x, shown(x, entry->key, entry->val)),
               is_mapped(x, entry->key) ? "true" : "false");
    }
    fputs("],\"stripped\":[", stdout);
    for (i = 0; i < sent->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(sent, i,
                                                        apr_table_entry_t);

        if (!arrives(x, entry)) {
            printf("%s%s", comma, quoted(x, entry->key));
            comma = ",";
        }
    }
    putchar(']');
}

static void json_allow(const jwtmapctl_explain_t *x)
{
    const char *const *method = x->decision->allow;

    fputs(",\"allow\":[", stdout);
    for (; method && *method; method++) {
        printf("%s%s", method == x->decision->allow ? "" : ",",
               quoted(x, *method));
    }
    putchar(']');
}

static void json_pass(const jwtmapctl_explain_t *x)
{
    const jm_decision_t *d = x->decision;
    unsigned i;

    printf(",\"server\":%s",
           quoted(x, d->route && d->route->server ? d->route->server->alias
                                                  : NULL));
    printf(",\"request_line\":%s,\"url\":%s", quoted(x, x->line),
           quoted(x, x->url));
    json_headers(x);
    printf(",\"query\":%s,\"response_headers\":[",
           d->args.ptr ? jwtmapctl_json_text(x->p, d->args) : "null");
    for (i = 0; i < d->response_count; i++) {
        printf("%s{\"name\":%s,\"value\":%s}", i ? "," : "",
               quoted(x, d->response_fields[i].name),
               quoted(x, d->response_fields[i].value));
    }
    putchar(']');
}

void jwtmapctl_explain_json(const jwtmapctl_explain_t *x)
{
    json_routes(x);
    json_verdict(x);
    json_allow(x);
    if (x->decision->action == JM_ACTION_PASS) {
        json_pass(x);
    }
    fputs("}\n", stdout);
}
