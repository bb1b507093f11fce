/*
 * jm_lint.c: advice on a route table that compiles. Touches the diagnostics
 * and pools only.
 */
#include "jm_lint.h"

#include "jm_allow.h"
#include "jm_member.h"
#include "jm_query.h"
#include "jm_route.h"

/* A route that asks for less, and the protected ones that it concerns. */
typedef struct finding_t {
    const jm_route_t *first;   /* in file order; NULL: none */
    unsigned line;             /* of first */
    unsigned count;
    const char *path;          /* that shows it */
} finding_t;

typedef struct lint_t {
    jm_diags_t *diags;
    const jm_table_t *table;
    const jm_json_t *paths;    /* as the table's routes, in file order */
    apr_pool_t *p;
    apr_pool_t *scratch;       /* cleared from route to route */
    apr_hash_t *place_of;      /* jm_route_t * -> its place + 1, a pointer */
    unsigned *lines;           /* by place */
    finding_t *slashes;        /* by place of the route that asks for less */
} lint_t;

/* --- helpers --- */

static int is_protected(const jm_route_t *route)
{
    return route->auth == JM_AUTH_REQUIRED;
}

static int has_method(const jm_route_t *route, const char *method)
{
    return route->any_method || jm_route_names(route, jm_str(method));
}

static int share_method(const jm_route_t *a, const jm_route_t *b)
{
    unsigned i;

    for (i = 0; !a->any_method && i < a->method_count; i++) {
        if (has_method(b, a->methods[i])) {
            return 1;
        }
    }
    return a->any_method;
}

static unsigned place_of(const lint_t *l, const jm_route_t *route)
{
    return (unsigned)(apr_uintptr_t)apr_hash_get(l->place_of, &route,
                                                 sizeof(route)) - 1;
}

static const jm_json_t *member_of(const lint_t *l, unsigned place,
                                  const char *name)
{
    const jm_json_t *node = jm_member_find(&l->paths->items[place], name);

    return node ? node : &l->paths->items[place];
}

/* Segments of the route's path, without {.+}. */
static unsigned split(jm_str_t *segments, const jm_route_t *route)
{
    return jm_route_split(segments, jm_str(route->path))
           - (route->tail ? 1 : 0);
}

/* --- methods that are refused --- */

/* The route's path with mark in the place of each parameter. */
static jm_str_t example_path(const jm_route_t *route, apr_pool_t *p,
                             char mark)
{
    char *text = apr_pstrdup(p, route->path);
    apr_size_t len = 0;
    int inside = 0;
    const char *at;

    for (at = route->path; *at; at++) {
        if (*at == '{') {
            text[len++] = mark;
        }
        inside = *at == '{' || (inside && *at != '}');
        if (!inside && *at != '}') {
            text[len++] = *at;
        }
    }
    return jm_strn(text, len);
}

/* A control character is in no literal segment. */
static int same_shape(const jm_route_t *a, const jm_route_t *b,
                      apr_pool_t *p)
{
    return a->tail == b->tail
           && jm_str_eq(example_path(a, p, '\x01'),
                        example_path(b, p, '\x01'));
}

/* 1 if other would answer a method that no route of list before it has. */
static int would_answer(const jm_route_t *const *list, unsigned before,
                        const jm_route_t *other)
{
    static const char *const usual[] = {
        "GET", "POST", "PUT", "DELETE", "PATCH", NULL
    };
    const char *const *method;
    unsigned i;

    for (method = usual; *method; method++) {
        if (!has_method(other, *method)) {
            continue;
        }
        for (i = 0; i < before && !has_method(list[i], *method); i++) {
        }
        if (i == before) {
            return 1;
        }
    }
    return 0;
}

void jm_lint_methods(jm_diags_t *diags, const jm_json_t *node,
                     const jm_router_t *router, const jm_route_t *route,
                     apr_pool_t *ptemp)
{
    const jm_route_t *const *list;
    unsigned i;

    if (!is_protected(route) || route->any_method || !route->path) {
        return;
    }
    list = jm_router_all(ptemp, router, example_path(route, ptemp, 'x'));
    for (i = 0; list && list[i]; i++) {
        if (!is_protected(list[i]) && would_answer(list, i, list[i])
            && !same_shape(list[i], route, ptemp)) {
            jm_json_diag(diags, JM_WARNING, jm_member_find(node, "method"),
                         "other methods of this protected path are answered "
                         "405, not handed on to the less protected \"%s\": "
                         "give them a route of their own", list[i]->id);
            return;
        }
    }
}

/* --- routes that never answer --- */

/* A method that the route has and that never comes to it; NULL: none. */
static const char *dead_method(const jm_route_t *route, const char *method)
{
    if (!strcmp(method, "CONNECT")) {
        return "a CONNECT request has no path, so it comes to the route of / "
               "at most: remove CONNECT";
    }
    if (jm_allow_echoes(route, method)) {
        return "TRACE would show the client what is mapped, so it is "
               "answered 405: remove TRACE";
    }
    return NULL;
}

static void lint_dead(lint_t *l, unsigned place)
{
    const jm_route_t *route = l->table->routes[place];
    const char *message;
    unsigned i;

    if (strstr(route->path, "//")) {
        jm_json_diag(l->diags, JM_WARNING, member_of(l, place, "path"),
                     "httpd makes one slash of several before a route is "
                     "looked for, so this one never answers: write one "
                     "slash, or \"MergeSlashes Off\" in httpd.conf");
    }
    if (route->strict_path && strchr(route->path, ';')) {
        jm_json_diag(l->diags, JM_WARNING, member_of(l, place, "path"),
                     "a path with \";\" is refused here, so this route never "
                     "answers: write \"strict_path\": false");
    }
    for (i = 0; i < route->method_count; i++) {
        message = dead_method(route, route->methods[i]);
        if (message) {
            jm_json_diag(l->diags, JM_WARNING, member_of(l, place, "method"),
                         "%s", message);
        }
    }
}

/* --- protected paths that a public wildcard reaches --- */

/* The same path with or without the slash at its end; NULL: neither. */
static const char *other_slash(apr_pool_t *p, const jm_route_t *route)
{
    jm_str_t path = example_path(route, p, 'x');

    if (path.len < 2) {
        return NULL;
    }
    if (path.ptr[path.len - 1] == '/') {
        return apr_pstrmemdup(p, path.ptr, path.len - 1);
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, path.ptr, path.len), "/", NULL);
}

static const jm_route_t *answers(lint_t *l, const char *path,
                                 const char *method)
{
    jm_match_t match;

    return jm_router_match(&match, l->scratch, l->table->router,
                           jm_str(path), method) == APR_SUCCESS
               ? match.route : NULL;
}

/* Where the slash at the end decides between a token and none. */
static void find_slash(lint_t *l, unsigned place)
{
    const jm_route_t *route = l->table->routes[place];
    const char *path = other_slash(l->scratch, route);
    unsigned i;

    if (route->tail || !path) {
        return;
    }
    for (i = 0; i < route->method_count || (i == 0 && route->any_method);
         i++) {
        const jm_route_t *other = answers(l, path, route->any_method
                                          ? "GET" : route->methods[i]);
        finding_t *f;

        if (!other || is_protected(other)
            || !(other->tail || other->param_count)) {
            continue;
        }
        f = &l->slashes[place_of(l, other)];
        if (f->count++ == 0) {
            f->first = route;
            f->line = l->lines[place];
            f->path = apr_pstrdup(l->p, path);
        }
        return;
    }
}

static const char *and_more(apr_pool_t *p, unsigned count)
{
    return count < 2 ? "" : apr_psprintf(p, " (and %u more)", count - 1);
}

static void lint_slash(lint_t *l, unsigned place)
{
    const finding_t *f = &l->slashes[place];

    if (f->count == 0) {
        return;
    }
    jm_json_diag(l->diags, JM_WARNING, member_of(l, place, "path"),
                 "\"%s\" comes here, which asks for less, and an upstream "
                 "may take it for the protected \"%s\" in line %u%s: give "
                 "that spelling a route of its own, too", f->path,
                 f->first->id, f->line, and_more(l->scratch, f->count));
}

/* 1 if every path of winner is one of other's, and winner names a part of it
 * that other leaves open: an exception that somebody wrote on purpose. */
static int is_exception(const jm_route_t *winner, const jm_route_t *other)
{
    jm_str_t a[JM_ROUTE_SEGMENTS_MAX];
    jm_str_t b[JM_ROUTE_SEGMENTS_MAX];
    unsigned a_count = split(a, winner);
    unsigned b_count = split(b, other);
    int narrows = 0;
    unsigned i;

    for (i = 0; i < a_count; i++) {
        int is_open = i >= b_count || jm_route_is_param(b[i]);

        if (jm_route_is_param(a[i]) && !is_open) {
            return 0;
        }
        narrows |= !jm_route_is_param(a[i]) && is_open;
    }
    return narrows;
}

/* A path that both match: literals where either has one. */
static const char *common_path(apr_pool_t *p, const jm_route_t *winner,
                               const jm_route_t *other)
{
    jm_str_t a[JM_ROUTE_SEGMENTS_MAX];
    jm_str_t b[JM_ROUTE_SEGMENTS_MAX];
    unsigned a_count = split(a, winner);
    unsigned b_count = split(b, other);
    const char *path = "";
    unsigned i;

    for (i = 0; i < a_count; i++) {
        jm_str_t segment = a[i];

        if (jm_route_is_param(segment)) {
            segment = i < b_count && !jm_route_is_param(b[i]) ? b[i]
                                                              : jm_str("x");
        }
        path = apr_pstrcat(p, path, "/", apr_pstrmemdup(p, segment.ptr,
                                                        segment.len), NULL);
    }
    return *path ? path : "/";
}

static void find_beaten(finding_t *f, lint_t *l, const jm_route_t *route)
{
    const jm_route_t *const *other = jm_router_beaten(l->scratch,
                                                      l->table->router,
                                                      route);
    unsigned first = 0;

    memset(f, 0, sizeof(*f));
    for (; *other; other++) {
        unsigned place = place_of(l, *other);

        if (!is_protected(*other) || !share_method(*other, route)
            || is_exception(route, *other)) {
            continue;
        }
        f->count++;
        if (!f->first || place < first) {
            first = place;
            f->first = *other;
            f->line = l->lines[place];
        }
    }
}

static void lint_beaten(lint_t *l, unsigned place)
{
    const jm_route_t *route = l->table->routes[place];
    finding_t f;

    if (is_protected(route) || !(route->tail || route->param_count)) {
        return;
    }
    find_beaten(&f, l, route);
    if (f.count > 0) {
        jm_json_diag(l->diags, JM_WARNING, member_of(l, place, "path"),
                     "wins over the protected \"%s\" in line %u%s where both "
                     "match, as for \"%s\", and asks for less: give such "
                     "paths a route of their own, or require a token here",
                     f.first->id, f.line, and_more(l->scratch, f.count),
                     common_path(l->scratch, route, f.first));
    }
}

/* --- names that pass --- */

static void lint_pass(lint_t *l, unsigned place)
{
    const jm_json_t *pass = jm_member_find(&l->paths->items[place], "pass");
    unsigned i;

    for (i = 0; pass && i < pass->count; i++) {
        if (jm_query_names_has(l->table->reserved_query,
                               pass->items[i].text)) {
            jm_json_diag(l->diags, JM_WARNING, &pass->items[i], "the "
                         "client's own \"%s\" reaches the upstream here, "
                         "where other routes send theirs: be sure that it is "
                         "not taken for a mapped one",
                         pass->items[i].text.ptr);
        }
    }
}

/* --- paths as others write them --- */

/* What a segment that is a wildcard elsewhere is here; NULL: it is none. */
static const char *wildcard(apr_pool_t *p, const char *segment,
                            apr_size_t len)
{
    if (len > 1 && *segment == ':') {
        return apr_psprintf(p, "{%.*s}", (int)len - 1, segment + 1);
    }
    if ((len == 1 && *segment == '*') || (len == 2 && !memcmp(segment, "**",
                                                              2))) {
        return segment[len] ? "{NAME}" : "{.+}";
    }
    return NULL;
}

/* A literal that stands for itself is seldom what was meant. */
static void lint_wildcards(lint_t *l, unsigned place)
{
    const jm_json_t *path = jm_member_find(&l->paths->items[place], "path");
    const char *at = l->table->routes[place]->path;

    while (*at++ == '/') {
        apr_size_t len = strcspn(at, "/");
        const char *meant = wildcard(l->scratch, at, len);

        if (meant) {
            jm_json_diag(l->diags, JM_WARNING, path, "\"%.*s\" stands for "
                         "itself only: write %s for any segment%s",
                         (int)len, at, meant,
                         strcmp(meant, "{.+}") ? "" : "s that follow");
        }
        at += len;
    }
}

/* --- the whole --- */

/* The lines of all routes; nodes come in the order of the file. */
static void count_lines(lint_t *l)
{
    const char *source = l->diags->source.ptr;
    apr_uint32_t at = 0;
    unsigned line = 1;
    unsigned i;

    for (i = 0; i < l->paths->count; i++) {
        for (; at < l->paths->items[i].offset; at++) {
            line += source[at] == '\n';
        }
        l->lines[i] = line;
        apr_hash_set(l->place_of, &l->table->routes[i],
                     sizeof(l->table->routes[i]),
                     (void *)(apr_uintptr_t)(i + 1));
    }
}

/* A path that is not known (a placeholder) is in no router. */
static int is_known(const jm_route_t *route)
{
    return route->path[0] == '/';
}

static void for_each(lint_t *l, void (*look)(lint_t *l, unsigned place),
                     int protected_only)
{
    unsigned i;

    for (i = 0; i < l->table->route_count; i++) {
        const jm_route_t *route = l->table->routes[i];

        if (is_known(route) && (!protected_only || is_protected(route))) {
            look(l, i);
            apr_pool_clear(l->scratch);
        }
    }
}

static void lint_methods(lint_t *l, unsigned place)
{
    jm_lint_methods(l->diags, &l->paths->items[place], l->table->router,
                    l->table->routes[place], l->scratch);
}

apr_status_t jm_lint(jm_diags_t *diags, const jm_table_t *table,
                     apr_pool_t *ptemp)
{
    lint_t l = { .diags = diags, .table = table, .p = ptemp };
    unsigned count = table->route_count + 1;
    const jm_json_t *root;
    apr_status_t rv = jm_json_parse(&root, NULL, ptemp, diags->source);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    l.paths = jm_member_find(root, "paths");
    l.place_of = apr_hash_make(ptemp);
    l.lines = apr_pcalloc(ptemp, count * sizeof(*l.lines));
    l.slashes = apr_pcalloc(ptemp, count * sizeof(*l.slashes));
    apr_pool_create(&l.scratch, ptemp);
    count_lines(&l);
    for_each(&l, lint_dead, 0);
    for_each(&l, find_slash, 1);
    for_each(&l, lint_slash, 0);
    for_each(&l, lint_beaten, 0);
    for_each(&l, lint_methods, 1);
    for_each(&l, lint_pass, 0);
    for_each(&l, lint_wildcards, 0);
    apr_pool_destroy(l.scratch);
    jm_diag_sort(diags, ptemp);
    return APR_SUCCESS;
}
