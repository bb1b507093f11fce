/*
 * jm_route.h: the matcher (jm_route.c: paths of routes, jm_router.c: the
 * trie). Routes are put in a trie of path segments once, at load; a look-up
 * walks the path's segments, never the routes. The order: without {.+} before
 * with; then more segments; then, from the left, literal before {name}; then
 * exact method (GET for HEAD) before ANY. The path is chosen first.
 */
#ifndef JM_ROUTE_H
#define JM_ROUTE_H

#include "jm.h"
#include "jm_diag.h"
#include "jm_table.h"

#define JM_ROUTE_SEGMENTS_MAX 63    /* segments of a route's path, a count */

/* Reads a route's path into route->path, params, tail, prefix (p); errors,
 * with the route as it was, through message (in p): not beginning with `/`,
 * {.+} not last, a name twice or empty or with octets other than letters,
 * digits, `_`, `-`, braces inside a literal, control characters or NUL, `.`
 * and `..` segments, a `?` or `#`, more than JM_ROUTE_SEGMENTS_MAX segments.
 * The path is compared with the decoded path of requests: octets as they
 * are (a `%` or `\` gets an error: it would never match, or never pass the
 * path rule). */
apr_status_t jm_route_parse(jm_route_t *route, const char **message,
                            apr_pool_t *p, jm_str_t path);

/* Cuts path at its slashes into at most JM_ROUTE_SEGMENTS_MAX views of it
 * ("/" is one empty segment). Returns how many it has, one more than fit for
 * any larger number, 0 for a path that does not begin with `/`. */
unsigned jm_route_split(jm_str_t *segments, jm_str_t path);

/* 1 if a segment of a parsed route's path is a {name}. */
int jm_route_is_param(jm_str_t segment);

/* 1 if the route names the method; ANY is no name. */
int jm_route_names(const jm_route_t *route, jm_str_t method);

/* An empty router in p. */
jm_router_t *jm_router_make(apr_pool_t *p);

/* Adds a parsed route (route and its strings live as long as the router).
 * APR_EEXIST, *pother the route that has the same shape and method.
 * APR_EINVAL: jm_route_parse did not accept its path. */
apr_status_t jm_router_add(jm_router_t *router, const jm_route_t *route,
                           const jm_route_t **pother);

typedef struct jm_match_t {
    const jm_route_t *route;     /* NULL: none, or none for this method */
    const jm_str_t *params;      /* route->param_count values, octets of the
                                  * path (views into it), still with %2f %5c
                                  * where the path had them */
    jm_str_t rest;               /* tail routes: the path after the prefix's
                                  * segments, with its leading slash, or empty
                                  * ("/a" on "/a/{.+}") */
    const char *const *allow;    /* route NULL: methods of all matching shapes
                                  * that might answer (HEAD beside GET), each
                                  * once; NULL-terminated; NULL: no shape
                                  * matches the path */
    int options_route;           /* method OPTIONS: 1 if route names it itself
                                  * (ANY does not count); else 0 */
    int shapes;                  /* 1: at least one shape matches the path */
} jm_match_t;

/* Looks path up (decoded, begins with `/`; octets, no NUL rule here) for
 * method. Fall-through to the next matching shape when a shape has no route
 * for the method, but never for less protection: once a shape was passed
 * over that has a route with auth REQUIRED (any method), only a route that
 * requires a token may answer; a public or optional one counts as absent (and
 * is not in allow). A path that does not begin with `/` has no shape. The
 * work is at most the sum of all configured segments. Scratch and result in
 * p. APR_SUCCESS, or APR_ENOMEM. */
apr_status_t jm_router_match(jm_match_t *match, apr_pool_t *p,
                             const jm_router_t *router, jm_str_t path,
                             const char *method);

/* All routes that a shape matching path holds, best shape first, whatever
 * the method: for CORS and for `check`. NULL-terminated, in p. */
const jm_route_t *const *jm_router_all(apr_pool_t *p,
                                       const jm_router_t *router,
                                       jm_str_t path);

#define JM_ROUTE_BEATEN_NODES 1000    /* of the trie, a count */

/* Routes of other shapes that some path of route's shape matches as well,
 * and that route (of this router) wins over there; in no order, whatever the
 * method: for `check`. Looks at JM_ROUTE_BEATEN_NODES nodes at most: of a
 * {name} beside thousands of literals it may not say all. NULL-terminated, in
 * p. */
const jm_route_t *const *jm_router_beaten(apr_pool_t *p,
                                          const jm_router_t *router,
                                          const jm_route_t *route);

#endif
