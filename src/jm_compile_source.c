/*
 * jm_compile_source.c: `from_headers` and `from_cookies`: where a request
 * carries its credential. Touches the state of the compilation only.
 */
#include "jm_compile_state.h"

#include "jm_header.h"

static const char *const source_members[] = { "name", "value_prefix", NULL };

static const jm_source_t authorization = {
    "Authorization", { "", 0 }, 1
};

/* "Bearer", in any case, with or without the blank behind it. */
static int is_bearer(jm_str_t prefix)
{
    return (prefix.len == 6 || (prefix.len == 7 && prefix.ptr[6] == ' '))
           && !strncasecmp(prefix.ptr, "Bearer", 6);
}

static int is_printable(jm_str_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c >= 0x7F) {
            return 0;
        }
    }
    return 1;
}

/* The name of a field that may carry a token; *pname empty: reported. */
static void read_name(jm_str_t *pname, jm_compile_t *c,
                      const jm_json_t *node)
{
    const jm_json_t *at;
    jm_member_e e = jm_member_string(pname, &at, &c->subst, node, "name");
    jm_header_e kind;

    if (e == JM_MEMBER_ABSENT) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"name\" is missing: write "
                     "the name of the header field");
    }
    if (e != JM_MEMBER_OK) {
        return;
    }
    kind = jm_header_kind(*pname);
    if (kind == JM_HEADER_SYNTAX || kind == JM_HEADER_FRAMING) {
        jm_json_diag(c->diags, JM_ERROR, at, "\"%s\" %s", at->text.ptr,
                     kind == JM_HEADER_SYNTAX
                     ? "is no name of a header field: write letters, digits "
                       "and \"-\""
                     : "belongs to the connection and carries no token: name "
                       "another field");
        *pname = jm_strn(NULL, 0);
    }
    else if (!strcasecmp(pname->ptr, "cookie")) {
        jm_json_diag(c->diags, JM_ERROR, at, "a token in a cookie is named "
                     "in \"from_cookies\": write \"from_cookies\": "
                     "[\"NAME\"]");
        *pname = jm_strn(NULL, 0);
    }
}

/* May be empty, unlike other strings. */
static void read_prefix(jm_str_t *pprefix, jm_compile_t *c,
                        const jm_json_t *node)
{
    const jm_json_t *at = jm_member_find(node, "value_prefix");

    *pprefix = jm_str("");
    if (!at) {
        return;
    }
    if (at->type != JM_JSON_STRING) {
        jm_member_wrong(&c->subst, at, "a string");
        return;
    }
    jm_subst_text(pprefix, &c->subst, at, 0);
    if (!is_printable(*pprefix)) {
        jm_json_diag(c->diags, JM_ERROR, at, "a prefix has visible ASCII "
                     "characters and blanks only: write as in \"Token \"");
    }
}

static int is_same(const jm_source_t *a, const jm_source_t *b)
{
    return !strcasecmp(a->header, b->header) && a->bearer == b->bearer
           && jm_str_eq(a->prefix, b->prefix);
}

static void read_source(apr_array_header_t *list, jm_compile_t *c,
                        const jm_json_t *node)
{
    jm_source_t source = { NULL, { "", 0 }, 0 };
    jm_str_t prefix;
    jm_str_t name;
    int i;

    if (node->type != JM_JSON_OBJECT) {
        jm_member_wrong(&c->subst, node, "an object");
        return;
    }
    jm_member_check(&c->subst, node, source_members);
    read_name(&name, c, node);
    read_prefix(&prefix, c, node);
    if (name.len == 0) {
        return;
    }
    source.header = jm_str_dup(c->p, name).ptr;
    source.bearer = is_bearer(prefix)
                    && !strcasecmp(name.ptr, "Authorization");
    if (!source.bearer) {
        source.prefix = jm_str_dup(c->p, prefix);
    }
    for (i = 0; i < list->nelts; i++) {
        if (is_same(&source, &APR_ARRAY_IDX(list, i, jm_source_t))) {
            jm_json_diag(c->diags, JM_ERROR, node, "the same header field "
                         "and prefix stand twice: remove one");
            return;
        }
    }
    APR_ARRAY_PUSH(list, jm_source_t) = source;
}

/* 1 if the member is there. */
static int read_headers(jm_authorizer_t *a, jm_compile_t *c,
                        const jm_json_t *node)
{
    apr_array_header_t *list = apr_array_make(c->p, 2, sizeof(jm_source_t));
    const jm_json_t *array;
    jm_member_e e = jm_member_typed(&array, &c->subst, node, "from_headers",
                                    JM_JSON_ARRAY);
    unsigned i;

    if (e != JM_MEMBER_OK) {
        return e != JM_MEMBER_ABSENT;
    }
    if (array->count == 0) {
        jm_json_diag(c->diags, JM_ERROR, array, "must not be empty: name at "
                     "least one header field, or remove \"from_headers\"");
    }
    for (i = 0; i < array->count; i++) {
        read_source(list, c, &array->items[i]);
    }
    a->headers = (const jm_source_t *)list->elts;
    a->header_count = (unsigned)list->nelts;
    return 1;
}

static int read_cookies(jm_authorizer_t *a, jm_compile_t *c,
                        const jm_json_t *node)
{
    const jm_item_t *items;
    const char **names;
    unsigned count;
    unsigned i;

    if (jm_member_items(&items, &count, &c->subst, node, "from_cookies", 0, 0)
        == JM_MEMBER_ABSENT) {
        return 0;
    }
    names = apr_pcalloc(c->p, (count + 1) * sizeof(*names));
    for (i = 0; i < count; i++) {
        /* RFC 6265 4.1.1: a cookie's name is a token, as a field's is. */
        if (jm_header_kind(items[i].text) == JM_HEADER_SYNTAX
            && !items[i].unknown) {
            jm_json_diag(c->diags, JM_ERROR, items[i].node, "\"%s\" is no "
                         "name of a cookie: write letters, digits, \"-\" and "
                         "\"_\"", items[i].node->text.ptr);
        }
        names[i] = jm_str_dup(c->p, items[i].text).ptr;
    }
    a->cookies = names;
    a->cookie_count = count;
    return 1;
}

void jm_compile_sources(jm_authorizer_t *authorizer, jm_compile_t *c,
                        const jm_json_t *node)
{
    int headers = read_headers(authorizer, c, node);
    int cookies = read_cookies(authorizer, c, node);

    /* Whoever names sources has named all of them. */
    if (!headers && !cookies) {
        authorizer->headers = &authorization;
        authorizer->header_count = 1;
    }
}
