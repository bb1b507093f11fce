/*
 * jm_compile_route.c: `paths`: method, path, integration, response and
 * switches of each route, and its place in the router. Touches the state of
 * the compilation only.
 */
#include "jm_compile_state.h"

#include "jm_route.h"

static const char *const route_members[] = {
    "method", "path", "auth", "require", "integration", "response",
    "forward_token", "strict_path", "pass", "mapping", "variables",
    "pre_process", "post_process", "description", "summary", "tags", NULL
};

static const char *const integration_members[] = { "type", "server", NULL };

static const char *const integration_types[] = {
    "http_proxy", "http", "service", "service_binding", NULL
};

/* The line of a node; nodes come in the order of the file, so that the
 * source is walked through once. */
static unsigned line_of(jm_compile_t *c, const jm_json_t *node)
{
    for (; c->line_offset < node->offset; c->line_offset++) {
        c->line += c->diags->source.ptr[c->line_offset] == '\n';
    }
    return c->line;
}

/* Names in braces, for a path that cannot be read: what its mapping says of
 * $request.path is then judged by what was meant. */
static void guess_params(jm_route_t *route, apr_pool_t *p, jm_str_t path)
{
    apr_array_header_t *params = apr_array_make(p, 4, sizeof(jm_str_t));
    const char *at = path.ptr;

    while ((at = strchr(at, '{')) != NULL) {
        const char *end = strchr(++at, '}');

        if (!end) {
            break;
        }
        APR_ARRAY_PUSH(params, jm_str_t) =
            jm_str_dup(p, jm_strn(at, (apr_size_t)(end - at)));
        at = end;
    }
    route->params = (const jm_str_t *)params->elts;
    route->param_count = (unsigned)params->nelts;
}

/* 1 if the route can be put into the router. */
static int read_path(jm_route_t *route, jm_compile_t *c,
                     const jm_json_t *node)
{
    const jm_json_t *at;
    const char *message = NULL;
    jm_str_t path;

    switch (jm_member_string(&path, &at, &c->subst, node, "path")) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, node, "\"path\" is missing: write "
                     "\"path\": \"/...\"");
        return 0;
    case JM_MEMBER_OK:
        break;
    case JM_MEMBER_UNKNOWN:
        route->path = jm_str_dup(c->p, path).ptr;
        return 0;
    default:
        return 0;
    }
    if (jm_route_parse(route, &message, c->p, path) == APR_SUCCESS) {
        return 1;
    }
    jm_json_diag(c->diags, JM_ERROR, at, "%s", message);
    guess_params(route, c->p, path);
    return 0;
}

static const char *make_id(const jm_route_t *route, apr_pool_t *p)
{
    const char *names = route->any_method ? "ANY" : "";
    unsigned i;

    for (i = 0; i < route->method_count && !route->any_method; i++) {
        names = apr_pstrcat(p, names, i ? "," : "", route->methods[i], NULL);
    }
    return apr_pstrcat(p, names, " ", route->path ? route->path : "", NULL);
}

/* An integration that the origin has: its members are its own. */
static void refuse_later(jm_route_t *route, jm_compile_t *c,
                         const jm_json_t *at, const char *what)
{
    route->not_implemented = 1;
    jm_json_diag(c->diags, JM_WARNING, at, "%s is not served here: the route "
                 "answers 501 after its \"auth\"", what);
}

static void read_server(jm_route_t *route, jm_compile_t *c,
                        const jm_json_t *node)
{
    const jm_json_t *at;
    jm_str_t alias;

    jm_member_check(&c->subst, node, integration_members);
    switch (jm_member_string(&alias, &at, &c->subst, node, "server")) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, node, "\"server\" is missing: write "
                     "the alias of one of \"servers\"");
        return;
    case JM_MEMBER_OK:
        route->server = jm_compile_server_find(c, at, alias,
                                               !route->not_implemented);
        return;
    default:
        return;
    }
}

static void read_integration(jm_route_t *route, jm_compile_t *c,
                             const jm_json_t *node)
{
    const jm_json_t *at;
    const char *hint;
    jm_str_t type;

    switch (jm_member_string(&type, &at, &c->subst, node, "type")) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, node, "\"type\" is missing: write "
                     "\"type\": \"http_proxy\"");
        return;
    case JM_MEMBER_OK:
        break;
    default:
        return;
    }
    if (jm_str_is(type, "http_proxy") || jm_str_is(type, "http")) {
        read_server(route, c, node);
    }
    else if (jm_compile_origin_integration(type)) {
        refuse_later(route, c, at, apr_psprintf(c->ptemp, "\"%s\"",
                                                at->text.ptr));
    }
    else {
        hint = jm_diag_hint(c->ptemp, type.ptr, integration_types);
        jm_json_diag(c->diags, JM_ERROR, at, "\"%s\" is no integration%s",
                     at->text.ptr, *hint ? hint : ": write \"http_proxy\", "
                     "or leave \"integration\" out");
    }
}

static void read_processing(jm_route_t *route, jm_compile_t *c,
                            const jm_json_t *node)
{
    static const char *const names[] = {
        "pre_process", "post_process", NULL
    };
    const char *const *name;

    for (name = names; *name; name++) {
        const jm_json_t *at = jm_member_find(node, *name);

        if (at && at->type != JM_JSON_NULL) {
            refuse_later(route, c, at, apr_psprintf(c->ptemp, "\"%s\"",
                                                    *name));
        }
    }
}

static void read_target(jm_route_t *route, jm_compile_t *c,
                        const jm_json_t *node)
{
    const jm_json_t *integration;
    const jm_json_t *response = jm_member_find(node, "response");
    jm_member_e e;

    read_processing(route, c, node);
    e = jm_member_typed(&integration, &c->subst, node, "integration",
                        JM_JSON_OBJECT);
    if (e == JM_MEMBER_OK) {
        read_integration(route, c, integration);
    }
    if (!response) {
        return;
    }
    if (e != JM_MEMBER_ABSENT) {
        jm_json_diag_name(c->diags, JM_ERROR, response, "stands beside "
                          "\"integration\": a route is answered here or sent "
                          "on, so keep one of them");
    }
    if (!route->not_implemented) {
        response = jm_subst_copy(&c->subst, c->ptemp, response, 1);
        route->response = jm_json_compact(c->p, response);
    }
}

/* Variables of the route, in p; those of a 501 route stay as written. */
static jm_json_t *read_variables(const jm_route_t *route, jm_compile_t *c,
                                 const jm_json_t *node)
{
    const jm_json_t *at;

    if (jm_member_typed(&at, &c->subst, node, "variables", JM_JSON_OBJECT)
        != JM_MEMBER_OK) {
        return NULL;
    }
    return jm_subst_copy(&c->subst, c->p, at, !route->not_implemented);
}

static void add_to_router(jm_compile_route_t *r, jm_compile_t *c)
{
    /* jm_table.h shows requests a const router. */
    jm_router_t *router = (jm_router_t *)c->table->router;
    const jm_route_t *other = NULL;
    const jm_compile_route_t *first;
    apr_status_t rv = jm_router_add(router, r->route, &other);

    if (rv == APR_SUCCESS) {
        return;
    }
    first = other ? apr_hash_get(c->route_of, &other, sizeof(other)) : NULL;
    if (rv != APR_EEXIST || !first) {
        jm_json_diag(c->diags, JM_ERROR, r->node, "out of memory");
        return;
    }
    jm_json_diag(c->diags, JM_ERROR, jm_member_find(r->node, "path"),
                 "\"%s\" has the shape and a method of \"%s\" in line %u: "
                 "remove one of them", r->route->id, other->id, first->line);
}

static void compile_members(jm_compile_route_t *r, jm_compile_t *c)
{
    jm_route_t *route = r->route;
    jm_names_t names = { NULL, 0, NULL, c->variables };
    jm_json_t *variables;
    int routable;

    jm_member_check(&c->subst, r->node, route_members);
    jm_compile_methods(route, c, r->node);
    routable = read_path(route, c, r->node);
    route->id = make_id(route, c->p);
    jm_compile_access(r, c);
    read_target(route, c, r->node);
    jm_member_bool(&route->forward_token, &c->subst, r->node,
                   "forward_token");
    jm_member_bool(&route->strict_path, &c->subst, r->node, "strict_path");
    if (!route->server || route->not_implemented) {
        route->server = NULL;
        route->prefix = NULL;
    }
    variables = read_variables(route, c, r->node);
    names.params = route->params;
    names.param_count = route->param_count;
    names.route_vars = variables;
    jm_compile_mapping(r, c, &names);
    jm_compile_pass(r, c);
    if (variables) {
        variables->parent = NULL;
    }
    if (routable && (route->method_count > 0 || route->any_method)) {
        add_to_router(r, c);
    }
}

static void compile_route(jm_compile_t *c, const jm_json_t *node)
{
    jm_compile_route_t *r = apr_pcalloc(c->ptemp, sizeof(*r));

    if (node->type != JM_JSON_OBJECT) {
        jm_member_wrong(&c->subst, node, "an object");
        return;
    }
    r->node = node;
    r->line = line_of(c, node);
    r->route = apr_pcalloc(c->p, sizeof(*r->route));
    r->route->strict_path = 1;
    APR_ARRAY_PUSH(c->routes, jm_compile_route_t *) = r;
    apr_hash_set(c->route_of, &r->route, sizeof(r->route), r);
    compile_members(r, c);
}

void jm_compile_routes(jm_compile_t *c)
{
    const jm_json_t *node;
    unsigned i;

    switch (jm_member_typed(&node, &c->subst, c->root, "paths",
                            JM_JSON_ARRAY)) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, c->root, "\"paths\" is missing: "
                     "write \"paths\": [...]");
        return;
    case JM_MEMBER_OK:
        break;
    default:
        return;
    }
    for (i = 0; i < node->count; i++) {
        compile_route(c, &node->items[i]);
    }
}
