/*
 * jm_allow.c: lists of the methods of a path. Touches only the pool it was
 * given.
 */
#include "jm_allow.h"

#include "jm_header.h"
#include "jm_route.h"

int jm_allow_echoes(const jm_route_t *route, const char *method)
{
    return !strcmp(method, "TRACE")
           && (route->header_count || route->query_count);
}

static void add(apr_array_header_t *list, const char *method)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(list, i, const char *), method)) {
            return;
        }
    }
    APR_ARRAY_PUSH(list, const char *) = method;
}

static void add_route(apr_array_header_t *list, const jm_route_t *route,
                      const char *asked)
{
    unsigned i;

    for (i = 0; i < route->method_count; i++) {
        add(list, route->methods[i]);
        if (!strcmp(route->methods[i], "GET")) {
            add(list, "HEAD");
        }
    }
    if (route->any_method) {
        add(list, "GET");
        add(list, "HEAD");
        add(list, "POST");
        if (asked && jm_header_kind(jm_str(asked)) != JM_HEADER_SYNTAX) {
            add(list, asked);
        }
    }
}

/* 1 if a request with the method comes to a route: one that asks for less than
 * a shape before it never does, jm_router_match. */
static int is_answered(apr_pool_t *p, const jm_table_t *table, jm_str_t path,
                       const char *method)
{
    jm_match_t match;

    return jm_router_match(&match, p, table->router, path, method)
               == APR_SUCCESS
           && match.route && !jm_allow_echoes(match.route, method);
}

const char *const *jm_allow_path(apr_pool_t *p, const jm_table_t *table,
                                 jm_str_t path, const char *asked)
{
    const jm_route_t *const *routes = jm_router_all(p, table->router, path);
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(char *));
    const char **answered;
    int count = 0;
    int i;

    for (; *routes; routes++) {
        add_route(list, *routes, asked);
    }
    answered = apr_pcalloc(p, sizeof(*answered)
                              * ((apr_size_t)list->nelts + 1));
    for (i = 0; i < list->nelts; i++) {
        const char *method = APR_ARRAY_IDX(list, i, const char *);

        if (is_answered(p, table, path, method)) {
            answered[count++] = method;
        }
    }
    return answered;
}

const char *const *jm_allow_options(apr_pool_t *p, const jm_table_t *table,
                                    const char *const *methods)
{
    unsigned count = 0;
    int options = 0;
    const char **allow;

    for (; methods[count]; count++) {
        options |= !strcmp(methods[count], "OPTIONS");
    }
    if (options || !table->cors) {
        return methods;
    }
    allow = apr_pcalloc(p, sizeof(*allow) * (count + 2));
    memcpy(allow, methods, sizeof(*allow) * count);
    allow[count] = "OPTIONS";
    return allow;
}
