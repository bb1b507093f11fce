/*
 * jm_compile_access.c: `auth` and `require` of a route. Touches the state of
 * the compilation only.
 */
#include "jm_compile_state.h"

#include "jm_choice.h"
#include "jm_credential.h"

/* Words that would have stood for themselves without quotes. */
static const char *bare_word(jm_str_t text)
{
    return jm_str_is(text, "true") || jm_str_is(text, "false")
           || jm_str_is(text, "null")
           ? ": write it without quotes" : NULL;
}

static const char *const *auth_words(const jm_compile_t *c, int with_optional)
{
    apr_array_header_t *words = apr_array_make(c->ptemp, 8, sizeof(char *));
    int i;

    if (with_optional) {
        APR_ARRAY_PUSH(words, const char *) = "optional";
    }
    for (i = 0; i < c->authorizers->nelts; i++) {
        APR_ARRAY_PUSH(words, const char *) =
            APR_ARRAY_IDX(c->authorizers, i, jm_authorizer_t *)->name;
    }
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return (const char *const *)words->elts;
}

/* What to write for a name that is none. */
static const char *name_hint(jm_compile_t *c, jm_str_t name,
                             int with_optional)
{
    static const char *const bare[] = { "true", "false", NULL };
    const char *const *words = auth_words(c, with_optional);
    const char *hint = jm_diag_hint(c->ptemp, name.ptr, words);

    if (*hint) {
        return hint;
    }
    if (with_optional && jm_diag_nearest(name.ptr, bare)) {
        return apr_psprintf(c->ptemp, ": write %s without quotes",
                            jm_diag_nearest(name.ptr, bare));
    }
    if (!with_optional && jm_str_is(name, "optional")) {
        return ": \"optional\" stands alone, and is of the default one";
    }
    if (c->authorizers->nelts == 0) {
        return ": add \"authorizer\" or \"authorizers\" to the table";
    }
    hint = with_optional ? ": write true, false," : ": write";
    for (; *words; words++) {
        hint = apr_pstrcat(c->ptemp, hint, " \"", *words, "\"",
                           words[1] ? "," : "", NULL);
    }
    return hint;
}

static const jm_authorizer_t *find_authorizer(jm_compile_t *c,
                                              const jm_item_t *item,
                                              int with_optional)
{
    const jm_authorizer_t *a = apr_hash_get(c->authorizer_names,
                                            item->text.ptr,
                                            (apr_ssize_t)item->text.len);
    const char *hint;

    if (a || item->unknown) {
        return a;
    }
    hint = bare_word(item->text);
    if (!hint) {
        hint = name_hint(c, item->text, with_optional);
    }
    jm_json_diag(c->diags, JM_ERROR, item->node, "no authorizer is called "
                 "\"%s\"%s", item->node->text.ptr, hint);
    return NULL;
}

static void use_standard(jm_route_t *route, jm_compile_t *c,
                         const jm_json_t *node)
{
    if (c->standard) {
        route->authorizers = c->standard;
        route->authorizer_count = 1;
        return;
    }
    jm_json_diag(c->diags, JM_ERROR, node, "there is no default authorizer: "
                 "%s", c->authorizers->nelts
                 ? "name one of \"authorizers\", or add \"authorizer\""
                 : "add \"authorizer\" to the table");
}

static int share_issuer(const jm_authorizer_t *a, const jm_authorizer_t *b)
{
    unsigned i;
    unsigned k;

    for (i = 0; i < a->policy.issuer_count; i++) {
        for (k = 0; k < b->policy.issuer_count; k++) {
            if (jm_str_eq(a->policy.issuers[i], b->policy.issuers[k])) {
                return 1;
            }
        }
    }
    return 0;
}

/* The issuer selects, so it must tell this one from those before it. */
static void check_selection(jm_compile_t *c, const jm_json_t *node,
                            const jm_authorizer_t *const *list, unsigned i)
{
    unsigned k;

    if (list[i]->policy.issuer_count == 0) {
        jm_json_diag(c->diags, JM_ERROR, node, "the authorizer \"%s\" has no "
                     "issuer, which is what chooses among several: add "
                     "\"issuer\" to it", list[i]->name);
    }
    for (k = 0; k < i; k++) {
        if (list[k] == list[i]) {
            jm_json_diag(c->diags, JM_ERROR, node, "\"%s\" stands twice: "
                         "remove one", list[i]->name);
            return;
        }
        if (share_issuer(list[k], list[i])) {
            jm_json_diag(c->diags, JM_ERROR, node, "the authorizers \"%s\" "
                         "and \"%s\" have the same issuer, which is what "
                         "chooses between them: name one of the two",
                         list[k]->name, list[i]->name);
        }
    }
}

/* 1 if one of the count has all the sources of a. */
static int is_covered(const jm_authorizer_t *const *list, unsigned count,
                      const jm_authorizer_t *a)
{
    unsigned i;
    unsigned k;

    for (i = 0; i < count; i++) {
        jm_credential_t cred = { { NULL, 0 }, NULL, NULL, NULL };
        int covered = 1;

        for (k = 0; covered && k < a->header_count; k++) {
            cred.source = &a->headers[k];
            covered = jm_credential_from(&cred, list[i]);
        }
        cred.source = NULL;
        for (k = 0; covered && k < a->cookie_count; k++) {
            cred.cookie = a->cookies[k];
            covered = jm_credential_from(&cred, list[i]);
        }
        if (covered) {
            return 1;
        }
    }
    return 0;
}

/* A route of hundreds of issuers costs a request what one of one does. */
static void index_authorizers(jm_route_t *route, jm_compile_t *c)
{
    const jm_authorizer_t **list;
    unsigned i;

    list = apr_pcalloc(c->p, (route->authorizer_count + 1) * sizeof(*list));
    for (i = 0; i < route->authorizer_count; i++) {
        if (!is_covered(list, route->searched_count,
                        route->authorizers[i])) {
            list[route->searched_count++] = route->authorizers[i];
        }
    }
    route->searched = list;
    if (route->authorizer_count > 1) {
        route->issuers = jm_choice_issuers(c->p, route->authorizers,
                                           route->authorizer_count);
    }
}

static void use_named(jm_route_t *route, jm_compile_t *c,
                      const jm_json_t *node)
{
    int lone = jm_member_find(node, "auth")->type == JM_JSON_STRING;
    const jm_authorizer_t **list;
    const jm_item_t *items;
    unsigned count;
    unsigned i;

    jm_member_items(&items, &count, &c->subst, node, "auth", 1, 0);
    list = apr_pcalloc(c->p, (count + 1) * sizeof(*list));
    for (i = 0; i < count; i++) {
        const jm_authorizer_t *a = find_authorizer(c, &items[i], lone);

        if (a) {
            list[route->authorizer_count] = a;
            if (count > 1) {
                check_selection(c, items[i].node, list,
                                route->authorizer_count);
            }
            route->authorizer_count++;
        }
    }
    route->authorizers = list;
}

static int is_options_only(const jm_route_t *route)
{
    return !route->any_method && route->method_count == 1
           && !strcmp(route->methods[0], "OPTIONS");
}

/* `auth` omitted or null. at is where to say so. */
static void use_nothing(jm_route_t *route, jm_compile_t *c,
                        const jm_json_t *at)
{
    if (c->authorizers->nelts == 0) {
        route->auth = JM_AUTH_NONE;
    }
    else if (c->table->cors && is_options_only(route)) {
        route->auth = JM_AUTH_NONE;
        jm_json_diag(c->diags, JM_WARNING, at, "\"auth\" is omitted, so this "
                     "OPTIONS route is public, because a preflight carries "
                     "no credentials: write \"auth\": false");
    }
    else if (!c->standard) {
        jm_json_diag(c->diags, JM_ERROR, at, "\"auth\" is missing, and of "
                     "several authorizers none is the default one: write "
                     "\"auth\" with the name of one, or false");
    }
    else {
        use_standard(route, c, at);
        jm_json_diag(c->diags, JM_WARNING, at, "\"auth\" is omitted, so a "
                     "token is required: write \"auth\": true, or false for "
                     "a public route");
    }
}

static void read_auth_string(jm_route_t *route, jm_compile_t *c,
                             const jm_json_t *node, const jm_json_t *auth)
{
    jm_str_t text;

    if (jm_member_text(&text, &c->subst, auth) == JM_MEMBER_OK
        && jm_str_is(text, "optional")) {
        route->auth = JM_AUTH_OPTIONAL;
        use_standard(route, c, auth);
        return;
    }
    use_named(route, c, node);
}

static void read_auth(jm_compile_route_t *r, jm_compile_t *c)
{
    const jm_json_t *auth = jm_member_find(r->node, "auth");
    jm_route_t *route = r->route;

    /* Only what is known to be public is. */
    route->auth = JM_AUTH_REQUIRED;
    r->auth_given = auth && auth->type != JM_JSON_NULL;
    if (!r->auth_given) {
        use_nothing(route, c, auth ? auth : r->node);
        return;
    }
    switch (auth->type) {
    case JM_JSON_BOOL:
        if (auth->truth) {
            use_standard(route, c, auth);
        }
        else {
            route->auth = JM_AUTH_NONE;
        }
        return;
    case JM_JSON_STRING:
        read_auth_string(route, c, r->node, auth);
        return;
    case JM_JSON_ARRAY:
        use_named(route, c, r->node);
        return;
    default:
        jm_member_wrong(&c->subst, auth, "true, false, \"optional\", the "
                        "name of an authorizer or an array of names");
    }
}

/* An OPTIONS route answers preflights in place of `cors`; one that asks for
 * a token refuses them all. */
static void check_preflight(const jm_compile_route_t *r, jm_compile_t *c)
{
    unsigned i;

    if (!c->table->cors || r->route->auth != JM_AUTH_REQUIRED) {
        return;
    }
    for (i = 0; i < r->route->method_count; i++) {
        if (!strcmp(r->route->methods[i], "OPTIONS")) {
            jm_json_diag(c->diags, JM_WARNING,
                         jm_member_find(r->node, "method"), "preflights of "
                         "this path come here and not to \"cors\", and are "
                         "refused, because they carry no credentials: take "
                         "OPTIONS out, or give it a route with \"auth\": "
                         "false");
        }
    }
}

static int is_scalar(const jm_json_t *node)
{
    return node->type == JM_JSON_STRING || node->type == JM_JSON_NUMBER
           || node->type == JM_JSON_BOOL;
}

static void read_values(jm_require_t *require, jm_compile_t *c,
                        const jm_json_t *node)
{
    int many = node->type == JM_JSON_ARRAY;
    unsigned count = many ? node->count : 1;
    const jm_json_t **values;
    unsigned i;

    if (many && count == 0) {
        jm_json_diag(c->diags, JM_ERROR, node, "an empty array never holds: "
                     "name the values that do");
    }
    values = apr_pcalloc(c->p, (count + 1) * sizeof(*values));
    require->values = values;
    for (i = 0; i < count; i++) {
        const jm_json_t *value = many ? &node->items[i] : node;
        jm_json_t *copy;

        if (!is_scalar(value)) {
            jm_member_wrong(&c->subst, value, "a string, a number, true or "
                            "false, or an array of those");
            continue;
        }
        copy = jm_subst_copy(&c->subst, c->p, value, 1);
        copy->parent = NULL;
        values[require->count++] = copy;
    }
}

static void read_entry(jm_require_t *require, jm_compile_t *c,
                       const jm_json_t *node)
{
    const char *error = NULL;
    jm_str_t name = jm_str_dup(c->p, node->name);

    require->name = name.ptr;
    if (name.len == 0 || name.ptr[0] == '$') {
        jm_json_diag_name(c->diags, JM_ERROR, node, "\"%s\" is no path of a "
                          "claim: write it alone, as in \"role\"", name.ptr);
    }
    else if (jm_path_of_name(&require->path, &error, c->p, name)
             != APR_SUCCESS) {
        jm_json_diag_name(c->diags, JM_ERROR, node, "\"%s\" is no path of a "
                          "claim: %s", name.ptr, error);
    }
    read_values(require, c, node);
}

static void read_require(jm_compile_route_t *r, jm_compile_t *c)
{
    const jm_json_t *node;
    jm_require_t *list;
    unsigned i;

    if (jm_member_typed(&node, &c->subst, r->node, "require",
                        JM_JSON_OBJECT) != JM_MEMBER_OK) {
        return;
    }
    if (r->route->auth == JM_AUTH_NONE) {
        jm_json_diag_name(c->diags, JM_ERROR, node, "the route is public, so "
                          "there are no claims to look at: write \"auth\": "
                          "true, or remove \"require\"");
    }
    list = apr_pcalloc(c->p, (node->count + 1) * sizeof(*list));
    for (i = 0; i < node->count; i++) {
        read_entry(&list[i], c, &node->items[i]);
    }
    r->route->require = list;
    r->route->require_count = node->count;
}

void jm_compile_access(jm_compile_route_t *r, jm_compile_t *c)
{
    read_auth(r, c);
    index_authorizers(r->route, c);
    check_preflight(r, c);
    read_require(r, c);
}
