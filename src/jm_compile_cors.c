/*
 * jm_compile_cors.c: `cors` of the route table. Touches the state of the
 * compilation only.
 */
#include "jm_compile_state.h"

#include "jm_header.h"

static const char *const cors_members[] = {
    "allow_origins", "allow_methods", "allow_headers", "expose_headers",
    "allow_credentials", "max_age", NULL
};

/* What is wrong with an origin, or NULL. RFC 6454 6.1: scheme, host, port. */
static const char *check_origin(jm_str_t origin)
{
    const char *sep;
    apr_size_t i;

    if (jm_str_is(origin, "*") || jm_str_is(origin, "null")) {
        return NULL;
    }
    for (i = 0; i < origin.len; i++) {
        unsigned char c = (unsigned char)origin.ptr[i];

        if (c <= 0x20 || c >= 0x7F) {
            return "an origin has visible ASCII characters only: write "
                   "\"https://HOST\"";
        }
        if (c >= 'A' && c <= 'Z') {
            return "browsers send an origin in lower case, so it never "
                   "matches: write it in lower case";
        }
    }
    sep = strstr(origin.ptr, "://");
    if (!sep || sep == origin.ptr || !sep[3]) {
        return "an origin without a scheme never matches: write "
               "\"https://HOST\"";
    }
    if (strchr(sep + 3, '/')) {
        return "an origin with a path never matches: end it behind the host "
               "or port";
    }
    return NULL;
}

static void read_origins(jm_cors_t *cors, jm_compile_t *c,
                         const jm_json_t *node)
{
    const jm_item_t *items;
    const char **origins;
    unsigned count;
    unsigned i;

    if (jm_member_items(&items, &count, &c->subst, node, "allow_origins", 0,
                        0) == JM_MEMBER_ABSENT) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"allow_origins\" is "
                     "missing: write \"allow_origins\": [\"https://HOST\"]");
    }
    origins = apr_pcalloc(c->p, (count + 1) * sizeof(*origins));
    for (i = 0; i < count; i++) {
        const char *message = items[i].unknown ? NULL
                                               : check_origin(items[i].text);

        if (message) {
            jm_json_diag(c->diags, JM_ERROR, items[i].node, "%s", message);
        }
        if (jm_str_is(items[i].text, "*")) {
            cors->any_origin = 1;
            if (cors->credentials) {
                jm_json_diag(c->diags, JM_ERROR, items[i].node, "\"*\" would "
                             "let every site act with the user's "
                             "credentials: name the origins, or write "
                             "\"allow_credentials\": false");
            }
        }
        origins[i] = jm_str_dup(c->p, items[i].text).ptr;
    }
    cors->origins = origins;
    cors->origin_count = count;
}

static const char *join(apr_pool_t *p, const char *list, jm_str_t text)
{
    return list ? apr_pstrcat(p, list, ", ", text.ptr, NULL)
                : jm_str_dup(p, text).ptr;
}

/* A `*` stands for all methods, which is what saying nothing means. */
static void read_methods(jm_cors_t *cors, jm_compile_t *c,
                         const jm_json_t *node)
{
    const jm_item_t *items;
    unsigned count;
    unsigned i;
    int any = 0;

    jm_member_items(&items, &count, &c->subst, node, "allow_methods", 0, 1);
    for (i = 0; i < count; i++) {
        if (jm_str_is(items[i].text, "*")) {
            any = 1;
        }
        else if (jm_compile_method_known(c, &items[i])) {
            cors->methods = join(c->p, cors->methods, items[i].text);
        }
    }
    if (any) {
        cors->methods = NULL;
    }
}

/* The list as a field value, NULL where it is empty; a `*` only sets *pany. */
static const char *read_names(int *pany, jm_compile_t *c,
                              const jm_json_t *node, const char *name)
{
    const jm_item_t *items;
    const char *list = NULL;
    unsigned count;
    unsigned i;

    *pany = 0;
    jm_member_items(&items, &count, &c->subst, node, name, 0, 1);
    for (i = 0; i < count; i++) {
        if (jm_str_is(items[i].text, "*")) {
            *pany = 1;
        }
        else if (jm_header_kind(items[i].text) == JM_HEADER_SYNTAX
                 && !items[i].unknown) {
            jm_json_diag(c->diags, JM_ERROR, items[i].node, "\"%s\" is no "
                         "name of a header field: write letters, digits and "
                         "\"-\"", items[i].node->text.ptr);
        }
        else {
            list = join(c->p, list, items[i].text);
        }
    }
    return list;
}

/* With credentials a browser takes `*` for a name (Fetch standard 3.2.5). */
static void read_headers(jm_cors_t *cors, jm_compile_t *c,
                         const jm_json_t *node)
{
    int any;

    cors->headers = read_names(&any, c, node, "allow_headers");
    if (any && cors->credentials) {
        cors->echo_headers = 1;
        cors->headers = NULL;
    }
    else if (any) {
        cors->headers = join(c->p, cors->headers, jm_str("*"));
    }
}

static void read_expose(jm_cors_t *cors, jm_compile_t *c,
                        const jm_json_t *node)
{
    int any;

    cors->expose = read_names(&any, c, node, "expose_headers");
    if (any && cors->credentials) {
        jm_json_diag(c->diags, JM_WARNING,
                     jm_member_find(node, "expose_headers"), "\"*\" exposes "
                     "nothing where credentials are allowed, and is left "
                     "out: name the header fields");
    }
    else if (any) {
        cors->expose = join(c->p, cors->expose, jm_str("*"));
    }
}

void jm_compile_cors(jm_compile_t *c)
{
    const jm_json_t *node = jm_member_find(c->root, "cors");
    apr_int64_t max_age = -1;
    jm_cors_t *cors;

    if (!node || node->type == JM_JSON_NULL) {
        return;
    }
    if (node->type != JM_JSON_OBJECT) {
        jm_member_wrong(&c->subst, node, "an object");
        return;
    }
    cors = apr_pcalloc(c->p, sizeof(*cors));
    c->table->cors = cors;
    jm_member_check(&c->subst, node, cors_members);
    jm_member_bool(&cors->credentials, &c->subst, node, "allow_credentials");
    read_origins(cors, c, node);
    read_methods(cors, c, node);
    read_headers(cors, c, node);
    read_expose(cors, c, node);
    jm_member_int(&max_age, &c->subst, node, "max_age", 0, APR_INT32_MAX);
    cors->max_age = (int)max_age;
}
