/*
 * router_set.h: a table of routes for the tests of the matcher, and what it
 * answers.
 */
#ifndef ROUTER_SET_H
#define ROUTER_SET_H

#include "tap.h"

#include "jm_route.h"

#define ROUTES_MAX 64

/* One table of routes. */
typedef struct set_t {
    jm_route_t routes[ROUTES_MAX];
    unsigned count;
    jm_router_t *router;
} set_t;

static apr_pool_t *scratch;

static inline set_t *make_set(void)
{
    set_t *set;

    if (scratch) {
        apr_pool_clear(scratch);
    }
    else {
        apr_pool_create(&scratch, tap_pool);
    }
    set = apr_pcalloc(scratch, sizeof(*set));
    set->router = jm_router_make(scratch);
    return set;
}

/* methods: "GET POST", or "*". */
static inline void fill(apr_pool_t *p, jm_route_t *route,
                        const char *methods, const char *path, jm_auth_e auth)
{
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));
    const char *message;
    char *state;
    char *name = apr_strtok(apr_pstrdup(p, methods), " ", &state);

    memset(route, 0, sizeof(*route));
    for (; name; name = apr_strtok(NULL, " ", &state)) {
        APR_ARRAY_PUSH(names, const char *) = name;
    }
    if (jm_route_parse(route, &message, p, jm_str(path)) != APR_SUCCESS) {
        printf("Bail out! %s: %s\n", path, message);
        exit(1);
    }
    route->id = apr_pstrcat(p, methods, " ", path, NULL);
    route->any_method = !strcmp(methods, "*");
    route->methods = (const char *const *)names->elts;
    route->method_count = route->any_method ? 0 : (unsigned)names->nelts;
    route->auth = auth;
    route->strict_path = 1;
}

/* Adds a route; the one it collides with, or NULL. */
static inline const jm_route_t *add(set_t *set, const char *methods,
                                    const char *path, jm_auth_e auth)
{
    jm_route_t *route = &set->routes[set->count++];
    const jm_route_t *other;

    fill(scratch, route, methods, path, auth);
    jm_router_add(set->router, route, &other);
    return other;
}

static inline jm_match_t find(const set_t *set, const char *method,
                              const char *path)
{
    jm_match_t match;

    memset(&match, 0xAA, sizeof(match));
    if (jm_router_match(&match, scratch, set->router, jm_str(path), method)
        != APR_SUCCESS) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    return match;
}

/* "GET, HEAD", "405 GET, HEAD", "404", or the id of the route. */
static inline const char *answer(const set_t *set, const char *method,
                                 const char *path)
{
    jm_match_t match = find(set, method, path);
    const char *text = "405";
    unsigned i;

    if (match.route) {
        return match.allow || !match.shapes ? "broken" : match.route->id;
    }
    if (!match.allow || !match.shapes) {
        return match.allow || match.shapes ? "broken" : "404";
    }
    for (i = 0; match.allow[i]; i++) {
        text = apr_pstrcat(scratch, text, " ", match.allow[i], NULL);
    }
    return text;
}

static inline void is_answer(const set_t *set, const char *method,
                             const char *path, const char *want,
                             const char *what)
{
    const char *got = answer(set, method, path);

    if (!ok(!strcmp(got, want), "%s (%s %s)", what, method, path)) {
        printf("# got  %s\n# want %s\n", got, want);
    }
}

/* A path of so many segments. */
static inline const char *long_path(unsigned segments)
{
    char *path = apr_palloc(tap_pool, segments * 2 + 1);
    unsigned i;

    for (i = 0; i < segments; i++) {
        memcpy(path + i * 2, "/a", 2);
    }
    path[segments * 2] = '\0';
    return path;
}

#endif
