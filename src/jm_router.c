/*
 * jm_router.c: builds the trie of path segments at load and walks it per
 * request. Touches only the pool it was given.
 */
#include "jm_route.h"

/* The routes of one shape, in the order they were added. */
typedef struct entry_t entry_t;
struct entry_t {
    const jm_route_t *route;
    entry_t *next;
};

/* Two lists and two masks: [0] shapes that end at a node, [1] shapes that
 * go on with {.+}. Bit n of a mask: such a shape ends n levels below. */
typedef struct node_t node_t;
struct node_t {
    apr_hash_t *literals;       /* segment -> node_t, NULL: none */
    node_t *param;
    entry_t *routes[2];
    apr_uint64_t reach[2];
};

struct jm_router_t {
    apr_pool_t *p;
    node_t root;
};

/* One look-up: where it is, and who is shown the shapes that match. */
typedef struct search_t search_t;
struct search_t {
    jm_str_t path;
    jm_str_t segments[JM_ROUTE_SEGMENTS_MAX];
    int tail;
    unsigned depth;             /* segments of the shape that is looked for */
    jm_str_t params[JM_ROUTE_SEGMENTS_MAX];
    unsigned param_count;
    int (*visit)(search_t *search, const entry_t *routes); /* 1: stop */
    void *baton;
};

jm_router_t *jm_router_make(apr_pool_t *p)
{
    jm_router_t *router = apr_pcalloc(p, sizeof(*router));

    router->p = p;
    return router;
}

/* The child of node for a segment of a route, made if there is none. */
static node_t *make_child(apr_pool_t *p, node_t *node, jm_str_t segment)
{
    node_t *child;

    if (jm_route_is_param(segment)) {
        if (!node->param) {
            node->param = apr_pcalloc(p, sizeof(*node->param));
        }
        return node->param;
    }
    if (!node->literals) {
        node->literals = apr_hash_make(p);
    }
    child = apr_hash_get(node->literals, segment.ptr,
                         (apr_ssize_t)segment.len);
    if (!child) {
        child = apr_pcalloc(p, sizeof(*child));
        apr_hash_set(node->literals, segment.ptr, (apr_ssize_t)segment.len,
                     child);
    }
    return child;
}

/* 1 if one method of a request would select either of two routes. */
static int collide(const jm_route_t *a, const jm_route_t *b)
{
    unsigned i;

    if (a->any_method || b->any_method) {
        return a->any_method && b->any_method;
    }
    for (i = 0; i < b->method_count; i++) {
        if (jm_route_names(a, jm_str(b->methods[i]))) {
            return 1;
        }
    }
    return 0;
}

apr_status_t jm_router_add(jm_router_t *router, const jm_route_t *route,
                           const jm_route_t **pother)
{
    jm_str_t segments[JM_ROUTE_SEGMENTS_MAX];
    node_t *nodes[JM_ROUTE_SEGMENTS_MAX + 1] = { &router->root };
    unsigned count = jm_route_split(segments, jm_str(route->path));
    unsigned tail = route->tail ? 1 : 0;
    unsigned depth;
    entry_t **pnext;
    unsigned i;

    *pother = NULL;
    if (count == 0 || count > JM_ROUTE_SEGMENTS_MAX) {
        return APR_EINVAL;
    }
    depth = count - tail;
    for (i = 0; i < depth; i++) {
        nodes[i + 1] = make_child(router->p, nodes[i], segments[i]);
    }
    pnext = &nodes[depth]->routes[tail];
    for (; *pnext; pnext = &(*pnext)->next) {
        if (collide((*pnext)->route, route)) {
            *pother = (*pnext)->route;
            return APR_EEXIST;
        }
    }
    *pnext = apr_pcalloc(router->p, sizeof(**pnext));
    (*pnext)->route = route;
    for (i = 0; i <= depth; i++) {
        nodes[i]->reach[tail] |= (apr_uint64_t)1 << (depth - i);
    }
    return APR_SUCCESS;
}

/* Shows the visitor every shape of search->depth segments below node that
 * matches, best first, until it says stop. The masks keep it out of all
 * branches that hold no shape of that depth; it goes no deeper than the
 * longest route. */
static int walk(search_t *search, const node_t *node, unsigned at)
{
    jm_str_t segment;
    const node_t *child;
    int stop;

    if (!(node->reach[search->tail] >> (search->depth - at) & 1)) {
        return 0;
    }
    if (at == search->depth) {
        return search->visit(search, node->routes[search->tail]);
    }
    segment = search->segments[at];
    child = node->literals ? apr_hash_get(node->literals, segment.ptr,
                                          (apr_ssize_t)segment.len)
                           : NULL;
    if (child && walk(search, child, at + 1)) {
        return 1;
    }
    if (!node->param || segment.len == 0) {
        return 0;
    }
    search->params[search->param_count++] = segment;
    stop = walk(search, node->param, at + 1);
    search->param_count--;
    return stop;
}

/* Walks the shapes that match path in the order of jm_route.h: ends before
 * {.+}, then the longest first; walk adds the literals first. */
static void walk_shapes(search_t *search, const jm_router_t *router,
                        jm_str_t path)
{
    search->path = path;
    search->param_count = 0;
    search->tail = 0;
    search->depth = jm_route_split(search->segments, path);
    if (search->depth == 0) {
        return;
    }
    if (search->depth > JM_ROUTE_SEGMENTS_MAX) {
        search->depth = JM_ROUTE_SEGMENTS_MAX;
    }
    else if (walk(search, &router->root, 0)) {
        return;
    }
    search->tail = 1;
    while (!walk(search, &router->root, 0) && search->depth > 0) {
        search->depth--;
    }
}

/* What jm_router_match remembers from shape to shape. */
typedef struct pick_t {
    jm_match_t *match;
    apr_pool_t *p;
    jm_str_t method;
    int guarded;                /* a shape that requires a token was passed
                                 * over */
    apr_array_header_t *allow;  /* of const char *, NULL: empty */
    apr_status_t rv;
} pick_t;

/* How well a route serves a method; 0: not at all. */
static int rank(const jm_route_t *route, jm_str_t method)
{
    if (route->any_method) {
        return 1;
    }
    if (jm_route_names(route, method)) {
        return 3;
    }
    return jm_str_is(method, "HEAD") && jm_route_names(route, jm_str("GET"))
               ? 2 : 0;
}

static int may_answer(const pick_t *pick, const jm_route_t *route)
{
    return !pick->guarded || route->auth == JM_AUTH_REQUIRED;
}

static void allow_method(pick_t *pick, const char *method)
{
    int i;

    if (!pick->allow) {
        pick->allow = apr_array_make(pick->p, 8, sizeof(const char *));
    }
    for (i = 0; i < pick->allow->nelts; i++) {
        if (jm_str_is(jm_str(method),
                      APR_ARRAY_IDX(pick->allow, i, const char *))) {
            return;
        }
    }
    APR_ARRAY_PUSH(pick->allow, const char *) = method;
}

static void allow_route(pick_t *pick, const jm_route_t *route)
{
    unsigned i;

    for (i = 0; i < route->method_count; i++) {
        allow_method(pick, route->methods[i]);
        if (jm_str_is(jm_str(route->methods[i]), "GET")) {
            allow_method(pick, "HEAD");
        }
    }
}

/* No route of this shape serves the method: what may others still do? */
static void pass_over(pick_t *pick, const entry_t *routes)
{
    const entry_t *e;
    int guarded = pick->guarded;

    for (e = routes; e; e = e->next) {
        if (!e->route->any_method && may_answer(pick, e->route)) {
            allow_route(pick, e->route);
        }
        guarded |= e->route->auth == JM_AUTH_REQUIRED;
    }
    pick->guarded = guarded;
}

/* Fills the match in from a shape that serves the method. */
static void settle(pick_t *pick, const search_t *search,
                   const jm_route_t *route)
{
    jm_match_t *match = pick->match;
    const char *from = search->path.ptr;
    apr_size_t size = search->param_count * sizeof(jm_str_t);

    if (size) {
        jm_str_t *params = apr_palloc(pick->p, size);

        if (!params) {
            pick->rv = APR_ENOMEM;
            return;
        }
        memcpy(params, search->params, size);
        match->params = params;
    }
    if (search->tail) {
        if (search->depth > 0) {
            const jm_str_t *last = &search->segments[search->depth - 1];

            from = last->ptr + last->len;
        }
        match->rest = jm_strn(from, search->path.len
                                    - (apr_size_t)(from - search->path.ptr));
    }
    match->options_route = jm_str_is(pick->method, "OPTIONS")
                           && !route->any_method;
    match->route = route;
}

static int visit_pick(search_t *search, const entry_t *routes)
{
    pick_t *pick = search->baton;
    const jm_route_t *best = NULL;
    int best_rank = 0;
    const entry_t *e;

    pick->match->shapes = 1;
    for (e = routes; e; e = e->next) {
        int r = may_answer(pick, e->route) ? rank(e->route, pick->method) : 0;

        if (r > best_rank) {
            best_rank = r;
            best = e->route;
        }
    }
    if (!best) {
        pass_over(pick, routes);
        return 0;
    }
    settle(pick, search, best);
    return 1;
}

apr_status_t jm_router_match(jm_match_t *match, apr_pool_t *p,
                             const jm_router_t *router, jm_str_t path,
                             const char *method)
{
    pick_t pick = { match, p, jm_str(method), 0, NULL, APR_SUCCESS };
    search_t search;

    memset(match, 0, sizeof(*match));
    search.visit = visit_pick;
    search.baton = &pick;
    walk_shapes(&search, router, path);
    if (!match->route && pick.allow) {
        APR_ARRAY_PUSH(pick.allow, const char *) = NULL;
        match->allow = (const char *const *)pick.allow->elts;
    }
    return pick.rv;
}

static int visit_all(search_t *search, const entry_t *routes)
{
    const entry_t *e;

    for (e = routes; e; e = e->next) {
        APR_ARRAY_PUSH((apr_array_header_t *)search->baton,
                       const jm_route_t *) = e->route;
    }
    return 0;
}

const jm_route_t *const *jm_router_all(apr_pool_t *p,
                                       const jm_router_t *router,
                                       jm_str_t path)
{
    apr_array_header_t *all = apr_array_make(p, 4, sizeof(const jm_route_t *));
    search_t search;

    search.visit = visit_all;
    search.baton = all;
    walk_shapes(&search, router, path);
    APR_ARRAY_PUSH(all, const jm_route_t *) = NULL;
    return (const jm_route_t *const *)all->elts;
}

/* What jm_router_beaten walks with. */
typedef struct beaten_t {
    const jm_route_t *route;
    jm_str_t segments[JM_ROUTE_SEGMENTS_MAX];
    unsigned depth;             /* segments of the route, without {.+} */
    unsigned nodes;             /* that may still be looked at */
    apr_array_header_t *found;  /* of const jm_route_t * */
} beaten_t;

/* Where the first difference from the left is a literal: 0 there is none. */
typedef enum lead_e {
    LEAD_NONE = 0,
    LEAD_OURS,
    LEAD_OTHER
} lead_e;

static void add_all(apr_array_header_t *found, const entry_t *routes)
{
    for (; routes; routes = routes->next) {
        APR_ARRAY_PUSH(found, const jm_route_t *) = routes->route;
    }
}

/* Shapes that end at node, at segments deep, where ours wins over them. */
static void add_beaten(beaten_t *b, const node_t *node, unsigned at,
                       lead_e lead)
{
    if (!b->route->tail || at < b->depth || lead == LEAD_OURS) {
        add_all(b->found, node->routes[1]);
    }
    if (!b->route->tail && at == b->depth && lead == LEAD_OURS) {
        add_all(b->found, node->routes[0]);
    }
}

static void walk_beaten(beaten_t *b, const node_t *node, unsigned at,
                        lead_e lead);

/* Where ours has a {name}: every literal. */
static void walk_literals(beaten_t *b, const node_t *node, unsigned at,
                          lead_e lead)
{
    apr_hash_index_t *hi = node->literals
                               ? apr_hash_first(NULL, node->literals) : NULL;
    const void *key;
    apr_ssize_t len;
    void *child;

    for (; hi; hi = apr_hash_next(hi)) {
        apr_hash_this(hi, &key, &len, &child);
        if (len > 0) {
            walk_beaten(b, child, at + 1, lead ? lead : LEAD_OTHER);
        }
    }
}

/* Where ours has a literal: the same one. */
static void walk_literal(beaten_t *b, const node_t *node, unsigned at,
                         lead_e lead)
{
    jm_str_t segment = b->segments[at];
    const node_t *child = node->literals
                              ? apr_hash_get(node->literals, segment.ptr,
                                             (apr_ssize_t)segment.len) : NULL;

    if (child) {
        walk_beaten(b, child, at + 1, lead);
    }
}

static void walk_beaten(beaten_t *b, const node_t *node, unsigned at,
                        lead_e lead)
{
    int is_param;

    if (b->nodes == 0) {
        return;
    }
    b->nodes--;
    add_beaten(b, node, at, lead);
    if (at == b->depth) {
        return;
    }
    is_param = jm_route_is_param(b->segments[at]);
    if (node->param && (is_param || b->segments[at].len > 0)) {
        walk_beaten(b, node->param, at + 1,
                    lead || is_param ? lead : LEAD_OURS);
    }
    if (is_param) {
        walk_literals(b, node, at, lead);
    }
    else {
        walk_literal(b, node, at, lead);
    }
}

const jm_route_t *const *jm_router_beaten(apr_pool_t *p,
                                          const jm_router_t *router,
                                          const jm_route_t *route)
{
    beaten_t b = { .route = route, .nodes = JM_ROUTE_BEATEN_NODES };

    b.found = apr_array_make(p, 4, sizeof(const jm_route_t *));
    b.depth = jm_route_split(b.segments, jm_str(route->path));
    if (b.depth > 0 && b.depth <= JM_ROUTE_SEGMENTS_MAX) {
        b.depth -= route->tail ? 1 : 0;
        walk_beaten(&b, &router->root, 0, LEAD_NONE);
    }
    APR_ARRAY_PUSH(b.found, const jm_route_t *) = NULL;
    return (const jm_route_t *const *)b.found->elts;
}
