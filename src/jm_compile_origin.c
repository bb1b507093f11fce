/*
 * jm_compile_origin.c: files of the Serverless API Gateway: how to know one,
 * which of its integrations are not served, and where the same text means
 * something else here (docs/migration.md). Touches the state of the
 * compilation only.
 */
#include "jm_compile_state.h"

#include "jm_expr.h"
#include "jm_lint.h"

/* A trailing `*` stands for any ending. */
static const char *const integrations[] = {
    "service", "service_binding", "auth0_*", "supabase_*", NULL
};

int jm_compile_origin_integration(jm_str_t type)
{
    const char *const *name;

    for (name = integrations; *name; name++) {
        apr_size_t len = strlen(*name);
        int open = (*name)[len - 1] == '*';

        len -= (apr_size_t)open;
        if ((open ? type.len > len : type.len == len)
            && !memcmp(type.ptr, *name, len)) {
            return 1;
        }
    }
    return 0;
}

static int has_schema(const jm_json_t *root)
{
    static const char name[] = "api-config.schema.json";
    const jm_json_t *node = jm_member_find(root, "$schema");
    apr_size_t len = sizeof(name) - 1;

    return node && node->type == JM_JSON_STRING && node->text.len >= len
           && !memcmp(node->text.ptr + node->text.len - len, name, len);
}

static int route_is_like(const jm_json_t *route)
{
    const jm_json_t *integration = jm_member_find(route, "integration");
    const jm_json_t *type = integration ? jm_member_find(integration, "type")
                                        : NULL;

    return jm_member_find(route, "pre_process")
           || jm_member_find(route, "post_process")
           || (type && type->type == JM_JSON_STRING
               && jm_compile_origin_integration(type->text));
}

int jm_compile_origin_like(const jm_json_t *root)
{
    static const char *const names[] = {
        "services", "serviceBindings", "servicesBindings", NULL
    };
    const jm_json_t *paths = jm_member_find(root, "paths");
    const char *const *name;
    unsigned i;

    for (name = names; *name; name++) {
        if (jm_member_find(root, *name)) {
            return 1;
        }
    }
    for (i = 0; paths && i < paths->count; i++) {
        if (route_is_like(&paths->items[i])) {
            return 1;
        }
    }
    return has_schema(root);
}

/* Claims that are never arrays (RFC 7519 4.1, OpenID Connect Core 5.1). */
static const char *const scalar_claims[] = {
    "iss", "sub", "jti", "exp", "nbf", "iat", "sid", "azp", "nonce", "name",
    "given_name", "family_name", "nickname", "preferred_username", "email",
    "email_verified", "locale", "zoneinfo", "phone_number", NULL
};

static void note_array(void *baton, const char *text, const jm_path_t *path)
{
    int *pfound = baton;
    const char *const *name = scalar_claims;

    (void)path;
    while (*name && strcmp(*name, text)) {
        name++;
    }
    *pfound |= !*name;
}

/* 1 if the value reads a claim that may be an array. */
static int may_be_array(const jm_value_t *value)
{
    int found = 0;

    jm_value_claims(value, note_array, &found);
    return found;
}

/* Mappings of one section, in the order of its members. */
static void warn_of_values(jm_compile_t *c, const jm_json_t *node,
                           const jm_mapping_t *list, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        const jm_json_t *item = &node->items[i];

        if (!list[i].value || item->type != JM_JSON_STRING) {
            continue;
        }
        if (jm_value_is_literal(list[i].value)) {
            jm_json_diag(c->diags, JM_WARNING, item, "a text without \"$\" "
                         "is sent as it is, where the origin sends nothing: "
                         "remove it if that is not meant");
        }
        else if (may_be_array(list[i].value)) {
            jm_json_diag(c->diags, JM_WARNING, item, "a claim that is an "
                         "array is sent as JSON text, not as the origin "
                         "joins it: write {\"from\": \"%s\", \"format\": "
                         "\"csv\"} if it can be one", item->text.ptr);
        }
    }
}

static void warn_of_mapping(jm_compile_t *c, const jm_compile_route_t *r)
{
    const jm_json_t *mapping = jm_member_find(r->node, "mapping");
    const jm_route_t *route = r->route;

    if (route->header_count > 0) {
        warn_of_values(c, jm_member_find(mapping, "headers"), route->headers,
                       route->header_count);
    }
    if (route->query_count > 0) {
        warn_of_values(c, jm_member_find(mapping, "query"), route->query,
                       route->query_count);
    }
}

void jm_compile_origin_warn(jm_compile_t *c)
{
    int i;

    if (!c->from_origin) {
        return;
    }
    for (i = 0; i < c->routes->nelts; i++) {
        const jm_compile_route_t *r = APR_ARRAY_IDX(c->routes, i,
                                                    jm_compile_route_t *);

        warn_of_mapping(c, r);
        /* The origin hands them on to the next path that matches. */
        jm_lint_methods(c->diags, r->node, c->table->router, r->route,
                        c->ptemp);
    }
}
