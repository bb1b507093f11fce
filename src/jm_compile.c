/*
 * jm_compile.c: top level of the route table: calls the parts in order and
 * hands out a table only if none of them reported an error. Reads the table
 * file; touches the pools it was given.
 */
#include "jm_compile_state.h"

#include "jm_cleanse.h"
#include "jm_file.h"
#include "jm_route.h"

static const char *const top_members[] = {
    "$schema", "title", "servers", "variables", "authorizer", "authorizers",
    "cors", "paths", "unmatched", "services", "serviceBindings",
    "servicesBindings", "description", "summary", "tags", NULL
};

static void read_variables(jm_compile_t *c)
{
    const jm_json_t *node;

    if (jm_member_typed(&node, &c->subst, c->root, "variables",
                        JM_JSON_OBJECT) == JM_MEMBER_OK) {
        c->variables = jm_subst_copy(&c->subst, c->p, node, 1);
    }
}

static void read_unmatched(jm_compile_t *c)
{
    static const char *const words[] = { "deny", "pass", NULL };
    const jm_json_t *node;
    jm_str_t text;

    if (jm_member_string(&text, &node, &c->subst, c->root, "unmatched")
        != JM_MEMBER_OK) {
        return;
    }
    c->table->unmatched_pass = jm_str_is(text, "pass");
    if (!c->table->unmatched_pass && !jm_str_is(text, "deny")) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"%s\" is neither \"deny\" "
                     "nor \"pass\"%s", node->text.ptr,
                     jm_diag_hint(c->ptemp, text.ptr, words));
    }
}

static void list_servers(jm_compile_t *c)
{
    const jm_server_t **list;
    int i;

    list = apr_pcalloc(c->p, ((unsigned)c->servers->nelts + 1)
                             * sizeof(*list));
    for (i = 0; i < c->servers->nelts; i++) {
        jm_compile_server_t *s = &APR_ARRAY_IDX(c->servers, i,
                                                jm_compile_server_t);

        if (s->used) {
            list[c->table->server_count++] = s->server;
        }
    }
    c->table->servers = list;
}

static void list_routes(jm_compile_t *c)
{
    const jm_route_t **list;
    int i;

    list = apr_pcalloc(c->p, ((unsigned)c->routes->nelts + 1)
                             * sizeof(*list));
    for (i = 0; i < c->routes->nelts; i++) {
        jm_route_t *route = APR_ARRAY_IDX(c->routes, i,
                                          jm_compile_route_t *)->route;

        route->index = (unsigned)i;
        list[i] = route;
        c->table->has_own |= route->server || route->response.ptr;
    }
    c->table->routes = list;
    c->table->route_count = (unsigned)c->routes->nelts;
}

static void compile_members(jm_compile_t *c)
{
    jm_member_check(&c->subst, c->root, top_members);
    c->from_origin = jm_compile_origin_like(c->root);
    read_unmatched(c);
    read_variables(c);
    jm_compile_cors(c);
    jm_compile_servers(c);
    jm_compile_authorizers(c);
    jm_compile_routes(c);
    jm_compile_server_urls(c);
    jm_compile_pass_check(c);
    jm_compile_origin_warn(c);
    list_servers(c);
    list_routes(c);
    if (c->variables) {
        c->variables->parent = NULL;
    }
}

static jm_table_t *make_table(apr_pool_t *p, const char *file)
{
    jm_table_t *table = apr_pcalloc(p, sizeof(*table));

    table->file = apr_pstrdup(p, file);
    table->router = jm_router_make(p);
    return table;
}

static void compile_root(jm_compile_t *c, const char *file,
                         const jm_compile_env_t *env)
{
    jm_subst_init(&c->subst, c->ptemp, c->diags, env);
    c->folder = env->base_dir ? env->base_dir
                              : jm_file_folder(c->ptemp, file);
    c->table = make_table(c->p, file);
    c->servers = apr_array_make(c->ptemp, 8, sizeof(jm_compile_server_t));
    c->server_names = apr_hash_make(c->ptemp);
    c->authorizers = apr_array_make(c->p, 4, sizeof(jm_authorizer_t *));
    c->authorizer_names = apr_hash_make(c->ptemp);
    c->watches = apr_array_make(c->p, 4, sizeof(jm_watch_t *));
    c->routes = apr_array_make(c->ptemp, 64, sizeof(jm_compile_route_t *));
    c->route_of = apr_hash_make(c->ptemp);
    c->mapped_query = jm_query_names_make(c->p);
    c->line = 1;
    compile_members(c);
    c->table->reserved_query = c->mapped_query;
    c->table->authorizers = (const jm_authorizer_t *const *)
                            c->authorizers->elts;
    c->table->authorizer_count = (unsigned)c->authorizers->nelts;
    c->table->watches = (const jm_watch_t *const *)c->watches->elts;
    c->table->watch_count = (unsigned)c->watches->nelts;
}

apr_status_t jm_compile_text(const jm_table_t **ptable, jm_diags_t *diags,
                             apr_pool_t *p, apr_pool_t *ptemp,
                             const char *file, jm_str_t source,
                             const jm_compile_env_t *env)
{
    static const jm_compile_env_t nothing = { NULL, NULL, NULL, NULL, 0, 0 };
    jm_compile_t c = { .p = p, .ptemp = ptemp, .diags = diags };
    jm_json_error_t error = { 0, "", "out of memory" };

    *ptable = NULL;
    jm_diag_init(diags, ptemp, file, source);
    if (jm_json_parse(&c.root, &error, ptemp, source) != APR_SUCCESS) {
        jm_diag_add(diags, JM_ERROR, error.offset, error.pointer, "%s",
                    error.message);
        return APR_EINVAL;
    }
    jm_cleanse_tree(ptemp, c.root);
    if (c.root->type != JM_JSON_OBJECT) {
        jm_json_diag(diags, JM_ERROR, c.root, "must be an object, not %s: "
                     "write {\"paths\": [...]}", jm_json_type_name(c.root));
        return APR_EINVAL;
    }
    compile_root(&c, file, env ? env : &nothing);
    jm_diag_sort(diags, ptemp);
    if (diags->errors) {
        return APR_EINVAL;
    }
    *ptable = c.table;
    return APR_SUCCESS;
}

apr_status_t jm_compile_file(const jm_table_t **ptable, jm_diags_t *diags,
                             apr_pool_t *p, apr_pool_t *ptemp,
                             const char *file, const jm_compile_env_t *env)
{
    const char *error;
    jm_str_t source;

    *ptable = NULL;
    if (jm_file_read(&source, &error, ptemp, file, JM_TABLE_FILE_MAX)
        != APR_SUCCESS) {
        jm_diag_init(diags, ptemp, file, jm_strn(NULL, 0));
        jm_diag_file(diags, "cannot be read: %s", error);
        return APR_EINVAL;
    }
    return jm_compile_text(ptable, diags, p, ptemp, file, source, env);
}
