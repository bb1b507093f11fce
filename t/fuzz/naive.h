/*
 * naive.h: which route answers, by the words of the documentation and a look
 * at every route: without {.+} before with; then more segments; then, from the
 * left, literal before {name}; then an exact method before ANY; never for less
 * protection than a shape that was passed over.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include "fuzz.h"

#include "jm_table.h"

#define NAIVE_SEGMENTS_MAX 64
#define NAIVE_WAYS 7

typedef struct naive_t {
    const jm_route_t *route;
    int shapes;
    const char **allow;
    const jm_str_t *params;
    jm_str_t rest;
} naive_t;

/* The segments of a path; more than fit are not looked at. */
static unsigned naive_split(jm_str_t *segments, jm_str_t path)
{
    unsigned count = 0;

    if (!path.len || *path.ptr != '/') {
        return 0;
    }
    path = jm_strn(path.ptr + 1, path.len - 1);
    for (;;) {
        int more = path.len && memchr(path.ptr, '/', path.len);

        segments[count++] = fuzz_cut(&path, '/');
        if (!more || count == NAIVE_SEGMENTS_MAX) {
            return count;
        }
    }
}

static int naive_is_param(jm_str_t segment)
{
    return segment.len && *segment.ptr == '{';
}

/* Segments of the route's path, without {.+}. */
static unsigned naive_shape(jm_str_t *segments, const jm_route_t *route)
{
    unsigned count = naive_split(segments, jm_str(route->path));

    return count && jm_str_is(segments[count - 1], "{.+}") ? count - 1
                                                            : count;
}

static int naive_has_tail(const jm_route_t *route)
{
    apr_size_t len = strlen(route->path);

    return len >= 5 && !strcmp(route->path + len - 5, "/{.+}");
}

static int naive_fits(const jm_route_t *route, jm_str_t path)
{
    jm_str_t have[NAIVE_SEGMENTS_MAX], want[NAIVE_SEGMENTS_MAX];
    unsigned count = naive_split(have, path);
    unsigned depth = naive_shape(want, route);
    unsigned i;

    if (!count || (naive_has_tail(route) ? count < depth : count != depth)) {
        return 0;
    }
    for (i = 0; i < depth; i++) {
        if (naive_is_param(want[i]) ? !have[i].len
                                    : !jm_str_eq(want[i], have[i])) {
            return 0;
        }
    }
    return 1;
}

/* Of two routes that fit one path: below 0 where a is looked at first, 0:
 * they are of one shape. */
static int naive_order(const jm_route_t *a, const jm_route_t *b)
{
    jm_str_t x[NAIVE_SEGMENTS_MAX], y[NAIVE_SEGMENTS_MAX];
    unsigned m = naive_shape(x, a), n = naive_shape(y, b);
    unsigned i;

    if (naive_has_tail(a) != naive_has_tail(b)) {
        return naive_has_tail(a) - naive_has_tail(b);
    }
    if (m != n) {
        return (int)n - (int)m;
    }
    for (i = 0; i < m; i++) {
        if (naive_is_param(x[i]) != naive_is_param(y[i])) {
            return naive_is_param(x[i]) - naive_is_param(y[i]);
        }
    }
    return 0;
}

static int naive_names(const jm_route_t *route, const char *method)
{
    unsigned i;

    for (i = 0; !route->any_method && i < route->method_count; i++) {
        if (!strcmp(route->methods[i], method)) {
            return 1;
        }
    }
    return 0;
}

/* 0: it does not answer. */
static int naive_rank(const jm_route_t *route, const char *method)
{
    if (naive_names(route, method)) {
        return 3;
    }
    if (!strcmp(method, "HEAD") && naive_names(route, "GET")) {
        return 2;
    }
    return route->any_method;
}

static void naive_allow(apr_array_header_t *allow, const char *method)
{
    int i;

    for (i = 0; i < allow->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(allow, i, const char *), method)) {
            return;
        }
    }
    APR_ARRAY_PUSH(allow, const char *) = method;
}

static void naive_settle(naive_t *naive, apr_pool_t *p, jm_str_t path)
{
    jm_str_t have[NAIVE_SEGMENTS_MAX], want[NAIVE_SEGMENTS_MAX];
    unsigned depth = naive_shape(want, naive->route);
    jm_str_t *params = apr_palloc(p, sizeof(*params) * NAIVE_SEGMENTS_MAX);
    unsigned i, n = 0;

    naive_split(have, path);
    naive->rest = path;
    for (i = 0; i < depth; i++) {
        if (naive_is_param(want[i])) {
            params[n++] = have[i];
        }
        naive->rest.ptr += 1 + have[i].len;
        naive->rest.len -= 1 + have[i].len;
    }
    must(n == naive->route->param_count);
    naive->params = params;
}

/* Looks at the routes of one shape, from at on; returns where they end. */
static unsigned naive_visit(naive_t *naive, const jm_route_t **routes,
                            unsigned at, unsigned count, const char *method,
                            int *pguarded, apr_array_header_t *allow)
{
    unsigned end = at;
    int best = 0, guarded = *pguarded;
    unsigned i, k;

    while (end < count && !naive_order(routes[at], routes[end])) {
        end++;
    }
    for (i = at; i < end; i++) {
        const jm_route_t *route = routes[i];

        if (*pguarded && route->auth != JM_AUTH_REQUIRED) {
            continue;
        }
        if (naive_rank(route, method) > best) {
            best = naive_rank(route, method);
            naive->route = route;
        }
        for (k = 0; !route->any_method && k < route->method_count; k++) {
            naive_allow(allow, route->methods[k]);
            if (!strcmp(route->methods[k], "GET")) {
                naive_allow(allow, "HEAD");
            }
        }
    }
    for (i = at; i < end; i++) {
        guarded |= routes[i]->auth == JM_AUTH_REQUIRED;
    }
    *pguarded = guarded;
    return end;
}

static void naive_match(naive_t *naive, apr_pool_t *p,
                        const jm_table_t *table, jm_str_t path,
                        const char *method)
{
    apr_array_header_t *allow = apr_array_make(p, 4, sizeof(const char *));
    const jm_route_t **routes = apr_palloc(p, sizeof(*routes)
                                              * (table->route_count + 1));
    unsigned count = 0, at = 0, i, k;
    int guarded = 0;

    memset(naive, 0, sizeof(*naive));
    for (i = 0; i < table->route_count; i++) {
        if (!naive_fits(table->routes[i], path)) {
            continue;
        }
        for (k = count++; k && naive_order(table->routes[i],
                                           routes[k - 1]) < 0; k--) {
            routes[k] = routes[k - 1];
        }
        routes[k] = table->routes[i];
    }
    naive->shapes = count > 0;
    while (at < count && !naive->route) {
        at = naive_visit(naive, routes, at, count, method, &guarded, allow);
    }
    if (naive->route) {
        naive_settle(naive, p, path);
    }
    APR_ARRAY_PUSH(allow, const char *) = NULL;
    naive->allow = (const char **)allow->elts;
}

/* A literal that another route has at that place, or "v". */
static const char *naive_literal(apr_pool_t *p, const jm_table_t *table,
                                 unsigned place)
{
    jm_str_t segments[NAIVE_SEGMENTS_MAX];
    unsigned i;

    for (i = 0; i < table->route_count; i++) {
        if (place < naive_shape(segments, table->routes[i])
            && !naive_is_param(segments[place])) {
            return apr_pstrmemdup(p, segments[place].ptr,
                                  segments[place].len);
        }
    }
    return "v";
}

/* A path for the route, or near it. */
static jm_str_t naive_path(apr_pool_t *p, const jm_table_t *table,
                           const jm_route_t *route, unsigned way)
{
    jm_str_t segments[NAIVE_SEGMENTS_MAX];
    unsigned depth = naive_shape(segments, route);
    const char *path = "";
    unsigned i;

    depth -= way == 5 && depth;
    for (i = 0; i < depth; i++) {
        const char *segment = apr_pstrmemdup(p, segments[i].ptr,
                                             segments[i].len);

        if (naive_is_param(segments[i])) {
            segment = way == 1 ? naive_literal(p, table, i)
                      : way == 2 ? "" : "v";
        }
        path = apr_pstrcat(p, path, "/", segment, NULL);
    }
    if (way == 3 || way == 6) {
        path = apr_pstrcat(p, path, "/", NULL);
    }
    if (way == 4 || way == 6) {
        path = apr_pstrcat(p, path, "/t/u", NULL);
    }
    return jm_str(path);
}

#endif
