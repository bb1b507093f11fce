/*
 * jm_member.c: typed access to the members of the route table. Touches the
 * diagnostics and pools only.
 */
#include "jm_member.h"

#include "jm_hint.h"

static const char *const type_texts[] = {
    [JM_JSON_NULL] = "null", [JM_JSON_BOOL] = "true or false",
    [JM_JSON_NUMBER] = "a number", [JM_JSON_STRING] = "a string",
    [JM_JSON_ARRAY] = "an array", [JM_JSON_OBJECT] = "an object"
};

int jm_member_is_comment(jm_str_t name)
{
    return (name.len >= 2 && !memcmp(name.ptr, "x-", 2))
           || jm_str_is(name, "description") || jm_str_is(name, "summary")
           || jm_str_is(name, "tags");
}

static int is_listed(jm_str_t name, const char *const *names)
{
    for (; *names; names++) {
        if (jm_str_is(name, *names)) {
            return 1;
        }
    }
    return 0;
}

void jm_member_check(const jm_subst_t *s, const jm_json_t *object,
                     const char *const *names)
{
    unsigned i;

    for (i = 0; i < object->count; i++) {
        const jm_json_t *item = &object->items[i];

        if (is_listed(item->name, names) || jm_member_is_comment(item->name)) {
            continue;
        }
        jm_json_diag_name(s->diags, JM_ERROR, item,
                          "\"%s\" is not known here%s", item->name.ptr,
                          jm_hint_member(s->p, item->name.ptr, names));
    }
}

const jm_json_t *jm_member_find(const jm_json_t *object, const char *name)
{
    return jm_json_get(object, jm_str(name));
}

void jm_member_wrong(const jm_subst_t *s, const jm_json_t *node,
                     const char *what)
{
    jm_json_e want = JM_JSON_NULL;
    unsigned i;

    for (i = 0; i < sizeof(type_texts) / sizeof(type_texts[0]); i++) {
        want = strcmp(what, type_texts[i]) ? want : (jm_json_e)i;
    }
    jm_json_diag(s->diags, JM_ERROR, node, "must be %s, not %s%s", what,
                 jm_json_type_name(node), jm_hint_value(s->p, node, want));
}

jm_member_e jm_member_typed(const jm_json_t **pnode, const jm_subst_t *s,
                            const jm_json_t *object, const char *name,
                            jm_json_e type)
{
    const jm_json_t *node = jm_member_find(object, name);

    *pnode = NULL;
    if (!node) {
        return JM_MEMBER_ABSENT;
    }
    if (node->type != type) {
        jm_member_wrong(s, node, type_texts[type]);
        return JM_MEMBER_WRONG;
    }
    *pnode = node;
    return JM_MEMBER_OK;
}

jm_member_e jm_member_text(jm_str_t *pout, const jm_subst_t *s,
                           const jm_json_t *node)
{
    *pout = jm_strn(NULL, 0);
    if (node->type != JM_JSON_STRING) {
        jm_member_wrong(s, node, "a string");
        return JM_MEMBER_WRONG;
    }
    switch (jm_subst_text(pout, s, node, 0)) {
    case JM_SUBST_PLACEHOLDER:
        return JM_MEMBER_UNKNOWN;
    case JM_SUBST_OK:
        break;
    default:
        return JM_MEMBER_WRONG;
    }
    if (pout->len == 0 && node->text.len > 0) {
        jm_json_diag(s->diags, JM_ERROR, node, "\"%s\" is set to an empty "
                     "text: give it a value", node->text.ptr);
        return JM_MEMBER_WRONG;
    }
    if (pout->len == 0) {
        jm_json_diag(s->diags, JM_ERROR, node, "must not be empty: write a "
                     "text, or remove it");
        return JM_MEMBER_WRONG;
    }
    if (memchr(pout->ptr, '\0', pout->len)) {
        jm_json_diag(s->diags, JM_ERROR, node, "must not hold a NUL: take "
                     "it out");
        *pout = jm_strn(NULL, 0);
        return JM_MEMBER_WRONG;
    }
    return JM_MEMBER_OK;
}

jm_member_e jm_member_string(jm_str_t *pout, const jm_json_t **pnode,
                             const jm_subst_t *s, const jm_json_t *object,
                             const char *name)
{
    const jm_json_t *node = jm_member_find(object, name);

    *pout = jm_strn(NULL, 0);
    if (pnode) {
        *pnode = node;
    }
    return node ? jm_member_text(pout, s, node) : JM_MEMBER_ABSENT;
}

static void wrong_items(const jm_subst_t *s, const jm_json_t *node, int lone)
{
    if (!lone && node->type == JM_JSON_STRING) {
        jm_json_diag(s->diags, JM_ERROR, node, "must be an array of strings, "
                     "not a string: write [\"%s\"]", node->text.ptr);
        return;
    }
    jm_member_wrong(s, node, lone ? "a string or an array of strings"
                                  : "an array of strings");
}

jm_member_e jm_member_items(const jm_item_t **pitems, unsigned *pcount,
                            const jm_subst_t *s, const jm_json_t *object,
                            const char *name, int lone, int may_be_empty)
{
    const jm_json_t *node = jm_member_find(object, name);
    jm_member_e result = JM_MEMBER_OK;
    jm_item_t *items;
    unsigned count;
    unsigned i;

    *pitems = NULL;
    *pcount = 0;
    if (!node) {
        return JM_MEMBER_ABSENT;
    }
    if (node->type != JM_JSON_ARRAY
        && !(lone && node->type == JM_JSON_STRING)) {
        wrong_items(s, node, lone);
        return JM_MEMBER_WRONG;
    }
    lone = node->type == JM_JSON_STRING;
    count = lone ? 1 : node->count;
    if (count == 0 && !may_be_empty) {
        jm_json_diag(s->diags, JM_ERROR, node, "must not be empty: name at "
                     "least one, or remove \"%s\"", name);
        return JM_MEMBER_WRONG;
    }
    items = apr_pcalloc(s->p, (count + 1) * sizeof(*items));
    for (i = 0; i < count; i++) {
        jm_item_t *item = &items[*pcount];
        jm_member_e e;

        item->node = lone ? node : &node->items[i];
        e = jm_member_text(&item->text, s, item->node);
        item->unknown = e == JM_MEMBER_UNKNOWN;
        if (e == JM_MEMBER_WRONG) {
            result = JM_MEMBER_WRONG;
            continue;
        }
        (*pcount)++;
    }
    *pitems = items;
    return result;
}

jm_member_e jm_member_bool(int *pout, const jm_subst_t *s,
                           const jm_json_t *object, const char *name)
{
    const jm_json_t *node;
    jm_member_e e = jm_member_typed(&node, s, object, name, JM_JSON_BOOL);

    if (e == JM_MEMBER_OK) {
        *pout = (int)node->truth;
    }
    return e;
}

/* jm_json_seconds rounds up: a fraction is what does not equal its result. */
int jm_member_is_whole(apr_int64_t *pout, apr_pool_t *p,
                       const jm_json_t *node)
{
    jm_json_t rounded = { .type = JM_JSON_NUMBER };

    if (jm_json_seconds(pout, node) != APR_SUCCESS) {
        return 0;
    }
    rounded.text = jm_str(apr_psprintf(p, "%" APR_INT64_T_FMT, *pout));
    return jm_json_scalar_eq(&rounded, node);
}

jm_member_e jm_member_int(apr_int64_t *pout, const jm_subst_t *s,
                          const jm_json_t *object, const char *name,
                          apr_int64_t min, apr_int64_t max)
{
    const jm_json_t *node = jm_member_find(object, name);
    apr_int64_t value = 0;

    if (!node) {
        return JM_MEMBER_ABSENT;
    }
    if (!jm_member_is_whole(&value, s->p, node) || value < min || value > max) {
        jm_json_diag(s->diags, JM_ERROR, node, "must be a whole number from %"
                     APR_INT64_T_FMT " to %" APR_INT64_T_FMT "%s%s%s", min,
                     max, node->type == JM_JSON_NUMBER ? "" : ", not ",
                     node->type == JM_JSON_NUMBER ? ""
                                                  : jm_json_type_name(node),
                     jm_hint_value(s->p, node, JM_JSON_NUMBER));
        return JM_MEMBER_WRONG;
    }
    *pout = value;
    return JM_MEMBER_OK;
}
